"""A delivery in a process of its own, that is killed at one of its calls to the cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from luodi.delivery.deliver import Delivery, Wanted
from luodi.delivery.files import File
from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import Shell
from luodi.rendering import RELEASE
from tests.parts.killed import Steps, stepping

TEMPLATES = Path(__file__).parents[2] / "templates"


@dataclass(frozen=True)
class Job:
    """What is delivered, and where the cloud answers."""

    files: Mapping[str, bytes]
    cloud: str


def run(job: Job, last: int | None) -> None:
    """Deliver; a step is before and after each call."""
    shell = Shell(stepping(job.cloud, Steps(last)), "ins-1")
    wanted = Wanted(
        {path: File.holding(data) for path, data in job.files.items()},
        names=["example.cn"],
        pages={},
        mark=RELEASE,
        record={"who": "somebody"},
    )
    Delivery(shell, Scripts(TEMPLATES)).deliver(wanted)
