"""A real Chromium that trusts the rehearsal's authority, and nothing is told to look away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from tests.project import REPOSITORY

PICTURES = REPOSITORY / "tests" / "artefacts"
_QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def trusting(
    playwright: Playwright, home: Path, roots: Path, hosts: dict[str, str], **look: object
) -> Iterator[BrowserContext]:
    """A browser of its own with `roots` (PEM) in its store; `hosts` maps ``name:443`` to where it really is."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    subprocess.run(["certutil", "-d", f"sql:{store}", "-N", "--empty-password"], check=True)
    for number, root in enumerate(_each(roots.read_text("ascii"))):
        subprocess.run(
            ["certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", f"rehearsal {number}"],
            input=root,
            text=True,
            check=True,
        )
    rules = ", ".join(f"MAP {name} {place}" for name, place in hosts.items())
    context = playwright.chromium.launch_persistent_context(
        str(home / "profile"),
        executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
        args=[*_QUIET, f"--host-resolver-rules={rules}", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
        env={**os.environ, "HOME": str(home)},
        **look,  # type: ignore[arg-type]
    )
    try:
        yield context
    finally:
        context.close()


@contextmanager
def plain(playwright: Playwright) -> Iterator[Browser]:
    """A browser for pages that are files."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
        args=["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
    )
    try:
        yield browser
    finally:
        browser.close()


def _each(bundle: str) -> Iterator[str]:
    end = "-----END CERTIFICATE-----"
    for part in bundle.split(end)[:-1]:
        yield f"{part.strip()}\n{end}\n"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver; not for the whole session, since no test after it could run an event loop of its own."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture
def picture() -> Callable[[str], Path]:
    """Where a picture is kept for people to look at."""
    PICTURES.mkdir(exist_ok=True)
    return lambda name: PICTURES / f"{name}.png"
