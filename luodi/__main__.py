"""``python -m luodi``: the commands, where the entry point is not on PATH."""

from luodi.cli import run

run()
