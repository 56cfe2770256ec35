"""The `systemctl` of a machine, and what the power commands are: asks the agent."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

SOCKET = "/run/systemd/private"


def main(name: str, arguments: list[str]) -> int:
    """Pass one command line on, print what comes back, return its exit code."""
    called = [] if name == "systemctl" else [name]
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(SOCKET)
            line.sendall(json.dumps([*called, *arguments]).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            print(f"System has no service manager to talk to: {error}", file=sys.stderr)
            return 1
    for text in answer["err"]:
        print(text, file=sys.stderr)
    try:
        for text in answer["out"]:
            print(text)
        sys.stdout.flush()
    except BrokenPipeError:  # `systemctl ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return int(answer["code"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).name, sys.argv[2:]))
