"""What is said before a change to a stack file takes a site from the public."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luodi.filing.change import Standing, closes, warnings

NUMBER, OTHER = "浙ICP备2026012345号-1", "浙ICP备2026054321号-1"
OPEN = Standing(("example.cn", "www.example.cn"), public=True, number=NUMBER, stage="open")


def told(now: Standing, before: Standing = OPEN) -> str:
    said = list(warnings(before, now, "there is no filing number"))
    assert all("{" not in words.en + words.zh and words.zh for words in said)
    return "\n".join(words.en for words in said)


def standing(**changes: Any) -> Standing:
    return replace(OPEN, **changes)


def test_what_stays_is_no_news() -> None:
    assert told(OPEN) == ""
    assert told(standing(stage="complete", names=(*OPEN.names, "m.example.cn"))) == ""
    assert told(standing(number="浙ICP备2026012345号-2")) == ""  # another service's of the same subject


def test_a_site_that_closes_is_named_with_the_reason() -> None:
    assert told(standing(public=False, number=None, stage="revoked")) == (
        "example.cn, www.example.cn is open to the public now, and this update CLOSES it: its records go, and nobody "
        "but the allow-list is answered. Why: there is no filing number."
    )


def test_a_number_that_was_taken_out_is_missed() -> None:
    said = told(standing(public=False, number=None, stage="preparing"))
    assert "CLOSES" in said
    assert said.endswith(
        f"At the last update its number was {NUMBER}, which is in the stack file no more: put it back into "
        "luodi:filing.icp, or, if it was revoked, keep it and add icp.revoked."
    )


def test_a_transfer_that_closes_a_site_keeps_its_number() -> None:
    said = told(standing(public=False, stage="preparing"))
    assert "CLOSES" in said
    assert "At the last update" not in said


def test_a_name_that_is_dropped_is_told() -> None:
    assert told(standing(names=("example.cn",))).startswith("www.example.cn is open to the public now, and this update")
    assert "example.cn, www.example.cn is open" in told(standing(names=("example.com",)))


@pytest.mark.parametrize("other", [OTHER, "粤ICP备2026012345号-1", "浙B2-20260001-1"])
def test_another_subject_s_number_is_told(other: str) -> None:
    assert f"from {NUMBER} to {other}, which is another subject's" in told(standing(number=other))


def test_a_site_that_was_closed_can_t_be_closed() -> None:
    shut = standing(public=False, number=None, stage="preparing")
    assert told(shut, before=shut) == ""
    assert told(OPEN, before=shut) == ""


STANDINGS = st.builds(
    Standing,
    st.lists(st.sampled_from(["a.cn", "b.cn", "c.cn"]), min_size=1, unique=True).map(tuple),
    st.booleans(),
    st.sampled_from([None, NUMBER, OTHER]),
    st.sampled_from(["preparing", "open", "revoked", "cancelled"]),
)


@given(STANDINGS, STANDINGS)
def test_what_closes_was_open_and_is_not(before: Standing, now: Standing) -> None:
    shut = closes(before, now)
    assert set(shut) == (set(before.names) if before.public else set()) - (set(now.names) if now.public else set())
    assert bool(shut) == any(("CLOSES" in w.en) or ("takes it away" in w.en) for w in warnings(before, now, "x"))
