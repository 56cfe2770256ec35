"""luodi as a library: its wheel, and programs that are no clone of it, by the real engine on a rehearsal cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import installed
from tests.cloud import Cloud, running_cloud
from tests.examples.conftest import EXAMPLES
from tests.project import fetch

SITE, STACK = "library.example.cn", "library-site"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@dataclass(frozen=True)
class Shop:
    """The example's project, as a team would copy it, with luodi installed into its `.venv`."""

    folder: Path
    environment: dict[str, str]

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pulumi(self, command: str, *arguments: str) -> str:
        return self.run("pulumi", command, "--stack", STACK, "--non-interactive", *arguments)

    def state(self) -> list[dict[str, Any]]:
        return list(json.loads(self.pulumi("stack", "export"))["deployment"].get("resources") or ())


@pytest.fixture(scope="module")
def shop(wheel: Path, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("programs") / "shop"
    shutil.copytree(EXAMPLES / "library-site", folder)
    installed.install(wheel, folder / ".venv")
    state = folder.parent / "state"
    state.mkdir()
    environment = cloud.environment() | {"PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": "test"}
    made = Shop(folder, {name: value for name, value in environment.items() if name != "PYTHONPATH"})
    made.pulumi("stack", "init")
    return made


def test_the_wheel_carries_what_works_without_a_clone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"luodi"}
    assert {"luodi/py.typed", "luodi/templates/nginx/nginx.conf.j2", "luodi/filing/gate.toml"} <= set(names)
    templates = EXAMPLES.parent / "templates"
    shipped = {f"luodi/templates/{path.relative_to(templates)}" for path in templates.rglob("*") if path.is_file()}
    assert shipped <= set(names)


@pytest.mark.slow
def test_a_program_of_its_own_lands_a_site_beside_its_mail(shop: Shop, cloud: Cloud) -> None:
    cloud.call("dnspod", "CreateDomain", {"Domain": "example.cn"})
    before = cloud.counts()
    own = shop.folder / "templates" / "pages" / "404.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text('{% extends "luodi/pages/404.html.j2" %}{% block title %}本店没有这一页{% endblock %}', "utf-8")

    told = shop.pulumi("up", "--yes", "--skip-preview")
    [outputs] = [one["outputs"] for one in shop.state() if one["type"] == "pulumi:pulumi:Stack"]
    page = fetch(outputs["address"], cloud.https_port, SITE, cloud.roots)
    assert "一个别的程序里的网站" in page.body, told
    assert "粤ICP备2026068982号" in page.body
    missing = fetch(outputs["address"], cloud.https_port, SITE, cloud.roots, "/missing")
    assert (missing.status, "本店没有这一页" in missing.body) == (404, True)
    records = cloud.call("dnspod", "DescribeRecordList", {"Domain": "example.cn"})["RecordList"]
    assert {"MX", "TXT", "A"} <= {record["Type"] for record in records}

    shop.pulumi("destroy", "--yes", "--skip-preview")
    assert not shop.state()
    assert cloud.counts() == before


def test_commands_work_in_it(shop: Shop) -> None:
    assert "粤ICP备2026068982号-1" in shop.run(str(shop.python.parent / "luodi"), "filing", "--lang", "zh")
    shop.run(str(shop.python.parent / "luodi"), "render", "--out", "rendered")
    assert SITE in (shop.folder / "rendered" / "nginx" / "sites" / f"{SITE}.conf").read_text("utf-8")


def test_a_mistake_is_told_by_the_file_that_has_it(shop: Shop) -> None:
    file = shop.folder / f"Pulumi.{STACK}.yaml"
    right = file.read_text("utf-8")
    file.write_text(right.replace("kind: cvm", "kind: cvn"), "utf-8")
    try:
        with pytest.raises(AssertionError, match=f"Pulumi.{STACK}.yaml: 1 setting can't be right"):
            shop.pulumi("preview")
    finally:
        file.write_text(right, "utf-8")


def test_its_types_are_checked_as_strictly_as_luodis_own(shop: Shop) -> None:
    wrong = shop.folder / "wrong.py"
    wrong.write_text('from luodi import Sight, Site\n\nSite("site", "production")\n', "utf-8")
    check = [sys.executable, "-m", "mypy", "--python-executable", str(shop.python), "--no-error-summary"]
    cache = ["--cache-dir", str(shop.folder.parent / "mypy")]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    mistakes = ('"luodi" has no attribute "Sight"', 'Argument 2 to "Site" has incompatible type "str"')
    for file, said in (("__main__.py", ()), ("wrong.py", mistakes)):
        done = subprocess.run(
            [*check, *cache, file], cwd=shop.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert all(mistake in done.stdout for mistake in said), done.stdout
        assert bool(done.stdout) == bool(said), done.stdout
        assert not done.stderr


def test_parts_alone_need_no_engine(wheel: Path, tmp_path: Path) -> None:
    python = installed.install(wheel, tmp_path / "venv")
    program = shutil.copy(EXAMPLES / "library-parts" / "site.py", tmp_path)

    def run(number: str) -> subprocess.CompletedProcess[str]:
        command = [str(python), str(program), "example.cn", number, "2026-11-18", str(tmp_path / "out")]
        return subprocess.run(command, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=False)

    right = run("粤ICP备2026068982号-1")
    assert right.returncode == 0, right.stderr
    assert "example.cn 对外开放" in right.stdout
    site = (tmp_path / "out" / "nginx" / "sites" / "example.cn.conf").read_text("utf-8")
    assert "server_name example.cn" in site
    assert "粤ICP备2026068982号" in (tmp_path / "out/sites/example.cn/snippets/footer.html").read_text("utf-8")
    wrong = run("川ICP备2026068982号-1")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr == (
        "川ICP备2026068982号-1: Sichuan's filings begin with 蜀. Did you mean 蜀ICP备2026068982号-1?\n"
    )
