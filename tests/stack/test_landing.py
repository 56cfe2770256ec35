"""A site from nothing to nothing, by the real engine and provider, on the rehearsal cloud.

The tests of this module are one story and run in order: each leaves the stack up for the next.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import Cloud
from tests.project import Page, Project, Run, Stack, edited, fetch

# Lighthouse lands in test_gate, test_renewal and test_environments.
_SERVER = {"kind": "cvm", "period": 3}
_FILING = {"icp": {"number": "沪ICP备2024000123号-1", "approved": "2024-05-06"}}


class Landed:
    """A stack that is up, and how its site is seen."""

    domain = "tea-shop.com.cn"

    def __init__(self, cloud: Cloud, project: Project) -> None:
        self.cloud, self.project = cloud, project

    def configure(self, *, filing: dict[str, Any] | None = None, **site: Any) -> Stack:
        config = {
            "tencentcloud:region": "ap-shanghai",
            "luodi:site": {"domain": self.domain, "title": "茶叶铺", **site},
            "luodi:server": _SERVER,
            "luodi:dns": {"manage": "create"},
            "luodi:filing": filing or _FILING,
        }
        return self.project.configure("test", config)

    @property
    def stack(self) -> Stack:
        return Stack(self.project, "test")

    def page(self, name: str | None = None, path: str = "/") -> Page:
        address = self.stack.outputs()["address"]
        return fetch(address, self.cloud.https_port, name or self.domain, self.cloud.roots, path)


@pytest.fixture(scope="module")
def landed(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    before = cloud.counts()
    site = Landed(cloud, Project(tmp_path_factory.mktemp("landing") / "shop", cloud.environment()))
    first = site.configure().up()
    assert set(first.changes) == {"create"}
    yield site
    gone = site.stack.run("destroy")
    assert gone.code == 0, str(gone)
    assert cloud.counts() == before


def test_the_site_is_served_with_a_certificate_for_all_its_names(landed: Landed) -> None:
    page = landed.page()
    assert page.status == 200
    assert "茶叶铺" in page.body
    assert {name for _, name in page.certificate["subjectAltName"]} == {landed.domain, f"www.{landed.domain}"}
    assert landed.page(f"www.{landed.domain}").status == 200


def test_the_footer_has_the_number_with_its_link_and_nothing_else(landed: Landed) -> None:
    body = landed.page().body
    assert body.count("沪ICP备2024000123号-1") == 1
    assert "https://beian.miit.gov.cn/" in body
    assert "公网安备" not in body


def test_the_doctor_finds_nothing_failing(landed: Landed, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    command = [sys.executable, "-m", "luodi", "doctor", f"https://{landed.domain}:{landed.cloud.https_port}"]
    command += ["--http-port", str(landed.cloud.endpoints.public_ports["80"]), "--json", "--html", str(report)]
    done = subprocess.run(
        command, env=landed.cloud.environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    levels = {one["check"]: one["level"] for one in json.loads(done.stdout)}
    assert (levels["tls"], levels["http"], levels["footer"]) == ("ok", "ok", "ok")
    assert "data:image/png;base64," in report.read_text("utf-8")


def test_its_status_is_live_and_nothing_is_wrong(landed: Landed) -> None:
    command = [
        sys.executable,
        "-m",
        "luodi",
        "status",
        "--stack",
        "test",
        "--json",
        "--cwd",
        str(landed.project.folder),
    ]
    command += ["--port", str(landed.cloud.https_port)]
    done = subprocess.run(
        command, env=landed.project.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [stack] = json.loads(done.stdout)["stacks"]
    [site] = stack["sites"]
    assert (stack["state"], stack["address"]) == ("up", landed.stack.outputs()["address"])
    assert (site["live"], site["status"], site["certificate"]["state"]) == ("live", 200, "valid")


def test_no_key_is_in_the_state_and_no_secret_readable(landed: Landed) -> None:
    state = landed.stack.state()
    assert "PRIVATE KEY" not in state
    assert landed.cloud.environment()["TENCENTCLOUD_SECRET_KEY"] not in state
    account = next(
        resource
        for resource in json.loads(state)["deployment"]["resources"]
        if resource["type"].endswith(":AcmeAccount")
    )
    assert "ciphertext" in account["outputs"]["account_key"]


def test_a_second_up_changes_nothing(landed: Landed) -> None:
    before = landed.stack.outputs()
    assert f"`{before['address']}`" in before["readme"]
    again = landed.stack.up()
    assert again.changes == {}
    assert landed.stack.outputs() == before
    assert re.search(r"^ +readme +: ", again.output, re.MULTILINE), again.output
    assert not re.search(r"[+~-] readme", again.output), again.output


def test_a_refresh_finds_nothing(landed: Landed) -> None:
    refreshed = landed.stack.run("refresh")
    assert refreshed.code == 0, str(refreshed)
    assert refreshed.changes == {}
    assert landed.stack.up().changes == {}


def test_a_number_that_is_supplied_reaches_the_page_by_one_update(landed: Landed) -> None:
    filing = {**_FILING, "public-security": {"number": "沪公网安备31010602002343号", "approved": "2024-06-03"}}
    serial = landed.stack.outputs()["certificate"]["serial"]
    assert landed.configure(filing=filing).up().changes == {"update": 1}
    body = landed.page().body
    assert "沪公网安备31010602002343号" in body
    assert "https://beian.mps.gov.cn/#/query/webSearch?code=31010602002343" in body
    assert landed.stack.outputs()["certificate"]["serial"] == serial


def test_a_new_name_is_a_record_and_a_new_certificate(landed: Landed) -> None:
    mobile = f"m.{landed.domain}"
    names = [landed.domain, f"www.{landed.domain}", mobile]
    changed = landed.configure(names=names).up()
    # The gate, the certificate, the release; the record.
    assert changed.changes == {"update": 3, "create": 1}, str(changed)
    page = landed.page(mobile)
    assert page.status == 200
    assert {name for _, name in page.certificate["subjectAltName"]} == set(names)
    assert landed.configure().up().changes == {"update": 3, "delete": 1}


def test_a_changed_template_is_one_update(landed: Landed) -> None:
    holding = landed.project.folder / "templates" / "pages" / "holding.html.j2"
    with edited(holding, "{{ title }}", "{{ title }}！"):
        assert landed.stack.up().changes == {"update": 1}
        assert "茶叶铺！" in landed.page().body
    assert landed.stack.up().changes == {"update": 1}


def test_a_template_that_breaks_nginx_leaves_the_last_release_serving(landed: Landed) -> None:
    configuration = landed.project.folder / "templates" / "nginx" / "http" / "transfer.conf.j2"
    serving = landed.stack.outputs()["release"]
    with edited(configuration, "server_tokens off;", "server_tokenz off;"):
        failed = landed.stack.run("up")
        assert failed.code != 0
        assert 'unknown directive "server_tokenz"' in failed.output
        assert landed.page().status == 200
    assert landed.stack.up().changes in ({}, {"update": 1})
    assert landed.stack.outputs()["release"] == serving


def test_content_of_the_teams_own_is_served(landed: Landed) -> None:
    folder = landed.project.folder / "public"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><html><body><h1>明前龙井</h1></body></html>", "utf-8")
    (folder / "price.json").write_text('{"body": "</body>"}', "utf-8")
    assert landed.configure(content="public").up().changes == {"update": 1}
    body = landed.page().body
    assert "明前龙井" in body
    assert body.count("沪ICP备2024000123号-1") == 1
    assert landed.page(path="/price.json").body == '{"body": "</body>"}'
    assert landed.configure().up().changes == {"update": 1}


def test_a_release_that_was_changed_on_the_server_is_seen_and_mended(landed: Landed) -> None:
    landed.cloud.run(landed.stack.outputs()["instance"], "systemctl stop nginx")
    seen = landed.stack.run("refresh")
    assert seen.changes == {"update": 1}, str(seen)
    assert landed.stack.up().changes == {"update": 1}
    assert landed.page().status == 200


def test_the_plain_run_prints_no_warning(landed: Landed) -> None:
    run: Run = landed.stack.run("preview")
    assert run.code == 0
    assert "warning" not in run.output.lower()
    assert "CNY" not in run.output  # a server that is there has been paid for
