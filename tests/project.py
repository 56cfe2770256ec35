"""A project of a team's own, for tests: this repository's, in a folder beside it, run by the real engine."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
_PARTS = ("Pulumi.yaml", "__main__.py", "stacks", "templates", "requirements.txt")
_MINUTES = 10


@dataclass(frozen=True)
class Run:
    """What one `pulumi` command did."""

    code: int
    output: str
    changes: dict[str, int]

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.output}"


class Project:
    """A checkout of the project that may be changed, and its stacks."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._stacks: set[str] = set()
        folder.mkdir(parents=True)
        for part in _PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(source, folder / part)
            else:
                shutil.copy2(source, folder / part)
        # The package and the libraries are this repository's own.
        (folder / "luodi").symlink_to(REPOSITORY / "luodi")
        (folder / ".venv").symlink_to(Path(os.environ.get("VIRTUAL_ENV") or REPOSITORY / ".venv"))
        state = folder / "state"
        state.mkdir()
        self.environment = {
            **environment,
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_DEBUG_COMMANDS": "true",  # what makes --event-log known
        }

    def pulumi(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One command of the engine's, with its output."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=_MINUTES * 60,
            check=False,
        )

    def configure(self, stack: str, config: Mapping[str, Any]) -> Stack:
        """A stack with a file of its own."""
        path = self.folder / "stacks" / f"Pulumi.{stack}.yaml"
        path.write_text(yaml.safe_dump({"config": dict(config)}, allow_unicode=True), "utf-8")
        return self.stack(stack)

    def stack(self, stack: str) -> Stack:
        """A stack, made if it isn't there."""
        if stack not in self._stacks:
            made = self.pulumi("stack", "select", "--create", stack)
            assert made.returncode == 0, made.stderr
            self._stacks.add(stack)
        return Stack(self, stack)


class Stack:
    """One environment of a project."""

    def __init__(self, project: Project, name: str) -> None:
        self.project, self.name = project, name

    def run(self, command: str, *arguments: str, **environment: str) -> Run:
        """`pulumi COMMAND`, and what it changed: operation -> count."""
        events = self.project.folder / f"{self.name}.{command}.events"
        events.unlink(missing_ok=True)
        done = self.project.pulumi(
            command,
            *(() if command == "preview" else ("--yes", "--skip-preview")),
            "--stack",
            self.name,
            "--diff",
            "--event-log",
            str(events),
            *arguments,
            **environment,
        )
        return Run(done.returncode, done.stdout + done.stderr, dict(_changes(events)))

    def up(self, **environment: str) -> Run:
        """`pulumi up`, which must succeed."""
        done = self.run("up", **environment)
        assert done.code == 0, str(done)
        return done

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, from its state: `pulumi stack output` takes a second to open secrets."""
        resources = json.loads(self.state())["deployment"]["resources"]
        (outputs,) = (one["outputs"] for one in resources if one["type"] == "pulumi:pulumi:Stack")
        return dict(outputs)

    def state(self) -> str:
        """The state as it is stored, in text."""
        done = self.project.pulumi("stack", "export", "--stack", self.name)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _changes(events: Path) -> Iterator[tuple[str, int]]:
    for line in events.read_text("utf-8").splitlines() if events.exists() else ():
        summary = json.loads(line).get("summaryEvent")
        if summary:
            yield from (
                (operation, count) for operation, count in summary["resourceChanges"].items() if operation != "same"
            )


@dataclass(frozen=True)
class Page:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: str
    certificate: dict[str, Any]


def fetch(
    address: str, port: int, name: str, roots: Path, path: str = "/", *, user: tuple[str, str] | None = None
) -> Page:
    """GET over TLS, the certificate verified against `roots` and `name`; `user` is a name and a password."""
    basic = base64.b64encode(":".join(user).encode()).decode() if user else ""
    who = f"Authorization: Basic {basic}\r\n" if user else ""
    context = ssl.create_default_context(cafile=str(roots))
    with (
        socket.create_connection((address, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        certificate = dict(secure.getpeercert() or {})
        request = f"GET {path} HTTP/1.1\r\nHost: {name}\r\n{who}Connection: close\r\n\r\n"
        secure.sendall(request.encode())
        answer = b"".join(iter(lambda: secure.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = _unchunked(body)
    return Page(int(first.split()[1]), headers, body.decode("utf-8", "replace"), certificate)


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        whole, body = whole + rest[:length], rest[length + 2 :]
        if not length:
            break
    return whole


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """A file with one text in the place of another, for a while."""
    text = path.read_text("utf-8")
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1), "utf-8")
    try:
        yield
    finally:
        path.write_text(text, "utf-8")
