"""The official way: Pulumi's release by its own installer, the plugin by `pulumi plugin install`."""

import os
import subprocess
import tempfile
from pathlib import Path

from engine import cache, running, versions
from engine.errors import EngineError

INSTALLER = "https://get.pulumi.com"
PLUGIN_HOST = "https://api.github.com"

CONNECT_SECONDS = 5
"""How long a closed network may hold things up."""


class Unavailable(Exception):
    """The official way is closed here; the text says why."""


def folder() -> Path:
    """Return where a release is kept; ``bin/`` inside holds it."""
    return cache.folder() / f"release-{versions.PULUMI}"


def install_pulumi() -> None:
    """Install the release into :func:`folder`, whole or not at all.

    Raises Unavailable where it can't be downloaded.
    """
    log = cache.folder() / "release.log"
    with tempfile.TemporaryDirectory(dir=_made(cache.folder()), prefix=".release-") as place:
        script = Path(place, "install.sh")
        _download(INSTALLER, script)
        root = Path(place, "root")
        command = ["sh", str(script), "--version", versions.PULUMI, "--install-root", str(root), "--no-edit-path"]
        try:
            running.run(command, f"download Pulumi {versions.PULUMI}", log=log, seconds=60)
        except EngineError as error:
            raise Unavailable(str(error)) from None
        root.rename(folder())


def install_plugin(pulumi: Path, home: Path) -> None:
    """Install the plugin among those in the Pulumi home ``home``, by ``pulumi`` itself.

    Raises Unavailable where it can't be downloaded.
    """
    _download(PLUGIN_HOST, Path(os.devnull))
    command = [str(pulumi), "plugin", "install", "resource", "tencentcloud", versions.PLUGIN]
    try:
        running.run(
            [*command, "--server", versions.PLUGIN_SERVER],
            f"download the tencentcloud plugin {versions.PLUGIN}",
            log=cache.folder() / "release.log",
            seconds=60,
            environment={"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": str(home)},
        )
    except EngineError as error:
        raise Unavailable(str(error)) from None


def _download(address: str, file: Path) -> None:
    """Fetch ``address`` by curl, which honours the user's proxy settings and bounds look-ups too."""
    limits = ["--connect-timeout", str(CONNECT_SECONDS), "--max-time", str(4 * CONNECT_SECONDS)]
    try:
        subprocess.run(["curl", "-fsSL", *limits, "-o", file, address], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise Unavailable("curl is not installed") from None
    except subprocess.CalledProcessError as error:
        raise Unavailable(error.stderr.strip() or f"curl exit code {error.returncode}") from None


def _made(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    return place
