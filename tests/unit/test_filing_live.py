"""What is said where Tencent Cloud's record of a filing differs from the stack file's."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from luodi.api import Unreachable
from luodi.filing.facts import FilingSettings
from luodi.filing.live import Recorded, difference
from luodi.filing.rules import rules
from luodi.filing_live import check
from tests.unit.fake_account import FakeAccount, refused

NUMBER = "粤ICP备2026068982号-1"
FILED = {"type": "first", "submitted": "2026-11-03", "icp": {"number": NUMBER, "approved": "2026-11-18"}}
REVOKED = {**FILED, "icp": {**FILED["icp"], "revoked": "2026-11-20"}}  # type: ignore[dict-item]
UNDER_WAY = {"type": "first", "submitted": "2026-11-03"}
MOVING = {**FILED, "type": "transfer", "icp": {"number": NUMBER, "approved": "2025-11-18"}}
MOVED = {**MOVING, "completed": "2026-11-20"}
LEAVING = {**MOVING, "type": "cancel-access", "completed": "2026-11-20"}
MINI = {
    "type": "first",
    "service": "mini-program",
    "icp": {"number": "粤ICP备2026068982号-2X", "approved": "2026-11-18"},
}
BACK_END = {**MINI, "domain": {"icp": {"number": NUMBER, "approved": "2026-11-18"}}}

NOT_FILED, ELSEWHERE, HERE = Recorded(False, False), Recorded(True, False), Recorded(True, True)


def facts(values: dict[str, Any], **more: Any) -> FilingSettings:
    return FilingSettings.model_validate({**values, **more})


@pytest.mark.parametrize(
    ("values", "recorded", "key"),
    [
        ({}, NOT_FILED, None),
        ({}, ELSEWHERE, "granted-elsewhere"),
        ({}, HERE, "granted"),
        (UNDER_WAY, NOT_FILED, None),
        (UNDER_WAY, ELSEWHERE, "granted-elsewhere"),
        (UNDER_WAY, HERE, "granted"),
        (FILED, NOT_FILED, "not-granted"),
        (FILED, ELSEWHERE, "not-here"),
        (FILED, HERE, None),
        (REVOKED, NOT_FILED, None),
        (REVOKED, ELSEWHERE, "not-revoked"),
        (REVOKED, HERE, "not-revoked"),
        (MOVING, NOT_FILED, "not-granted"),
        (MOVING, ELSEWHERE, None),
        (MOVING, HERE, None),
        (MOVED, ELSEWHERE, "not-here"),
        (MOVED, HERE, None),
        (LEAVING, NOT_FILED, None),
        (LEAVING, ELSEWHERE, None),
        (LEAVING, HERE, None),
        (MINI, NOT_FILED, None),
        (MINI, HERE, "granted"),
        (BACK_END, NOT_FILED, "not-granted"),
        (BACK_END, HERE, None),
        (FILED, Recorded(True, True, banned=True), "banned"),
        (LEAVING, Recorded(False, False, banned=True), "banned"),
    ],
)
def test_what_differs(values: dict[str, Any], recorded: Recorded, key: str | None) -> None:
    said = difference(facts(values), recorded, "example.cn")
    if key is None:
        assert said is None
        return
    assert said is not None
    expected = rules("live")["difference"][key]
    values = {"domain": "example.cn", "number": NUMBER}
    assert (said.zh, said.en) == (expected["zh"].format(**values), expected["en"].format(**values))


def test_every_line_names_the_domain_and_is_one_line() -> None:
    for row in rules("live")["difference"].values():
        for text in (row["zh"], row["en"]):
            assert text.startswith("{domain}")
            assert "\n" not in text


def test_nothing_is_asked_unless_it_is_wanted() -> None:
    account = FakeAccount()
    assert check(account, facts(FILED), "example.cn") is None
    assert account.calls == []
    with pytest.raises(ValidationError):
        facts(FILED, **{"live-check": "yes"})


def test_one_question() -> None:
    account = FakeAccount(answers={"DescribeDomainIcpStatus": lambda _: {"GovStatus": True, "LandedStatus": True}})
    assert check(account, facts(FILED, **{"live-check": True}), "example.cn") is None
    assert account.calls == [("ba DescribeDomainIcpStatus", {"Domain": "example.cn"})]


def test_who_may_not_ask_is_told_and_goes_on() -> None:
    refusal = refused("UnauthorizedOperation", "resource (*) has no permission")
    account = FakeAccount(answers={"DescribeDomainIcpStatus": refusal})
    said = check(account, facts(FILED, **{"live-check": True}), "example.cn")
    assert said is not None
    assert "UnauthorizedOperation" in said.en
    assert "（ba）" in said.zh


def test_no_answer_is_told_and_goes_on() -> None:
    def silent(_: dict[str, Any]) -> dict[str, Any]:
        raise Unreachable("DescribeDomainIcpStatus", "127.0.0.1:1", "no answer in time")

    account = FakeAccount(answers={"DescribeDomainIcpStatus": silent})
    said = check(account, facts(FILED, **{"live-check": True}), "example.cn")
    assert said is not None
    assert "127.0.0.1:1" in said.en


def test_an_answer_without_its_fields_is_no_filing() -> None:
    account = FakeAccount(answers={"DescribeDomainIcpStatus": lambda _: {}})
    said = check(account, facts(FILED, **{"live-check": True}), "example.cn")
    assert said is not None
    assert NUMBER in said.en
