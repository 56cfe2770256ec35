"""A stack as it is: its state, and what its server answers. The project's program is not run."""

from __future__ import annotations

from pathlib import Path

from luodi.certificate import served
from luodi.doctor.observing import fetch
from luodi.environments.comparing import Side, Up
from luodi.outputs import exported, outputs_of
from luodi.settings import Surroundings

_SECONDS = 10.0


def look(project: Path, side: Side, *, port: int = served.HTTPS) -> Up:
    """The stack as it is. `port` is where its server answers by HTTPS. Raises NoOutputs, also where it is not up."""
    resources = exported(project, side.stack)
    outputs = outputs_of(resources)
    address, roots = str(outputs["address"]), Surroundings.from_environment().acme_ca
    names = [site.site.domain for site in side.settings.sites]
    shown = tuple(served.look(address, name, port=port, roots=roots, seconds=_SECONDS) for name in names)
    visit = fetch(address, port, names[0], _SECONDS, tls=True)
    return Up(resources, outputs, shown, visit.status or None, visit.headers.get("x-robots-tag"))
