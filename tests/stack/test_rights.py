"""The policies of the documentation, beside the calls that a landing really makes.

Both kinds of server are landed with whatever else a stack can ask of the cloud, changed, looked at, renewed and taken
away; the rehearsal's audit log has every call.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.server import SERVICES
from tests.cloud import Cloud, running_cloud
from tests.project import Project
from tests.rights import FULL, RENEWAL, Policy, needed

_REGION = "ap-nanjing"
_FILING = {"icp": {"number": "苏ICP备2024000123号-1", "approved": "2024-05-20"}, "live-check": True}
_NOTICE = {
    "Module": "monitor",
    "Name": "team",
    "NoticeType": "ALL",
    "NoticeLanguage": "zh-CN",
    "URLNotices": [{"URL": "https://hooks.example.cn/"}],
}
_OFFICE = {"port": "22", "source": "203.0.113.7/32"}

_FOR_OTHER_CHANGES = {
    # Of a server that is there: bandwidth without an elastic IP, the disk's size, whether it is renewed by itself.
    "cvm:ModifyInstancesRenewFlag",
    "cvm:ResetInstancesInternetMaxBandwidth",
    "cvm:ResizeInstanceDisks",
    "lighthouse:ModifyInstancesRenewFlag",
    "monitor:ModifyAlarmPolicyNotice",  # luodi:server.alarms.notices
    "name/cos:AbortMultipartUpload",  # of an upload that was broken off
    "name/cos:ListParts",
    "name/cos:PutObject",  # content of up to 8 MB goes in one piece
}
"""Actions that the story below has no use for; each changes something in place that a stack file can say."""

_PERHAPS = {
    "dnspod:CreateRecord",  # an authority may still know from the last order that the names are ours
    "dnspod:DeleteRecord",
    "dnspod:DescribeDomainList",  # where an _acme-challenge name leads into another zone of the account
}
"""What not every renewal needs."""

_TO_PAY = {"finance:trade"}
"""What a user who is no main account (主账号) needs besides to buy what is prepaid."""


@dataclass(frozen=True)
class Seen:
    """The actions that the calls of a whole life needed, and of a renewal."""

    life: frozenset[str]
    renewal: frozenset[str]


def _cvm(notice: str, *, changed: bool) -> dict[str, Any]:
    return {
        "tencentcloud:region": _REGION,
        "luodi:site": {"domain": "quanxian.cn", "title": "权限", "content": "public"},
        "luodi:server": {
            "kind": "cvm",
            "elastic-ip": True,
            "instance-type": "S5.LARGE8" if changed else "S5.MEDIUM2",
            "bandwidth": {"charge-type": "BANDWIDTH_POSTPAID_BY_HOUR", "mbps": 9 if changed else 5},
            "ingress": [_OFFICE] if changed else [],
            "alarms": {"notices": [notice], "cpu": 80 if changed else 90},
        },
        "luodi:dns": {"manage": "create", "ttl": 900 if changed else 600},
        "luodi:certificate": {"upload": True},
        "luodi:filing": _FILING,
    }


def _lighthouse(notice: str, *, changed: bool) -> dict[str, Any]:
    return {
        "tencentcloud:region": _REGION,
        "luodi:site": {"domain": "quanxian.com.cn", "title": "权限", "names": ["quanxian.com.cn"]},
        "luodi:server": {
            "kind": "lighthouse",
            "bundle": "bundle_gen_mc_med2_02" if changed else "bundle_starter_mc_promo_med2_01",
            "ingress": [_OFFICE] if changed else [],
            "alarms": {"notices": [notice]},
        },
        "luodi:dns": {"manage": "create"},
        "luodi:certificate": {"source": "tencent"},
        "luodi:filing": _FILING,
    }


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    home = tmp_path_factory.mktemp("rights")
    with running_cloud(home / "cloud") as cloud:
        notice = cloud.call("monitor", "CreateAlarmNotice", _NOTICE)["NoticeId"]
        project = Project(home / "site", cloud.environment())
        (project.folder / "public").mkdir()
        (project.folder / "public" / "film.bin").write_bytes(random.Random(1).randbytes(10_000_000))
        begun = cloud.calls()
        stacks = []
        for changed in (False, True):
            stacks = [
                project.configure("cvm", _cvm(notice, changed=changed)),
                project.configure("lighthouse", _lighthouse(notice, changed=changed)),
            ]
            for stack in stacks:
                assert stack.run("preview").code == 0
                stack.up()
        assert _luodi(project, "price", "--stack", "cvm").returncode == 0
        assert [stack.run("refresh").code for stack in stacks] == [0, 0]
        _luodi(project, "doctor", "--stack", "cvm", "--no-browser")
        before, port = cloud.calls(), str(cloud.https_port)
        renewed = _luodi(project, "renew", "--force", "--stack", "cvm", "--stack", "lighthouse", "--port", port)
        assert renewed.returncode == 0, renewed.stdout + renewed.stderr
        renewal = _needed(cloud, before)
        assert [stack.run("destroy").code for stack in stacks] == [0, 0]
        for name in ("cvm", "lighthouse"):
            _luodi(project, "doctor", "--stack", name, "--no-browser")
        yield Seen(_needed(cloud, begun), renewal)


def _luodi(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "luodi", *arguments],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _needed(cloud: Cloud, since: int) -> frozenset[str]:
    """What the calls since then needed, those of the SDK in these tests not among them."""
    lines = list(cloud.audit())[since:]
    return frozenset(name for line in lines for name in needed(line["service"], line["action"]))


def test_the_policy_allows_every_call_of_a_stacks_life(seen: Seen) -> None:
    assert seen.life - set(Policy.of(FULL).actions) == set()


def test_the_policy_allows_nothing_else(seen: Seen) -> None:
    assert set(Policy.of(FULL).actions) - seen.life - _TO_PAY == _FOR_OTHER_CHANGES


def test_what_the_story_leaves_out_is_answered_by_the_rehearsal() -> None:
    for action in _FOR_OTHER_CHANGES:
        product, _, name = action.partition(":")
        assert product == "name/cos" or name in SERVICES[product].actions


def test_the_policy_for_renewals_allows_every_call_of_a_renewal_and_nothing_else(seen: Seen) -> None:
    allowed = set(Policy.of(RENEWAL).actions)
    assert seen.renewal - allowed == set()
    assert allowed - seen.renewal - _PERHAPS == set()
