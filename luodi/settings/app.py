"""An application that luodi runs on the server, and PHP."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from luodi.section import Section, Text

OWN_VARIABLES = ("HOST", "PORT", "HOME", "STATE_DIRECTORY")
"""What an application is told by luodi, and no stack file."""

_SECRET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", name):
        raise ValueError(f"{name!r} is no name of an environment variable, such as DATABASE_URL")
    if name in OWN_VARIABLES:
        raise ValueError(f"{name} is set by luodi ({', '.join(OWN_VARIABLES)}); take another name")
    return name


def _package(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]{1,99}", name):
        raise ValueError(f"{name!r} is no name of a Debian or Ubuntu package, such as nodejs")
    return name


def _inside(path: str) -> str:
    parts = path.split("/")
    if not re.fullmatch(r"[A-Za-z0-9._@+/-]+", path) or path.startswith("/") or {"", ".", ".."} & set(parts):
        raise ValueError(f"{path!r} is no folder of the content's, such as wp-content/uploads")
    return path


def _health(path: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~!&'()+,;=:@%/?-]*", path):
        raise ValueError(f"{path!r} is no path, such as /healthz")
    return path


Variable = Annotated[str, AfterValidator(_variable)]
PackageName = Annotated[str, AfterValidator(_package)]
InnerFolder = Annotated[str, AfterValidator(_inside)]
HealthPath = Annotated[str, AfterValidator(_health)]
Port = Annotated[int, Field(ge=1024, le=65535)]


class _Files(Section):
    """What an application has on the server besides its release."""

    packages: tuple[PackageName, ...] = Field(
        (),
        strict=False,
        description="Debian or Ubuntu packages that it needs, such as nodejs; installed when the server is prepared.",
    )
    shared: tuple[InnerFolder, ...] = Field(
        (),
        strict=False,
        description="Folders of its content that it writes to and that outlive releases, such as wp-content/uploads.",
    )
    install: tuple[Text, ...] | None = Field(
        None,
        strict=False,
        description="The command that fetches its dependencies, run in its folder before the switch. By default what "
        "its lock file asks for: `npm ci`, `pip install` into .venv, or `composer install`. `[]` for none.",
    )
    environment: dict[Variable, str] = Field(
        {}, description="Environment variables. What must stay secret is named in secrets instead."
    )
    secrets: dict[Variable, str] = Field(
        {},
        description="Environment variables whose values are secrets of the stack: the variable's name, and the key in "
        "luodi:app-secrets.",
    )

    @field_validator("environment")
    @classmethod
    def _one_line(cls, environment: dict[str, str]) -> dict[str, str]:
        for name, value in environment.items():
            if any(ord(char) < 32 and char not in "\t\n" for char in value):
                raise ValueError(f"the value of {name} has a control character")
        return environment

    @field_validator("secrets")
    @classmethod
    def _named(cls, secrets: dict[str, str]) -> dict[str, str]:
        for name, key in secrets.items():
            if not _SECRET.fullmatch(key):
                raise ValueError(f"{name}: name a key of luodi:app-secrets here, never the secret itself")
        return secrets

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if twice := self.environment.keys() & self.secrets.keys():
            raise ValueError(f"{', '.join(sorted(twice))} is in both environment and secrets")
        return self


class AppSettings(_Files):
    """An application that luodi runs: a service under a user of its own, which listens on 127.0.0.1 alone.

    It is told its address by HOST and PORT.
    """

    content: Text = Field(description="The folder of its files, relative to the project.")
    command: tuple[Text, ...] = Field(
        strict=False,
        min_length=1,
        description="What runs it, a word an item: [node, server.js], or [.venv/bin/gunicorn, ...] in its own folder.",
    )
    runner: Literal["systemd", "pm2"] = Field(
        "systemd",
        description="Who keeps it up: systemd itself, or pm2-runtime under systemd, which the application's lock file "
        "brings. With pm2 the command is the script that pm2 starts and its arguments.",
    )
    processes: int = Field(1, ge=1, le=64, description="How many processes pm2 runs (its cluster mode).")
    ports: tuple[Port, Port] | None = Field(
        None,
        strict=False,
        description="The two ports between which releases alternate. By default free ones from 20000 on.",
    )
    health: HealthPath = Field("/", description="The path that answers below 400 once it is ready.")
    start: int = Field(60, ge=1, le=300, description="Seconds that it may take until it is ready.")
    drain: int = Field(
        30, ge=0, le=240, description="Seconds that the release before may take to end its open connections."
    )
    memory: int = Field(512, ge=32, le=1_048_576, description="MB that it may use before it is restarted.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ports and self.ports[0] == self.ports[1]:
            raise ValueError("ports are two different ones: a release starts beside the one before")
        if self.processes > 1 and self.runner != "pm2":
            raise ValueError("processes is for runner pm2; systemd runs one")
        return self


class PhpSettings(_Files):
    """PHP (PHP-FPM): a pool of processes under a user of its own. Nothing in the shared folders is run."""

    processes: int = Field(5, ge=1, le=500, description="How many processes may answer at once (pm.max_children).")
    memory: int = Field(128, ge=32, le=65_536, description="MB that one request may use (memory_limit).")
    upload: int = Field(64, ge=1, le=10_240, description="MB that an upload may have (upload_max_filesize).")
    extensions: tuple[PackageName, ...] = Field(
        (), strict=False, description="Extensions, by the end of their packages' names: mysql, gd, mbstring, xml."
    )
