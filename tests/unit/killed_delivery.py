"""A delivery in a process of its own, that is killed at one of its calls to the cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luodi.delivery.deliver import Delivery, Wanted
from luodi.delivery.files import File
from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import Shell
from luodi.rendering import RELEASE
from tests.unit.killed import RemoteAccount, Steps

TEMPLATES = Path(__file__).parents[2] / "templates"


@dataclass(frozen=True)
class Job:
    """What is delivered, and where the cloud answers."""

    files: Mapping[str, bytes]
    cloud: str


def run(job: Job, last: int | None) -> None:
    """Deliver; a step is before and after each call."""
    steps = Steps(last)

    class Cloud(RemoteAccount):
        def call(self, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            steps.step()
            answer = super().call(service, action, parameters)
            steps.step()
            return answer

    shell = Shell(Cloud("AKIDtest", "not told", job.cloud), "ins-1")
    wanted = Wanted(
        {path: File.holding(data) for path, data in job.files.items()},
        names=["example.cn"],
        pages={},
        mark=RELEASE,
        record={"who": "somebody"},
    )
    Delivery(shell, Scripts(TEMPLATES)).deliver(wanted)
