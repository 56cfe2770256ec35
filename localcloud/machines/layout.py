"""What a machine sees: the bubblewrap arguments that put its disk and the host's /usr together."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path

from localcloud.machines.image import TOP_LEVEL

GUEST = Path(__file__).parent / "guest"
INSIDE = Path("/usr/local/qcloud")
"""Where Tencent's own agents live on a server, and ours in a machine."""

PROGRAM_FOLDERS = ("/usr/bin", "/usr/sbin")
HELD_BACK_PROGRAMS = frozenset({"nginx"})
SHIMS = {
    "apt": "apt-get",
    "apt-get": "apt-get",
    "journalctl": "journalctl",
    "npm": "npm",
    "systemctl": "systemctl",
    "useradd": "useradd",
}
"""Commands that can't be the host's own in a machine, and the file of guest/ each one is."""

# What root keeps on a server of its own, less what would reach through to the host.
_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_ADMIN",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)


def arguments(disk: Path, hostname: str, *, one_user: bool, disk_bytes: int | None) -> list[str]:
    """Return bubblewrap's options for a machine, all but the command.

    Writes the two files on the disk that depend on this host and this interpreter.
    Raises OSError.
    """
    options = ["--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-ipc"]
    if one_user:
        options += ["--unshare-user", "--uid", "0", "--gid", "0"]
    options += ["--die-with-parent", "--hostname", hostname, "--clearenv"]
    options += ["--cap-drop", "ALL"]
    for capability in _CAPABILITIES:
        options += ["--cap-add", capability]
    if disk_bytes is None:
        options += ["--bind", str(disk), "/"]
    else:
        options += ["--size", str(disk_bytes), "--tmpfs", "/"]
    options += ["--ro-bind", "/usr", "/usr"]
    for name in TOP_LEVEL:
        host = Path("/", name)
        if host.is_symlink() and disk_bytes is not None:
            options += ["--symlink", str(host.readlink()), str(host)]
        elif host.is_dir() and not host.is_symlink():
            options += ["--ro-bind", str(host), str(host)]
    options += ["--bind", str(disk / "usr/local"), "/usr/local"]
    if disk_bytes is not None:
        options += ["--bind", str(disk), str(INSIDE / "disk")]
    options += _hide_programs()
    options += _shims()
    options += _python(disk)
    options += _host_packages()
    options += _npm(disk)
    options += ["--ro-bind", str(GUEST), str(INSIDE / "lib/localcloud/machines/guest")]
    options += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run", "--chdir", "/"]
    # Kernel settings are the host's, but for those of the machine's own network.
    options += ["--ro-bind", "/proc/sys", "/proc/sys", "--bind", "/proc/sys/net", "/proc/sys/net"]
    return options


def _hide_programs() -> list[str]:
    """Show the program folders of the host without what is held back.

    A folder that has such a program is shown as links to its entries. The program's own link
    leads to where installing puts it, so that before nobody finds it: not even bash, which takes
    a file that can't be executed for a command.
    """
    options: list[str] = []
    for folder in map(Path, PROGRAM_FOLDERS):
        held = {name for name in HELD_BACK_PROGRAMS if (folder / name).is_file()}
        if folder.is_symlink() or not held:
            continue
        host = INSIDE / "host/programs" / folder.name
        options += ["--ro-bind", str(folder), str(host), "--tmpfs", str(folder)]
        for entry in sorted(folder.iterdir()):
            if entry.name in held:
                target = INSIDE / "installed" / entry.name
            else:
                target = entry.readlink() if entry.is_symlink() else host / entry.name
            options += ["--symlink", str(target), str(entry)]
        options += ["--remount-ro", str(folder)]
    return options


def _shims() -> list[str]:
    """Put our commands over the host's, for scripts that name them by an absolute path."""
    options: list[str] = []
    for name, file in SHIMS.items():
        for folder in ("/usr/bin", "/bin"):
            host = Path(folder, name)
            if host.is_file() and not host.is_symlink() and not host.parent.is_symlink():
                options += ["--ro-bind", str(GUEST / file), str(host)]
    return options


def _python(disk: Path) -> list[str]:
    """Make this interpreter the machine's /usr/local/qcloud/bin/python, wherever it lives."""
    prefix = Path(sys.base_prefix)
    program = f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
    shared = prefix.is_relative_to("/usr") and not prefix.is_relative_to("/usr/local")
    seen = prefix if shared else INSIDE / "python"
    library = "" if shared or not sysconfig.get_config_var("Py_ENABLE_SHARED") else (
        f"LD_LIBRARY_PATH={seen / 'lib'} "
    )  # fmt: skip
    starter = disk / "usr/local/qcloud/bin/python"
    starter.parent.mkdir(parents=True, exist_ok=True)
    starter.write_text(f'#!/bin/sh\n{library}PYTHONPATH={INSIDE / "lib"} exec {seen / program} -s -S "$@"\n')
    starter.chmod(0o755)
    for name, file in SHIMS.items():
        link = disk / "usr/local/bin" / name
        if not link.is_symlink() and not link.exists():
            link.symlink_to(INSIDE / "lib/localcloud/machines/guest" / file)
    return [] if shared else ["--ro-bind", str(prefix), str(seen)]


def _host_packages() -> list[str]:
    options: list[str] = []
    if Path("/var/lib/dpkg/info").is_dir():
        options += ["--ro-bind", "/var/lib/dpkg", str(INSIDE / "host/dpkg")]
    for name in ("nginx", "php"):
        if os.access(f"/etc/{name}", os.R_OK | os.X_OK):
            options += ["--ro-bind", f"/etc/{name}", str(INSIDE / "host" / name)]
    return options


def _npm(disk: Path) -> list[str]:
    """Show the machine what the host's npm has in its cache, and tell its npm (`guest/npm`) to make do with that."""
    home, environment = Path.home(), {key.lower(): value for key, value in os.environ.items()}
    cache = Path(environment.get("npm_config_cache") or home / ".npm")
    settings = home / ".npmrc"
    said = settings.read_text(errors="replace") if os.access(settings, os.R_OK) else ""
    named = re.findall(r"^\s*registry\s*=\s*(\S+)", said, re.MULTILINE)
    registry = environment.get("npm_config_registry") or (named[-1] if named else "")
    own = disk / "usr/local/qcloud/etc/npmrc"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("offline=true\n" + (f"registry={registry}\n" if registry else ""))
    return ["--ro-bind", str(cache), str(INSIDE / "host/npm")] if os.access(cache, os.R_OK | os.X_OK) else []
