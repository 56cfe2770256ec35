"""`luodi filing`, by its front door: what is printed, what is written, and how it ends."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import icalendar
import pytest
import yaml
from click.testing import CliRunner, Result

from luodi.cli import main
from luodi.commands import terminal
from tests.project import REPOSITORY

TODAY = "2026-11-21"
WAITING: dict[str, Any] = {
    "type": "first",
    "subject": {"kind": "enterprise", "name": "示例科技有限公司", "province": "粤"},
    "purpose": "展示公司产品",
    "submitted": "2026-11-03",
    "provider-review": "2026-11-05",
}
NUMBER = "粤ICP备2023068982号-1"
OPENED = {"icp": {"number": NUMBER, "approved": "2023-05-08"}, "opened": "2026-10-01"}


def stack(filing: Any, domain: str = "example.cn", **site: Any) -> dict[str, Any]:
    return {
        "tencentcloud:region": "ap-guangzhou",
        "luodi:site": {"domain": domain, "title": "示例科技", **site},
        "luodi:server": {"kind": "cvm", "period": 3},
        "luodi:filing": filing,
    }


class Project:
    """A Pulumi project with stack files of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "stacks").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\nstackConfigDir: stacks\n")

    def write(self, name: str, config: Any) -> Path:
        path = self.folder / "stacks" / f"Pulumi.{name}.yaml"
        text = config if isinstance(config, str) else yaml.safe_dump({"config": config}, allow_unicode=True)
        path.write_text(text, "utf-8")
        return path

    def run(self, *arguments: str) -> Result:
        command, rest = arguments[:1], arguments[1:]
        return CliRunner().invoke(main, [*command, "--cwd", str(self.folder), "--today", TODAY, *rest])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "shop")


# --- where it stands ---------------------------------------------------------------------------------


def test_the_table_and_the_timeline(project: Project) -> None:
    project.write("production", stack(WAITING))
    project.write("staging", stack({"icp": OPENED["icp"]}, "staging.example.cn"))
    shown = project.run("filing")
    assert (shown.exit_code, shown.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[:3] == [
        "环境 域名 备案 阶段 对外 最近期限",
        "production example.cn 首次备案 · 网站 短信核验 关闭 2026-11-06 已逾期 15 天",
        "staging staging.example.cn 备案 · 网站 已下号，待开通 开放 —",
    ]
    text = " ".join(lines)
    assert "example.cn 不对外开放：首次备案于 2026-11-03 提交，备案号尚未下发（第 18 天；" in text
    assert "● 2026-11-03 提交备案" in text
    assert "○ 2026-12-03 管局审核（最长 20 个工作日） 还有 12 天 https://console.cloud.tencent.com/beian" in text
    assert "去哪里办：工信部备案管理系统 https://beian.miit.gov.cn/" in text
    assert "下一步：备案事项在 example.cn 自己的环境里办理" in text


def test_in_english(project: Project) -> None:
    project.write("production", stack(OPENED))
    shown = project.run("filing", "--lang", "en").stdout
    assert "open, public-security filing due" in shown
    assert "2026-10-31 21 days overdue" in shown
    assert f"example.cn is published: filed as {NUMBER} since 2023-05-08." in shown


def test_one_stack(project: Project) -> None:
    project.write("production", stack(WAITING))
    project.write("other", stack(OPENED, "other.com"))
    shown = project.run("filing", "--stack", "other").stdout
    assert "other.com" in shown
    assert "example.cn" not in shown


def test_what_is_overdue_is_red_on_a_terminal_and_plain_where_no_colour_is_wanted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("production", stack(OPENED))
    assert "\x1b[" not in project.run("filing").stdout
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    red = project.run("filing").stdout
    assert "\x1b[1;31m○ 2026-10-31" in red
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in project.run("filing").stdout


def test_for_a_program(project: Project) -> None:
    project.write("production", stack(WAITING))
    found = json.loads(project.run("filing", "--json").stdout)
    assert found["today"] == TODAY
    assert found["problems"] == {}
    [site] = found["stacks"]
    assert {key: site[key] for key in ("stack", "domain", "type", "service", "stage", "public", "override", "day")} == {
        "stack": "production",
        "domain": "example.cn",
        "type": "first",
        "service": "website",
        "stage": "sms-verification",
        "public": False,
        "override": False,
        "day": 18,
    }
    assert site["reason"]["en"].startswith("first filing submitted 2026-11-03, number not issued yet")
    assert site["reason"]["zh"].startswith("首次备案于 2026-11-03 提交")
    assert site["next"]["url"] == "https://beian.miit.gov.cn/"
    duty = next(each for each in site["deadlines"] if each["id"] == "sms")
    assert (duty["day"], duty["overdue"], duty["left"], duty["kind"]) == ("2026-11-06", True, -15, "duty")
    assert duty["source"].startswith("https://cloud.tencent.com/")


def test_an_individuals_second_site_is_advice(project: Project) -> None:
    person = {**OPENED, "subject": {"kind": "individual", "name": "张三"}}
    project.write("one", stack(person))
    project.write("two", stack(person, "example.com"))
    shown = project.run("filing")
    assert shown.exit_code == 0
    assert "个人同时只能有一个网站：example.cn, example.com 都以 张三 的名义备案" in shown.stdout


@pytest.mark.parametrize("path", sorted((REPOSITORY / "stacks").glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_the_shipped_stacks_are_read(path: Path) -> None:
    stack_name = path.name.split(".")[1]
    shown = CliRunner().invoke(main, ["filing", "--cwd", str(REPOSITORY), "--stack", stack_name, "--json"])
    assert shown.exit_code == 0
    [site] = json.loads(shown.stdout)["stacks"]
    assert site["public"]


# --- what is wrong -----------------------------------------------------------------------------------


def test_a_stack_that_cannot_be_right_hides_no_other(project: Project) -> None:
    project.write("production", stack(WAITING))
    project.write("wrong", stack({"type": "first", "submitted": "2026-12-01"}, "a_b.cn"))
    shown = project.run("filing")
    assert shown.exit_code == 1
    assert "首次备案于 2026-11-03 提交" in shown.stdout
    assert "wrong：2 处设置不对" in shown.stdout
    assert "luodi:filing.submitted: 2026-12-01 is in the future" in shown.stdout
    assert "luodi:site.domain: a_b.cn has an underscore" in shown.stdout
    found = json.loads(project.run("filing", "--json").stdout)
    assert [problem["path"] for problem in found["problems"]["wrong"]] == [
        "luodi:site.domain",
        "luodi:filing.submitted",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config: [", "is no YAML: line 1: "),
        ("config: {a: b}: c", "is no YAML: line 1: "),
        ("- a list", "is no mapping of settings"),
        ("config: nothing", "config is no mapping of settings"),
        ("config: {1: x}", "config is no mapping of settings"),
        ("", "luodi:site: is not set"),
        ("config:\n\tluodi:site: x", "is no YAML: line 2: found character '\\t'"),
        ("config:\n  a: 1\n  a: 2", "is no YAML: line 3: a is there already, in line 2; keep one of them"),
        ('config:\n  a: "\\ud800.cn"', "is no YAML: line 2: '\\ud800.cn' has half of a surrogate pair"),
        ("config: {a: {b: 1, b: 2}}", "is no YAML: line 1: b is there already, in line 1"),
        (f"config: {'[' * 3000}{']' * 3000}", "is nested too deep for any setting"),
    ],
)
def test_a_stack_file_that_is_none(project: Project, text: str, said: str) -> None:
    project.write("production", text)
    shown = project.run("filing")
    assert shown.exit_code == 1
    assert said in shown.stdout
    assert isinstance(shown.exception, SystemExit)


def test_a_narrow_terminal_loses_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_WIDTH", 40)
    project.write("production", stack(WAITING))
    shown = project.run("filing")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "…" not in shown.stdout
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[1:5] == ["production", "域名 example.cn", "备案 首次备案 · 网站", "阶段 短信核验"]


def test_a_stack_file_in_gbk(project: Project) -> None:
    project.write("production", "")
    (project.folder / "stacks" / "Pulumi.production.yaml").write_bytes("config:\n  # 示例\n".encode("gbk"))
    shown = project.run("filing")
    assert shown.exit_code == 1
    assert "is not UTF-8: line 2; save it as UTF-8" in shown.stdout


def test_a_key_may_be_taken_over_from_an_anchor(project: Project) -> None:
    site = "{domain: example.cn, title: x}"
    project.write("production", f"x: &site {site}\nconfig:\n  luodi:site: {{<<: *site, title: 示例}}\n")
    shown = project.run("filing")
    assert "luodi:server: is not set" in shown.stdout
    assert "luodi:site" not in shown.stdout
    assert "already" not in shown.stdout


def test_no_project(tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["filing", "--cwd", str(tmp_path)])
    assert shown.exit_code == 1
    assert shown.stderr == (
        f"Error: {tmp_path}: no Pulumi.yaml here or above; run it in the project's folder, or use --cwd\n"
    )


def test_no_such_stack(project: Project) -> None:
    project.write("production", stack(WAITING))
    project.write("staging", stack(OPENED, "staging.example.cn"))
    shown = project.run("filing", "--stack", "prod")
    assert (shown.exit_code, shown.stderr) == (1, "Error: there is no stack prod; there are: production, staging\n")
    shown = project.run("filing", "dossier")
    assert (shown.exit_code, shown.stderr) == (1, "Error: which stack? Name one by --stack: production, staging\n")


def test_a_project_without_stacks(project: Project) -> None:
    shown = project.run("filing")
    assert shown.exit_code == 1
    assert "has no stack files" in shown.stderr


@pytest.mark.parametrize("arguments", [["--today", "21.11.2026"], ["--lang", "de"], ["--nonsense"], ["number"]])
def test_a_command_line_that_is_wrong(project: Project, arguments: list[str]) -> None:
    assert CliRunner().invoke(main, ["filing", *arguments]).exit_code == 2


def test_help_has_examples_and_exit_codes() -> None:
    for command in ([], ["number"], ["calendar"], ["dossier"]):
        shown = CliRunner().invoke(main, ["filing", *command, "--help"])
        assert shown.exit_code == 0
        assert "Examples:" in shown.stdout
        assert "Exit codes:" in shown.stdout


# --- one number --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "fields"),
    [
        (
            ["京ICP备05070602号-1"],
            0,
            {"verdict": "valid", "kind": "website", "canonical": "京ICP备05070602号-1", "reason": None},
        ),
        (
            ["京ICP备05070602号", "--for", "website"],
            0,
            {
                "verdict": "warning",
                "kind": "subject",
                "canonical": "京ICP备05070602号",
                "reason": "京ICP备05070602号：广东以外的网站页面须展示服务备案号，即在它后面加 -1 等序号",
            },
        ),
        (
            ["川ICP备2025146653号", "--lang", "en"],
            1,
            {
                "verdict": "invalid",
                "kind": None,
                "canonical": None,
                "reason": ("川ICP备2025146653号: Sichuan's filings begin with 蜀. Did you mean 蜀ICP备2025146653号?"),
            },
        ),
    ],
)
def test_a_number_as_json(arguments: list[str], code: int, fields: dict[str, Any]) -> None:
    shown = CliRunner().invoke(main, ["filing", "number", *arguments, "--json"])
    assert shown.exit_code == code
    assert shown.stderr == ""
    assert shown.stdout == json.dumps(fields, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    ("arguments", "code", "out", "error"),
    [
        (["京ICP备05070602号-1"], 0, "京ICP备05070602号-1\n", ""),
        (["京公网安备 11010102000001 号", "--for", "public-security"], 0, "京公网安备11010102000001号\n", ""),
        (["合字b2-20180025", "--for", "licence"], 0, "合字B2-20180025\n", ""),
        (["京ICP备05070602号-1", "--province", "北京"], 0, "京ICP备05070602号-1\n", ""),
        (
            ["京ICP备05070602号-1", "--province", "粤", "--lang", "en"],
            1,
            "",
            "京ICP备05070602号-1 is of 京; those of Guangdong begin with 粤\n",
        ),
        (["京ICP备05070602号", "--for", "website", "--lang", "en"], 0, "京ICP备05070602号\n", "outside Guangdong"),
    ],
)
def test_a_number(arguments: list[str], code: int, out: str, error: str) -> None:
    shown = CliRunner().invoke(main, ["filing", "number", *arguments])
    assert (shown.exit_code, shown.stdout) == (code, out)
    assert shown.stderr == error if error.endswith("\n") or not error else error in shown.stderr


def test_a_number_for_an_unknown_province() -> None:
    shown = CliRunner().invoke(main, ["filing", "number", "京ICP备05070602号-1", "--province", "火"])
    assert shown.exit_code == 2
    assert "is no province" in shown.stderr


def test_a_number_needs_no_project(tmp_path: Path) -> None:
    shown = _process("filing", "number", "京ICP备05070602号-1", cwd=tmp_path)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "京ICP备05070602号-1\n", "")
    assert _process("filing", "number", "京ICP备05号-1", cwd=tmp_path).returncode == 1


def test_no_command_starts_an_engine(project: Project) -> None:
    project.write("production", stack(WAITING))
    code = "import sys; from luodi.cli import main\ntry: main()\nfinally: sys.exit(3 if 'pulumi' in sys.modules else 0)"
    shown = subprocess.run(
        [sys.executable, "-c", code, "filing", "--cwd", str(project.folder)], cwd=REPOSITORY, check=False
    )
    assert shown.returncode == 0


# --- the calendar ------------------------------------------------------------------------------------


def test_the_calendar(project: Project, tmp_path: Path) -> None:
    project.write("production", stack(WAITING))
    project.write("staging", stack({"icp": OPENED["icp"]}, "staging.example.cn"))
    shown = project.run("filing", "calendar")
    assert shown.exit_code == 0
    events = icalendar.Calendar.from_ical(shown.stdout_bytes.decode()).walk("VEVENT")
    assert [str(event["uid"]) for event in events] == ["sms.example.cn@luodi", "authority-review.example.cn@luodi"]
    file = tmp_path / "filing.ics"
    assert project.run("filing", "calendar", "--output", str(file), "--lang", "en").exit_code == 0
    assert "SUMMARY:example.cn SMS verification" in file.read_bytes().decode()


def test_no_calendar_of_a_stack_that_cannot_be_right(project: Project) -> None:
    project.write("wrong", stack({"submitted": "2026-11-03"}))
    shown = project.run("filing", "calendar")
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "luodi:filing.type: is not set" in shown.stderr


# --- the dossier -------------------------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def _program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_dossier_of_a_stack_that_is_up(project: Project, programs: Path, tmp_path: Path) -> None:
    project.write("production", stack(WAITING))
    asked = tmp_path / "asked"
    _program(
        programs,
        "pulumi",
        f'echo "$@" > {asked}; echo \'{{"address": "203.0.113.7", "instance": "ins-1"}}\'',
    )
    _program(programs, "chromium", 'for a; do case $a in --print-to-pdf=*) echo x > "${a#*=}";; esac; done')
    folder = tmp_path / "dossier"
    shown = project.run("filing", "dossier", "--output", str(folder))
    assert (shown.exit_code, shown.stderr) == (0, "")
    names = ["dossier.md", "commitment-letter.md", "dossier.html", "commitment-letter.html"]
    assert shown.stdout.splitlines() == [
        str(folder / name) for name in [*names, "dossier.pdf", "commitment-letter.pdf"]
    ]
    assert asked.read_text().split() == [
        "stack", "output", "--json", "--stack", "production", "--cwd", str(project.folder), "--non-interactive",
    ]  # fmt: skip
    text = (folder / "dossier.md").read_text("utf-8")
    rows = dict(line.strip("| ").split(" | ", 1) for line in text.splitlines() if line.startswith("| "))
    assert rows["公网 IP"] == "203.0.113.7"
    assert rows["实例"] == "ins-1"
    assert rows["主办单位名称"] == "示例科技有限公司"
    assert rows["备案省份"] == "广东"
    assert rows["备案域名"] == "example.cn"
    assert rows["网站备注"] == "展示公司产品"
    assert rows["服务器地域"] == "ap-guangzhou Guangzhou (广州)"
    assert rows["证件号码"] == "*〔待填：证件号码〕*"
    assert "☐ **营业执照" in text
    letter = (folder / "commitment-letter.md").read_text("utf-8")
    assert "广东通信管理局" in letter
    assert "示例科技有限公司 就域名 example.cn" in letter


def test_a_dossier_of_a_stack_that_is_not_up_says_what_is_missing(
    project: Project, programs: Path, tmp_path: Path
) -> None:
    project.write("production", stack(WAITING))
    _program(programs, "pulumi", "echo 'error: no stack named production found' >&2; exit 255")
    shown = project.run("filing", "dossier", "--output", str(tmp_path / "d"), "--lang", "en")
    assert shown.exit_code == 0
    assert "(error: no stack named production found): left blank" in shown.stderr
    assert "no Chromium, so no PDF" in shown.stderr
    assert "〔to fill in: after `pulumi up`〕" in (tmp_path / "d" / "dossier.md").read_text("utf-8")
    assert not (tmp_path / "d" / "dossier.pdf").exists()


def test_a_browser_that_fails_is_told(project: Project, programs: Path, tmp_path: Path) -> None:
    project.write("production", stack(WAITING))
    _program(programs, "chromium", "exit 1")
    shown = project.run("filing", "dossier", "--output", str(tmp_path / "d"), "--lang", "en")
    assert shown.exit_code == 0
    assert "no pulumi on PATH" in shown.stderr
    assert "chromium made no dossier.pdf" in shown.stderr


def test_what_was_filled_in_is_not_written_over(project: Project, programs: Path, tmp_path: Path) -> None:
    project.write("production", stack(WAITING))
    folder = tmp_path / "d"
    assert project.run("filing", "dossier", "--output", str(folder)).exit_code == 0
    (folder / "dossier.md").write_text("filled in", "utf-8")
    shown = project.run("filing", "dossier", "--output", str(folder))
    assert shown.exit_code == 1
    assert "there already, and maybe filled in" in shown.stderr
    assert (folder / "dossier.md").read_text("utf-8") == "filled in"
    assert project.run("filing", "dossier", "--output", str(folder), "--force").exit_code == 0
    assert "备案资料" in (folder / "dossier.md").read_text("utf-8")


def test_a_folder_that_cannot_be_written(project: Project, programs: Path, tmp_path: Path) -> None:
    project.write("production", stack(WAITING))
    (tmp_path / "file").write_text("")
    shown = project.run("filing", "dossier", "--output", str(tmp_path / "file" / "d"))
    assert shown.exit_code == 1
    assert "can't be written" in shown.stderr


def test_names_with_markup_stay_text(project: Project, programs: Path, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script> | *甲* `乙` [丙](https://example.com) & ![x](y) {{ 7*7 }}"
    filing = {**WAITING, "subject": {**WAITING["subject"], "name": evil}, "publish-without-filing": evil}
    project.write("production", stack(filing, title=evil))
    assert project.run("filing", "dossier", "--output", str(tmp_path / "d")).exit_code == 0
    for name in ("dossier", "commitment-letter"):
        html = (tmp_path / "d" / f"{name}.html").read_text("utf-8")
        assert "<script" not in html
        assert "<img" not in html
        assert 'href="https://example.com"' not in html
        assert (
            "&lt;script&gt;alert(1)&lt;/script&gt; | *甲* `乙` [丙](https://example.com) &amp; ![x](y) {{ 7*7 }}"
            in html
        )


@pytest.mark.parametrize(
    ("filing", "domain", "heads"),
    [
        ({**WAITING, "type": "transfer", "icp": OPENED["icp"]}, "example.cn", ["网站信息", "接入信息"]),
        ({"type": "first", "service": "app"}, "example.cn", ["APP 信息", "接入信息"]),
        ({"type": "first", "service": "mini-program"}, "api.example.cn", ["小程序信息"]),
        ({"type": "cancel-site", "icp": OPENED["icp"]}, "example.cn", ["网站信息", "接入信息"]),
        ({"subject": {"kind": "individual", "name": "张三", "province": "苏"}}, "example.cn", ["网站信息"]),
        ({}, "example.cn", ["网站信息", "接入信息"]),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_dossier_of_every_kind(
    project: Project, programs: Path, tmp_path: Path, filing: Any, domain: str, heads: list[str], language: str
) -> None:
    project.write("production", stack(filing, domain))
    shown = project.run("filing", "dossier", "--output", str(tmp_path / "d"), "--lang", language)
    assert shown.exit_code == 0, shown.output
    text = (tmp_path / "d" / "dossier.md").read_text("utf-8")
    for head in heads:
        assert head in text
    assert "None" not in text


def _process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-m", "luodi", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# --- several sites on one server ---------------------------------------------------------------------

SECOND = {
    "site": {"domain": "example.com", "title": "另一个"},
    "filing": {
        "type": "first",
        "subject": {"kind": "enterprise", "name": "另一家公司", "province": "苏"},
        "icp": {"number": "苏ICP备2026012345号", "approved": "2025-10-20"},
        "opened": "2026-10-21",
    },
}
BELOW = {"site": {"domain": "shop.example.cn", "title": "商店"}}


@pytest.fixture
def several(project: Project) -> Project:
    project.write("production", {**stack(WAITING), "luodi:sites": [SECOND, BELOW]})
    return project


def test_each_site_of_a_stack_has_its_row_and_its_part(several: Project) -> None:
    lines = [" ".join(line.split()) for line in several.run("filing").stdout.splitlines()]
    assert lines[1:4] == [
        "production example.cn 首次备案 · 网站 短信核验 关闭 2026-11-06 已逾期 15 天",
        "production example.com 首次备案 · 网站 已开通，待公安备案 开放 2026-11-20 已逾期 1 天",
        "production shop.example.cn 首次备案 · 网站 短信核验 关闭 —",
    ]
    heads = [line for line in lines if line.startswith("production · ")]
    assert heads == ["production · example.cn", "production · example.com", "production · shop.example.cn"]
    text = " ".join(lines)
    assert "下一步：备案事项随 example.cn 一并办理（luodi:filing）" in text
    assert "把日期写入 luodi:sites[0].filing.public-security.submitted" in text
    assert "苏ICP备2026012345号：广东以外的网站页面须展示服务备案号" in text
    assert "提示：luodi:sites[1]" not in text


def test_each_site_of_a_stack_for_a_program(several: Project) -> None:
    sites = json.loads(several.run("filing", "--json").stdout)["stacks"]
    assert [(site["stack"], site["domain"], site["path"], site["public"], site["follows"]) for site in sites] == [
        ("production", "example.cn", None, False, False),
        ("production", "example.com", "luodi:sites[0]", True, False),
        ("production", "shop.example.cn", "luodi:sites[1]", False, True),
    ]
    assert sites[2]["deadlines"] == []
    assert "outside Guangdong a page must carry the service number" in sites[1]["warnings"][0]["en"]
    assert [each["path"] for each in sites[1]["advice"]] == ["luodi:sites[0].filing.icp.approved"]
    assert [site["advice"] for site in (sites[0], sites[2])] == [[], []]


def test_the_calendar_has_what_is_due_for_each_site_once(several: Project) -> None:
    shown = several.run("filing", "calendar")
    events = icalendar.Calendar.from_ical(shown.stdout_bytes.decode()).walk("VEVENT")
    assert [str(event["uid"]) for event in events] == [
        "sms.example.cn@luodi",
        "authority-review.example.cn@luodi",
        "public-security.example.com@luodi",
    ]


def test_a_dossier_is_of_one_site(
    several: Project, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = several.run("filing", "dossier")
    assert (shown.exit_code, shown.stderr) == (
        1,
        "Error: the stack has several sites, each with a filing; name one by --site: example.cn, example.com\n",
    )
    assert several.run("filing", "dossier", "--site", "Example.com").exit_code == 0
    text = (tmp_path / "filing-production-example.com" / "dossier.md").read_text("utf-8")
    assert "| 主办单位名称 | 另一家公司 |" in text
    assert "| 备案域名 | example.com |" in text
    assert "示例科技" not in text
    shown = several.run("filing", "dossier", "--site", "example.org")
    assert (shown.exit_code, shown.stderr) == (
        1,
        "Error: the stack has no site example.org; there are: example.cn, example.com, shop.example.cn\n",
    )


def test_a_dossier_of_a_site_with_subdomains_is_the_filing_s(project: Project, programs: Path, tmp_path: Path) -> None:
    project.write("production", {**stack(WAITING), "luodi:sites": [BELOW]})
    assert project.run("filing", "dossier", "--output", str(tmp_path / "d")).exit_code == 0
    assert "| 备案域名 | example.cn |" in (tmp_path / "d" / "dossier.md").read_text("utf-8")
