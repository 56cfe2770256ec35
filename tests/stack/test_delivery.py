"""Content on its way to the server, and back: what travels, what is served, who is told."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import Cloud
from tests.project import Project, Stack, fetch

DOMAIN = "jiaofu.com.cn"
REGION = "ap-shanghai"
HASH = "$6$abcdefgh$P6CI3q4bHOrAMn45ut9Lufkp76ax7qSbI.trKAcLh.ukr4IO24hIedd7C9G9e8DpMVALzP9FWWc.n1qr1hMiu."
AREA = {"path": "/intern", "users": {"li": HASH}}
"""With password hashes the files of a release are a secret in the state."""


@pytest.fixture(scope="module")
def project(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("delivery") / "site", cloud.environment())
    public = project.folder / "public"
    public.mkdir()
    (public / "index.html").write_text("<!doctype html><title>one</title><body>one</body>")
    (public / "noise.bin").write_bytes(random.Random(1).randbytes(3_000_000))
    return project


@pytest.fixture(scope="module")
def stack(project: Project) -> Iterator[Stack]:
    stack = project.configure(
        "test",
        {
            "tencentcloud:region": REGION,
            "luodi:site": {"domain": DOMAIN, "title": "交付", "content": "public", "areas": [AREA]},
            "luodi:server": {"kind": "cvm"},
            "luodi:dns": {"manage": "create"},
            "luodi:filing": {"icp": {"number": "沪ICP备2024000123号-1", "approved": "2024-05-20"}},
        },
    )
    stack.up()
    yield stack
    assert stack.run("destroy").code == 0


def luodi(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "luodi", *arguments, "--stack", "test"],
        cwd=project.folder,
        env={**project.environment, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def page(cloud: Cloud, stack: Stack, path: str = "/") -> str:
    return fetch(stack.outputs()["address"], cloud.https_port, DOMAIN, cloud.roots, path).body


def publish(project: Project, word: str) -> None:
    (project.folder / "public" / "index.html").write_text(f"<!doctype html><title>{word}</title><body>{word}</body>")


def test_large_content_travels_by_a_link_that_nothing_keeps(cloud: Cloud, project: Project, stack: Stack) -> None:
    assert ">one<" in page(cloud, stack)
    instance = stack.outputs()["instance"]
    there = f"/opt/luodi/current/sites/{DOMAIN}/html/noise.bin"
    expected = subprocess.run(
        ["sha256sum"],
        stdin=(project.folder / "public" / "noise.bin").open("rb"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert cloud.run(instance, f"sha256sum < {there}") == expected
    state = stack.state()
    assert "luodi-" in state
    resources = json.loads(state)["deployment"]["resources"]
    assert HASH not in json.dumps([each for each in resources if each["type"].endswith("luodi:Release")])
    assert "q-signature" not in state
    assert "q-sign" not in "".join(path.read_text(errors="replace") for path in project.folder.glob("*.events"))


def test_only_what_changed_travels_and_no_bucket_is_asked(cloud: Cloud, project: Project, stack: Stack) -> None:
    before = cloud.count_of("RunCommand")
    publish(project, "two")
    done = stack.up()
    assert re.search(r"Release \w{16}: 3 of \d+ files to send", done.output), "the page, and what names the release"
    assert cloud.count_of("RunCommand") - before < 10
    assert ">two<" in page(cloud, stack)
    assert stack.up().changes == {}


def test_back_and_forth(cloud: Cloud, project: Project, stack: Stack) -> None:
    listed = json.loads(luodi(project, "releases", "--json").stdout)
    assert [each["current"] for each in listed] == [True, False]
    assert listed[0]["record"]["files"] == listed[1]["record"]["files"]
    shown = luodi(project, "releases")
    assert shown.returncode == 0, shown.stderr
    assert all(each["id"] in shown.stdout for each in listed)

    back = luodi(project, "rollback", "--yes")
    assert back.returncode == 0, back.stderr
    assert f"{listed[0]['id']} (" in back.stdout
    assert "delivers that again" in back.stderr
    assert ">one<" in page(cloud, stack)

    differs = luodi(project, "diff", "--exit-code")
    assert differs.returncode == 1, differs.stderr
    assert "+<!doctype html><title>two</title><body>two<div class=" in differs.stdout

    refreshed = stack.run("refresh")
    assert f'"{listed[1]["id"]}"' in refreshed.output, "a refresh names what is served instead"
    assert stack.up().changes.get("update") == 1
    assert ">two<" in page(cloud, stack)
    again = luodi(project, "rollback", listed[1]["id"][:6], "--yes")
    assert again.returncode == 0, again.stderr
    up = stack.up()
    assert f"The server serves release {listed[1]['id']}, not {listed[0]['id']}, delivered last." in up.output
    assert ">two<" in page(cloud, stack), "without a refresh too"
    assert luodi(project, "diff", "--exit-code").returncode == 0

    audit = cloud.run(stack.outputs()["instance"], "cat /var/log/luodi/audit.log; stat -c %a /var/log/luodi/audit.log")
    *entries, mode = audit.splitlines()
    told = [json.loads(entry) for entry in entries]
    assert mode == "640"
    assert [each["action"] for each in told] == ["release", "release", "rollback", "release", "rollback", "release"]
    assert {each["outcome"] for each in told} == {"served"}
    assert told[2]["release"] == listed[1]["id"]
    assert told[2]["previous"] == listed[0]["id"]
    assert all(each["who"] and each["at"] for each in told)


def test_what_was_changed_by_hand_is_told_and_put_right(cloud: Cloud, project: Project, stack: Stack) -> None:
    html = f"/opt/luodi/current/sites/{DOMAIN}/html"
    cloud.run(stack.outputs()["instance"], f"echo '<b>mine</b>' >> {html}/index.html; echo x > {html}/mine.txt")
    preview = stack.run("preview")
    assert (
        f"Changed on the server by hand: sites/{DOMAIN}/html/index.html, sites/{DOMAIN}/html/mine.txt" in preview.output
    )
    cloud.run(stack.outputs()["instance"], f"echo 'eve:x' >> /opt/luodi/current/sites/{DOMAIN}/passwords/0")
    differs = luodi(project, "diff")
    assert "passwords/0 (changed on the server by hand): password hashes, not shown" in differs.stdout
    assert "<b>mine</b>" in differs.stdout
    assert "(changed on the server by hand)" in differs.stdout
    assert "3 were changed on the server by hand" in differs.stderr
    refreshed = stack.run("refresh")
    assert "mine.txt" in refreshed.output
    stack.up()
    assert page(cloud, stack).startswith("<!doctype html><title>two</title>")
    assert luodi(project, "diff", "--exit-code").returncode == 0


def running_in(folder: Path) -> list[int]:
    """The processes that work in a folder, or whose program is there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            if (process / "cwd").readlink() == folder or words.startswith(f"{folder}/"):
                found.append(int(process.name))
    return found


def test_a_deployer_killed_anywhere_leaves_the_last_good_state_and_no_lock(
    cloud: Cloud, project: Project, stack: Stack
) -> None:
    pages = {">two<"}
    for number, seconds in enumerate((2.5, 5.0)):
        publish(project, f"kill-{number}")
        pages.add(f">kill-{number}<")
        (project.folder / "public" / "noise.bin").write_bytes(random.Random(number + 2).randbytes(3_000_000))
        process = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "test"],
            cwd=project.folder,
            env=project.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(seconds)  # somewhere on its way
        for pid in running_in(project.folder):  # the engine, its program and its plugins
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        served = page(cloud, stack)
        assert any(each in served for each in pages), served
        project.pulumi("cancel", "--yes", "--stack", "test")
    publish(project, "three")
    stack.up()
    assert ">three<" in page(cloud, stack)
