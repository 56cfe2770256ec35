"""Checks the Go sources of engine/ where this machine has Go."""

import subprocess
import sys
from pathlib import Path

from engine import cache, golang, running
from engine.errors import EngineError
from engine.parts import CLI
from engine.workshop import GO_ENVIRONMENT


def vet() -> None:
    """Check the format of all Go sources, and vet the Python host if it was built on this machine.

    Vetting compiles all that a module requires, which only a build has done already. The plugin's
    two pages aren't vetted: `go vet` would read the whole upstream provider for minutes.
    Raises EngineError naming the files or the findings.
    """
    go = golang.present(cache.SOURCES)
    if go is None:
        print("engine: no Go on this machine, so the Go sources aren't checked", file=sys.stderr)
        return
    _check_format(go)
    if CLI.complete:
        running.run(
            [str(go), "vet", "-trimpath", "./cmd/..."],
            "vet engine/cli",
            log=cache.folder() / "vet.log",
            seconds=30,
            folder=CLI.sources,
            environment=GO_ENVIRONMENT,
        )


def _check_format(go: Path) -> None:
    command = [str(go.with_name("gofmt")), "-l", str(cache.SOURCES)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode or result.stdout:
        raise EngineError(f"gofmt would change:\n{result.stdout}{result.stderr}  Run gofmt -w on them.")
