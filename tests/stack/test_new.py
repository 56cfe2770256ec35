"""The start of a project, by `luodi new` and by `pulumi new` with this repository as its template, and what the real
engine makes of it on the rehearsal cloud."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from luodi.settings import LighthouseSettings, Settings
from tests.cloud import Cloud
from tests.project import REPOSITORY, fetch
from tests.screen import ENTER, Screen

_PARTS = ("Pulumi.yaml", "__main__.py", "stacks", "templates", "luodi")
_ANSWERS = {
    "luodi:filing.subject.kind": "",
    "luodi:filing.subject.name": "示例科技有限公司",
    "luodi:filing.subject.province": "粤",
    "luodi:server.bundle": "bundle_starter_mc_promo_med2_01",
    "luodi:server.kind": "",
    "luodi:server.period": "3",
    "luodi:site.domain": "asked-for.cn",
    "luodi:site.title": "问出来的网站",
    "tencentcloud:region": "",
}
"""In the order that the engine asks; nothing where the default is meant."""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """What of this repository a stack needs, as a clone has it."""
    folder = tmp_path / "luodi-clone"
    for part in _PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy2(source, folder / part)
    return folder


@pytest.fixture
def environment(cloud: Cloud, tmp_path: Path) -> dict[str, str]:
    """Where `pulumi new` keeps its state, and nowhere to fetch packages from: it would install them anew each time."""
    state = tmp_path / "state"
    state.mkdir()
    kept = {
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    return cloud.environment() | kept | {"PIP_NO_INDEX": "1", "PIP_NO_INPUT": "1"}


def _config(folder: Path, stack: str) -> dict[str, Any]:
    return dict(yaml.safe_load((folder / "stacks" / f"Pulumi.{stack}.yaml").read_text("utf-8"))["config"])


def _asked() -> dict[str, dict[str, str]]:
    """What the template asks for."""
    return dict(yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text("utf-8"))["template"]["config"])


def test_it_asks_for_what_a_stack_needs_and_the_stack_is_right(
    template: Path, environment: dict[str, str], cloud: Cloud, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    new = ["new", str(template), "--name", "shop", "--description", "A shop", "--stack", "dev"]
    screen = Screen(shop, "pulumi", *new, environment=environment, columns=200)
    assert sorted(_asked()) == list(_ANSWERS)
    for key, answer in _ANSWERS.items():
        screen.wait_for(f"({key})")
        assert "".join(_asked()[key]["description"].split()) in screen.text
        screen.type(answer, ENTER)
    screen.wait_for("Saved config")
    assert screen.end() != 0  # packages

    settings = Settings.parse(_config(shop, "dev"))
    assert settings.main.names == ("asked-for.cn", "www.asked-for.cn")
    assert isinstance(settings.server, LighthouseSettings)
    assert (settings.server.period, settings.region.id) == (3, "ap-guangzhou")
    subject = settings.main.filing.subject
    assert subject is not None
    assert (subject.name, subject.kind, subject.province) == ("示例科技有限公司", "enterprise", "粤")

    cloud.call("dnspod", "CreateDomain", {"Domain": "asked-for.cn"})
    shutil.rmtree(shop / ".venv")
    (shop / ".venv").symlink_to(sys.prefix)
    preview = _pulumi(shop, environment, "preview", "--stack", "dev")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "asked-for.cn is not published" in preview.stdout
    assert re.search(r"Lighthouse:Instance\s+site\S*\s+create", preview.stdout), preview.stdout


def test_it_takes_them_from_the_command_line(template: Path, environment: dict[str, str], tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    given = [word for key, answer in _ANSWERS.items() if answer for word in ("-c", f"{key}={answer}")]
    new = _pulumi(shop, environment, "new", str(template), "--yes", "--name", "shop", "--stack", "dev", *given)
    assert "Saved config" in new.stdout, new.stdout + new.stderr
    config = _config(shop, "dev")
    defaults = {key: one["default"] for key, one in _asked().items() if "default" in one}
    assert config == {key: answer or defaults[key] for key, answer in _ANSWERS.items()}
    Settings.parse(config)


def test_a_stack_that_is_shipped_and_answered_for_is_refused_before_any_call(
    template: Path, environment: dict[str, str], cloud: Cloud, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    _pulumi(shop, environment, "new", str(template), "--yes", "--name", "shop", "--stack", "production")
    shutil.rmtree(shop / ".venv")
    (shop / ".venv").symlink_to(sys.prefix)
    calls = cloud.calls()
    preview = _pulumi(shop, environment, "preview", "--stack", "production")
    assert preview.returncode != 0
    assert "luodi:server.kind: is set in luodi:server too; leave one of the two out" in preview.stdout
    assert "Traceback" not in preview.stdout + preview.stderr
    assert cloud.calls() == calls


def test_the_project_may_have_any_name(template: Path, environment: dict[str, str], tmp_path: Path) -> None:
    new = ["new", str(template), "--yes", "--generate-only", "--name", "my-shop", "--dir", str(tmp_path / "out")]
    done = _pulumi(tmp_path, environment, *new)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "python -m luodi new" in done.stdout
    made = yaml.safe_load((tmp_path / "out" / "Pulumi.yaml").read_text("utf-8"))
    assert (made["name"], "template" in made) == ("my-shop", False)


def test_what_luodi_new_writes_lands_once_it_is_filed(
    environment: dict[str, str], cloud: Cloud, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    given = {"--domain": "begun.cn", "--title": "开张大吉", "--subject-name": "示例科技有限公司", "--province": "粤"}
    command = [
        sys.executable,
        "-m",
        "luodi",
        "new",
        str(shop),
        "--yes",
        *(word for one in given.items() for word in one),
    ]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=60)
    (shop / ".venv").symlink_to(sys.prefix)  # with luodi, as if it were installed there
    environment |= {"PYTHONPATH": str(REPOSITORY)}
    file = shop / "stacks" / "Pulumi.production.yaml"
    file.write_text(re.sub(r"# ((?:type|submitted|icp): )", r"\1", file.read_text("utf-8")), "utf-8")

    cloud.call("dnspod", "CreateDomain", {"Domain": "begun.cn"})
    before = cloud.counts()
    assert _pulumi(shop, environment, "stack", "init", "production").returncode == 0
    up = _pulumi(shop, environment, "up", "--yes", "--skip-preview", "--stack", "production")
    assert up.returncode == 0, up.stdout + up.stderr
    address = _pulumi(shop, environment, "stack", "output", "address", "--stack", "production").stdout.strip()
    page = fetch(address, cloud.https_port, "www.begun.cn", cloud.roots)
    assert "<h1>开张大吉</h1>" in page.body
    assert "粤ICP备2026068982号" in page.body
    assert "place-self: center" in fetch(address, cloud.https_port, "begun.cn", cloud.roots, "/style.css").body
    destroyed = _pulumi(shop, environment, "destroy", "--yes", "--skip-preview", "--stack", "production")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert cloud.counts() == before


def _pulumi(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive", "--color=never"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
