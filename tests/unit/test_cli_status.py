"""`luodi status`, as it is typed; the engine's answers are made up, the servers it looks at are real."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser

from luodi.api import Account, ApiError
from luodi.certificate.lifetime import Certificate
from luodi.cli import main
from luodi.status.page import page
from luodi.status.table import show
from tests import statuses
from tests.unit.nameserver import serving
from tests.unit.test_cli_compare import Project
from tests.unit.test_doctor import AUTHORITY, RealSite, certificate, real_site
from tests.unit.test_settings import GOOD

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<p>here</p>"
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n"
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"
NAMES = ["example.cn", "www.example.cn"]
LEAF = certificate(*NAMES)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    found = Project(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    monkeypatch.setenv("LUODI_ACME_CA", str(tmp_path / "roots.pem"))
    return found


def status(project: Project, *arguments: str, lang: str = "en") -> Result:
    command = ["status", *arguments, "--timeout", "3", "--lang", lang, "--cwd", str(project.folder)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def told(done: Result) -> dict[str, dict[str, Any]]:
    return {one["stack"]: one for one in json.loads(done.stdout)["stacks"]}


def exported(*, public: bool = True, left: timedelta = timedelta(days=60)) -> dict[str, Any]:
    """What production exports of a certificate that is served."""
    ends = datetime.now(UTC) + left
    return {
        "names": NAMES,
        "filing": {"public": public, "stage": "open"},
        "certificate": {
            "issuer": "R13",
            "notAfter": ends.isoformat(),
            "renewal": (ends - timedelta(days=30)).isoformat(),
            "fingerprints": [Certificate.of(LEAF.cert_chain_pems[0].bytes().decode()).fingerprint],
            "authority": None,
        },
    }


def visited(project: Project, monkeypatch: pytest.MonkeyPatch, site: RealSite) -> Result:
    """Production looked at, whose records lead to the site on loopback."""
    with serving(["127.0.0.1"]) as [names]:
        for name in NAMES:
            names.publish(name, "127.0.0.1", kind="A")
        monkeypatch.setenv("LUODI_DNS", f"127.0.0.1:{names.port}")
        return status(project, "--stack", "production", "--port", str(site.port), "--json")


# --- what there is to say of a stack -------------------------------------------------------------


def test_stacks_that_are_not_up_are_shown_and_nothing_is_wrong(project: Project) -> None:
    done = status(project)
    assert done.exit_code == 0, done.output
    assert "staging.example.cn" in done.stdout
    assert "no stack named 'staging' found" in done.stdout
    assert done.stdout.splitlines()[-1] == "2 not up"
    stacks = told(status(project, "--json"))
    assert [one["state"] for one in stacks.values()] == ["not-up", "not-up"]
    [site] = stacks["production"]["sites"]
    assert (site["live"], site["certificate"], site["filing"]["stage"]) == ("not-up", None, "approved")
    assert stacks["production"]["server"] == {
        "kind": "lighthouse",
        "name": {"zh": "轻量应用服务器", "en": "Lighthouse"},
        "region": "ap-guangzhou",
        "size": "bundle_starter_mc_promo_med2_01",
    }


def test_the_stack_that_was_named_has_to_be_up(project: Project) -> None:
    assert status(project, "--stack", "production").exit_code == 1
    assert "staging" not in status(project, "--stack", "production").stdout


def test_a_file_that_can_t_be_right_leaves_the_others_shown(project: Project) -> None:
    project.write("broken", {**GOOD, "luodi:server": {"kind": "cvm", "period": 1}})
    done = status(project)
    assert done.exit_code == 1
    assert "Pulumi.broken.yaml: 1 setting can't be right" in done.stdout
    assert "luodi:server.period: 1 month; a filing needs" in done.stdout
    assert done.stdout.splitlines()[-1] == "2 not up · 1 settings wrong"
    stacks = told(status(project, "--json"))
    assert stacks["broken"]["problems"][0]["path"] == "luodi:server.period"
    assert stacks["broken"]["server"] is None
    assert stacks["production"]["state"] == "not-up"


def test_without_an_engine_what_the_files_say_is_shown(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = status(project, lang="zh")
    assert done.exit_code == 1
    assert "there is no pulumi on PATH" in done.stdout
    assert "已下号，待开通" in done.stdout
    assert done.stdout.splitlines()[-1] == "未知 2"


def test_a_stack_of_something_else_is_unknown(project: Project) -> None:
    project.is_up("production", [])
    stacks = told(status(project, "--json"))
    assert stacks["production"]["state"] == "unknown"
    assert "exports no certificate that luodi knows" in stacks["production"]["why"]


def test_a_deadline_that_is_over_is_wrong(project: Project) -> None:
    filing = {
        "type": "first",
        "submitted": "2025-01-02",
        "icp": {"number": "粤ICP备2025068982号-1", "approved": "2025-01-20"},
        "opened": "2025-01-21",
    }
    project.write("production", {**GOOD, "luodi:filing": filing})
    done = status(project)
    assert done.exit_code == 1
    assert "public-security filing: submit within 30 days of opening: " in done.stdout
    assert done.stdout.splitlines()[-1] == "2 not up · 1 overdue"


# --- live or not ---------------------------------------------------------------------------------


def test_an_open_site_that_answers_is_live(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.is_up("production", [], **exported())
    with real_site(OK, LEAF) as site:
        done = visited(project, monkeypatch, site)
    assert done.exit_code == 0, done.output
    production = told(done)["production"]
    [site_] = production["sites"]
    assert (production["state"], production["address"]) == ("up", "127.0.0.1")
    assert (site_["live"], site_["status"], site_["faults"]) == ("live", 200, [])
    assert (site_["certificate"]["state"], site_["certificate"]["daysLeft"]) == ("valid", pytest.approx(60, abs=0.01))
    assert "trustme" in site_["certificate"]["issuer"]


@pytest.mark.parametrize(("reply", "why"), [(BAD_GATEWAY, "HTTP 502"), (UNAVAILABLE, "HTTP 503")])
def test_an_open_site_that_answers_with_an_error_is_failing(
    project: Project, monkeypatch: pytest.MonkeyPatch, reply: bytes, why: str
) -> None:
    project.is_up("production", [], **exported())
    with real_site(reply, LEAF) as site:
        done = visited(project, monkeypatch, site)
    [site_] = told(done)["production"]["sites"]
    assert (done.exit_code, site_["live"]) == (1, "failing")
    assert site_["faults"] == [{"zh": f"打不开：{why}", "en": f"can't be opened: {why}"}]


def test_a_site_that_is_worked_on_is_not_failing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    site = {"domain": "example.cn", "title": "示例", "maintenance": True}
    filing = {"icp": {"number": "粤ICP备2026068982号-1", "approved": "2026-01-02"}}
    project.write("production", {**GOOD, "luodi:site": site, "luodi:filing": filing})
    project.is_up("production", [], **exported())
    with real_site(UNAVAILABLE, LEAF) as real:
        done = visited(project, monkeypatch, real)
    assert (done.exit_code, told(done)["production"]["sites"][0]["live"]) == (0, "maintenance")


def test_an_open_site_where_nobody_answers_is_failing(project: Project) -> None:
    project.is_up("production", [], **exported())
    done = status(project, "--port", "1")
    assert done.exit_code == 1
    assert "can't be opened: Connection refused" in done.stdout
    assert "127.0.0.1 shows no certificate" in done.stdout


def test_a_closed_site_is_not_visited(project: Project) -> None:
    project.is_up("production", [], **exported(public=False))
    done = status(project, "--stack", "production", "--port", "1")
    assert done.exit_code == 0, done.output
    assert "its filing lets it open now; run `pulumi up`" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 closed"


def test_a_certificate_that_is_over_is_wrong(project: Project) -> None:
    project.is_up("production", [], **exported(public=False, left=timedelta(hours=-1)))
    done = status(project, "--stack", "production")
    assert done.exit_code == 1
    assert "run `luodi renew --stack production`" in done.stdout


# --- the command line ----------------------------------------------------------------------------


def test_with_a_key_its_price_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDexample")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "secret")
    asked: list[str] = []

    def call(_account: Account, service: str, action: str, _parameters: object) -> dict[str, Any]:
        asked.append(f"{service}:{action}")
        price = {"OriginalPrice": 780, "DiscountPrice": 660, "Discount": 85, "Currency": "CNY"}
        return {"Price": {"InstancePrice": price}}

    monkeypatch.setattr(Account, "call", call)
    said = status(project, "--stack", "production").stdout
    assert "55.00 CNY a month" in said
    assert set(asked) == {"lighthouse:InquirePriceCreateInstances"}
    assert told(status(project, "--json"))["production"]["price"]["monthly"] == "55.00"


def test_without_a_key_or_an_answer_no_price_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(status(project, "--json"))["production"]["price"] is None
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDexample")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "secret")

    def call(_account: Account, _service: str, action: str, _parameters: object) -> dict[str, Any]:
        raise ApiError(action, "AuthFailure.SignatureFailure", "no")

    monkeypatch.setattr(Account, "call", call)
    assert told(status(project, "--json"))["production"]["price"] is None


def test_a_stack_that_there_is_not(project: Project) -> None:
    done = status(project, "--stack", "prod")
    assert (done.exit_code, done.stderr) == (1, "Error: there is no stack prod; there are: production, staging\n")


def test_no_project(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["status", "--cwd", str(tmp_path)])
    assert done.exit_code == 1
    assert "no Pulumi.yaml here or above" in done.stderr


def test_a_project_without_stacks(project: Project) -> None:
    for path in (project.folder / "stacks").iterdir():
        path.unlink()
    done = status(project)
    assert done.exit_code == 1
    assert "the project has no stack files" in done.stderr


def test_a_page_that_can_t_be_written(project: Project) -> None:
    path = project.folder / "nowhere" / "status.html"
    done = status(project, "--html", str(path))
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        f"Error: {path}: No such file or directory; name a file that can be written"
    )


# --- the page and the table ----------------------------------------------------------------------


def test_the_page_is_written_and_fetches_nothing(project: Project) -> None:
    path = project.folder / "status.html"
    assert status(project, "--html", str(path), lang="zh").exit_code == 0
    text = path.read_text("utf-8")
    tree = LexborHTMLParser(text)
    assert [one.attributes["lang"] for one in tree.css("html")] == ["zh-CN"]
    assert [one.text() for one in tree.css("h1")] == ["test · 站点状态"]
    assert [head.text(strip=True) for head in tree.css("h2")] == ["production未部署", "staging未部署"]
    assert not tree.css("script, link, img, iframe")
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_says_what_is_wrong() -> None:
    text = page("example", statuses.project(), statuses.TODAY, statuses.NOW, "en")
    tree = LexborHTMLParser(text)
    late = [" ".join(one.text().split()) for one in tree.css("li.due.bad")]
    assert late == ["2026-09-09 public-security filing: submit within 30 days of opening 80 days overdue"]
    wrong = [" ".join(one.text().split()) for one in tree.css(".remarks .bad")]
    assert "Wrong can't be opened: Connection refused" in wrong
    assert any("Sichuan's filings begin with" in one for one in wrong)


_HOSTILE = st.text() | st.lists(st.sampled_from(["<", ">", "&", '"', "'", "</p>", "<script>", "{{", "[red]"])).map(
    "".join
)


@given(_HOSTILE)
def test_whatever_a_title_or_an_error_says_the_page_is_built_alike(text: str) -> None:
    def tags(text: str) -> list[str | None]:
        found = [statuses.with_title(text)]
        tree = LexborHTMLParser(page("p", found, statuses.TODAY, statuses.NOW, "en"))
        return [node.tag for node in tree.root.traverse()] if tree.root else []

    plain = tags("plain")
    assert "section" in plain
    assert tags(text or "nothing") == plain


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1), st.sampled_from([40, 80, 120, 200]))
def test_whatever_an_error_says_the_table_shows_it(text: str, width: int) -> None:
    console = Console(width=width, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as shown:
        show(console, [statuses.with_title(text)], statuses.TODAY, statuses.NOW, "en")
    assert text in shown.get()


@pytest.mark.parametrize("width", [30, 60, 99, 100, 120, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal(width: int) -> None:
    console = Console(width=width, force_terminal=False)
    up = [one for one in statuses.project() if one.address]
    with console.capture() as shown:
        show(console, up, statuses.TODAY, statuses.NOW, "en")
    table = shown.get().split("\n\nshop\n  ")[0]
    assert "example.com" in table
    assert all(len(line) <= width for line in table.splitlines())
