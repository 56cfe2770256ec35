"""Environments: a staging stack made from another, and what two stacks differ in."""
