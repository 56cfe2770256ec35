"""`apt-get` in a rehearsal: installs what the host has, refuses the rest in apt's own words.

The machine sees the host's programs already, and has no network to fetch others. What it lacks of
a package that was held back at its making (nginx, see ``image.py``) is the program's name on PATH,
its configuration and its service: installing supplies these as Debian's packages would. The
dpkg database that records it is the machine's own, so `dpkg -s` tells the truth.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HOST = Path("/usr/local/qcloud/host")
INSTALLED = Path("/usr/local/qcloud/installed")
STATUS = Path("/var/lib/dpkg/status")
NGINX = Path("/etc/nginx")
DEFAULT_NGINX = Path(__file__).parent / "nginx"
WELCOME = Path("/usr/share/nginx/html/index.html")
UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
FAILED = 100  # apt's exit code
_SIMULATE = frozenset({"-s", "--simulate", "--just-print", "--dry-run", "--recon", "--no-act"})

Stanzas = dict[str, str]


class Refused(Exception):
    """What apt would print after `E: `."""


def stanzas(path: Path) -> Stanzas:
    """Return the installed packages of a dpkg status file: name to stanza."""
    if not path.exists():
        return {}
    found = {}
    for stanza in path.read_text(errors="replace").split("\n\n"):
        name = field(stanza, "Package")
        if name and field(stanza, "Status").endswith(" installed"):
            found[name] = stanza.strip()
    return found


def field(stanza: str, name: str) -> str:
    """Return a one-line field of a stanza, empty when it has none."""
    match = re.search(rf"^{name}: *(.*)$", stanza, re.MULTILINE)
    return match[1] if match else ""


def available() -> Stanzas:
    """Return what can be installed: what the host has."""
    packages = stanzas(HOST / "dpkg/status")
    if not packages and (program := host_program()):
        # A host without dpkg: its nginx still is what `apt-get install nginx` can give.
        packages["nginx"] = (
            "Package: nginx\nStatus: install ok installed\nArchitecture: all\n"
            f"Version: {nginx_version(program)}\nDescription: web server of the host"
        )
    return packages


def host_program() -> Path | None:
    """Return the host's nginx, None when it has none."""
    found = sorted(HOST.glob("programs/*/nginx"))
    return found[0] if found else None


def nginx_version(program: Path) -> str:
    """Return the version that an nginx says it is."""
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr
    match = re.search(r"nginx/(\S+)", said)
    return match[1] if match else "0"


def new_packages(names: list[str], has: Stanzas, offers: Stanzas) -> list[str]:
    """Return the packages to set up, what they depend on first. Raises Refused."""
    ordered: list[str] = []

    def add(name: str) -> None:
        if name in has or name in ordered:
            return
        for clause in field(offers[name], "Depends").split(","):
            for option in clause.split("|"):
                needed = option.split("(")[0].split(":")[0].strip()
                if needed in offers and needed != name:
                    add(needed)
                    break
        ordered.append(name)

    for name in names:
        if name not in has and name not in offers:
            raise Refused(f"Unable to locate package {name}")
    for name in names:
        add(name)
    return ordered


def install(names: list[str], *, simulate: bool = False) -> None:
    """Install packages as far as a rehearsal can, or only look. Raises Refused, having changed nothing."""
    has, offers = stanzas(STATUS), available()
    new = new_packages(names, has, offers)
    if simulate:
        print("".join(f"Inst {name} ({field(offers[name], 'Version')})\n" for name in new), end="")
        return
    for name in names:
        if name in has:
            print(f"{name} is already the newest version ({field(has[name], 'Version')}).")
    if new:
        print("The following NEW packages will be installed:\n  " + " ".join(new))
    for name in new:
        print(f"Setting up {name} ({field(offers[name], 'Version')}) ...", flush=True)
        with STATUS.open("a") as file:
            file.write(offers[name] + "\n\n")
    if any(re.match(r"nginx(-|$)", name) for name in new):
        set_up_nginx(offers)
    for name in new:
        if name.startswith("libnginx-mod-"):
            enable_modules(name)
    for name in new:
        if re.fullmatch(r"php[0-9.]+-fpm", name):
            set_up_php(name)
    if "nginx" in "".join(new) and not running("nginx"):
        service("start", "nginx")


def set_up_nginx(offers: Stanzas) -> None:
    """Give the machine nginx as a fresh installation has it: program, configuration, service."""
    program = host_program()
    if program is None:
        raise Refused("nginx is in the package database of this host, but the program is missing")
    link = INSTALLED / "nginx"
    link.unlink(missing_ok=True)
    link.symlink_to(program)
    for name in ("conf.d", "modules-available", "modules-enabled", "sites-available",
                 "sites-enabled", "snippets"):  # fmt: skip
        (NGINX / name).mkdir(parents=True, exist_ok=True)
    for path, text in default_configuration(offers).items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
    site = NGINX / "sites-enabled/default"
    if not site.is_symlink() and (NGINX / "sites-available/default").exists():
        site.symlink_to("/etc/nginx/sites-available/default")
    Path("/var/lib/nginx").mkdir(exist_ok=True)
    logs = Path("/var/log/nginx")
    logs.mkdir(exist_ok=True)
    shutil.chown(logs, "root", "adm")
    for log in (logs / "access.log", logs / "error.log"):
        log.touch()
        log.chmod(0o640)
        shutil.chown(log, "www-data", "adm")
    welcome = Path("/var/www/html/index.nginx-debian.html")
    if not welcome.exists():
        welcome.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(WELCOME if WELCOME.exists() else DEFAULT_NGINX / "index.html", welcome)
    if not any(Path(folder, "nginx.service").exists() for folder in UNIT_FOLDERS):
        shutil.copyfile(DEFAULT_NGINX / "nginx.service", Path(UNIT_FOLDERS[0], "nginx.service"))
    service("enable", "nginx")


def set_up_php(package: str) -> None:
    """Give the machine PHP-FPM as a fresh installation has it: the host's settings, no pool but Debian's own."""
    if not (HOST / "php").is_dir():
        raise Refused(f"{package} is in the package database of this host, but its /etc/php can't be read")
    shutil.copytree(HOST / "php", "/etc/php", symlinks=True, dirs_exist_ok=True)
    for pool in Path("/etc/php").glob("*/fpm/pool.d/*"):
        if pool.name != "www.conf":
            pool.unlink()
    Path("/run/php").mkdir(exist_ok=True)
    if one_user():
        let_pools_be_root(package.removeprefix("php").removesuffix("-fpm"))
    service("enable", package)
    service("start", package)


def one_user() -> bool:
    """Whether every account of this machine has the number 0, as where its daemon isn't root."""
    return Path("/proc/self/uid_map").read_text().split()[2:3] == ["1"]


def let_pools_be_root(version: str) -> None:
    """Start PHP-FPM as it has to be where there is no other user: it refuses such pools unless it is told."""
    program = Path(f"/usr/local/bin/php-fpm{version}")
    program.write_text(f'#!/bin/sh\nexec /usr/sbin/php-fpm{version} --allow-to-run-as-root "$@"\n')
    program.chmod(0o755)
    drop_in = Path(UNIT_FOLDERS[0], f"php{version}-fpm.service.d/rehearsal.conf")
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    start = f"{program} --nodaemonize --fpm-config /etc/php/{version}/fpm/php-fpm.conf"
    drop_in.write_text(f"[Service]\nExecStart=\nExecStart={start}\n")


def default_configuration(offers: Stanzas) -> dict[Path, bytes]:
    """Return a new nginx's configuration: the distribution's if the host has it untouched.

    Whoever owns the host may have changed its /etc/nginx for sites of their own: dpkg knows the
    checksum of each file as it was shipped, and one that differs disqualifies them all.
    """
    shipped: dict[Path, bytes] = {}
    for name, stanza in offers.items():
        if not re.match(r"nginx(-|$)", name):
            continue
        for path, checksum in re.findall(r"^ (/etc/nginx/\S+) ([0-9a-f]{32})", stanza, re.MULTILINE):
            source = HOST / "nginx" / Path(path).relative_to(NGINX)
            data = source.read_bytes() if os.access(source, os.R_OK) else b""
            if hashlib.md5(data, usedforsecurity=False).hexdigest() != checksum:
                return own_configuration()
            shipped[Path(path)] = data
    return shipped or own_configuration()


def own_configuration() -> dict[Path, bytes]:
    """Return the configuration used where the distribution's can't be had."""
    return {
        NGINX / name: (DEFAULT_NGINX / name).read_bytes()
        for name in ("nginx.conf", "mime.types", "sites-available/default")
    }


def enable_modules(package: str) -> None:
    """Load a dynamic module's package from nginx's configuration, as its installation does."""
    for line in (HOST / f"dpkg/info/{package}.list").read_text().splitlines():
        path = Path(line)
        if path.match("/usr/share/nginx/modules-available/*.conf"):
            link = NGINX / "modules-enabled" / f"50-{path.name}"
            if not link.is_symlink():
                link.symlink_to(path)


def running(unit: str) -> bool:
    """Whether a service is active."""
    command = ["systemctl", "--quiet", "is-active", unit]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


def service(action: str, unit: str) -> None:
    """Enable or start a service; like Debian's packages, an installation survives its failure."""
    if subprocess.run(["systemctl", action, unit], check=False).returncode:
        print(f"could not {action} {unit}.service", file=sys.stderr)


def _bare(name: str) -> str:
    """Return a package's name without the version, release or architecture asked for."""
    return re.split(r"[=/:]", name)[0]


def main(arguments: list[str]) -> int:
    """Carry out one apt-get command line; return apt's exit code."""
    words: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument in {"-o", "-t", "-c", "--option", "--target-release", "--config-file"}:
            next(rest, None)
        elif not argument.startswith("-"):
            words.append(argument)
    command, names = (words[0], words[1:]) if words else ("", [])
    try:
        if command == "update":
            print("Rehearsal: the packages of this machine's host are what can be installed.")
        elif command in {"upgrade", "dist-upgrade", "full-upgrade", "autoremove"}:
            print("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.")
        elif command == "install":
            wanted = [name if name.startswith(("/", ".")) else _bare(name) for name in names]
            install(wanted, simulate=not _SIMULATE.isdisjoint(arguments))
        elif command not in {"clean", "autoclean"}:
            raise Refused(f"Invalid operation {command} (a rehearsal has update and install)")
    except Refused as error:
        print(f"E: {error}", file=sys.stderr)
        return FAILED
    except PermissionError:
        print("E: Could not open the package database, are you root?", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    for name in ("LD_LIBRARY_PATH", "PYTHONPATH"):  # were for this interpreter alone
        os.environ.pop(name, None)
    sys.exit(main(sys.argv[1:]))
