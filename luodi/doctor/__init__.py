"""Looks at a live site as a visitor, a regulator, WeChat and an attacker would: observations, judged by pure rules."""
