"""An application that pm2 keeps up, in its cluster mode."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from luodi.apps import user
from tests.examples.server import Server
from tests.examples.test_applications import NAME, release

pytestmark = pytest.mark.slow


def test_pm2_runs_as_many_processes_as_are_asked_for(machine: Server, tmp_path: Path) -> None:
    package = {"name": "shop", "version": "1.0.0", "private": True, "dependencies": {"pm2": "^6.0.0"}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    quiet = ("--no-audit", "--no-fund", "--prefer-offline")
    for command in (["install", "--omit-lockfile-registry-resolved"], ["ci"]):  # the second fills npm's cache
        subprocess.run(["npm", *command, *quiet], cwd=tmp_path, check=True, capture_output=True)
    extra = {
        f"sites/{NAME}/app/{name}": (tmp_path / name).read_bytes() for name in ("package.json", "package-lock.json")
    }
    app: dict[str, Any] = {"runner": "pm2", "processes": 2, "command": ["server.js"], "memory": 1024, "start": 60}
    machine.deliver(release("one", extra=extra, **app))
    assert machine.get() == "one"
    workers = f"pgrep --count --uid {user(NAME)} --full 'app/server.js *$'"
    assert machine.run(workers) == "2"
    machine.deliver(release("two", extra=extra, **app))
    assert machine.get() == "two"
    assert machine.run(workers) == "2"
