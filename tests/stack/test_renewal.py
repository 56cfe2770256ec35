"""`luodi certificate` and `luodi renew`: what is looked at, what is renewed, and that no visitor notices."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cloud import Cloud
from tests.project import Project
from tests.stack.visitors import Visitor, visiting
from tests.unit.robots import robots

_DOMAIN, _OTHER = "xuqi.cn", "xuqi-blog.cn"
_FILING = {"icp": {"number": "浙ICP备2026012345号-1", "approved": "2026-11-10"}}
_DIRECT = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
_HOOK = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2a1fa5aaa"


class Landed:
    """A stack of two sites that is up."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud, self.project = cloud, Project(folder, cloud.environment())
        self.stack = self.project.configure(
            "test",
            {
                "tencentcloud:region": "ap-shanghai",
                "luodi:site": {"domain": _DOMAIN, "title": "续期示例"},
                "luodi:sites": [
                    {
                        "site": {"domain": _OTHER, "title": "续期博客"},
                        "dns": {"manage": "create"},
                        "filing": {"icp": {"number": "浙ICP备2026012345号-2", "approved": "2026-11-10"}},
                    }
                ],
                "luodi:server": {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"},
                "luodi:dns": {"manage": "create"},
                "luodi:filing": _FILING,
            },
        )
        self.stack.up()
        self.address: str = self.stack.outputs()["address"]

    def luodi(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        port = () if arguments[0] == "revoke" else ("--port", str(self.cloud.https_port))
        return subprocess.run(
            [sys.executable, "-m", "luodi", *arguments, *port],
            cwd=self.project.folder,
            env={**self.project.environment, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def certificates(self, *arguments: str, **environment: str) -> dict[str, dict[str, Any]]:
        done = self.luodi(*arguments, "--stack", "test", "--json", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return {row["domain"]: row for row in json.loads(done.stdout)["certificates"]}

    def updates(self) -> int:
        """How often the engine has brought the stack up."""
        done = self.project.pulumi("stack", "history", "--stack", "test", "--json", "--page-size", "100")
        return sum(entry["kind"] == "update" for entry in json.loads(done.stdout))


@pytest.fixture(scope="module")
def landed(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return Landed(cloud, tmp_path_factory.mktemp("renewal") / "site")


def _status(cloud: Cloud, serial: str) -> str:
    """What the authority says of a certificate: Valid or Revoked."""
    where = f"https://127.0.0.1:{cloud.endpoints.acme_management_port}/cert-status-by-serial/{serial}"
    answer = requests.get(where, verify=str(cloud.roots), timeout=10)
    return str(answer.json()["Status"])


@pytest.fixture
def visitors(landed: Landed) -> Iterator[list[Visitor]]:
    with visiting((landed.address, landed.cloud.https_port), (_DOMAIN, _OTHER), landed.cloud.roots) as here:
        yield here


def test_each_site_s_certificate_is_shown_as_it_is_served(landed: Landed) -> None:
    found = landed.certificates("certificate")
    assert set(found) == {_DOMAIN, _OTHER}
    for domain, row in found.items():
        assert row["state"] == "valid"
        assert domain in row["names"]
        assert row["key"] == "ECDSA P-256"
        assert row["served"] == [
            {
                "address": landed.address,
                "fingerprint": row["served"][0]["fingerprint"],
                "declared": True,
                "trusted": True,
                "reason": None,
            }
        ]


def test_people_get_a_paragraph(landed: Landed) -> None:
    done = landed.luodi("certificate", "--stack", "test", COLUMNS="200")
    assert done.returncode == 0, done.stdout + done.stderr
    for word in (_DOMAIN, _OTHER, "ECDSA P-256", "days", "█", "as declared"):
        assert word in done.stdout


def test_where_nothing_is_due_no_engine_is_started(landed: Landed) -> None:
    before, start = landed.updates(), time.monotonic()
    found = landed.certificates("renew")
    took = time.monotonic() - start
    assert {row["outcome"] for row in found.values()} == {"valid"}
    assert landed.updates() == before
    assert took < 30, "an engine's start alone takes longer on a machine this busy"


def test_a_renewal_changes_certificate_and_key_and_nothing_else_and_nobody_notices(
    landed: Landed, visitors: list[Visitor], tmp_path: Path
) -> None:
    release, before = landed.stack.outputs()["release"], landed.certificates("certificate")
    with robots(tmp_path, "qyapi.weixin.qq.com") as robot:
        # The robot's proxy takes https alone; the rehearsal's own is for http.
        roots = tmp_path / "all.pem"
        roots.write_text(robot.roots.read_text() + landed.cloud.roots.read_text())
        environment = {**robot.environment, "REQUESTS_CA_BUNDLE": str(roots), "LUODI_NOTIFY": _HOOK, **_DIRECT}
        for _ in range(2):
            found = landed.certificates("renew", "--force", **environment)
            assert {row["outcome"] for row in found.values()} == {"renewed"}
    after = landed.certificates("certificate")
    for domain in (_DOMAIN, _OTHER):
        assert after[domain]["serial"] != before[domain]["serial"]
        assert after[domain]["served"][0]["declared"]
    assert landed.stack.outputs()["release"] == release
    for visitor in visitors:
        visitor.leave()
        assert visitor.failures == []
        # Old workers answer until they have heard of the reload, so the order may waver; the end may not.
        assert len(set(visitor.serials)) == 3, "the first, and the two that were renewed"
        assert visitor.serials[-1] == after[visitor.site]["serial"]
    said = [body["text"]["content"] for _, _, body in robot.heard]
    assert len(said) == 4
    assert all("renewed" in text for text in said)


def test_a_dry_run_says_what_it_would_do(landed: Landed) -> None:
    before = landed.updates()
    done = landed.luodi("renew", "--stack", "test", "--force", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"test: {_DOMAIN}: due since" in done.stdout
    assert landed.updates() == before


def test_a_renewal_that_fails_leaves_the_old_one_is_tried_again_and_told(landed: Landed, tmp_path: Path) -> None:
    before = landed.certificates("certificate")
    with robots(tmp_path, "qyapi.weixin.qq.com") as robot:
        done = landed.luodi(
            *("renew", "--stack", "test", "--force", "--attempts", "2", "--pause", "0.1"),
            **robot.environment,
            LUODI_NOTIFY=_HOOK,
            LUODI_ACME_DIRECTORY="https://127.0.0.1:9/directory",
            **_DIRECT,
        )
    assert done.returncode == 1, done.stdout
    assert done.stdout.count(f"test: renewing the certificate of {_DOMAIN}, {_OTHER}") == 2
    assert "the old certificate stays. Again in 0.1 s (2 of 2)" in done.stdout
    assert "not renewed" in done.stderr
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(robot.heard) == 2
    after = landed.certificates("certificate")
    assert {domain: row["serial"] for domain, row in after.items()} == {
        domain: row["serial"] for domain, row in before.items()
    }


def test_a_certificate_is_revoked_after_another_one_is_served(landed: Landed) -> None:
    before = landed.certificates("certificate")[_OTHER]["serial"]
    asked = landed.luodi("revoke", "--stack", "test", "--site", _OTHER, "--reason", "keyCompromise")
    assert asked.returncode == 130, "nobody has said yes"
    assert landed.certificates("certificate")[_OTHER]["serial"] == before

    done = landed.luodi("revoke", "--stack", "test", "--site", _OTHER, "--reason", "keyCompromise", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"serial {before}" in done.stdout
    assert f"the certificate of {_OTHER} is revoked (keyCompromise)" in done.stdout
    assert "PRIVATE KEY" not in done.stdout + done.stderr
    assert landed.certificates("certificate")[_OTHER]["serial"] != before
    assert _status(landed.cloud, before) == "Revoked"


def test_a_site_that_the_stack_has_not_is_named(landed: Landed) -> None:
    done = landed.luodi("revoke", "--stack", "test", "--site", "nowhere.cn", "--reason", "superseded", "--yes")
    assert done.returncode == 1
    assert f"test has no site nowhere.cn; it has {_DOMAIN}, {_OTHER}" in done.stderr


def test_a_stack_that_is_not_up_is_told_in_a_line(landed: Landed) -> None:
    landed.project.configure("empty", {"tencentcloud:region": "ap-shanghai"})
    done = landed.luodi("certificate", "--stack", "empty")
    assert done.returncode == 1
    assert "empty: the stack is not up" in done.stdout
    done = landed.luodi("renew", "--stack", "nowhere")
    assert done.returncode == 1
    assert "there is no stack nowhere; there are: " in done.stderr
