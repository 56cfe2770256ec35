"""Where a filing stands, what may be published, and what comes next: every combination there is."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from luodi.filing.deadlines import deadlines
from luodi.filing.facts import FilingSettings, ServiceKind, Type, contradictions
from luodi.filing.gate import publication
from luodi.filing.rules import rules
from luodi.filing.stage import Stage, reachable, stage

TODAY = date(2026, 11, 21)
NUMBERS = {
    "website": "粤ICP备2023068982号-1",
    "app": "粤ICP备2023068982号-2A",
    "mini-program": "粤ICP备2023068982号-3X",
}
OWN = {"domain": {"icp": {"number": "粤ICP备2023068982号-4", "approved": "2023-06-01"}}}


def facts(values: Any = None, **more: Any) -> FilingSettings:
    given_facts = {**(values or {}), **{key.replace("_", "-"): value for key, value in more.items()}}
    found = TypeAdapter(FilingSettings).validate_python(given_facts)
    assert [str(problem) for problem in contradictions(found, TODAY)] == []
    return found


@cache
def cases() -> tuple[dict[str, Any], ...]:
    return tuple(yaml.safe_load(Path(__file__).with_name("filing_cases.yaml").read_text("utf-8")))


def combinations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(kind, service, case) for case in cases() for kind in case["types"] for service in case["services"]]


def _filled(value: Any, service: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, service) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, service) for each in value]
    return value.replace("NUMBER", NUMBERS[service]) if isinstance(value, str) else value


def _of(case: dict[str, Any], key: str, service: str, default: Any = ()) -> Any:
    value = case.get(key, default)
    return _filled(value.get(service, default) if isinstance(value, dict) else value, service)


def _facts(kind: str, service: str, case: dict[str, Any]) -> FilingSettings:
    named = {} if kind == "none" else {"type": kind}
    return facts(_filled(case["facts"], service), **named, service=service)


@pytest.mark.parametrize(
    ("kind", "service", "case"),
    [pytest.param(*each, id=f"{each[0]}-{each[1]}-{each[2]['stage']}") for each in combinations()],
)
def test_the_gate(kind: str, service: str, case: dict[str, Any]) -> None:
    known = _facts(kind, service, case)
    found = publication(known, TODAY, "example.cn", "example.cn")
    assert stage(known) == found.stage == case["stage"]
    assert found.public is _of(case, "public", service)
    for words in _of(case, "says", service):
        assert words in found.reason.en
    for words in _of(case, "next", service):
        assert words in found.next_step.en
    warned = _of(case, "warns", service)
    assert len(found.warnings) == len(warned)
    for words, warning in zip(warned, found.warnings, strict=True):
        assert words in warning.en
    assert found.where.url == _of(case, "where", service)
    assert not found.override
    assert "None" not in found.text("zh") + found.text("en")
    assert "{" not in found.text("zh") + found.text("en")


def test_the_cases_are_every_combination_once() -> None:
    kinds: tuple[Any, ...] = (*get_args(Type), None)
    expected = sorted(
        (str(kind or "none"), service, str(each))
        for kind in kinds
        for service in get_args(ServiceKind)
        for each in reachable(kind)
    )
    assert sorted((kind, service, case["stage"]) for kind, service, case in combinations()) == expected


def test_every_stage_is_reached_and_has_a_name() -> None:
    assert {case["stage"] for case in cases()} == set(Stage)
    assert set(rules("gate")["stage"]) == set(Stage)


@pytest.mark.parametrize(("kind", "service", "case"), combinations())
def test_a_domain_that_is_filed_by_itself_is_open_whatever_the_mini_program_or_app_waits_for(
    kind: str, service: str, case: dict[str, Any]
) -> None:
    if service == "website":
        return
    known = _facts(kind, service, {**case, "facts": {**case["facts"], **OWN}})
    found = publication(known, TODAY, "api.example.cn", "example.cn")
    assert found.public
    assert "粤ICP备2023068982号-4" in found.reason.en
    assert found.warnings == ()
    assert stage(known) == case["stage"]


@pytest.mark.parametrize("service", ["app", "mini-program"])
def test_a_domain_whose_own_filing_is_revoked_is_closed(service: str) -> None:
    own = {"domain": {"icp": {**OWN["domain"]["icp"], "revoked": "2026-11-01"}}}
    known = facts({**own, "icp": {"number": NUMBERS[service], "approved": "2024-01-02"}}, service=service)
    found = publication(known, TODAY, "api.example.cn", "example.cn")
    assert not found.public
    assert "was revoked on 2026-11-01" in found.reason.en


# --- what a preview says -----------------------------------------------------------------------------


def test_a_site_that_waits_for_its_number() -> None:
    known = facts(type="first", submitted="2026-11-03", provider_review="2026-11-05", sms_verified="2026-11-05")
    found = publication(known, TODAY, "example.cn", "example.cn")
    assert found.day == 18
    assert found.text("en") == (
        "example.cn is not published: first filing submitted 2026-11-03, number not issued yet (day 18; usually within "
        "20 working days).\n"
        "Next: put the number into luodi:filing.icp, then `pulumi up`."
    )
    assert found.text("zh") == (
        "example.cn 不对外开放：首次备案于 2026-11-03 提交，"
        "备案号尚未下发（第 18 天；管局审核通常不超过 20 个工作日）。\n"
        "下一步：备案号下发后写入 luodi:filing.icp，再 `pulumi up`。"
    )


def test_a_number_that_is_put_in_opens_the_site() -> None:
    waiting = {"type": "first", "submitted": "2026-11-03"}
    granted = {**waiting, "icp": {"number": NUMBERS["website"], "approved": "2026-11-18"}}
    assert not publication(facts(waiting), TODAY, "example.cn", "example.cn").public
    assert publication(facts(granted), TODAY, "example.cn", "example.cn").public


def test_a_number_that_is_revoked_closes_it_and_says_so_first() -> None:
    known = facts(icp={"number": NUMBERS["website"], "approved": "2024-11-18", "revoked": "2026-11-20"})
    found = publication(known, TODAY, "example.cn", "example.cn")
    assert not found.public
    assert known.page_number is None
    assert "takes the records away and closes the site" in found.text("en").splitlines()[1]


def test_a_subdomain_follows_the_filing_of_its_apex() -> None:
    filed = facts(icp={"number": NUMBERS["website"], "approved": "2024-11-18"})
    found = publication(filed, TODAY, "staging.example.cn", "example.cn")
    assert found.public
    assert "a subdomain stands under the filing of example.cn" in found.reason.en
    assert found.next_step.en == "the filing is looked after in the stack of example.cn itself"
    unfiled = publication(facts(), TODAY, "staging.example.cn", "example.cn")
    assert not unfiled.public
    assert "put the same icp into luodi:filing.icp here" in unfiled.next_step.en


def test_an_override_opens_the_site_and_is_always_told() -> None:
    known = facts(type="first", submitted="2026-11-03", publish_without_filing="演练：{reason} 域名未备案")
    found = publication(known, TODAY, "example.cn", "example.cn")
    assert found.public
    assert found.override
    for language in ("zh", "en"):
        first = found.text(language).splitlines()[0]
        assert "publish-without-filing" in first
        assert "演练：{reason} 域名未备案" in first
    assert "number not issued yet" in found.reason.en


def test_an_override_that_is_not_needed_any_more_is_told_too() -> None:
    known = facts(
        icp={"number": NUMBERS["website"], "approved": "2024-11-18"}, publish_without_filing="the number is late"
    )
    found = publication(known, TODAY, "example.cn", "example.cn")
    assert found.public
    assert not found.override
    assert ["take luodi:filing.publish-without-filing out" in words.en for words in found.warnings] == [True]


# --- the number that pages carry ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({}, None),
        ({"icp": {"number": NUMBERS["website"], "approved": "2024-01-02"}}, NUMBERS["website"]),
        ({"service": "app", "icp": {"number": NUMBERS["app"], "approved": "2024-01-02"}}, None),
        (
            {"service": "app", "icp": {"number": NUMBERS["app"], "approved": "2024-01-02"}, **OWN},
            "粤ICP备2023068982号-4",
        ),
        ({"service": "mini-program", **OWN}, "粤ICP备2023068982号-4"),
    ],
)
def test_a_page_carries_a_websites_number_alone(values: dict[str, Any], shown: str | None) -> None:
    number = facts(values).page_number
    assert (str(number) if number else None) == shown


# --- any dates in their order ------------------------------------------------------------------------


@st.composite
def stories(draw: st.DrawFn) -> dict[str, Any]:
    """Facts in the order in which they happen, told up to some point."""
    kind = draw(st.sampled_from([*get_args(Type), None]))
    group = rules("regime")["type"][kind]["group"] if kind else "none"
    reviews = ["submitted", "provider-review", "sms-verified"] if kind else []
    changed = ["changed"] if group == "change" and draw(st.booleans()) else []
    number, done = ["icp.approved"], [] if group in ("opening", "none") else ["completed"]
    chain = [*reviews, *number] if not done else [*number, *changed, *reviews, *done]
    if group != "cancellation":
        chain += ["opened", "public-security.submitted", "public-security.approved"]
    least = 1 if done else 0  # whoever transfers, changes or cancels has a number
    told = chain[: draw(st.integers(least, len(chain)))]
    if "icp.approved" in told and draw(st.integers(0, 4)) == 0:
        told.append("icp.revoked")
    values: dict[str, Any] = {"type": kind} if kind else {}
    for key, day in zip(told, sorted(draw(st.lists(DAYS, min_size=len(told), max_size=len(told)))), strict=True):
        section, _, name = key.rpartition(".")
        (values.setdefault(section, {}) if section else values)[name] = day
    if "icp" in values:
        values["icp"]["number"] = NUMBERS["website"]
    return values


DAYS = st.dates(date(2020, 1, 1), TODAY).map(str)


@settings(deadline=None)  # rules are read from files at the first call
@given(stories())
def test_facts_in_their_order_never_contradict_and_nothing_unfiled_is_public(values: dict[str, Any]) -> None:
    known = facts(values)  # raises where something contradicts
    found = publication(known, TODAY, "example.cn", "example.cn")
    assert found.stage in reachable(known.type)
    assert "None" not in found.text("zh") + found.text("en")
    if known.icp is None or known.icp.revoked or found.stage == Stage.CANCELLED:
        assert not found.public
    elif known.group in ("opening", "none", "change"):
        assert found.public
    elif known.group == "transfer":
        assert found.public == (known.provider_review is not None)
    for deadline in deadlines(known):
        assert deadline.name.zh
        assert deadline.day.year < 2028


@pytest.mark.parametrize(
    ("number", "warned"),
    [("京ICP备2023068982号", True), ("京ICP备2023068982号-1", False), ("粤ICP备2023068982号", False)],
)
def test_a_page_that_would_carry_the_wrong_number_is_told_at_every_preview(number: str, warned: bool) -> None:
    known = facts(icp={"number": number, "approved": "2023-05-08"})
    said = publication(known, TODAY, "example.cn", "example.cn").text("en")
    assert ("outside Guangdong a page must carry the service number" in said) == warned
