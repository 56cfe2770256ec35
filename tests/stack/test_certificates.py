"""Certificates through the real engine: renewed when due, bought, free, uploaded; and runs that were killed.

The tests of this module share a cloud whose certificates live a minute, and one site; they are one story
and run in order.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import Cloud, running_cloud
from tests.project import Project, Run, Stack
from tests.unit.given_certificates import bought

_LIFE = 60
"""Seconds: short enough to wait until a renewal is due, long enough for a slow machine to look at one before."""
_DOMAIN = "zhengshu.cn"
_REGION = "ap-nanjing"


class Site:
    """A stack with one site."""

    def __init__(self, cloud: Cloud, project: Project) -> None:
        self.cloud, self.project = cloud, project

    def configure(self, **certificate: Any) -> Stack:
        """The stack, with this said of its certificate."""
        config = {
            "tencentcloud:region": _REGION,
            "luodi:site": {"domain": _DOMAIN, "title": "证书", "names": [_DOMAIN]},
            "luodi:server": {"kind": "cvm", "period": 3},
            "luodi:dns": {"manage": "create"},
            "luodi:certificate": certificate,
            "luodi:filing": {"icp": {"number": "苏ICP备2024000123号-1", "approved": "2024-05-06"}},
        }
        return self.project.configure("production", config)

    @property
    def served(self) -> str:
        """The SHA-256 of what the server shows."""
        address = self.told["address"]
        ask = (
            f"openssl s_client -connect {address}:{self.cloud.https_port} -servername {_DOMAIN} < /dev/null 2>/dev/null"
        )
        show = subprocess.run(
            ["bash", "-c", f"{ask} | openssl x509 -noout -fingerprint -sha256"],
            capture_output=True,
            text=True,
            check=True,
        )
        return show.stdout.strip().rpartition("=")[2].replace(":", "").lower()

    @property
    def told(self) -> dict[str, Any]:
        """The stack's outputs."""
        return Stack(self.project, "production").outputs()

    def serves_what_is_told(self) -> bool:
        """Whether it comes to: a worker of the configuration before may take one more handshake."""
        wanted = self.told["certificate"]["fingerprints"]
        self.cloud.until(lambda: self.served in wanted)
        return True

    def challenges(self) -> list[str]:
        """The TXT records in the zone."""
        listed = self.cloud.call("dnspod", "DescribeRecordList", {"Domain": _DOMAIN})["RecordList"]
        return [record["Name"] for record in listed if record["Type"] == "TXT"]

    def on_server(self, script: str) -> str:
        """What a script prints there."""
        return self.cloud.run(self.told["instance"], script)

    def issued(self) -> int:
        """How many installations the server has been sent."""
        return sum("install" in one for one in self.commands())

    def commands(self) -> Iterator[str]:
        """What TAT's history keeps: every script, and what it printed."""
        listed = self.cloud.call("tat", "DescribeInvocationTasks", {"HideOutput": False, "Limit": 100}, region=_REGION)
        for task in listed["InvocationTaskSet"]:
            yield base64.b64decode(task["CommandDocument"]["Content"]).decode()
            yield base64.b64decode((task.get("TaskResult") or {}).get("Output") or "").decode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("certificates")
    with running_cloud(home / "cloud", certificate_lifetime=_LIFE) as cloud:
        made = Site(cloud, Project(home / "site", cloud.environment()))
        made.configure().up()
        yield made


def _due(told: Mapping[str, Any]) -> bool:
    return datetime.now(UTC) > datetime.fromisoformat(told["certificate"]["renewal"])


def _refused(run: Run, *words: str) -> None:
    assert run.code != 0
    for word in words:
        assert word in run.output, str(run)
    assert "Traceback" not in run.output


def test_a_first_landing_leaves_nothing_but_the_certificate(site: Site) -> None:
    assert site.serves_what_is_told()
    assert site.told["certificate"]["keyTypes"] == ["ecdsa"]
    assert site.told["certificate"]["source"] == "acme"
    assert site.challenges() == []
    assert "pending" not in site.on_server(f"ls /etc/luodi/tls/{_DOMAIN}").split()


def test_a_renewal_that_is_due_has_a_new_key_and_touches_no_release(site: Site) -> None:
    first, key = site.told, site.on_server(f"cat /etc/luodi/tls/{_DOMAIN}/current/ecdsa.key")
    site.cloud.until(lambda: _due(first))
    assert site.configure().up().changes == {"update": 1}
    assert site.told["release"] == first["release"]
    assert site.told["certificate"]["fingerprints"] != first["certificate"]["fingerprints"]
    assert site.serves_what_is_told()
    assert site.on_server(f"cat /etc/luodi/tls/{_DOMAIN}/current/ecdsa.key") != key
    assert site.challenges() == []


def test_an_authority_that_is_down_leaves_the_last_one_serving(site: Site) -> None:
    stack = site.configure(**{"key-type": "both"})
    run = stack.run("up", LUODI_ACME_DIRECTORY="https://127.0.0.1:1/dir")
    _refused(run, "https://127.0.0.1:1/dir can't be reached")
    assert site.serves_what_is_told()
    assert site.challenges() == []


@pytest.mark.parametrize(("command", "kinds"), [(2, "both"), (4, "rsa-2048")])
def test_a_run_that_was_killed_is_completed_and_leaves_no_record(site: Site, command: int, kinds: str) -> None:
    site.configure(**{"key-type": kinds})
    before = site.cloud.count_of("RunCommand")
    running = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--stack", "production", "--non-interactive"],
        cwd=site.project.folder,
        env=site.project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    site.cloud.until(lambda: site.cloud.count_of("RunCommand") >= before + command)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait(timeout=60)
    assert site.project.pulumi("cancel", "--yes", "--stack", "production").returncode == 0
    stack = Stack(site.project, "production")
    stack.up()
    assert site.challenges() == []
    assert site.told["certificate"]["keyTypes"] == (["ecdsa", "rsa"] if kinds == "both" else ["rsa"])
    assert site.serves_what_is_told()


def test_a_certificate_that_was_changed_on_the_server_is_seen_and_mended(site: Site) -> None:
    stack = site.configure(**{"key-type": "rsa-2048", "pin-key": True})
    stack.up()
    site.on_server(f"rm /etc/luodi/tls/{_DOMAIN}/current")
    assert stack.run("refresh").changes == {"update": 1}
    assert stack.up().changes == {"update": 1}
    assert site.serves_what_is_told()


def test_a_certificate_that_was_bought_is_judged_and_served(site: Site) -> None:
    folder, good = site.project.folder, bought(_DOMAIN)
    (folder / "site.pem").write_text(good.leaf)
    (folder / "site.key").write_text(good.key)
    stack = site.configure(source="files", files={"chain": "site.pem", "key": "site.key"})
    calls = site.cloud.calls()
    _refused(stack.run("preview"), "site.pem holds the site's certificate alone")
    (folder / "site.pem").write_text(good.chain)
    (folder / "site.key").write_text(bought(_DOMAIN).key)
    _refused(stack.run("preview"), "site.key is not the key of the certificate in site.pem")
    assert site.cloud.calls() == calls
    (folder / "site.key").write_text(good.key)
    stack.up()
    assert site.told["certificate"]["source"] == "files"
    assert site.serves_what_is_told()
    assert stack.up().changes == {}
    state, lines = stack.state(), good.key.splitlines()[1:-1]
    assert not [line for line in lines if line in state]
    assert not [line for line in lines for command in site.commands() if line in command]


def test_a_free_one_of_tencent_cloud_s(site: Site) -> None:
    stack = site.configure(source="tencent")
    stack.up()
    assert site.told["certificate"]["source"] == "tencent"
    assert site.serves_what_is_told()
    assert "PRIVATE KEY" not in stack.state()


def test_one_is_uploaded_for_a_load_balancer(site: Site) -> None:
    stack = site.configure(upload=True)
    stack.up()
    shown = site.cloud.call("ssl", "DescribeCertificateDetail", {"CertificateId": site.told["certificate"]["id"]})
    assert shown["Domain"] == _DOMAIN
    state = stack.state()
    assert "PRIVATE KEY" not in state
    uploaded = [one for one in json.loads(state)["deployment"]["resources"] if "KeyedCertificate" in one["type"]]
    assert "ciphertext" in uploaded[0]["outputs"]["private_key"]


def test_no_key_is_in_what_is_kept(site: Site) -> None:
    keys = site.on_server("cat /etc/luodi/tls/*/*/*.key")
    lines = [line for line in keys.splitlines() if "PRIVATE KEY" not in line and len(line) == 64]
    kept = [Stack(site.project, "production").state(), *site.commands()]
    kept += [path.read_text("utf-8", "replace") for path in Path(site.cloud.home).glob("*.log")]
    # The last command's own output is what has just been read here.
    assert not [line for line in lines for text in kept if line in text and text != keys]


def test_the_end_leaves_nothing(site: Site) -> None:
    gone = Stack(site.project, "production").run("destroy")
    assert gone.code == 0, str(gone)
    assert site.cloud.call("ssl", "DescribeCertificates", {})["TotalCount"] == 0
