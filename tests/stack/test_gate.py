"""A site that is not filed yet, its opening when the number is put in, and its closing again."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from localcloud.machines.edge import VISITOR
from tests.cloud import Cloud
from tests.project import Project, Stack, fetch

_DOMAIN = "weibei.cn"
_FIRST: dict[str, Any] = {
    "type": "first",
    "subject": {"name": "未备科技有限公司", "kind": "enterprise", "province": "浙"},
}
_SUBMITTED: dict[str, Any] = {**_FIRST, "submitted": "2026-10-20"}
_GRANTED: dict[str, Any] = {**_SUBMITTED, "icp": {"number": "浙ICP备2026012345号-1", "approved": "2026-11-10"}}


class Gate:
    """One stack, as its filing goes on."""

    def __init__(self, cloud: Cloud, project: Project) -> None:
        self.cloud, self.project = cloud, project

    def stack(self, filing: dict[str, Any], *allow: str) -> Stack:
        return self.project.configure(
            "test",
            {
                "tencentcloud:region": "ap-shanghai",
                "luodi:site": {"domain": _DOMAIN, "title": "未备", "allow": list(allow)},
                "luodi:server": {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"},
                "luodi:dns": {"manage": "create"},
                "luodi:filing": filing,
            },
        )

    def page(self) -> str:
        address = Stack(self.project, "test").outputs()["address"]
        return fetch(address, self.cloud.https_port, _DOMAIN, self.cloud.roots).body

    def records(self) -> set[str]:
        listed = self.cloud.call("dnspod", "DescribeRecordList", {"Domain": _DOMAIN})["RecordList"]
        return {record["Name"] for record in listed if record["Type"] == "A"}


@pytest.fixture(scope="module")
def gate(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(cloud, Project(tmp_path_factory.mktemp("gate") / "site", cloud.environment()))


def test_before_the_number_nothing_is_published_and_the_preview_says_why(gate: Gate) -> None:
    stack = gate.stack(_SUBMITTED)
    preview = stack.run("preview")
    assert f"{_DOMAIN} is not published" in preview.output, str(preview)
    assert "2026-10-20" in preview.output
    assert "luodi:site.allow" in preview.output
    stack.up()
    assert gate.records() == set()
    outputs = stack.outputs()
    assert outputs["filing"]["public"] is False
    # The certificate is there all the same: it is what is spoken before nothing is said.
    assert outputs["certificate"]["issuer"].startswith("Pebble")
    with pytest.raises((ConnectionError, ssl.SSLError, IndexError)):
        gate.page()


def test_the_team_is_let_in_by_address(gate: Gate) -> None:
    stack = gate.stack(_SUBMITTED, f"{VISITOR}/32")
    assert stack.up().changes == {"update": 1}
    assert "未备" in gate.page()
    assert gate.records() == set()


def test_the_number_opens_the_site_by_one_up(gate: Gate) -> None:
    stack = gate.stack(_GRANTED)
    # The gate and the release, and the records with their component.
    assert stack.up().changes == {"update": 2, "create": 3}
    assert gate.records() == {"@", "www"}
    assert "浙ICP备2026012345号-1" in gate.page()
    assert stack.up().changes == {}


_CLOSES = f"warning: {_DOMAIN}, www.{_DOMAIN} is open to the public now, and this update CLOSES it"


def test_a_number_that_is_gone_from_the_stack_file_is_missed_before_the_site_closes(gate: Gate) -> None:
    preview = gate.stack(_SUBMITTED).run("preview")
    assert preview.output.count(_CLOSES) == 1, str(preview)
    assert "At the last update its number was 浙ICP备2026012345号-1" in preview.output
    assert gate.records() == {"@", "www"}
    assert "CLOSES" not in gate.stack(_GRANTED).run("preview").output


def test_the_number_of_another_subject_is_told(gate: Gate) -> None:
    other = {**_GRANTED, "icp": {"number": "浙ICP备2026054321号-1", "approved": "2026-11-10"}}
    preview = gate.stack(other).run("preview")
    assert "from 浙ICP备2026012345号-1 to 浙ICP备2026054321号-1, which is another subject's" in preview.output
    assert "CLOSES" not in preview.output


def test_a_revoked_number_closes_it_with_a_warning_before(gate: Gate) -> None:
    revoked = {**_GRANTED, "icp": {**_GRANTED["icp"], "revoked": "2026-11-20"}}
    stack = gate.stack(revoked)
    preview = stack.run("preview")
    assert preview.output.count(_CLOSES) == 1, str(preview)
    assert f"{_DOMAIN} is not published" in preview.output
    assert gate.records() == {"@", "www"}
    stack.up()
    assert gate.records() == set()
    assert "CLOSES" not in stack.run("preview").output


def test_an_override_is_named_at_every_preview_and_the_end_leaves_nothing(gate: Gate) -> None:
    stack = gate.stack({**_SUBMITTED, "publish-without-filing": "an exhibition inside the company's own network"})
    stack.up()
    again = stack.run("preview")
    assert "an exhibition inside the company's own network" in again.output
    assert gate.records() == {"@", "www"}
    assert stack.run("destroy").code == 0
