"""Finds each part of the engine, and provides the ones that aren't there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import cache, golang, release, versions
from engine.errors import EngineError
from engine.parts import CLI, PEBBLE_SERVER, PROVIDER, Part
from engine.progress import duration
from engine.workshop import Workshop

PLUGIN_FILE = "pulumi-resource-tencentcloud"
PLUGIN_FOLDER = f"resource-tencentcloud-v{versions.PLUGIN}"
"""Pulumi's own name for the plugin's folder."""


@dataclass(frozen=True)
class Found:
    """One part of the engine, where it is on this machine, and how it came there."""

    program: Path
    version: str
    origin: str

    def __str__(self) -> str:
        return f"{self.version}, {self.origin}: {self.program}"


@dataclass(frozen=True)
class Engine:
    """Every part that was looked for; None for what isn't there."""

    pulumi: Found | None
    plugin: Found | None
    pebble: Found | None

    @property
    def missing(self) -> list[str]:
        """Names of the absent parts, for people."""
        named = {
            f"pulumi {versions.PULUMI} with its Python host": self.pulumi,
            f"the tencentcloud plugin {versions.PLUGIN}": self.plugin,
            f"pebble {versions.PEBBLE}": self.pebble,
        }
        return [name for name, found in named.items() if found is None]


def find() -> Engine:
    """Look for every part in the cache and on PATH; nothing is changed."""
    return Engine(_find_pulumi(), _find_plugin(), _find_pebble())


def provide(*, from_source: bool = False) -> Engine:
    """Find every part, or download or build it; return the complete engine.

    With ``from_source`` the official releases aren't tried. Raises EngineError.
    """
    engine = find()
    if not engine.missing:
        return engine
    with cache.locked(cache.folder()):
        engine = find()  # another process may just have provided it
        if not engine.missing:
            return engine
        _announce(engine)
        if engine.pulumi is None and not from_source:
            _try("Pulumi's release", release.install_pulumi)
        pulumi = _find_pulumi() or _build(CLI, _find_pulumi)
        if engine.plugin is None and not from_source:
            _try("the plugin's release", lambda: release.install_plugin(pulumi.program, pulumi_home()))
        plugin = _find_plugin() or _build(PROVIDER, _find_plugin)
        pebble = engine.pebble or _build(PEBBLE_SERVER, _find_pebble)
    return Engine(pulumi, plugin, pebble)


def provide_pebble() -> Found:
    """Find Pebble, or build it: the part that is there in seconds, and all of the engine that many tests need.

    Raises EngineError.
    """
    found = _find_pebble()
    if found is None:
        with cache.locked(cache.folder()):
            found = _find_pebble() or _build(PEBBLE_SERVER, _find_pebble)
    return found


def pulumi_home() -> Path:
    """Return the folder where the user's own ``pulumi`` keeps plugins and credentials."""
    chosen = os.environ.get("PULUMI_HOME")
    if chosen and Path(chosen).is_relative_to(cache.folder()):  # set by engine.environment
        chosen = os.environ.get("PULUMI_CREDENTIALS_PATH")
    return Path(chosen) if chosen else Path.home() / ".pulumi"


def _find_pulumi() -> Found | None:
    for folder, origin in ((CLI.bin, "built"), (release.folder() / "bin", "release")):
        if _hosts_python(folder):
            return Found(folder / "pulumi", versions.PULUMI, origin)
    program = shutil.which("pulumi")
    if program is None or not _hosts_python(Path(program).resolve().parent):
        return None
    version = _printed_version([program, "version"])
    return Found(Path(program), version, "on PATH") if versions.fits(version, versions.PULUMI) else None


def _hosts_python(folder: Path) -> bool:
    """Tell whether all of Pulumi that runs Python programs is in ``folder``."""
    return all(os.access(folder / name, os.X_OK) for name in CLI.files)


def _find_plugin() -> Found | None:
    installed = pulumi_home() / "plugins" / PLUGIN_FOLDER / PLUGIN_FILE
    for program, origin in ((installed, "installed"), (PROVIDER.bin / PLUGIN_FILE, "built")):
        if program.exists():
            return Found(program, versions.PLUGIN, origin)
    ambient = shutil.which(PLUGIN_FILE)
    if ambient is None:
        return None
    version = _printed_version([ambient, "--version"])
    return Found(Path(ambient), version, "on PATH") if versions.fits(version, versions.PLUGIN, newer=False) else None


def _find_pebble() -> Found | None:
    if PEBBLE_SERVER.complete:
        return Found(PEBBLE_SERVER.bin / "pebble", versions.PEBBLE, "built")
    program = shutil.which("pebble")
    if program is None:
        return None
    version = _printed_version([program, "-version"])
    return Found(Path(program), version, "on PATH") if versions.fits(version, versions.PEBBLE, newer=False) else None


def _printed_version(command: list[str]) -> str:
    """Return what a program says of its version; "" where it can't be run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    version = versions.parse(shown.stdout)
    return ".".join(map(str, version)) if version else ""


def _try(what: str, install: Callable[[], None]) -> None:
    """Take the official way, or say why it is closed."""
    try:
        install()
    except release.Unavailable as reason:
        _say(f"{what} can't be downloaded ({reason}); building it from Go modules instead")
    else:
        _say(f"{what} was downloaded")


def _build(part: Part, find: Callable[[], Found | None]) -> Found:
    go = golang.find(part.sources)
    workshop = Workshop(part.sources, part.folder, go)
    part.build(workshop)
    workshop.tidy()
    found = find()
    if found is None:
        raise EngineError(
            f"{part.name} was built into {part.bin} and isn't usable there.\n"
            f"  Remove that folder, then run the same command again. The log: {workshop.log}"
        )
    return found


def _announce(engine: Engine) -> None:
    absent = [
        part
        for part, found in ((CLI, engine.pulumi), (PROVIDER, engine.plugin), (PEBBLE_SERVER, engine.pebble))
        if found is None
    ]
    _say(f"missing: {', '.join(engine.missing)}")
    longest = duration(sum(part.seconds for part in absent))
    _say(f"building all of that from source takes about {longest} on two cores, once; it can be interrupted")


def _say(text: str) -> None:
    print(f"engine: {text}", file=sys.stderr, flush=True)
