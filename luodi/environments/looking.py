"""A stack as it is: its state, and what its server answers. The project's program is not run."""

from __future__ import annotations

import warnings
from pathlib import Path

import urllib3

from luodi.certificate import served
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
    status, robots = _visit(address, names[0], port)
    return Up(resources, outputs, shown, status, robots)


def _visit(address: str, name: str, port: int) -> tuple[int | None, str | None]:
    """What a visitor of the first page is answered: the status, and X-Robots-Tag; whatever the certificate is."""
    pool = urllib3.HTTPSConnectionPool(
        address, port, server_hostname=name, assert_hostname=False, cert_reqs="CERT_NONE", timeout=_SECONDS
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            answer = pool.request("GET", "/", headers={"Host": name}, redirect=False, retries=False)
    except urllib3.exceptions.HTTPError:
        return None, None
    return answer.status, answer.headers.get("X-Robots-Tag")
