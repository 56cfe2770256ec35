"""What must be set for `pulumi` to run with the engine that was provided."""

import hashlib
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from engine import cache
from engine.errors import EngineError
from engine.resolve import PLUGIN_FILE, PLUGIN_FOLDER, Engine, Found, find, pulumi_home

QUIET = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
"""The version is pinned: news of another one is only noise, and a delay on a closed network."""


def variables(engine: Engine | None = None) -> dict[str, str]:
    """Return the environment variables to set, PATH whole.

    Raises EngineError where a part of the engine is missing.
    """
    engine = engine or find()
    if engine.pulumi is None or engine.plugin is None or engine.pebble is None:
        raise EngineError(
            f"missing: {', '.join(engine.missing)}.\n  Type `make engine` (or python3 engine/provide.py) first."
        )
    folders = [str(found.program.parent) for found in (engine.pulumi, engine.pebble) if found.origin != "on PATH"]
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    settings = {"PATH": os.pathsep.join([*folders, *(place for place in path if place not in folders)])}
    return settings | QUIET | _plugin_settings(engine.plugin)


def shell(settings: Mapping[str, str]) -> str:
    """Return ``settings`` as lines for a POSIX shell to evaluate."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())


def _plugin_settings(plugin: Found) -> dict[str, str]:
    """Return what leads Pulumi to the plugin, and to no other of its name.

    A plugin found on PATH would be used with a warning at every command, and one that was built
    here must not pass for the published one in the user's other projects. So either is installed
    in a Pulumi home of its own, which is a link; credentials stay where they are.
    """
    if plugin.origin == "installed":
        return {"PULUMI_HOME": str(pulumi_home())}
    home = _home_of(plugin.program)
    return {
        "PULUMI_HOME": str(home),
        "PULUMI_CREDENTIALS_PATH": os.environ.get("PULUMI_CREDENTIALS_PATH") or str(pulumi_home()),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    }


def _home_of(program: Path) -> Path:
    digest = hashlib.sha256(str(program).encode()).hexdigest()[:16]
    home = cache.folder() / f"home-{digest}"
    link = home / "plugins" / PLUGIN_FOLDER / PLUGIN_FILE
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        partial = link.with_name(f".{os.getpid()}")
        partial.symlink_to(program)
        partial.replace(link)
    return home
