"""What Tencent's resolvers answer inside a rehearsal's network."""

from __future__ import annotations

import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.intranet import resolve
from localcloud.machines.guest.network import COS


def _ask(name: str, kind: str = "A") -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    answer = resolve(query.to_wire())
    assert answer is not None
    response = dns.message.from_wire(answer)
    assert query.is_response(response)
    return response


@pytest.mark.parametrize(
    "name",
    [
        "site-1250000000.cos.ap-guangzhou.myqcloud.com",
        "site-1250000000.cos.myqcloud.com",
        "COS.ap-beijing.MyQcloud.com",
    ],
)
def test_cos_is_at_an_address_inside(name: str) -> None:
    assert [rdata.address for rdata in _ask(name).answer[0]] == [COS]
    other = _ask(name, "AAAA")
    assert (other.rcode(), other.answer) == (dns.rcode.NOERROR, [])


@pytest.mark.parametrize("name", ["www.example.com", "myqcloud.com", "cos.ap-guangzhou.myqcloud.com.example.cn"])
def test_there_is_no_way_out(name: str) -> None:
    assert _ask(name).rcode() == dns.rcode.REFUSED


@given(st.binary(max_size=100))
def test_what_is_no_query_does_no_harm(wire: bytes) -> None:
    resolve(wire)


def test_an_answer_is_not_answered() -> None:
    response = dns.message.make_response(dns.message.make_query("cos.myqcloud.com", "A"))
    assert resolve(response.to_wire()) is None
