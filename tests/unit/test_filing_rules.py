"""What may be filed, what to prepare for it, and what to say of one number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from luodi.filing.eligibility import Declared, findings, too_many
from luodi.filing.facts import Category, FilingSettings, ServiceKind, SubjectKind, Type
from luodi.filing.materials import approvals, materials
from luodi.filing.provinces import provinces
from luodi.filing.rules import rules
from luodi.filing.verdict import Purpose, find_province, judge
from luodi.settings import Settings

GOOD = Declared(
    region="ap-guangzhou",
    mainland=True,
    months=12,
    mbps=5,
    domain="example.cn",
    apex="example.cn",
    names=("example.cn", "www.example.cn"),
    title="示例科技",
)


def facts(**values: Any) -> FilingSettings:
    return TypeAdapter(FilingSettings).validate_python({key.replace("_", "-"): each for key, each in values.items()})


def subject(kind: str, province: str | None = None) -> dict[str, Any]:
    return {"name": "张三" if kind == "individual" else "示例科技有限公司", "kind": kind, "province": province}


# --- eligibility -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "path", "refused", "said"),
    [
        (
            replace(GOOD, mainland=False, region="ap-tokyo"),
            "tencentcloud:region",
            True,
            "ap-tokyo is not on the mainland",
        ),
        (replace(GOOD, months=None), "luodi:server.charge-type", True, "POSTPAID_BY_HOUR; example.cn is filed"),
        (
            replace(GOOD, months=2),
            "luodi:server.period",
            True,
            "2 months; a filing needs a server prepaid for at least 3",
        ),
        (replace(GOOD, mbps=0), "luodi:server.bandwidth", True, "no public address or no bandwidth"),
        (
            replace(GOOD, domain="a.io", apex="a.io", names=("a.io", "www.a.io")),
            "luodi:site.domain",
            False,
            ".io is not",
        ),
        (replace(GOOD, names=("example.cn",)), "luodi:site.names", False, "www.example.cn has to open"),
        (replace(GOOD, title="EXAMPLE 123"), "luodi:site.title", False, "has no Chinese character"),
        (replace(GOOD, title="小店"), "luodi:site.title", False, "is short"),
        (replace(GOOD, title="Example.cn"), "luodi:site.title", False, "is the domain"),
        (replace(GOOD, title="中国示例"), "luodi:site.title", False, "has 中国"),
        (replace(GOOD, title="反腐观察"), "luodi:site.title", False, "the word 反腐"),
    ],
)
def test_what_a_filing_does_not_take(declared: Declared, path: str, refused: bool, said: str) -> None:
    [found] = findings(declared, facts(subject=subject("enterprise")))
    assert (found.path, found.refused) == (path, refused)
    assert said in found.words.en
    assert found.words.zh
    assert found.source.text


@pytest.mark.parametrize(
    "declared",
    [
        GOOD,
        replace(GOOD, months=3, mbps=None),
        replace(GOOD, domain="例子.中国", apex="例子.中国", names=("例子.中国", "www.例子.中国")),
        # A subdomain's server carries no filing.
        replace(GOOD, domain="staging.example.cn", names=("staging.example.cn",), months=None),
        replace(GOOD, title="北京烤鸭商城"),
    ],
)
def test_what_a_filing_takes(declared: Declared) -> None:
    assert [*findings(declared, facts(subject=subject("enterprise")))] == []


@pytest.mark.parametrize(("title", "word"), [("老王工作室", "工作室"), ("前端社区", "社区"), ("北京美食记", "北京")])
def test_an_individuals_site_has_no_company_words_and_no_place(title: str, word: str) -> None:
    declared = replace(GOOD, title=title)
    [found] = findings(declared, facts(subject=subject("individual")))
    assert word in found.words.en
    assert not found.refused
    assert [*findings(declared, facts(subject=subject("enterprise")))] == []


def test_an_individual_has_one_site() -> None:
    alone = facts(subject=subject("individual"))
    second = replace(GOOD, domain="example.com", apex="example.com")
    staging = replace(GOOD, domain="staging.example.cn")
    assert [*too_many([(GOOD, alone), (staging, alone)])] == []
    [found] = too_many([(GOOD, alone), (second, alone)])
    assert found.words.en == "an individual has one site at a time: example.cn, example.com are all filed by 张三"
    assert not found.refused
    company = facts(subject=subject("enterprise"))
    assert [*too_many([(GOOD, company), (second, company)])] == []


def test_what_is_declared_follows_from_the_settings() -> None:
    values = {
        "tencentcloud:region": "ap-guangzhou",
        "luodi:site": {"domain": "shop.例子.中国", "title": "示例"},
        "luodi:server": {"kind": "cvm", "charge-type": "POSTPAID_BY_HOUR"},
    }
    settings = Settings.parse(values)
    assert settings.declared(settings.main) == Declared(
        "ap-guangzhou", True, None, 5, "shop.例子.中国", "例子.中国", ("shop.例子.中国",), "示例"
    )


# --- materials ---------------------------------------------------------------------------------------

FILINGS = [
    pytest.param(kind, service, who, id=f"{kind}-{service}-{who}")
    for kind in get_args(Type)
    for service in get_args(ServiceKind)
    for who in get_args(SubjectKind)
]
CHARACTERS = tuple(province.icp for province in provinces() if province.icp)


@pytest.mark.parametrize(("kind", "service", "who"), FILINGS)
def test_there_is_something_to_prepare_for_every_filing(kind: str, service: str, who: str) -> None:
    for province in CHARACTERS:
        wanted = materials(facts(type=kind, service=service, subject=subject(who, province)))
        assert wanted
        assert len({each.id for each in wanted}) == len(wanted)
        ids = {each.id for each in wanted}
        if not kind.startswith("cancel"):
            assert "identity-person" in ids
            assert "phones" in ids
            # Who files shows who it is, once.
            assert len(ids & {"identity-subject", "identity-institution"}) == (0 if who == "individual" else 1)


@pytest.mark.parametrize(
    ("values", "there", "absent"),
    [
        ({"type": "first", "subject": subject("individual", "粤")}, {"commitment", "residence"}, {"identity-subject"}),
        ({"type": "first", "subject": subject("enterprise", "京")}, {"identity-subject"}, {"commitment", "residence"}),
        ({"type": "first", "subject": subject("enterprise", "蜀")}, {"authorisation"}, {"delegation-guangdong"}),
        ({"type": "first", "subject": subject("government", "粤")}, {"approval-of-website"}, {"residence"}),
        ({"type": "first", "service": "app"}, {"app-signature", "app-servers", "domain"}, {"mini-program-domain"}),
        ({"type": "first", "service": "mini-program"}, {"mini-program-profile", "mini-program-domain"}, {"server"}),
        ({"type": "transfer"}, {"same-subject", "server", "domain"}, {"name"}),
        ({"type": "change", "subject": subject("enterprise", "京")}, {"renaming"}, {"server"}),
        ({"type": "change", "subject": subject("individual", "京")}, set(), {"renaming"}),
        ({"type": "cancel-site"}, {"cancel-consequences", "cancel-phone"}, {"identity-person"}),
        ({}, {"commitment", "identity-subject", "identity-institution"}, {"cancel-phone"}),  # nobody said who files
    ],
)
def test_what_is_wanted_depends_on_what_is_filed(values: Any, there: set[str], absent: set[str]) -> None:
    ids = {each.id for each in materials(facts(**values))}
    assert there <= ids
    assert not absent & ids


def test_every_material_and_every_approval_is_told_in_both_languages() -> None:
    for row in rules("materials")["material"]:
        assert row["source"]
        for key in ("what", "why", "where", "wrong"):
            assert row[key]["zh"]
            assert row[key]["en"]
    assert [each.id for each in approvals()] == list(get_args(Category))


def test_what_a_single_province_asks_is_never_taken_for_sure() -> None:
    for row in rules("materials")["material"]:
        if "provinces" in row:
            assert row["confidence"] != "H", row["id"]


# --- one number --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "purpose", "province", "verdict", "kind", "canonical"),
    [
        ("京ICP备05070602号-1", None, None, "valid", "website", "京ICP备05070602号-1"),
        (" 京icp备０５０７０６０２号－１ ", "website", None, "valid", "website", "京ICP备05070602号-1"),
        ("京ICP备05070602号", None, None, "valid", "subject", "京ICP备05070602号"),
        ("京ICP备05070602号", "website", None, "warning", "subject", "京ICP备05070602号"),
        ("京ICP备05070602号", "app", None, "valid", "subject", "京ICP备05070602号"),
        ("粤ICP备2026068982号", "website", None, "valid", "subject", "粤ICP备2026068982号"),
        ("粤ICP备2026068982号-1", "website", None, "warning", "website", "粤ICP备2026068982号-1"),
        ("粤ICP备2026068982号-1", None, None, "valid", "website", "粤ICP备2026068982号-1"),
        ("粤ICP备2026068982号-2A", None, None, "valid", "app", "粤ICP备2026068982号-2A"),
        ("粤ICP备2026068982号-2A", "app", None, "valid", "app", "粤ICP备2026068982号-2A"),
        ("粤ICP备2026068982号-2A", "website", None, "invalid", "app", None),
        ("粤ICP备2026068982号-3X", "mini-program", None, "valid", "mini-program", "粤ICP备2026068982号-3X"),
        ("粤ICP备2026068982号-4K", None, None, "valid", "quick-app", "粤ICP备2026068982号-4K"),
        ("京ICP证030173号-1", "website", None, "valid", "website", "京ICP证030173号-1"),
        ("京ICP证030173号", None, None, "valid", "licence", "京ICP证030173号"),
        ("合字A1.B1.B2-20180017", "licence", None, "valid", "licence", "合字A1.B1.B2-20180017"),
        ("B2-20201388", "website", None, "invalid", None, None),
        ("京ICP备05070602号-1", "licence", None, "invalid", None, None),
        ("京公网安备 11010102000001号", None, None, "valid", "public-security", "京公网安备11010102000001号"),
        ("沪公网备310107100040719", None, None, "warning", "public-security", "沪公网备310107100040719"),
        ("豫公网安备 31010602002343号", None, None, "invalid", None, None),
        ("京公网安备11010102000001号", "website", None, "invalid", None, None),
        ("京ICP备05070602号-1", "public-security", None, "invalid", None, None),
        ("京ICP备05070602号-1", "website", "京", "valid", "website", "京ICP备05070602号-1"),
        ("京ICP备05070602号-1", "website", "粤", "invalid", "website", None),
        ("蜀ICP备2025146653号-1", None, "川", "valid", "website", "蜀ICP备2025146653号-1"),
        ("川公网安备51010002000001号", None, "蜀", "valid", "public-security", "川公网安备51010002000001号"),
        ("京公网安备11010102000001号", None, "粤", "warning", "public-security", "京公网安备11010102000001号"),
        ("合字B2-20180025", None, "粤", "valid", "licence", "合字B2-20180025"),
        ("川ICP备2025146653号-1", None, None, "invalid", None, None),
        ("", None, None, "invalid", None, None),
    ],
)
def test_verdicts(
    text: str, purpose: Purpose | None, province: str | None, verdict: str, kind: str | None, canonical: str | None
) -> None:
    found = judge(text, purpose, find_province(province) if province else None)
    assert (found.verdict, found.kind, found.canonical) == (verdict, kind, canonical)
    assert (found.reason is None) == (verdict == "valid")


@pytest.mark.parametrize(
    ("text", "purpose", "said"),
    [
        ("川ICP备2025146653号", None, "四川的备案号以“蜀”开头。应为 蜀ICP备2025146653号？"),
        ("豫公网安备 31010602002343号", None, "“豫”是河南"),
        ("粤公网安备4403号", None, "4 位数字；公安联网备案号有 14 位"),
        ("粤ICP备2026068982号-2A", "website", "-2A 是APP的备案号"),
        ("B2-2020138", None, "带类别的许可证有 8 位"),
        ("京ICP备05070602", None, "末尾缺少“号”"),
    ],
)
def test_the_reason_is_told_in_chinese(text: str, purpose: Purpose | None, said: str) -> None:
    reason = judge(text, purpose).reason
    assert reason
    assert said in reason.zh


@settings(deadline=None)  # rules are read from files at the first call
@given(st.text(), st.none() | st.sampled_from(get_args(Purpose)), st.none() | st.sampled_from(CHARACTERS))
def test_whatever_is_held_up_is_judged(text: str, purpose: Purpose | None, province: str | None) -> None:
    found = judge(text, purpose, find_province(province) if province else None)
    if found.verdict == "invalid":
        assert found.canonical is None
        assert found.reason
    else:
        assert found.canonical
        again = judge(found.canonical, purpose, find_province(province) if province else None)
        assert again == found


@pytest.mark.parametrize("text", ["", "火星", "IC", "省"])
def test_no_province(text: str) -> None:
    assert find_province(text) is None
