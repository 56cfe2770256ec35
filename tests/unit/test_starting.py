"""What comes of the answers: stack files that are right, and the files of a project."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from luodi.filing.facts import SubjectKind
from luodi.settings import Settings, readable
from luodi.settings.site import KINDS
from luodi.starting.answers import QUESTIONS, Answers, Question
from luodi.starting.project import first_files, project_files, project_name
from luodi.starting.stack import advice, configuration, stack_file
from luodi.words import Language

REPOSITORY = Path(__file__).parents[2]
TODAY = date(2026, 11, 28)
ANSWERS: Answers = {
    "stack": "production",
    "domain": "example.cn",
    "subject-kind": "enterprise",
    "subject-name": "示例科技有限公司",
    "province": "粤",
    "title": "示例科技",
    "kind": "static",
    "server": "lighthouse",
    "region": "ap-guangzhou",
    "size": "bundle_starter_mc_promo_med2_01",
    "period": "12",
}
LANGUAGES: tuple[Language, ...] = get_args(Language)


def question(name: str) -> Question:
    return next(each for each in QUESTIONS if each.name == name)


_LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True) | st.text("例子示范网站科技", min_size=1)
_TYPED: dict[str, st.SearchStrategy[str]] = {
    "stack": st.from_regex(r"[A-Za-z0-9_.-]{1,100}", fullmatch=True),
    "domain": st.builds(
        lambda labels, suffix: ".".join([*labels, suffix]),
        st.lists(_LABELS, max_size=3),
        st.sampled_from(["cn", "com.cn", "中国", "com", "io", "a"]),
    ),
    "subject-name": st.text(max_size=80),
    "title": st.text(max_size=80),
    "size": st.from_regex(r"bundle_[a-z0-9_]{1,30}|[A-Z]{1,3}[0-9][a-z]{0,3}\.[A-Z0-9]{1,10}", fullmatch=True),
}


@st.composite
def all_answered(draw: st.DrawFn) -> Answers:
    """Whatever can be typed and chosen; where a question doesn't take it, something right after that."""
    known: dict[str, str] = {}
    for each in QUESTIONS:
        typed = draw(st.sampled_from([choice.value for choice in each.choices]) if each.choices else _TYPED[each.name])
        try:
            known[each.name] = each.check(typed, known)
        except ValueError:
            known[each.name] = each.check(each.default(known) if each.default else ANSWERS[each.name], known)
    return known


@given(all_answered(), st.sampled_from(LANGUAGES))
@example(ANSWERS, "zh")
@example({**ANSWERS, "title": "# 注释: {x: 1}", "subject-name": "- 'a' \"b\" \\ \ufeff"}, "en")
@example({**ANSWERS, "title": "2026", "subject-name": "null"}, "en")
def test_whatever_is_answered_makes_a_stack_that_is_right(answers: Answers, language: Language) -> None:
    text = stack_file(answers, language)
    read = yaml.safe_load(text)["config"]
    assert read == configuration(answers)
    settings = Settings.parse(read)
    subject = settings.main.filing.subject
    assert subject is not None
    assert (subject.name, settings.main.site.title) == (answers["subject-name"], answers["title"])
    assert readable(settings.main.site.domain) == answers["domain"]
    assert settings.server.period >= 3
    assert (settings.region.id, settings.server.kind) == (answers["region"], answers["server"])


def test_what_is_commented_out_can_be_taken_in() -> None:
    for kind in ("static", "mini-program"):
        for language in LANGUAGES:
            lines = stack_file({**ANSWERS, "kind": kind}, language).splitlines()
            whole = [lines[0], *(re.sub(r"^( +)# ", r"\1", line) for line in lines[1:])]
            assert whole != lines
            settings = Settings.parse(yaml.safe_load("\n".join(whole))["config"], today=TODAY)
            assert settings.main.site.allow == ("203.0.113.7/32",)
            assert settings.server.protect
            assert settings.main.filing.submitted == date(2026, 11, 3)
            assert settings.main.filing.covering is not None


def test_the_file_says_what_things_are() -> None:
    lines = stack_file({**ANSWERS, "domain": "shop.example.com.cn", "server": "cvm", "size": "S5.MEDIUM4"}, "zh")
    assert "    domain: shop.example.com.cn     # 随 example.com.cn 备案\n" in lines
    assert "    instance-type: S5.MEDIUM4       # 机型规格\n" in lines
    assert (
        "    period: 12                      # months, prepaid (包年包月): a filing needs at least 3\n"
        in stack_file(ANSWERS, "en")
    )


# --- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("stack", "my stack", "'my stack' is no stack's name"),
        ("domain", "", "is empty; write a host name"),
        ("domain", "https://example.cn", "write the host name alone"),
        ("domain", "com.cn", "com.cn is a public suffix; write the domain that was bought, such as example.com.cn"),
        ("domain", "203.0.113.7", "is an IP address; a filing (ICP 备案) is for a domain"),
        ("subject-kind", "company", "company is none of enterprise, "),
        ("subject-name", "  ", "is empty"),
        ("subject-name", "a\u2028b", "has a control character or a line break"),
        ("province", "广东", "广东 is not how filings write Guangdong. Did you mean 粤?"),
        ("kind", "blog", "blog is none of static, spa, proxy, mini-program, php"),
        ("region", "ap-hongkong", "Hong Kong (中国香港), is not on the mainland"),
        ("size", "S5.MEDIUM2", "S5.MEDIUM2 is no bundle"),
        ("period", "1", "1 is none of 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 24, 36, 48, 60"),
    ],
)
def test_an_answer_that_can_t_be_right_is_refused(name: str, typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        question(name).check(typed, ANSWERS)


def test_a_domain_is_kept_as_it_is_read() -> None:
    assert question("domain").check(" Xn--fsqu00a.中国. ", {}) == "例子.中国"


def test_a_size_is_of_its_kind_of_server() -> None:
    size = question("size")
    assert size.default is not None
    for server in ("lighthouse", "cvm"):
        usual = size.default({"server": server})
        assert size.check(usual, {"server": server}) == usual


def test_every_choice_and_every_default_is_taken() -> None:
    for each in QUESTIONS:
        for choice in each.choices:
            assert each.check(choice.value, ANSWERS) == choice.value
            assert choice.name.zh
            assert choice.name.en
        if each.default is not None:
            assert each.check(each.default(ANSWERS), ANSWERS) == ANSWERS[each.name]


def test_every_kind_of_site_and_of_subject_can_be_chosen() -> None:
    chosen = {each.name: {choice.value for choice in each.choices} for each in QUESTIONS}
    assert chosen["kind"] == {get_args(model.model_fields["kind"].annotation)[0] for model in KINDS}
    assert chosen["subject-kind"] == set(get_args(SubjectKind))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"domain": "example.io"}, [("domain", ".io is not among the suffixes")]),
        ({"title": "Shop"}, [("title", "has no Chinese character")]),
        ({"title": "中国示例"}, [("title", "has 中国, which only state bodies may use")]),
        ({"title": "示例公司"}, []),
        (
            {"title": "示例公司", "subject-kind": "individual"},
            [("title", "has 公司; an individual's may have no words")],
        ),
        ({"title": "Shop", "kind": "mini-program"}, []),
        ({"domain": "shop.example.io"}, []),
    ],
)
def test_what_a_filing_may_object_to_is_advice(changed: dict[str, str], said: list[tuple[str, str]]) -> None:
    found = list(advice({**ANSWERS, **changed}))
    assert [about for about, _ in found] == [about for about, _ in said]
    for (_, words), (_, part) in zip(found, said, strict=True):
        assert part in words.en


def test_advice_is_there_before_all_is_answered() -> None:
    assert [about for about, _ in advice({"domain": "example.io"})] == ["domain"]


# --- a project's files ---------------------------------------------------------------------------


def test_a_new_project_runs_what_a_clone_runs() -> None:
    files = project_files("shop")
    assert files["__main__.py"] == (REPOSITORY / "__main__.py").read_text("utf-8")
    ours: dict[str, Any] = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text("utf-8"))
    theirs = yaml.safe_load(files["Pulumi.yaml"])
    assert (theirs["runtime"], theirs["stackConfigDir"]) == (ours["runtime"], ours["stackConfigDir"])
    assert theirs["name"] == "shop"


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (("shop", "example.cn"), "shop"),
        (("my shop", "example.cn"), "my-shop"),
        (("我的网站", "example.cn"), "example.cn"),
        (("我的网站", "例子.中国"), "site"),
        (("2026", "example.cn"), "2026"),
        (("a" * 200, ""), "a" * 100),
    ],
)
def test_a_project_has_a_name_that_pulumi_takes(texts: tuple[str, str], name: str) -> None:
    assert project_name(*texts) == name
    assert yaml.safe_load(project_files(name)["Pulumi.yaml"])["name"] == name


@pytest.mark.parametrize("kind", [choice.value for choice in question("kind").choices])
def test_the_first_files_are_where_the_stack_looks_for_them(kind: str) -> None:
    answers = {**ANSWERS, "kind": kind, "title": "<示例> & '科技' <?php"}
    folder, files = first_files(answers)
    site = configuration(answers)["luodi:site"]
    assert site.get("content", site.get("app", {}).get("content")) == f"./{folder}"
    if "app" in site:
        assert site["app"]["command"][-1] in files
    for name, text in files.items():
        assert text.endswith("\n")
        if name.startswith("index"):
            assert "<title>&lt;示例&gt; &amp; &#39;科技&#39; &lt;?php</title>" in text
