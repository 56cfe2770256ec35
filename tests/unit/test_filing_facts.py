"""The facts of a filing: how they are written, and which can't all be true."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luodi.filing.oddities import oddities
from luodi.problems import SettingsError
from luodi.settings import Settings

TODAY = date(2026, 11, 21)
ICP = {"number": "粤ICP备2026068982号-1", "approved": "2026-11-18"}
OLD = {"number": "粤ICP备2023068982号-1", "approved": "2023-05-08"}


def stack(filing: Any) -> dict[str, Any]:
    return {
        "tencentcloud:region": "ap-guangzhou",
        "luodi:site": {"domain": "example.cn", "title": "示例科技"},
        "luodi:server": {"kind": "cvm"},
        "luodi:filing": filing,
    }


def parse(filing: Any) -> Settings:
    return Settings.parse(stack(filing), today=TODAY)


def refusal(filing: Any) -> list[str]:
    with pytest.raises(SettingsError) as error:
        parse(filing)
    return [str(problem) for problem in error.value.problems]


# --- how a day is written ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-03",
        " 2026-11-03 ",
        date(2026, 11, 3),  # as PyYAML reads it
        "2026-11-03 00:00:00 +0000 UTC",  # as Pulumi's engine hands on an unquoted date
        "2026-11-03T00:00:00Z",
        "2026-11-03T00:00:00+00:00",
    ],
)
def test_a_day(written: Any) -> None:
    assert parse({"type": "first", "submitted": written}).main.filing.submitted == date(2026, 11, 3)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026/11/3", "2026/11/3 is no date; write the day alone, such as 2026-11-18"),
        ("3 Nov 2026", "3 Nov 2026 is no date; write the day alone, such as 2026-11-18"),
        (20261103, "20261103 is no date; write the day alone, such as 2026-11-18"),
        (True, "True is no date; write the day alone, such as 2026-11-18"),
        ("2026-11-03 10:00:00 +0800 +0800", "2026-11-03 10:00:00 +0800 +0800 is no date; write the day alone"),
        ("２０２６-11-03", "２０２６-11-03 is no date; write the day alone"),
        ("2026-02-30", "2026-02-30 is no date: day"),
        ("0001-01-01", "0001-01-01 is out of range; filings began in 2000"),
        ("9999-12-31", "9999-12-31 is out of range"),
        ("2026-11-22", "2026-11-22 is in the future (today is 2026-11-21); write the day it happened, once it has"),
    ],
)
def test_no_day(written: Any, said: str) -> None:
    [found] = refusal({"type": "first", "submitted": written})
    assert found.startswith(f"luodi:filing.submitted: {said}")


def test_what_ends_may_lie_ahead() -> None:
    known = parse({"domain": {"expires": "2027-11-03"}, "server-expires": "2027-11-03"}).main.filing
    assert known.server_expires == date(2027, 11, 3)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("川", "川 is not how filings write Sichuan. Did you mean 蜀?"),
        ("广东", "广东 is not how filings write Guangdong. Did you mean 粤?"),
        ("Guangdong", "Guangdong is not how filings write Guangdong. Did you mean 粤?"),
        ("火星", "火星 is no province; write its character in filing numbers, one of 京津"),
        ("京津", "京津 is no province; write its character in filing numbers, one of 京津"),
    ],
)
def test_no_province(written: str, said: str) -> None:
    [found] = refusal({"subject": {"name": "示例", "province": written}})
    assert found.startswith(f"luodi:filing.subject.province: {said}")


# --- facts that can't all be true --------------------------------------------------------------------

IMPOSSIBLE: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"type": "first", "submitted": "2026-11-19", "icp": ICP},
        ["icp.approved: 2026-11-18 is before luodi:filing.submitted, 2026-11-19"],
    ),
    (
        {"type": "first", "submitted": "2026-11-19", "provider-review": "2026-11-18"},
        ["provider-review: 2026-11-18 is before luodi:filing.submitted, 2026-11-19"],
    ),
    (
        {"type": "first", "submitted": "2026-11-03", "provider-review": "2026-11-05", "sms-verified": "2026-11-04"},
        ["sms-verified: 2026-11-04 is before luodi:filing.provider-review, 2026-11-05"],
    ),
    (
        {"type": "first", "provider-review": "2026-11-05"},
        ["submitted: is not set, but provider-review is"],
    ),
    (
        {"submitted": "2026-11-05"},
        ["type: is not set, but submitted is; say what was filed, such as first (首次备案)"],
    ),
    (
        {"type": "first", "submitted": "2026-11-03", "icp": ICP, "opened": "2026-11-10"},
        ["opened: 2026-11-10 is before luodi:filing.icp.approved, 2026-11-18"],
    ),
    (
        # A number that was taken out again: the stage can't go backwards without a word.
        {"type": "first", "submitted": "2026-11-03", "opened": "2026-11-10"},
        [
            (
                "opened: 2026-11-10, but there is no number in luodi:filing.icp: a site opens once it is issued. "
                "If it was revoked (被注销), keep the number and add icp.revoked"
            )
        ],
    ),
    (
        {"icp": {**ICP, "revoked": "2026-11-17"}},
        ["icp.revoked: 2026-11-17 is before luodi:filing.icp.approved, 2026-11-18"],
    ),
    (
        {"type": "transfer", "submitted": "2026-11-03"},
        ["icp: is not set; a transfer of access (接入备案) is of a filing that has a number"],
    ),
    (
        {"type": "cancel-site"},
        ["icp: is not set; a cancellation of the site (注销网站) is of a filing that has a number"],
    ),
    (
        {"type": "transfer", "submitted": "2026-11-03", "icp": ICP},
        ["submitted: 2026-11-03 is before luodi:filing.icp.approved, 2026-11-18"],
    ),
    (
        {"type": "change", "icp": OLD, "submitted": "2026-11-03", "completed": "2026-11-01"},
        ["completed: 2026-11-01 is before luodi:filing.submitted, 2026-11-03"],
    ),
    (
        {"type": "change", "icp": OLD, "completed": "2026-11-01"},
        ["submitted: is not set, but completed is"],
    ),
    (
        {"type": "first", "submitted": "2026-11-01", "completed": "2026-11-03"},
        ["completed: is not for a first filing (首次备案): it ends with luodi:filing.icp.approved"],
    ),
    (
        {"type": "first", "changed": "2026-11-01"},
        ["changed: goes with a change: set type to change (变更备案) or change-site (变更网站)"],
    ),
    (
        {"type": "change", "icp": OLD, "changed": "2026-11-05", "submitted": "2026-11-03"},
        ["submitted: 2026-11-03 is before luodi:filing.changed, 2026-11-05"],
    ),
    (
        {"public-security": {"submitted": "2026-11-05", "approved": "2026-11-03"}, "icp": OLD},
        ["public-security.approved: 2026-11-03 is before luodi:filing.public-security.submitted, 2026-11-05"],
    ),
    ({"public-security": {}, "icp": OLD}, ["public-security.number: is empty; give it a value, or leave it out"]),
    (
        {"icp": {**ICP, "number": "粤ICP备2026068982号-3X"}},
        [
            (
                "icp.number: 粤ICP备2026068982号-3X: -3X is the number of a mini-program (小程序); that of a website "
                "(网站) has no letter after its serial. Both are listed under the subject at https://beian.miit.gov.cn/."
            )
        ],
    ),
    (
        {"service": "app", "icp": ICP},
        [
            (
                "icp.number: 粤ICP备2026068982号-1: -1 is the number of a website (网站); that of an APP has the "
                "letter A after its serial. Both are listed under the subject at https://beian.miit.gov.cn/."
            )
        ],
    ),
    (
        {"icp": ICP, "domain": {"icp": OLD}},
        ["domain.icp: is for a mini-program or an APP; a website's filing is luodi:filing.icp"],
    ),
    ({"icp": {"number": ICP["number"]}}, ["icp.approved: is not set"]),
    (
        {"icp": ICP, "public-security": {"number": "粤公网安备44030002000001号"}},
        ["public-security.approved: is not set; a number is issued on a day, such as 2026-11-18"],
    ),
    ({"publish-without-filing": " "}, ["publish-without-filing: is empty"]),
]


@pytest.mark.parametrize(("filing", "said"), IMPOSSIBLE)
def test_what_cannot_be(filing: dict[str, Any], said: list[str]) -> None:
    assert refusal(filing) == [f"luodi:filing.{problem}" for problem in said]


def test_a_stage_is_derived_and_nobody_may_type_it() -> None:
    [found] = refusal({"stage": "open"})
    assert found.startswith("luodi:filing.stage: is not a setting")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = refusal({"opened": "2026-12-01", "completed": "2026-11-01", "icp": {**ICP, "approved": "2026-11-30"}})
    assert [line.split(": ")[0].removeprefix("luodi:filing.") for line in found] == ["icp.approved", "opened", "type"]


@settings(deadline=None)  # rules are read from files at the first call
@given(
    st.dictionaries(
        st.sampled_from(["type", "service", "submitted", "icp", "opened", "subject", "public-security", "domain", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["first", "2026-11-03"]),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["number", "approved", "name"]), inner),
            max_leaves=5,
        ),
    )
)
def test_any_facts_are_taken_or_refused_with_a_path(filing: dict[str, Any]) -> None:
    try:
        parse(filing)
    except SettingsError as error:
        for problem in error.problems:
            assert problem.path.startswith("luodi:filing")
            assert problem.text


# --- what is odd, and not refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filing", "path", "said"),
    [
        (
            {"icp": {"number": "京ICP备2026068982号-1", "approved": "2025-11-18"}},
            "icp.approved",
            "before 2026, the year",
        ),
        ({"icp": {"number": "京ICP备20068982号-1", "approved": "2019-11-18"}}, "icp.approved", "before 2020, the year"),
        (
            {
                "icp": {"number": "京ICP备2026068982号-1", "approved": "2026-11-18"},
                "subject": {"name": "x", "province": "粤"},
            },
            "icp.number",
            "is of 京, but the subject is in 粤",
        ),
        (
            {"public-security": {"number": "京公网安备11010103000001号", "approved": "2026-11-18"}, "icp": ICP},
            "public-security.number",
            "where 02 is usual",
        ),
        ({"public-security": {"submitted": "2026-11-18"}}, "icp", "that filing is made after the ministry's"),
    ],
)
def test_what_is_odd(filing: dict[str, Any], path: str, said: str) -> None:
    [found] = oddities(parse(filing).main.filing)
    assert found.path == f"luodi:filing.{path}"
    assert said in found.words.en
    assert not found.refused


def test_a_public_security_number_of_another_province_is_not_odd() -> None:
    security = {"number": "京公网安备11010102000001号", "approved": "2026-11-18"}
    assert [*oddities(parse({"icp": ICP, "public-security": security}).main.filing)] == []
