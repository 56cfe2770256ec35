"""Machines for tests: real ones, on loopback addresses that no other test uses."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localcloud.machines.rehearsal import Rehearsal

_numbers = itertools.count(1)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as one:
        yield one


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in the loop of its machines."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    runner = pyfuncitem.funcargs["runner"]
    assert isinstance(runner, asyncio.Runner)
    runner.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def rehearsal(runner: asyncio.Runner, tmp_path: Path) -> Iterator[Rehearsal]:
    async def make() -> Rehearsal:
        return Rehearsal(tmp_path / "home")

    made = runner.run(make())
    yield made
    runner.run(made.machines.close())


@pytest.fixture
def address() -> str:
    """A public address that is this test's own, also beside other runs on this host."""
    process, number = os.getpid(), next(_numbers)
    return f"127.{100 + process % 100}.{process // 100 % 250 + 1}.{number % 250 + 1}"
