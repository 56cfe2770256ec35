"""What the stack's own state holds already, asked of the engine that runs the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi

from luodi.settings import host_name

_READ = "pulumi:pulumi:readStackResourceOutputs"
_ZONE, _RECORD = "tencentcloud:Dnspod/domainInstance:DomainInstance", "tencentcloud:Dnspod/record:Record"


@dataclass(frozen=True)
class Held:
    """What the stack has made or taken over at DNSPod: zones, in A-labels, and records, as the provider names them
    (``zone#record``)."""

    zones: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()

    def has(self, zone: str, record: int) -> bool:
        """Whether a record of a zone is the stack's."""
        return f"{zone}#{record}" in self.records


def held() -> Held:
    """What is in the state as of the last step that was finished; nothing for a stack that was never up.

    By the engine's own function, which `pulumi.StackReference` stands on too (pulumi,
    pkg/resource/deploy/builtins.go).
    """
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer = _read(stack)
    found = [(one["type"], str(one["outputs"].get("id") or "")) for one in answer["outputs"].values()]
    return Held(
        frozenset(host_name(identifier) for kind, identifier in found if kind == _ZONE and identifier),
        frozenset(identifier for kind, identifier in found if kind == _RECORD),
    )


def _read(stack: str, attempts: int = 5) -> Mapping[str, Any]:
    """The engine's answer. A state that is kept in files is being written while it is read, and its attributes, which
    the engine's library does not write at once, then end too early."""
    for _ in range(attempts - 1):
        try:
            return cast("Mapping[str, Any]", pulumi.runtime.invoke(_READ, {"stackName": stack}).value)
        except Exception as error:
            if "failed to load checkpoint" not in str(error):
                raise
    return cast("Mapping[str, Any]", pulumi.runtime.invoke(_READ, {"stackName": stack}).value)
