"""Secrets on their way to a rehearsal machine, by the provider that brings them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luodi.apps import user
from luodi.apps.secrets import KEPT, _SecretsProvider
from luodi.delivery import tat
from luodi.words import Words
from tests.examples.server import Refused, Server, Shell
from tests.examples.test_applications import NAME, release

VALUES = {"TOKEN": 'a "secret" $HOME `id` \\ of\ntwo lines', "OTHER": "it's 落地"}


class Provider(_SecretsProvider):
    """One whose server is the machine; keeps what TAT would remember."""

    def __init__(self, server: Server) -> None:
        self._shell, self.said = Shell(server), ""

    def shell(self, props: Any) -> tat.Shell:
        ran = self._shell.run

        def run(what: str | Words, script: str, *, seconds: int = 120) -> str:
            output = ran(what, script, seconds=seconds)
            self.said += f"{what}\n{script}\n{output}\n"
            return output

        self._shell.run = run  # type: ignore[method-assign]
        return self._shell


def wanted(**changes: Any) -> dict[str, Any]:
    return {"instance": "ins-1", "region": "ap-guangzhou", "app": NAME, "values": VALUES, "reader": "systemd",
            "templates": str(Path(__file__).parents[2] / "templates"), **changes}  # fmt: skip


def test_an_application_is_told_its_secrets_and_nobody_else_is(machine: Server) -> None:
    provider = Provider(machine)
    outs = provider.create(wanted()).outs or {}
    served = "http.createServer((_, response) => response.end(JSON.stringify(process.env)))"
    echo: dict[str, Any] = {
        "command": ["node", "-e", f"{served}.listen(process.env.PORT, process.env.HOST)"],
        "health": "/",
        "secrets": {"TOKEN": "token", "OTHER": "other"},
    }
    machine.deliver(release("one", secrets_version=outs["version"], **echo))
    told = json.loads(machine.get("/"))
    assert {name: told[name] for name in VALUES} == VALUES
    for value in VALUES.values():
        assert value not in provider.said
        assert value.splitlines()[0] not in provider.said
    file = f"/etc/luodi/secrets/{NAME}/{outs['version']}"
    assert machine.run(f"stat --format=%a {file}") == "600"
    with pytest.raises(Refused, match="Permission denied"):
        machine.run(f"cat {file}", username=user(NAME))
    assert VALUES["OTHER"] not in machine.run("cat /opt/luodi/releases/*/apps/*/*")


def test_other_values_are_another_version_and_old_ones_go(machine: Server) -> None:
    provider = Provider(machine)
    outs = provider.create(wanted()).outs or {}
    assert not provider.diff("", outs, wanted()).changes
    assert provider.diff("", outs, wanted(values={"TOKEN": "another"})).changes
    versions = [(provider.update("", outs, wanted()).outs or {})["version"] for _ in range(KEPT + 1)]
    assert len(set(versions)) == len(versions)
    kept = set(machine.run(f"ls /etc/luodi/secrets/{NAME}").split())
    assert kept == set(versions[-KEPT:])


def test_secrets_that_are_gone_are_brought_again(machine: Server) -> None:
    provider = Provider(machine)
    made = provider.create(wanted())
    outs = made.outs or {}
    assert provider.read(made.id, outs).id == made.id
    machine.run(f"rm /etc/luodi/secrets/{NAME}/{outs['version']}")
    assert not provider.read(made.id, outs).id
