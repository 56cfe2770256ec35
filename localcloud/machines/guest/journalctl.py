"""The `journalctl` of a machine: what its services said, per unit."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path("/var/log/journal")
_WITH_VALUE = {"-u", "--unit", "-n", "--lines", "-o", "--output", "-S", "--since", "-U", "--until",
               "-p", "--priority", "-b", "--boot"}  # fmt: skip


def main(arguments: list[str]) -> None:
    """Print the last lines of the units asked for, or of all."""
    names: list[str] = []
    count = 1000
    follow = False
    position = 0
    while position < len(arguments):
        name, equals, value = arguments[position].partition("=")
        position += 1
        if not equals and name.startswith("-") and name[:2] != "--" and name[-1] in "un":
            name = f"-{name[-1]}"  # `-xeu nginx`
        if name in _WITH_VALUE and not equals and position < len(arguments):
            value = arguments[position]
            position += 1
        if name in {"-u", "--unit"}:
            names.append(value if value.endswith(".service") else f"{value}.service")
        elif name in {"-n", "--lines"} and value.isdigit():
            count = int(value)
        elif name in {"-f", "--follow"}:
            follow = True
    files = [FOLDER / f"{each}.log" for each in names] or sorted(FOLDER.glob("*.log"))
    present = [str(file) for file in files if file.exists()]
    if not present:
        print("-- No entries --")
        return
    options = ["-q", "-n", str(count), *(["-f"] if follow else [])]
    os.execvp("tail", ["tail", *options, *present])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
