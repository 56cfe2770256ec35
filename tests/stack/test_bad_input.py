"""What is wrong is told in a line, at once, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from localcloud.claims import Claims
from tests.cloud import Cloud, running_cloud
from tests.project import Project, Run, Stack, fetch

_AT_ONCE = 10
"""Seconds within which a cloud that is down must have been told (the first landing's own bound)."""


def _config(domain: str, **sections: Any) -> dict[str, Any]:
    return {
        "tencentcloud:region": "ap-nanjing",
        "luodi:site": {"domain": domain, "title": "试一试"},
        "luodi:server": {"kind": "cvm", "period": 3},
        "luodi:dns": {"manage": "create"},
        "luodi:filing": {"icp": {"number": "苏ICP备2024000123号-1", "approved": "2024-05-06"}},
        **sections,
    }


@pytest.fixture
def project(cloud: Cloud, tmp_path: Path) -> Project:
    return Project(tmp_path / "site", cloud.environment())


def _refused(run: Run, *words: str) -> None:
    assert run.code != 0
    for word in words:
        assert word in run.output, str(run)
    assert "Traceback" not in run.output
    assert set(run.changes) <= {"create"}


def test_every_setting_that_cant_be_right_is_told_before_any_call(project: Project, cloud: Cloud) -> None:
    calls = cloud.calls()
    stack = project.configure(
        "test",
        {
            "tencentcloud:region": "ap-hongkong",
            "luodi:site": {"domain": "shop_1.cn", "title": "x", "tittle": "y"},
            "luodi:server": {"kind": "cvm", "period": 13},
        },
    )
    _refused(
        stack.run("up"),
        "stacks/Pulumi.test.yaml: 4 settings can't be right",
        "tencentcloud:region: ap-hongkong",
        "luodi:site.domain: shop_1.cn has an underscore",
        "luodi:site.tittle: is not a setting; did you mean title?",
        "luodi:server.period: must be one of 1, 2, 3",
    )
    assert cloud.calls() == calls


def test_without_credentials_nothing_is_tried(project: Project) -> None:
    stack = project.configure("test", _config("nocred.cn"))
    run = stack.run("up", TENCENTCLOUD_SECRET_ID="", TENCENTCLOUD_SECRET_KEY="")
    _refused(run, "No Tencent Cloud credentials. Set TENCENTCLOUD_SECRET_ID")


def test_a_wrong_key_is_a_line_with_the_clouds_own_code(project: Project) -> None:
    stack = project.configure("test", _config("wrongkey.cn"))
    run = stack.run("up", TENCENTCLOUD_SECRET_KEY="not-the-key-of-this-account")
    _refused(run, "AuthFailure.SignatureFailure", "TENCENTCLOUD_SECRET_KEY does not belong to")
    assert "not-the-key-of-this-account" not in run.output


def test_a_cloud_that_is_down_is_told_at_once(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as own:
        project = Project(tmp_path / "site", own.environment())
        stack = project.configure("test", _config("away.cn"))
        stack.up()
        begun = time.monotonic()
        stack.run("preview")
        usual = time.monotonic() - begun
        own.stop()
        # Nobody else's cloud may begin where this one was reached.
        kept = Claims()
        assert kept.take(f"port {urlsplit(own.endpoints.api).port}")
        for command in ("preview", "up", "refresh", "destroy"):
            begun = time.monotonic()
            run = stack.run(command)
            took = time.monotonic() - begun
            _refused(run, "Tencent Cloud's API does not answer at")
            # On a busy machine everything takes longer, a cloud that answers too.
            assert took < max(_AT_ONCE, 3 * usual), f"{command} took {took:.1f} s"
        kept.close()
        own.start()
        assert stack.up().changes == {}


def test_a_zone_of_somebody_elses(project: Project, cloud: Cloud) -> None:
    cloud.foreign_zone("theirs.cn")
    for manage in ("adopt", "create"):
        stack = project.configure("test", _config("theirs.cn", **{"luodi:dns": {"manage": manage}}))
        _refused(stack.run("up"), "luodi:dns: the zone theirs.cn belongs to another account")


def test_a_zone_that_is_nowhere(project: Project) -> None:
    stack = project.configure("test", _config("nowhere.cn", **{"luodi:dns": {"manage": "adopt"}}))
    _refused(stack.run("up"), "luodi:dns: the zone nowhere.cn is not at DNSPod", "luodi:dns.manage")


def test_a_record_that_exists_is_kept_and_the_next_up_completes(project: Project, cloud: Cloud) -> None:
    cloud.call("dnspod", "CreateDomain", {"Domain": "taken.cn"})
    record = cloud.call(
        "dnspod",
        "CreateRecord",
        {"Domain": "taken.cn", "SubDomain": "www", "RecordType": "A", "RecordLine": "默认", "Value": "192.0.2.1"},
    )
    stack = project.configure("test", _config("taken.cn", **{"luodi:dns": {"manage": "adopt"}}))
    _refused(stack.run("up"), "www.taken.cn has a record already", "192.0.2.1")
    kept = cloud.call("dnspod", "DescribeRecord", {"Domain": "taken.cn", "RecordId": record["RecordId"]})
    assert kept["RecordInfo"]["Value"] == "192.0.2.1"
    cloud.call("dnspod", "DeleteRecord", {"Domain": "taken.cn", "RecordId": record["RecordId"]})
    assert stack.up().changes
    assert stack.run("destroy").code == 0


def test_a_chinese_domain_is_converted(project: Project, cloud: Cloud) -> None:
    stack = project.configure("test", _config("落地.中国"))
    stack.up()
    outputs, name = stack.outputs(), "落地.中国".encode("idna").decode()
    assert outputs["url"] == f"https://{name}"
    assert fetch(outputs["address"], cloud.https_port, name, cloud.roots).status == 200
    assert stack.run("destroy").code == 0


def test_a_full_disk_leaves_the_last_release(project: Project, cloud: Cloud) -> None:
    stack = project.configure("test", _config("full.cn"))
    stack.up()
    instance = stack.outputs()["instance"]
    public = project.folder / "public"
    public.mkdir()
    (public / "index.html").write_text("<html><body>new</body></html>", "utf-8")
    with cloud.full_disk(instance):
        project.configure("test", _config("full.cn", **{"luodi:site": {**_site("full.cn"), "content": "public"}}))
        run = stack.run("up")
        assert run.code != 0
        assert "No space left on device" in run.output, str(run)
        assert "试一试" in fetch(stack.outputs()["address"], cloud.https_port, "full.cn", cloud.roots).body
    assert stack.up().changes == {"update": 1}
    assert "new" in fetch(stack.outputs()["address"], cloud.https_port, "full.cn", cloud.roots).body
    assert stack.run("destroy").code == 0


def _site(domain: str) -> dict[str, Any]:
    return dict(_config(domain)["luodi:site"])


@pytest.mark.parametrize("moment", ["RunInstances", "CreateRecord", "RunCommand"])
def test_an_up_that_was_interrupted_is_completed_by_the_next(project: Project, cloud: Cloud, moment: str) -> None:
    domain = f"{moment.lower()}.cn"
    stack = project.configure("test", _config(domain))
    before = cloud.count_of(moment)
    running = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--stack", "test", "--non-interactive"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    cloud.until(lambda: cloud.count_of(moment) > before)
    os.killpg(running.pid, signal.SIGINT)
    running.wait(timeout=120)
    assert stack.up().changes
    assert fetch(stack.outputs()["address"], cloud.https_port, domain, cloud.roots).status == 200
    assert stack.up().changes == {}
    assert stack.run("destroy").code == 0


def test_two_ups_at_once(project: Project) -> None:
    stack = project.configure("test", _config("twice.cn"))
    runs: list[Run] = []
    both = [threading.Thread(target=lambda: runs.append(Stack(project, "test").run("up"))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    codes = sorted(run.code for run in runs)
    assert codes[0] == 0, "\n".join(map(str, runs))
    locked = [run for run in runs if run.code != 0]
    assert all("the stack is currently locked" in run.output for run in locked)
    assert stack.up().changes == {}
    assert stack.run("destroy").code == 0
