"""What a zone makes impossible."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luodi.certificate import preflight
from luodi.certificate.preflight import Caa
from luodi.certificate.problems import OrderError

ISSUER = "letsencrypt.org"


def record(text: str) -> Caa:
    flags, tag, value = text.split(" ", 2)
    return Caa(int(flags), tag, value)


def permitted(name: str, tree: Mapping[str, list[str]], *issuers: str) -> bool:
    try:
        preflight.check_caa([name], issuers or (ISSUER,), lambda at: [record(one) for one in tree.get(at, [])])
    except OrderError as error:
        return (error.kind, error.passing) != ("caa", False)
    return True


@pytest.mark.parametrize(
    ("name", "records", "allowed"),
    [
        ("example.cn", [], True),
        ("example.cn", ["0 issue letsencrypt.org"], True),
        ("example.cn", ["0 issue LetsEncrypt.org; policy=ev"], True),
        ("example.cn", ["0 ISSUE letsencrypt.org"], True),
        ("example.cn", ["0 issue pki.goog", "0 issue letsencrypt.org"], True),
        ("example.cn", ["0 issue pki.goog"], False),
        ("example.cn", ["0 issue ;"], False),
        ("example.cn", ["0 issue "], False),
        ("example.cn", ["0 issue evil-letsencrypt.org"], False),
        ("example.cn", ["0 issue letsencrypt.org", "0 issue ;"], True),
        ("example.cn", ["0 iodef mailto:ops@example.cn"], True),
        ("example.cn", ["0 issuewild ;"], True),  # of wildcards alone
        ("*.example.cn", ["0 issuewild ;"], False),
        ("*.example.cn", ["0 issuewild ;", "0 issue letsencrypt.org"], False),
        ("*.example.cn", ["0 issuewild letsencrypt.org", "0 issue pki.goog"], True),
        ("example.cn", ["0 issuewild letsencrypt.org", "0 issue pki.goog"], False),
        ("*.example.cn", ["0 issue letsencrypt.org"], True),
        ("*.example.cn", ["0 issue pki.goog"], False),
        ("example.cn", ["128 issue letsencrypt.org"], True),
        ("example.cn", ["128 tbs unknown"], False),
        ("example.cn", ["0 tbs unknown"], True),
        ("example.cn", ["0 issue letsencrypt.org; validationmethods=dns-01,http-01"], True),
        ("example.cn", ["0 issue letsencrypt.org; validationmethods=http-01"], False),
    ],
)
def test_what_records_allow(name: str, records: list[str], allowed: bool) -> None:
    assert permitted(name, {"example.cn": records}) is allowed


def test_the_tree_is_climbed_to_the_first_records() -> None:
    tree = {"b.example.cn": ["0 issue letsencrypt.org"], "example.cn": ["0 issue pki.goog"], "cn": ["0 issue ;"]}
    assert permitted("a.b.example.cn", tree)
    assert permitted("*.b.example.cn", tree)
    assert not permitted("a.example.cn", tree)
    assert not permitted("example.com.cn", tree)
    assert permitted("example.com", tree)


def test_an_authority_of_several_names() -> None:
    tree = {"example.cn": ["0 issue sectigo.com"]}
    assert permitted("example.cn", tree, "sectigo.com", "trust-provider.com")
    assert not permitted("example.cn", tree, "trust-provider.com")


def test_of_an_authority_whose_names_are_not_known_nothing_is_said() -> None:
    preflight.check_caa(["example.cn"], (), lambda _: [record("0 issue ;")])


def test_a_parent_is_asked_once() -> None:
    asked: list[str] = []

    def find(name: str) -> list[Caa]:
        asked.append(name)
        return []

    preflight.check_caa([f"n{number}.example.cn" for number in range(100)], [ISSUER], find)
    assert asked.count("example.cn") == asked.count("cn") == 1


def test_each_name_is_told_with_the_records_that_forbid_it() -> None:
    with pytest.raises(OrderError) as caught:
        preflight.check_caa(
            ["a.cn", "b.cn", "c.cn"], [ISSUER], lambda at: [record("0 issue ;")] if at in "a.cnb.cn" else []
        )
    assert 'a.cn by those of a.cn (0 issue ";"); b.cn by those of b.cn' in str(caught.value)


@given(st.text(), st.sampled_from(["issue", "issuewild"]))
def test_any_value_is_judged(value: str, tag: str) -> None:
    """Only a rule whose domain is the issuer's lets it in."""
    preflight_says = True
    try:
        preflight.check_caa(["*.example.cn"], [ISSUER], lambda at: [Caa(0, tag, value)] if at == "example.cn" else [])
    except OrderError:
        preflight_says = False
    domain = value.partition(";")[0].strip().rstrip(".").lower()
    assert not preflight_says or domain == ISSUER


@pytest.mark.parametrize(
    ("delegated", "fine"),
    [
        (["f1g1ns1.dnspod.net.", "F1G1NS2.dnspod.net"], True),
        (["f1g1ns1.dnspod.net", "ns.elsewhere.net"], True),
        (["dns1.hichina.com", "dns2.hichina.com"], False),
    ],
)
def test_delegation(delegated: list[str], fine: bool) -> None:
    assigned = ["f1g1ns1.dnspod.net", "f1g1ns2.dnspod.net"]
    if fine:
        preflight.check_delegation("example.cn", delegated, assigned)
    else:
        with pytest.raises(OrderError, match=r"dns1\.hichina\.com, dns2\.hichina\.com.*修改 DNS 服务器"):
            preflight.check_delegation("example.cn", delegated, assigned)


def test_where_dnspod_has_assigned_none_nothing_is_said() -> None:
    preflight.check_delegation("example.cn", ["dns1.hichina.com"], [])
