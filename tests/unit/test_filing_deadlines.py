"""What is due by when, and the calendar of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from luodi.filing import workdays
from luodi.filing.calendar import calendar
from luodi.filing.deadlines import Deadline, deadlines
from luodi.filing.facts import FilingSettings
from luodi.filing.rules import rules

TODAY = date(2026, 11, 21)
OLD = {"number": "粤ICP备2023068982号-1", "approved": "2023-05-08"}
NEW = {"number": "粤ICP备2026068982号-1", "approved": "2026-11-18"}


def due(**values: Any) -> dict[str, Deadline]:
    facts = {key.replace("_", "-"): value for key, value in values.items()}
    return {each.id: each for each in deadlines(TypeAdapter(FilingSettings).validate_python(facts))}


# --- working days ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-11-19", 1, "2026-11-20"),  # Thursday to Friday
        ("2026-11-20", 1, "2026-11-23"),  # over a weekend
        ("2026-09-30", 1, "2026-10-08"),  # over the National Day week
        ("2026-10-09", 1, "2026-10-10"),  # to a Saturday that the State Council made a working day
        ("2026-02-13", 2, "2026-02-24"),  # 14 February is worked, then nine days of Spring Festival
        ("2026-11-05", 20, "2026-12-03"),
        ("2025-04-30", 1, "2025-05-06"),
    ],
)
def test_working_days_by_the_state_councils_orders(start: str, count: int, end: str) -> None:
    assert workdays.after(date.fromisoformat(start), count) == workdays.Counted(date.fromisoformat(end), False)


def test_a_year_that_has_no_order_yet_is_told() -> None:
    assert workdays.ordered(2026)
    assert not workdays.ordered(2098)
    assert workdays.after(date(2097, 12, 1), 40).provisional
    # Its legal holidays are known all the same: New Year's Day is a Wednesday.
    assert workdays.after(date(2097, 12, 31), 1).day == date(2098, 1, 2)


@settings(deadline=None)  # rules are read from files at the first call
@given(st.dates(date(2005, 1, 1), date(2030, 12, 31)), st.integers(1, 30))
def test_working_days_are_never_fewer_than_days_and_never_a_month_more(start: date, count: int) -> None:
    day = workdays.after(start, count).day
    assert timedelta(count) <= day - start <= timedelta(days=count * 7 // 5 + 14)
    if count > 1:
        assert workdays.after(start, count - 1).day < day


# --- deadlines ---------------------------------------------------------------------------------------


def test_a_first_filing_under_way() -> None:
    found = due(
        type="first",
        submitted="2026-11-03",
        provider_review="2026-11-05",
        domain={"verified": "2026-10-30", "expires": "2027-10-30"},
        server_expires="2027-02-03",
    )
    assert [(each.id, str(each.day), each.kind) for each in found.values()] == [
        ("domain-verified", "2026-11-02", "earliest"),
        ("provider-review", "2026-11-05", "expected"),
        ("sms", "2026-11-06", "duty"),
        ("authority-review", "2026-12-03", "expected"),
        ("server-month", "2027-01-03", "term"),
        ("server-expires", "2027-02-03", "term"),
        ("domain-expires", "2027-10-30", "term"),
    ]
    assert [each.id for each in found.values() if each.overdue(TODAY)] == ["sms"]
    assert [each.id for each in found.values() if each.met] == ["domain-verified", "provider-review"]
    assert found["authority-review"].left(TODAY) == 12


def test_the_authoritys_twenty_days_run_from_the_code() -> None:
    reviewed = due(type="first", submitted="2026-11-03", provider_review="2026-11-05")
    entered = due(type="first", submitted="2026-11-03", provider_review="2026-11-05", sms_verified="2026-11-06")
    assert str(reviewed["authority-review"].day) == "2026-12-03"
    assert str(entered["authority-review"].day) == "2026-12-04"
    assert entered["sms"].met == date(2026, 11, 6)


def test_a_site_that_opened_has_thirty_days_for_the_public_security_filing() -> None:
    found = due(type="first", submitted="2026-11-03", icp=NEW, opened="2026-11-19")
    assert list(found) == ["unblocked", "public-security"]
    duty = found["public-security"]
    assert (duty.day, duty.met) == (date(2026, 12, 19), None)
    assert not duty.overdue(date(2026, 12, 19))
    assert duty.overdue(date(2026, 12, 20))
    submitted = due(icp=NEW, opened="2026-11-19", public_security={"submitted": "2026-11-20"})
    assert submitted["public-security"].met == date(2026, 11, 20)


def test_the_filing_counts_from_the_opening_and_not_from_the_number() -> None:
    assert "public-security" not in due(type="first", submitted="2026-11-03", icp=NEW)


def test_a_public_security_number_is_shown_within_thirty_days_of_its_approval() -> None:
    approved = due(icp=OLD, opened="2023-05-09", public_security={"approved": "2026-11-10"})
    assert approved["public-security-number"].day == date(2026, 12, 10)
    assert approved["public-security-number"].met is None
    shown = {"approved": "2026-11-10", "number": "粤公网安备44030002000001号"}
    assert due(icp=OLD, opened="2023-05-09", public_security=shown)["public-security-number"].met == date(2026, 11, 10)


def test_a_change_is_submitted_within_ten_working_days() -> None:
    found = due(type="change", icp=OLD, changed="2026-09-28")["change"]
    assert found.day == date(2026, 10, 16)  # the National Day week lies between, and a Saturday is worked
    assert found.overdue(TODAY)
    assert found.source.confidence == "M"
    assert due(type="change", icp=OLD, changed="2026-09-28", submitted="2026-10-10")["change"].met == date(2026, 10, 10)


def test_a_mini_program_has_no_duty_with_public_security_and_no_server_in_its_filing() -> None:
    found = due(
        service="mini-program",
        type="first",
        submitted="2026-11-03",
        icp={"number": "粤ICP备2026068982号-3X", "approved": "2026-11-18"},
        opened="2026-11-19",
        server_expires="2027-02-03",
    )
    assert list(found) == ["server-expires"]


def test_nothing_is_due_for_a_filing_that_was_revoked() -> None:
    assert due(icp={**OLD, "revoked": "2026-11-01"}, opened="2023-05-09") == {}


def test_every_deadline_has_its_source() -> None:
    for row in rules("deadlines")["deadline"]:
        assert row["source"]
        assert row["confidence"] in ("H", "M", "L")
        assert ("days" in row) != ("working-days" in row)


# --- the calendar ------------------------------------------------------------------------------------


def entries(text: str) -> dict[str, icalendar.Component]:
    return {str(event["uid"]): event for event in icalendar.Calendar.from_ical(text).walk("VEVENT")}


def test_the_calendar_has_what_is_not_met() -> None:
    known = due(type="first", submitted="2026-11-03", provider_review="2026-11-05", server_expires="2027-02-03")
    text = calendar((("example.cn", each) for each in known.values()), TODAY, "zh")
    found = entries(text)
    assert list(found) == [
        "sms.example.cn@luodi",
        "authority-review.example.cn@luodi",
        "server-month.example.cn@luodi",
        "server-expires.example.cn@luodi",
    ]
    duty, expected = found["sms.example.cn@luodi"], found["authority-review.example.cn@luodi"]
    assert duty.decoded("dtstart") == date(2026, 11, 6)
    assert duty.decoded("dtend") == date(2026, 11, 7)
    assert str(duty["summary"]).startswith("example.cn 短信核验")
    assert str(duty["url"]) == "https://beian.miit.gov.cn/"
    assert [alarm.decoded("trigger") for alarm in duty.walk("VALARM")] == [timedelta(days=-7), timedelta(days=-1)]
    assert expected.walk("VALARM") == []
    assert "\r\n" in text
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75  # RFC 5545, 3.1


def test_the_same_facts_give_the_same_calendar() -> None:
    known = due(icp=NEW, opened="2026-11-19")
    first, second = (calendar((("例子.cn", each) for each in known.values()), TODAY, "en") for _ in range(2))
    assert first == second


def test_a_calendar_says_that_a_day_is_provisional() -> None:
    known = due(type="first", submitted="2097-12-20", provider_review="2097-12-24")
    text = calendar((("example.cn", each) for each in known.values()), TODAY, "en")
    review = entries(text)["authority-review.example.cn@luodi"]
    assert "holidays are not ordered yet" in str(review["description"])
