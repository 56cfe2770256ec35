"""An authority that is out of order, or over its limits, and another one that issues: through the real engine.

The tests of this module share one stack; they are one story and run in order.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.cloud import Cloud
from tests.loopback import free_port
from tests.project import Project, Run, Stack, fetch
from tests.unit import acme_directory
from tests.unit.acme_directory import Directory

_DOMAIN = "houbei.cn"
_LIMITED = {
    "type": "urn:ietf:params:acme:error:rateLimited",
    "detail": "too many certificates (5) already issued for this exact set of domains in the last 168h",
    "status": 429,
}


class Landed:
    """A stack with a list of authorities, of which the last is the rehearsal's own."""

    def __init__(self, cloud: Cloud, folder: Path, limited: Directory, limited_root: bytes) -> None:
        self.cloud, self.limited = cloud, limited
        self.last = cloud.endpoints.acme_directory
        self._roots = folder / "roots.pem"
        self._roots.write_bytes(cloud.roots.read_bytes() + limited_root)
        # The environment's authority would stand for all of the list.
        self.project = Project(folder / "site", {**cloud.environment(), "LUODI_ACME_DIRECTORY": ""})

    def configure(self, first: str) -> Stack:
        return self.project.configure(
            "production",
            {
                "tencentcloud:region": "ap-guangzhou",
                "luodi:site": {"domain": _DOMAIN, "title": "后备", "names": [_DOMAIN]},
                "luodi:server": {"kind": "cvm", "period": 3},
                "luodi:dns": {"manage": "create"},
                "luodi:certificate": {"authority": [first, self.last], "roots": str(self._roots)},
                "luodi:filing": {"icp": {"number": "粤ICP备2024000777号-1", "approved": "2024-05-06"}},
            },
        )

    def says(self, run: Run, why: str) -> bool:
        """Whether a run tells, while it is at it and as a warning, whom it passed over and why."""
        (under_way,) = (line for line in run.output.splitlines() if line.endswith(f"Trying {self.last} instead"))
        (warning,) = (line for line in run.output.splitlines() if line.endswith(f"{self.last} has issued instead"))
        return under_way.startswith(why) and warning.startswith(f"warning: {why}")

    def is_served(self, stack: Stack) -> bool:
        """Whether what the last authority has issued is what a visitor is shown, and trusts."""
        told = stack.outputs()
        shown = fetch(told["address"], self.cloud.https_port, _DOMAIN, self.cloud.roots).certificate
        return bool(
            int(shown["serialNumber"], 16) == int(told["certificate"]["serial"], 16)
            and told["certificate"]["authority"] == self.last
        )


@pytest.fixture(scope="module")
def landed(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with acme_directory.serving(context) as limited:
        limited.names, limited.refusals = [_DOMAIN], {"new-order": _LIMITED}
        yield Landed(cloud, tmp_path_factory.mktemp("fallback"), limited, authority.cert_pem.bytes())


def test_a_first_landing_while_the_first_authority_is_out_of_order(landed: Landed) -> None:
    dead = f"https://127.0.0.1:{free_port()}/directory"
    stack = landed.configure(dead)
    assert landed.says(stack.up(), f"{dead} can't be reached")
    assert landed.is_served(stack)
    assert stack.up().changes == {}


def test_the_next_one_issues_where_the_first_limits_its_rate(landed: Landed) -> None:
    first = f"{landed.limited.url}/dir"
    stack = landed.configure(first)
    assert landed.says(stack.up(), f"{first}: the authority refuses: rateLimited: too many certificates (5)")
    assert landed.limited.asked.count("new-order") == 1
    assert landed.is_served(stack)
    assert stack.up().changes == {}
    assert landed.limited.asked.count("new-order") == 1
