"""`luodi new`, as it is typed whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from luodi.cli import main
from luodi.settings import Settings
from luodi.settings.site import ProxySite
from tests.unit.test_settings import GOOD

REPOSITORY = Path(__file__).parents[2]
NEEDED = {
    "--domain": "example.cn",
    "--subject-name": "示例科技有限公司",
    "--province": "粤",
    "--title": "示例科技",
}
WHOLE = [".gitignore", "Pulumi.yaml", "__main__.py", "public/index.html", "public/style.css"]
KEY = "export TENCENTCLOUD_SECRET_ID=... TENCENTCLOUD_SECRET_KEY=..."
STACK = "stacks/Pulumi.production.yaml"


def words(options: Mapping[str, str]) -> list[str]:
    return [word for option in options.items() for word in option]


def new(folder: Path | None, *arguments: str, **needed: str) -> Result:
    """The command with what it needs, some of it another or left out."""
    options = NEEDED | {f"--{name.replace('_', '-')}": value for name, value in needed.items()}
    where = [] if folder is None else [str(folder)]
    command = ["new", *where, *words({name: value for name, value in options.items() if value}), *arguments]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def settings(folder: Path, stack: str = "production") -> Settings:
    path = folder / "stacks" / f"Pulumi.{stack}.yaml"
    return Settings.parse(yaml.safe_load(path.read_text("utf-8"))["config"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has a stack."""
    (tmp_path / "Pulumi.yaml").write_text("name: test\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.production.yaml").write_text(yaml.safe_dump({"config": dict(GOOD)}), "utf-8")
    return tmp_path


# --- all of it on the command line ---------------------------------------------------------------


def test_a_project_in_one_command(tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    done = new(folder, "--yes", "--lang", "en")
    assert done.exit_code == 0, done.output
    assert files(folder) == sorted([*WHOLE, STACK])
    assert settings(folder).main.site.domain == "example.cn"
    assert yaml.safe_load((folder / "Pulumi.yaml").read_text())["name"] == "my-shop"
    assert "<title>示例科技</title>" in (folder / "public" / "index.html").read_text("utf-8")
    assert (folder / STACK).read_text("utf-8") in done.stdout
    told = done.stdout.splitlines()
    assert told[told.index("Next:") + 1 :] == [
        f"  cd '{folder}'",
        "  python3 -m venv .venv",
        f"  .venv/bin/pip install {REPOSITORY}",
        f"  {KEY}  # a key: https://console.cloud.tencent.com/cam/capi",
        "  .venv/bin/luodi price --stack production  # what its server costs a month",
        "  pulumi login  # where the state shall live: docs/staging.md",
        "  pulumi stack init production",
        "  pulumi up --stack production",
        "  .venv/bin/luodi filing dossier --stack production  # what the filing's form asks",
        "  .venv/bin/luodi stack new staging --from production  # a staging stack",
    ]


def test_in_chinese(tmp_path: Path) -> None:
    done = new(tmp_path, "--yes", "--lang", "zh")
    assert f"已写入 {tmp_path}：{STACK}, Pulumi.yaml, " in done.stdout
    assert "# 个月，包年包月；备案要求至少 3 个月" in (tmp_path / STACK).read_text("utf-8")


def test_an_application_of_its_own_kind(tmp_path: Path) -> None:
    done = new(tmp_path, "--yes", kind="proxy", server="cvm", size="S5.MEDIUM4", stack="main", period="24")
    assert done.exit_code == 0, done.output
    assert {"app/server.js", "app/index.html", "stacks/Pulumi.main.yaml"} <= set(files(tmp_path))
    made = settings(tmp_path, "main")
    assert isinstance(made.main.site, ProxySite)
    assert (made.server.kind, made.server.period) == ("cvm", 24)


@pytest.mark.parametrize("kind", ["static", "spa", "proxy", "mini-program", "php"])
def test_what_is_written_can_be_rendered(tmp_path: Path, kind: str) -> None:
    assert new(tmp_path, "--yes", kind=kind).exit_code == 0
    command = ["render", "--cwd", str(tmp_path), "--out", str(tmp_path / "rendered")]
    done = CliRunner().invoke(main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "server_name example.cn" in (tmp_path / "rendered/nginx/sites/example.cn.conf").read_text("utf-8")


def test_what_a_filing_may_object_to_is_told(tmp_path: Path) -> None:
    done = new(tmp_path, "--yes", "--lang", "en", domain="example.io", title="Shop")
    assert done.exit_code == 0
    assert "- .io is not among the suffixes" in done.stdout
    assert "- site name 'Shop' has no Chinese character" in done.stdout


def test_a_look_writes_nothing(tmp_path: Path) -> None:
    done = new(tmp_path / "shop", "--yes", "--dry-run", "--lang", "en")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("\nnothing was written (--dry-run)\n")
    assert not (tmp_path / "shop").exists()


def test_for_a_program(tmp_path: Path) -> None:
    told: dict[str, Any] = json.loads(new(tmp_path, "--json", domain="example.io").stdout)
    assert told["written"]
    assert sorted(told["files"]) == files(tmp_path)
    assert told["files"][STACK] == (tmp_path / STACK).read_text("utf-8")
    assert (told["stack"], told["answers"]["kind"]) == ("production", "static")
    assert [remark["en"][:3] for remark in told["remarks"]] == [".io"]
    assert "pulumi up --stack production" in told["next"]


def test_a_further_stack_of_a_project(project: Path) -> None:
    (project / ".venv").mkdir()
    done = new(project, "--yes", "--lang", "en", stack="shop", domain="shop.cn")
    assert done.exit_code == 0, done.output
    assert files(project) == ["Pulumi.yaml", "public/index.html", "public/style.css", STACK, "stacks/Pulumi.shop.yaml"]
    assert settings(project, "shop").main.names == ("shop.cn", "www.shop.cn")
    assert "venv .venv" not in done.stdout


@pytest.mark.parametrize(
    ("domain", "taken", "name"),
    [
        ("shop.cn", (), "shop"),
        ("shop.cn", ("shop", "shop-2"), "shop-3"),
        ("例子.中国", (), "site"),
    ],
)
def test_a_stack_without_a_name_gets_one_that_is_free(
    project: Path, domain: str, taken: tuple[str, ...], name: str
) -> None:
    for stack in taken:
        (project / "stacks" / f"Pulumi.{stack}.yaml").write_text("kept")
    assert new(project, "--yes", domain=domain).exit_code == 0
    assert settings(project, name).main.site.title == "示例科技"


def test_without_a_folder_it_is_the_project_around(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")
    assert new(None, "--yes", stack="shop").exit_code == 0
    assert "stacks/Pulumi.shop.yaml" in files(project)


def test_a_named_folder_in_a_project_is_one_of_its_own(project: Path) -> None:
    assert new(project / "shop", "--yes").exit_code == 0
    assert files(project / "shop") == sorted([*WHOLE, STACK])


def test_content_that_is_there_stays(project: Path) -> None:
    (project / "public").mkdir()
    (project / "public" / "mine.html").write_text("mine")
    done = new(project, "--yes", "--lang", "en", stack="shop")
    assert "- public/ has files already, and stays as it is" in done.stdout
    assert [path for path in files(project) if path.startswith("public")] == ["public/mine.html"]


def test_what_is_hidden_makes_no_folder_full(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("mine\n")
    assert new(tmp_path, "--yes").exit_code == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert files(tmp_path) == sorted([*WHOLE, STACK])


# --- what can't be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"stack": "my stack"}, "Invalid value for --stack: 'my stack' is no stack's name: Pulumi takes letters"),
        ({"domain": "com.cn"}, "Invalid value for --domain: com.cn is a public suffix"),
        ({"region": "ap-hongkong"}, "Invalid value for --region: ap-hongkong, Hong Kong"),
        ({"period": "1"}, "Invalid value for --period: 1 is none of 3, 4,"),
        ({"server": "cvm", "size": "bundle_x"}, "Invalid value for --size: bundle_x is no instance type"),
        ({"title": "\udcff"}, "Invalid value for --title: is no UTF-8"),
        ({"domain": "", "title": ""}, "there is no default for --domain, --title; give it on the command line"),
    ],
)
def test_a_wrong_command_line_ends_with_2(tmp_path: Path, arguments: dict[str, str], said: str) -> None:
    done = new(tmp_path / "shop", "--yes", "--lang", "en", **arguments)
    assert done.exit_code == 2
    assert f"Error: {said}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_command_line_is_told_in_chinese(tmp_path: Path) -> None:
    done = new(tmp_path / "shop", "--yes", "--lang", "zh", domain="com.cn")
    assert done.exit_code == 2
    assert "要写买下的域名，或它的子域名，例如 example.cn（com.cn is a public suffix" in done.stderr


def test_a_stack_that_is_there_is_kept(project: Path) -> None:
    done = new(project, "--yes", "--lang", "en", stack="production")
    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: {STACK} is there already and isn't written over; take another name, or move it away\n",
    )
    assert files(project) == ["Pulumi.yaml", STACK]


def test_a_folder_that_is_not_empty_is_kept(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (tmp_path / name).write_text(name)
    done = new(tmp_path, "--yes")
    assert done.exit_code == 1
    assert f"{tmp_path} is no Pulumi project, and has a.txt, b.txt, c.txt, ... in it; name a new" in done.stderr
    assert files(tmp_path) == ["a.txt", "b.txt", "c.txt", "d.txt"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\nruntime: nodejs\n", "runs nodejs, and luodi is a Python library"),
        ("- x\n", "is no mapping of settings"),
        ("a: [\n", "is no YAML: line 2"),
    ],
)
def test_a_project_that_can_t_have_the_stack_is_kept(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)
    done = new(tmp_path, "--yes")
    assert done.exit_code == 1
    assert said in done.stderr
    assert files(tmp_path) == ["Pulumi.yaml"]


@pytest.mark.parametrize(("below", "said"), [("", "can't be used: Not a directory"), ("shop", "can't be used")])
def test_a_file_is_no_folder(tmp_path: Path, below: str, said: str) -> None:
    (tmp_path / "file").write_text("kept")
    done = new(tmp_path / "file" / below, "--yes")
    assert done.exit_code == 1
    assert said in done.stderr
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--domain", "example.cn"], "give --subject-name, --province, --title, --yes for the defaults"),
        (words(NEEDED), "there is no terminal to ask at; give --yes for the defaults of what isn't given"),
    ],
)
def test_without_a_terminal_it_says_what_to_give(tmp_path: Path, given: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["new", str(tmp_path / "shop"), *given, "--lang", "en"], catch_exceptions=False)
    assert done.exit_code == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["LC_ALL", "LANG"])
@pytest.mark.parametrize("utf8", ["0", "1"])
def test_a_locale_without_utf_8_writes_the_same(tmp_path: Path, name: str, utf8: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-m", "luodi", "new", tmp_path / "网站", *words(NEEDED), "--yes", "--lang", "zh"],
        cwd=REPOSITORY,
        env={**environment, name: "C", "PYTHONUTF8": utf8, "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    subject = settings(tmp_path / "网站").main.filing.subject
    assert subject is not None
    assert subject.name == NEEDED["--subject-name"]
    assert yaml.safe_load((tmp_path / "网站" / "Pulumi.yaml").read_text())["name"] == "example.cn"
