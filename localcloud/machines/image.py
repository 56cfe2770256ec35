"""The disk of a new machine: what a freshly bought Debian-like server has on it.

Nothing here starts anything. The host gives its ``/usr`` (bound when the machine boots) and the
parts of its ``/etc`` that belong to those programs; accounts, host name and the rest are the
machine's own. nginx is held back, as on a fresh server: see ``guest/apt_get.py``.
"""

# ruff: noqa: PTH103, PTH112, PTH113, PTH114, PTH115, PTH211 - `_copy` works on strings, for speed

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from localcloud.machines.guest.network import RESOLVERS
from localcloud.machines.spec import MachineSpec

HELD_BACK = re.compile(r"^(nginx(-.*)?|libnginx-mod-.*|php[0-9.]*-fpm)$")
"""Debian packages that a new machine doesn't have until `apt-get install` asks for them."""

HOST_PACKAGES = Path("/var/lib/dpkg")
TOP_LEVEL = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Directories that are part of /usr on a merged host, and separate on an older one."""

_DIRECTORIES = {
    "etc": 0o755,
    "etc/default": 0o755,
    "etc/ssl/certs": 0o755,
    "etc/ssl/private": 0o710,
    "etc/systemd/system": 0o755,
    "home": 0o755,
    "media": 0o755,
    "mnt": 0o755,
    "opt": 0o755,
    "root": 0o700,
    "srv": 0o755,
    "tmp": 0o1777,
    "usr/local/bin": 0o755,
    "usr/local/sbin": 0o755,
    "usr/local/share": 0o755,
    "usr/local/qcloud/bin": 0o755,
    "usr/local/qcloud/host/programs": 0o755,
    "usr/local/qcloud/installed": 0o755,
    "usr/local/qcloud/lib/localcloud/machines/guest": 0o755,
    "var/backups": 0o755,
    "var/cache": 0o755,
    "var/lib/cloud/instance": 0o755,
    "var/lib/dpkg/updates": 0o755,
    "var/lib/logrotate": 0o755,
    "var/lib/misc": 0o755,
    "var/log": 0o755,
    "var/mail": 0o755,
    "var/spool": 0o755,
    "var/tmp": 0o1777,
}

_FROM_HOST = (
    "alternatives",
    "bash.bashrc",
    "ca-certificates.conf",
    "debian_version",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "login.defs",
    "logrotate.conf",
    "mime.types",
    "nsswitch.conf",
    "pam.d",
    "pki/ca-trust/extracted",
    "pki/tls",
    "profile",
    "protocols",
    "security",
    "services",
    "skel",
    "ssl/certs",
    "ssl/openssl.cnf",
)
"""What in the host's /etc belongs to the programs in its /usr."""

_NSSWITCH = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"

# The accounts of Debian's base-passwd that a site's scripts name, and the image's own user.
_ACCOUNTS = (
    ("root", 0, "/root", "/bin/bash"),
    ("daemon", 1, "/usr/sbin", "/usr/sbin/nologin"),
    ("bin", 2, "/bin", "/usr/sbin/nologin"),
    ("sys", 3, "/dev", "/usr/sbin/nologin"),
    ("man", 6, "/var/cache/man", "/usr/sbin/nologin"),
    ("mail", 8, "/var/mail", "/usr/sbin/nologin"),
    ("www-data", 33, "/var/www", "/usr/sbin/nologin"),
    ("backup", 34, "/var/backups", "/usr/sbin/nologin"),
    ("nobody", 65534, "/nonexistent", "/usr/sbin/nologin"),
)
_LOGIN = {"ubuntu": 1000, "lighthouse": 1001}
_GROUPS = {
    **{name: number for name, number, _, _ in _ACCOUNTS if name != "nobody"},
    "adm": 4,
    "tty": 5,
    "disk": 6,
    "sudo": 27,
    "shadow": 42,
    "staff": 50,
    "users": 100,
    "nogroup": 65534,
    **_LOGIN,
}


def make_disk(disk: Path, spec: MachineSpec, *, one_user: bool) -> None:
    """Make the root directory of a new machine at `disk`, which must not exist.

    With `one_user` (the daemon isn't root) the sandbox has a single user id, 0: every account of
    the machine is given that id, so that a service which changes to `www-data` succeeds.
    The directory appears complete or not at all. Raises OSError.
    """
    partial = disk.with_name(disk.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name, mode in _DIRECTORIES.items():
        (partial / name).mkdir(mode, parents=True, exist_ok=True)
        (partial / name).chmod(mode)
    _share_top_level(partial)
    _copy_from_host(partial / "etc")
    _write_etc(partial / "etc", spec)
    _write_accounts(partial, one_user=one_user)
    _write_packages(partial / "var/lib/dpkg")
    (partial / "var/run").symlink_to("/run")
    (partial / "var/lock").symlink_to("/run/lock")
    if spec.user_data:
        (partial / "var/lib/cloud/instance/user-data.txt").write_bytes(spec.user_data)
        (partial / "var/lib/cloud/instance/user-data.txt").chmod(0o600)
    partial.rename(disk)


def set_hostname(disk: Path, hostname: str) -> None:
    """Write the names by which a machine knows itself."""
    (disk / "etc/hostname").write_text(f"{hostname}\n")
    (disk / "etc/hosts").write_text(
        f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n::1 localhost ip6-localhost ip6-loopback\n"
    )


def _share_top_level(root: Path) -> None:
    for name in TOP_LEVEL:
        host = Path("/", name)
        if host.is_symlink():
            (root / name).symlink_to(host.readlink())
        elif host.is_dir():
            (root / name).mkdir()


def _copy_from_host(etc: Path) -> None:
    for name in _FROM_HOST:
        target = etc / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(f"/etc/{name}", str(target))


def _copy(source: str, target: str) -> None:
    """Copy what this user may read; a link out of what a machine can see becomes a file.

    By strings, not paths: there are hundreds of certificates and alternatives.
    """
    if os.path.islink(source) and _is_visible(source):
        os.symlink(os.readlink(source), target)
    elif not os.access(source, os.R_OK):
        return
    elif os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
        with os.scandir(source) as entries:
            for entry in entries:
                _copy(entry.path, f"{target}/{entry.name}")
    elif os.path.isfile(source):
        shutil.copyfile(source, target)
        shutil.copymode(source, target)


def _is_visible(link: str) -> bool:
    text = os.readlink(link)
    if "/" not in text:
        return True
    real = os.path.realpath(link) if text.startswith((".", "/etc/")) else text
    return real.startswith("/usr/") and not real.startswith("/usr/local/")


def _write_etc(etc: Path, spec: MachineSpec) -> None:
    set_hostname(etc.parent, spec.hostname)
    (etc / "resolv.conf").write_text("".join(f"nameserver {address}\n" for address in RESOLVERS))
    (etc / "os-release").write_text(os_release(spec.os_name))
    (etc / "machine-id").write_text(os.urandom(16).hex() + "\n")
    (etc / "fstab").write_text("")
    (etc / "environment").write_text("")
    (etc / "shells").write_text("/bin/sh\n/bin/bash\n")
    if not (etc / "nsswitch.conf").exists():
        (etc / "nsswitch.conf").write_text(_NSSWITCH)


def os_release(os_name: str) -> str:
    """Return the os-release(5) text of an image named as Tencent names it.

    `Ubuntu Server 22.04 LTS 64bit` gives NAME Ubuntu and VERSION_ID 22.04.
    """
    version = re.search(r"\d+(\.\d+)*", os_name)
    words = os_name[: version.start()] if version else os_name
    name = re.sub(r"\s+Server\b", "", words).strip() or "Linux"
    pretty = re.sub(r"\s*\b(64|32)\s?bit\b", "", os_name).strip() or name
    identifier = re.sub(r"[^a-z0-9]+", "", name.lower()) or "linux"
    lines = {"PRETTY_NAME": pretty, "NAME": name, "ID": identifier}
    if version:
        lines["VERSION_ID"] = version[0]
    return "".join(f'{key}="{_quote(value)}"\n' for key, value in lines.items())


def _quote(value: str) -> str:
    return re.sub(r'(["\\$`])', r"\\\1", " ".join(value.split()))


def _write_accounts(root: Path, *, one_user: bool) -> None:
    def number(value: int) -> int:
        return 0 if one_user else value

    passwd = [f"{name}:x:{number(uid)}:{number(uid)}:{name}:{home}:{shell}" for name, uid, home, shell in _ACCOUNTS]
    for name, uid in _LOGIN.items():
        home = root / "home" / name
        home.mkdir(mode=0o750)
        if not one_user:
            os.chown(home, uid, uid)
        passwd.append(f"{name}:x:{number(uid)}:{number(uid)}:{name}:/home/{name}:/bin/bash")
    group = [f"{name}:x:{number(gid)}:" for name, gid in _GROUPS.items()]
    shadow = [f"{line.split(':')[0]}:*:19000:0:99999:7:::" for line in passwd]
    (root / "etc/passwd").write_text("\n".join(passwd) + "\n")
    (root / "etc/group").write_text("\n".join(group) + "\n")
    (root / "etc/shadow").write_text("\n".join(shadow) + "\n")
    (root / "etc/shadow").chmod(0o640)
    if not one_user:
        os.chown(root / "etc/shadow", 0, _GROUPS["shadow"])


def _write_packages(database: Path) -> None:
    """Give the machine a dpkg database of its own: the host's without what is held back."""
    (database / "info").mkdir()
    (database / "available").touch()
    status = HOST_PACKAGES / "status"
    stanzas = status.read_text(errors="replace").split("\n\n") if status.exists() else []
    kept = [stanza for stanza in stanzas if stanza and not HELD_BACK.match(package_name(stanza))]
    (database / "status").write_text("".join(f"{stanza.strip()}\n\n" for stanza in kept))


def package_name(stanza: str) -> str:
    """Return the name in a stanza of dpkg's status file."""
    match = re.search(r"^Package: *(\S+)", stanza, re.MULTILINE)
    return match[1] if match else ""
