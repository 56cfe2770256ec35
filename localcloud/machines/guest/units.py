"""Unit files of services: found, read with their drop-ins, enabled and disabled.

The subset of systemd.unit(5), systemd.service(5) and systemd.exec(5) that nginx and ordinary
applications use. What isn't known here is ignored, as an older systemd would.
"""

from __future__ import annotations

import re
import shlex
import socket
from dataclasses import dataclass, field
from pathlib import Path

ADMINISTRATOR = Path("/etc/systemd/system")
FOLDERS = (
    ADMINISTRATOR,
    Path("/run/systemd/system"),
    Path("/usr/local/lib/systemd/system"),
    Path("/usr/lib/systemd/system"),
    Path("/lib/systemd/system"),
)
_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0}


class UnitError(Exception):
    """A unit that can't be loaded or run; `code` is systemctl's exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class UnitNotFound(UnitError):
    """No unit file of that name."""


@dataclass(frozen=True)
class Command:
    """One Exec line: its words and what its prefixes ask for."""

    words: list[str]
    ignore_failure: bool = False
    as_root: bool = False
    expand: bool = True


@dataclass(frozen=True)
class Unit:
    """A unit file: section, then key, then every value given to it, in order."""

    name: str
    path: Path
    sections: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def all(self, section: str, key: str) -> list[str]:
        """Return every value of a key."""
        return self.sections.get(section, {}).get(key, [])

    def get(self, section: str, key: str, default: str = "") -> str:
        """Return a key's last value."""
        values = self.all(section, key)
        return values[-1] if values else default

    def names(self, section: str, key: str) -> list[str]:
        """Return the words of all values of a key."""
        return [word for value in self.all(section, key) for word in value.split()]

    def flag(self, key: str) -> bool:
        """Return a yes or no of the [Service] section."""
        return self.get("Service", key).lower() in {"1", "yes", "true", "on"}

    def seconds(self, key: str, default: float) -> float:
        """Return a time span of the [Service] section; `infinity` is a day here."""
        value = self.get("Service", key)
        if value == "infinity":
            return 86400.0
        parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value)
        return sum(float(n) * _SECONDS.get(unit, 1.0) for n, unit in parts) if parts else default

    def commands(self, key: str) -> list[Command]:
        """Return the command lines of an Exec key."""
        return [_command(value) for value in self.all("Service", key)]

    @property
    def description(self) -> str:
        """What the service calls itself."""
        return self.get("Unit", "Description", self.name)


def full_name(name: str) -> str:
    """Return a unit's name with its suffix: `nginx` is `nginx.service`."""
    known = (".service", ".socket", ".target", ".timer", ".path", ".mount", ".slice")
    return name if name.endswith(known) else f"{name}.service"


def find(name: str) -> Path:
    """Return the file of a unit or of its template. Raises UnitNotFound."""
    template = re.sub(r"@[^@]*(?=\.[a-z]+$)", "@", name)
    for candidate in (name, template):
        for folder in FOLDERS:
            if (folder / candidate).exists() or (folder / candidate).is_symlink():
                return folder / candidate
    raise UnitNotFound(f"Unit {name} could not be found.", 4)


def is_masked(path: Path) -> bool:
    """Whether a unit file is there to forbid the unit."""
    return path.resolve() == Path("/dev/null")


def load(name: str) -> Unit:
    """Read a unit with its drop-ins. Raises UnitNotFound, or UnitError when it is masked."""
    path = find(name)
    if is_masked(path):
        raise UnitError(f"Unit {name} is masked.")
    sections: dict[str, dict[str, list[str]]] = {}
    drop_ins = {
        each.name: each for folder in reversed(FOLDERS) for each in (folder / f"{name}.d").glob("*.conf")
    }  # fmt: skip
    for file in [path, *(drop_ins[key] for key in sorted(drop_ins))]:
        _parse(file.read_text(errors="replace"), sections)
    specifiers = _specifiers(name)
    for keys in sections.values():
        for values in keys.values():
            values[:] = [_specify(value, specifiers) for value in values]
    return Unit(name, path, sections)


def _parse(text: str, sections: dict[str, dict[str, list[str]]]) -> None:
    # Not splitlines(): a form feed, say, doesn't end a line here.
    lines = [line for line in text.split("\n") if not re.match(r"\s*[#;]", line)]
    section: dict[str, list[str]] = {}
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).split("\n"):
        if header := re.match(r"\s*\[(.+)\]\s*$", line):
            section = sections.setdefault(header[1], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            values = section.setdefault(key.strip(), [])
            if value.strip():
                values.append(value.strip())
            else:
                values.clear()  # an empty value takes back what came before


def _specifiers(name: str) -> dict[str, str]:
    stem = name.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    return {
        "%": "%", "n": name, "N": stem, "p": prefix, "i": instance,
        "I": instance.replace("-", "/"), "H": socket.gethostname(), "h": "/root", "u": "root",
        "U": "0", "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc",
        "T": "/tmp", "V": "/var/tmp",  # noqa: S108 - systemd's own meaning of %T and %V
    }  # fmt: skip


def _specify(value: str, specifiers: dict[str, str]) -> str:
    return re.sub(r"%([a-zA-Z%])", lambda match: specifiers.get(match[1], match[0]), value)


def _command(value: str) -> Command:
    prefix = re.match(r"[-@:+!]*", value)
    marks = prefix[0] if prefix else ""
    try:
        words = shlex.split(value[len(marks) :])
    except ValueError as error:
        raise UnitError(f"{value!r} can't be read as a command: {error}") from None
    if "@" in marks and len(words) > 1:
        del words[1]  # the name it would be shown by
    return Command(words, "-" in marks, "+" in marks or "!" in marks, ":" not in marks)


def expand(command: Command, environment: dict[str, str]) -> list[str]:
    """Return a command's words with `${NAME}` put in, and a lone `$NAME` split at spaces."""
    if not command.expand:
        return command.words
    words: list[str] = []
    for word in command.words:
        if alone := re.fullmatch(r"\$([A-Za-z_]\w*)", word):
            words += environment.get(alone[1], "").split()
        else:
            words.append(
                re.sub(
                    r"\$\$|\$\{(\w+)\}",
                    lambda m: environment.get(m[1], "") if m[1] else "$",
                    word,
                )
            )
    return words


def wanted_at_boot() -> list[str]:
    """Return the services that were enabled on this machine, in a stable order."""
    return sorted({link.name for link in ADMINISTRATOR.glob("*.wants/*.service")})


def enable(unit: Unit) -> list[tuple[Path, Path]]:
    """Link a unit where its [Install] section says; return the links made and their targets."""
    made = []
    for link in _links(unit):
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(unit.path)
            made.append((link, unit.path))
    return made


def disable(unit: Unit) -> list[Path]:
    """Remove every link that enables a unit; return what was removed."""
    removed = []
    folders = [each for end in ("wants", "requires") for each in ADMINISTRATOR.glob(f"*.{end}")]
    aliases = [ADMINISTRATOR / alias for alias in unit.names("Install", "Alias")]
    for link in [*(folder / unit.name for folder in folders), *aliases]:
        if link.is_symlink():
            link.unlink()
            removed.append(link)
    return removed


def enablement(unit: Unit) -> str:
    """Return enabled, disabled or static, as `systemctl is-enabled` says it."""
    links = _links(unit)
    if not links:
        return "static"
    return "enabled" if any(link.is_symlink() for link in links) else "disabled"


def _links(unit: Unit) -> list[Path]:
    return [
        *(ADMINISTRATOR / f"{t}.wants" / unit.name for t in unit.names("Install", "WantedBy")),
        *(ADMINISTRATOR / f"{t}.requires" / unit.name for t in unit.names("Install", "RequiredBy")),
        *(ADMINISTRATOR / alias for alias in unit.names("Install", "Alias")),
    ]
