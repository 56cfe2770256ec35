"""What the examples need on this computer: the programs, and the packages that their lock files name."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import packages
from tests.examples import server
from tests.examples.server import Server

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def programs() -> None:
    """Node.js, PHP and what else an application may be written in."""
    packages.require(packages.APPLICATIONS)


@pytest.fixture(scope="module")
def machine(programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A prepared server."""
    with server.running(tmp_path_factory.mktemp("machine")) as running:
        yield running


@pytest.fixture(scope="session")
def fetched(programs: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The packages of every example's lock file are in npm's cache, which is what a machine can install."""
    for lock in EXAMPLES.glob("*/app/package-lock.json"):
        folder = tmp_path_factory.mktemp("npm")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(lock.with_name(name), folder)
        subprocess.run(
            ["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True
        )
