"""`luodi graph`, as it is typed, and what is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from luodi.cli import main
from luodi.graph import layout, parts
from luodi.graph.drawing import svg
from luodi.graph.text import lines, printable, width
from luodi.settings import Settings
from tests.unit.test_environments import stack
from tests.unit.test_settings import LIGHTHOUSE, REPOSITORY, STACKS

TODAY = date(2026, 11, 28)
FILED = {"icp": {"number": "粤ICP备2026068982号-1", "approved": "2026-11-18"}}
SVG = "{http://www.w3.org/2000/svg}"
SEVERAL: Mapping[str, Any] = stack(
    site={
        "title": "示例科技",
        "content": "public",
        "paths": [{"path": "/api/", "kind": "proxy", "upstream": "127.0.0.1:3000"}],
    },
    server=LIGHTHOUSE,
    filing={**FILED, "opened": "2026-11-19"},
    sites=[
        {
            "site": {
                "domain": "docs.example.cn",
                "title": "示例文档",
                "kind": "spa",
                "build": {"command": "npm run build", "output": "docs/dist"},
            }
        },
        {
            "site": {
                "domain": "shop.example.com",
                "title": "示例商城",
                "kind": "proxy",
                "allow": ["203.0.113.7/32"],
                "app": {"content": "shop", "command": ["node", "server.js"]},
            },
            "filing": {"type": "first", "submitted": "2026-11-20"},
        },
        {"site": {"domain": "blog.example.net", "title": "示例博客", "kind": "php", "content": "blog"}},
    ],
)


class Project:
    """A project whose one stack is production."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "Pulumi.yaml").write_text("name: test\nruntime: python\n")
        self.write("production", SEVERAL)

    def write(self, name: str, config: Mapping[str, Any]) -> None:
        text = yaml.safe_dump({"config": dict(config)}, allow_unicode=True)
        (self.folder / f"Pulumi.{name}.yaml").write_text(text, "utf-8")

    def graph(self, *arguments: str, lang: str = "en") -> Result:
        command = ["graph", *arguments, "--lang", lang, "--cwd", str(self.folder)]
        return CliRunner().invoke(main, command, catch_exceptions=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def boxes(drawn: str) -> list[tuple[str, list[str]]]:
    """Of each box its looks and its lines."""
    root = ET.fromstring(drawn)
    return [
        (str(group.get("class")), [str(line.text) for line in group.iter(f"{SVG}text")])
        for group in root.iter(f"{SVG}g")
    ]


# --- what is drawn -------------------------------------------------------------------------------


def test_a_stack_is_drawn_with_all_of_its_sites(project: Project) -> None:
    done = project.graph()
    assert done.exit_code == 0, done.output
    drawn = boxes(done.stdout)
    assert drawn[0] == (
        "server plain",
        ["Lighthouse · Guangzhou · 2 GB", LIGHTHOUSE["bundle"], "Ubuntu Server 24.04 LTS 64bit", "ap-guangzhou-6"],
    )
    assert drawn[1] == ("box plain", ["Visitors"])
    first = drawn[2:8]
    assert first == [
        ("box plain", ["example.cn", "www.example.cn", "zone example.cn at DNSPod", "A records, TTL 600"]),
        ("box open", ["Gate: open", "filing: open, public-", "security filing due", "粤ICP备2026068982号-1"]),
        ("box plain", ["nginx · 示例科技", "files"]),
        ("box plain", ["Certificate", "Let's Encrypt", "ACME DNS-01, ecdsa"]),
        ("box plain", ["public"]),
        ("box plain", ["/api/ → 127.0.0.1:3000", "application", "an application started", "otherwise"]),
    ]
    heads = [lines[0] for _, lines in drawn]
    assert {"docs.example.cn", "docs/dist", "shop.example.com", "node server.js", "blog.example.net", "blog"} <= set(
        heads
    )
    assert ("box plain", ["blog", "PHP-FPM"]) in drawn


def test_a_closed_gate_lets_nobody_through_but_who_is_let_in(project: Project) -> None:
    root = ET.fromstring(project.graph().stdout)
    assert ("box closed", ["Gate: closed", "filing: provider's first", "review", "203.0.113.7/32 alone"]) in boxes(
        project.graph().stdout
    )
    ways = [path for path in root.iter(f"{SVG}path") if path.get("class") in ("open", "closed") and path.get("d")]
    drawn = [(path.get("class"), path.get("marker-end") is not None) for path in ways[2:]]  # after the arrowheads
    # From the visitor, then through the gates: only the site that lets nobody in is stopped.
    assert drawn == [
        *[("open", True), ("open", True), ("closed", True), ("closed", True)],
        *[("open", True)] * 4,
        *[("closed", True)] * 2,
        *[("closed", True), ("closed", False)],
    ]
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "stop"]) == 1


def test_what_is_published_against_the_rules_is_seen() -> None:
    settings = Settings.parse(stack(filing={"publish-without-filing": "a demonstration"}), today=TODAY)
    assert ("box override", ["Gate: open by", "override", "filing: preparing"]) in boxes(
        svg("p", settings, TODAY, "en")
    )


def test_who_can_t_see_it_is_told_all_of_it(project: Project) -> None:
    root = ET.fromstring(project.graph().stdout)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text == "production · example.cn"
    for words in (
        "Gate: closed; filing: provider's first review",
        "Let's Encrypt",
        "node server.js",
        "built by npm run build",
    ):
        assert words in str(description.text)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "path", [*STACKS, *sorted(REPOSITORY.glob("examples/*/Pulumi.*.yaml"))], ids=lambda path: path.name
)
def test_every_example_is_drawn(path: Path, language: Any) -> None:
    settings = Settings.parse(yaml.safe_load(path.read_text("utf-8"))["config"], today=TODAY)
    drawn = svg("x", settings, TODAY, language)
    assert len(boxes(drawn)) >= 7
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        (
            {"authority": ["letsencrypt", "https://acme.example/dir"], "key-type": "both"},
            ["Let's Encrypt (else https://acme.example/dir)", "ACME DNS-01, both"],
        ),
        ({"source": "files", "files": {"chain": "c.pem", "key": "k.pem"}}, ["bought (c.pem)"]),
    ],
)
def test_who_issues_the_certificate_is_told(certificate: dict[str, Any], said: list[str]) -> None:
    picture = parts.picture("p", Settings.parse(stack(certificate=certificate), today=TODAY), TODAY, "en")
    assert list(picture.lanes[0].certificate.lines) == said


def test_the_picture_in_the_documents_is_what_is_drawn() -> None:
    kept = (REPOSITORY / "docs" / "pictures" / "graph.svg").read_text("utf-8")
    assert kept == svg("production", Settings.parse(SEVERAL, today=TODAY), TODAY, "en"), (
        "out of date: python -m tests.unit.test_cli_graph > docs/pictures/graph.svg"
    )


# --- whatever is written in it -------------------------------------------------------------------

_TITLES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(str.strip)


@given(_TITLES | st.sampled_from(["</text></svg>", "<script>alert(1)</script>", "&amp;\"'", "]]>", "\ufffe"]))
def test_no_title_breaks_the_picture(title: str) -> None:
    settings = Settings.parse(stack(site={"title": title}), today=TODAY)
    root = ET.fromstring(svg("p", settings, TODAY, "zh"))
    whole = [each.text for each in root.iter(f"{SVG}title")]
    assert any(f"nginx · {printable(settings.main.site.title)}" in str(text) for text in whole)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {
        *("svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text", "g")
    }


@given(st.text(), st.floats(20, 400), st.integers(1, 5))
def test_lines_fit_and_lose_nothing_unsaid(text: str, room: float, most: int) -> None:
    found = lines(text, 12, room, most)
    assert 1 <= len(found) <= most
    assert all(width(line, 12) <= room for line in found)
    kept = "".join("".join(found).split())
    if kept != "".join(text.split()):
        assert "".join(text.split()).startswith(kept[:-1])
        assert kept.endswith("…")


@given(st.integers(1, 8), st.integers(0, 12), st.integers(0, 4))
def test_no_two_boxes_overlap(sites: int, names: int, paths: int) -> None:
    def site(number: int) -> dict[str, Any]:
        domain = f"s{number}.example.cn"
        return {
            "domain": domain,
            "title": "站" + "很长的标题" * number,
            "names": [f"n{each}.{domain}" for each in range(names)] or [domain],
            "paths": [{"path": f"/p{each}/", "kind": "static"} for each in range(paths)],
        }

    config = stack(site=site(0), sites=[{"site": site(number)} for number in range(1, sites)])
    drawing = layout.layout(parts.picture("p", Settings.parse(config, today=TODAY), TODAY, "zh"))
    for index, one in enumerate(drawing.boxes):
        assert one.x >= 0
        assert one.right <= drawing.width
        assert 0 <= one.y <= one.bottom <= drawing.height
        assert all(line.y < one.height for line in one.lines)
        for other in drawing.boxes[index + 1 :]:
            apart = one.right < other.x or other.right < one.x or one.bottom < other.y or other.bottom < one.y
            assert apart, (one, other)


# --- the command line ----------------------------------------------------------------------------


def test_it_is_written_where_it_is_asked_for(project: Project) -> None:
    path = project.folder / "production.svg"
    done = project.graph("--stack", "production", "--output", str(path), lang="zh")
    assert (done.exit_code, done.output) == (0, "")
    assert path.read_text("utf-8") == project.graph(lang="zh").stdout
    assert "轻量应用服务器 · 广州 · 2 GB" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--output", "nowhere/x.svg"), 2, "nowhere/x.svg: No such file or directory; name a file that can be written"),
        (("--output", "."), 2, "is a directory"),
        (("--stack", "prod"), 1, "there is no stack prod; there are: production"),
    ],
)
def test_a_wrong_command_line(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(project.folder)
    done = project.graph(*arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


def test_one_of_several_has_to_be_named(project: Project) -> None:
    project.write("staging", stack())
    done = project.graph()
    assert (done.exit_code, done.stderr) == (1, "Error: which stack? Name one by --stack: production, staging\n")


def test_a_file_that_can_t_be_right_is_not_drawn(project: Project) -> None:
    project.write("production", stack(server={"kind": "cvm", "period": 1}))
    done = project.graph()
    assert done.exit_code == 1
    assert "luodi:server.period: 1 month; a filing needs" in done.stderr


if __name__ == "__main__":
    print(svg("production", Settings.parse(SEVERAL, today=TODAY), TODAY, "en"), end="")
