"""The system packages that the project needs: installed where that can be done, else named."""

import contextlib
import importlib.util
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine import cache, running
from engine.errors import EngineError

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where an ordinary user's PATH doesn't lead, though nginx is there."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether a package may start its service; exit code 101 forbids it."""


@dataclass(frozen=True)
class Package:
    """A Debian package, what it is for, and how to see that it is there."""

    name: str
    why: str
    present: Callable[[], bool]


def _any_of(*commands: str) -> Callable[[], bool]:
    def present() -> bool:
        path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
        return any(shutil.which(command, path=path) for command in commands)

    return present


def _has_roots() -> bool:
    known = (ssl.get_default_verify_paths().openssl_cafile, "/etc/ssl/certs/ca-certificates.crt")
    return any(Path(place).exists() for place in known)


def _has_venv() -> bool:
    return importlib.util.find_spec("ensurepip") is not None


def _has_php_fpm() -> bool:
    return any(Path("/usr/sbin").glob("php-fpm*"))


NEEDED = (
    Package("nginx", "serves the site on a rehearsal machine", _any_of("nginx")),
    Package("bubblewrap", "keeps a rehearsal machine apart from this one", _any_of("bwrap")),
    Package("iproute2", "sets up a rehearsal machine's network", _any_of("ip")),
    Package("openssl", "makes the key and the request on a server", _any_of("openssl")),
    Package("curl", "downloads releases", _any_of("curl")),
    Package("ca-certificates", "lets downloads be trusted", _has_roots),
    Package(f"python3.{sys.version_info.minor}-venv", "makes the virtual environment", _has_venv),
)
BROWSER = (
    Package("chromium", "opens the site in the browser test", _any_of("chromium", "chromium-browser")),
    Package("libnss3-tools", "lets that browser trust a rehearsal's authority", _any_of("certutil")),
)
SCANNERS = (Package("testssl.sh", "judges the TLS of what is served", _any_of("testssl", "testssl.sh")),)
BROTLI = tuple(
    Package(
        f"libnginx-mod-http-brotli-{part}",
        "compresses pages, as luodi:nginx.compression asks for",
        Path(f"/usr/lib/nginx/modules/ngx_http_brotli_{part}_module.so").is_file,
    )
    for part in ("filter", "static")
)
"""nginx's modules for brotli. There is none for zstd: neither Debian 12 nor Ubuntu 24.04 has one."""
LOAD = (Package("wrk", "asks a site for pages while releases are switched", _any_of("wrk")),)
APPLICATIONS = (
    Package("nodejs", "runs the Node.js examples", _any_of("node")),
    Package("npm", "fetches what the Node.js examples depend on", _any_of("npm")),
    Package("gunicorn", "runs the Python example", _any_of("gunicorn")),
    Package(
        "python3-flask",
        "is what the Python example is written with",
        Path("/usr/lib/python3/dist-packages/flask").is_dir,
    ),
    Package("php-fpm", "runs the PHP example", _has_php_fpm),
    Package("systemd", "judges the units of applications", _any_of("systemd-analyze")),
    Package("logrotate", "turns the logs over on a rehearsal machine", _any_of("logrotate")),
)
"""What the examples are tested with."""


_LOCK_SECONDS = 600
"""How long another installation, such as the system's own upgrades, is waited for."""


def require(wanted: tuple[Package, ...] = NEEDED) -> None:
    """Install those of ``wanted`` that are missing.

    Raises EngineError with the command to type where this user or this system can't install them.
    """
    if not _missing(wanted):
        return
    # What another process installs meanwhile, such as another worker of the same tests, is there afterwards.
    with cache.locked(cache.folder() / "packages"):
        missing = _missing(wanted)
        for package in missing:
            print(f"engine: {package.name} is missing; it {package.why}", file=sys.stderr)
        if missing:
            install([package.name for package in missing])


def _missing(wanted: tuple[Package, ...]) -> list[Package]:
    return [package for package in wanted if not package.present()]


def install(names: list[str]) -> None:
    """Install Debian packages by apt-get as root; else raise EngineError with the command."""
    listed = shlex.join(names)
    if shutil.which("apt-get") is None:
        raise EngineError(
            f"programs are missing, and this system has no apt-get. Install what Debian calls\n    {listed}\n"
            "  by this system's own package manager, then run the same command again."
        )
    if os.geteuid() != 0:
        raise EngineError(
            "programs are missing, and only root can install them. Type\n"
            f"    sudo apt-get update && sudo apt-get install -y --no-install-recommends {listed}\n"
            "  then run the same command again."
        )
    with _services_kept_off():
        _apt_get("update", seconds=10)
        _apt_get("install", "-y", "--no-install-recommends", *names, seconds=10 * len(names))
    if "nginx" in names and shutil.which("update-rc.d"):
        # Nor may its own service take port 80 at the next boot.
        subprocess.run(["update-rc.d", "nginx", "disable"], capture_output=True, check=False)


def candidate(name: str) -> str | None:
    """Return the version of a package that this user could install here now, if any."""
    if os.geteuid() != 0 or shutil.which("apt-cache") is None:
        return None
    shown = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True, check=False)
    match = re.search(r"Candidate: (?:\d+:)?(\S+)", shown.stdout)
    return match[1] if match and match[1] != "(none)" else None


def _apt_get(*arguments: str, seconds: float) -> None:
    running.run(
        ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={_LOCK_SECONDS}", *arguments],
        shlex.join(["apt-get", *arguments]),
        log=cache.folder() / "apt-get.log",
        seconds=seconds,
        environment={"DEBIAN_FRONTEND": "noninteractive"},
    )


@contextlib.contextmanager
def _services_kept_off() -> Iterator[None]:
    """Keep packages from starting services: nginx would take port 80."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
