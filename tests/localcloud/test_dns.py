"""What the name servers answer, over UDP and TCP, the moment the API has been called."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.dns import ADDRESSES, Responder, Zones
from localcloud.store import Store
from tests.cloud import Cloud

Ask = Callable[..., dns.message.Message]
ZONE = "dns-test.cn"


@pytest.fixture(params=["udp", "tcp"])
def ask(cloud: Cloud, request: pytest.FixtureRequest) -> Ask:
    def ask(name: str, rdtype: str, *, server: str = ADDRESSES[0], **more: Any) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype, **more)
        if request.param == "tcp":
            return dns.query.tcp(query, server, port=cloud.endpoints.dns_port, timeout=10)
        return dns.query.udp(query, server, port=cloud.endpoints.dns_port, timeout=10)

    return ask


@pytest.fixture(scope="module")
def zone(cloud: Cloud) -> Iterator[Callable[..., int]]:
    cloud.call("dnspod", "CreateDomain", {"Domain": ZONE})

    def add(name: str, rdtype: str, value: str, **more: Any) -> int:
        record = {"Domain": ZONE, "SubDomain": name, "RecordType": rdtype, "RecordLine": "默认", "Value": value, **more}
        return int(cloud.call("dnspod", "CreateRecord", record)["RecordId"])

    add("@", "A", "192.0.2.1")
    add("www", "CNAME", ZONE, TTL=900)
    add("away", "CNAME", "elsewhere.example.org")
    add("loop1", "CNAME", f"loop2.{ZONE}")
    add("loop2", "CNAME", f"loop1.{ZONE}")
    add("dangling", "CNAME", f"nobody.under.deep.{ZONE}")
    add("*.wild", "A", "192.0.2.9")
    add("host.wild", "TXT", "here")
    add("a.b.c", "A", "192.0.2.3")
    add("off", "A", "192.0.2.4", Status="DISABLE")
    add("abroad", "A", "192.0.2.5", RecordLine="境外")
    add("mail", "MX", "mx.example.org", MX=10)
    for value in ("one", "two", 'with "quotes" and \\', "长" * 100):
        add("_acme-challenge", "TXT", value)
    for number in range(60):
        add("many", "TXT", f"{number} " + "x" * 60)
    yield add
    cloud.call("dnspod", "DeleteDomain", {"Domain": ZONE})


def _values(response: dns.message.Message) -> set[str]:
    return {rdata.to_text() for rrset in response.answer for rdata in rrset}


def test_both_servers_answer_with_authority(ask: Ask, zone: object) -> None:
    for server in ADDRESSES:
        response = ask(ZONE, "A", server=server)
        assert response.rcode() == dns.rcode.NOERROR
        assert response.flags & dns.flags.AA
        assert not response.flags & dns.flags.RA
        assert _values(response) == {"192.0.2.1"}
        assert response.answer[0].ttl == 600


def test_name_servers_and_start_of_authority(ask: Ask, zone: object) -> None:
    assert _values(ask(ZONE, "NS")) == {"f1g1ns1.dnspod.net.", "f1g1ns2.dnspod.net."}
    (soa,) = _values(ask(ZONE, "SOA"))
    assert soa.startswith("f1g1ns1.dnspod.net. freednsadmin.dnspod.com. ")
    assert [_values(ask(f"f1g1ns{n}.dnspod.net", "A")) for n in (1, 2)] == [{ADDRESSES[0]}, {ADDRESSES[1]}]
    assert ask("www.dnspod.net", "A").rcode() == dns.rcode.NXDOMAIN


def test_aliases_are_followed_in_our_own_zones(ask: Ask, zone: object) -> None:
    response = ask(f"www.{ZONE}", "A")
    assert _values(response) == {f"{ZONE}.", "192.0.2.1"}
    assert [rrset.ttl for rrset in response.answer] == [900, 600]
    assert _values(ask(f"www.{ZONE}", "CNAME")) == {f"{ZONE}."}
    assert _values(ask(f"away.{ZONE}", "A")) == {"elsewhere.example.org."}
    assert ask(f"loop1.{ZONE}", "A").rcode() == dns.rcode.NOERROR
    assert ask(f"dangling.{ZONE}", "A").rcode() == dns.rcode.NXDOMAIN


def test_what_is_not_there(ask: Ask, zone: object) -> None:
    nothing = ask(f"nobody.{ZONE}", "A")
    assert nothing.rcode() == dns.rcode.NXDOMAIN
    assert nothing.authority[0].rdtype == dns.rdatatype.SOA
    for name, rdtype in ((ZONE, "AAAA"), (f"b.c.{ZONE}", "A"), (f"c.{ZONE}", "TXT")):
        nodata = ask(name, rdtype)
        assert (nodata.rcode(), nodata.answer) == (dns.rcode.NOERROR, [])
        assert nodata.authority[0].rdtype == dns.rdatatype.SOA
    for name in (f"off.{ZONE}", f"abroad.{ZONE}"):
        assert ask(name, "A").rcode() == dns.rcode.NXDOMAIN
    for name in ("example.org", "cn", "."):
        assert ask(name, "A").rcode() == dns.rcode.REFUSED


def test_wildcards(ask: Ask, zone: object) -> None:
    assert _values(ask(f"any.wild.{ZONE}", "A")) == {"192.0.2.9"}
    assert _values(ask(f"deep.any.wild.{ZONE}", "A")) == {"192.0.2.9"}
    assert ask(f"host.wild.{ZONE}", "A").answer == []
    assert ask(f"below.host.wild.{ZONE}", "A").rcode() == dns.rcode.NXDOMAIN
    assert ask(f"any.wild.{ZONE}", "TXT").rcode() == dns.rcode.NOERROR


def test_texts_arrive_as_they_were_given(ask: Ask, zone: object) -> None:
    response = ask(f"_acme-challenge.{ZONE}", "TXT", use_edns=0, payload=4096)
    texts = {b"".join(rdata.strings).decode() for rrset in response.answer for rdata in rrset}
    assert texts == {"one", "two", 'with "quotes" and \\', "长" * 100}


def test_mail_and_letter_case(ask: Ask, zone: object) -> None:
    assert _values(ask(f"mail.{ZONE}", "MX")) == {"10 mx.example.org."}
    response = ask("WwW.DnS-TeSt.cN", "CNAME")
    assert response.question[0].name.to_text() == "WwW.DnS-TeSt.cN."
    assert {value.lower() for value in _values(response)} == {f"{ZONE}."}


def test_a_large_answer_is_cut_over_udp_and_whole_over_tcp(cloud: Cloud, zone: object) -> None:
    port = cloud.endpoints.dns_port
    query = dns.message.make_query(f"many.{ZONE}", "TXT")
    cut = dns.query.udp(query, ADDRESSES[0], port=port, timeout=10)
    assert cut.flags & dns.flags.TC
    response, by_tcp = dns.query.udp_with_fallback(query, ADDRESSES[0], port=port, timeout=10)
    assert by_tcp
    assert len(_values(response)) == 60


def test_a_change_is_served_at_once(ask: Ask, cloud: Cloud, zone: Callable[..., int]) -> None:
    name = f"now.{ZONE}"
    assert ask(name, "A").rcode() == dns.rcode.NXDOMAIN
    record = zone("now", "A", "192.0.2.20")
    assert _values(ask(name, "A")) == {"192.0.2.20"}
    question = {"Domain": ZONE, "RecordId": record}
    cloud.call("dnspod", "ModifyRecordStatus", {**question, "Status": "DISABLE"})
    assert ask(name, "A").rcode() == dns.rcode.NXDOMAIN
    cloud.call("dnspod", "DeleteRecord", question)
    cloud.call("dnspod", "ModifyDomainStatus", {"Domain": ZONE, "Status": "disable"})
    assert ask(ZONE, "A").rcode() == dns.rcode.REFUSED
    cloud.call("dnspod", "ModifyDomainStatus", {"Domain": ZONE, "Status": "enable"})
    assert _values(ask(ZONE, "A")) == {"192.0.2.1"}


def test_what_a_name_server_does_not_do(cloud: Cloud, zone: object) -> None:
    port = cloud.endpoints.dns_port
    transfer = dns.message.make_query(ZONE, "AXFR")
    assert dns.query.tcp(transfer, ADDRESSES[0], port=port, timeout=10).rcode() == dns.rcode.REFUSED
    notify = dns.message.make_query(ZONE, "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    assert dns.query.udp(notify, ADDRESSES[0], port=port, timeout=10).rcode() == dns.rcode.NOTIMP
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    assert dns.query.udp(chaos, ADDRESSES[0], port=port, timeout=10).rcode() == dns.rcode.REFUSED


def test_several_queries_over_one_connection(cloud: Cloud, zone: object) -> None:
    query = dns.message.make_query(ZONE, "A").to_wire()
    frame = len(query).to_bytes(2, "big") + query
    with socket.create_connection((ADDRESSES[1], cloud.endpoints.dns_port), timeout=10) as connection:
        connection.sendall(frame * 3)
        with connection.makefile("rb") as answers:
            for _ in range(3):
                length = int.from_bytes(answers.read(2), "big")
                assert _values(dns.message.from_wire(answers.read(length))) == {"192.0.2.1"}


@pytest.fixture(scope="module")
def responder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Responder]:
    store = Store(tmp_path_factory.mktemp("noise") / "state.db")
    yield Responder(Zones(store), logging.getLogger("test"))
    store.close()


@settings(deadline=None)
@given(noise=st.binary(max_size=200))
def test_noise_gets_an_error_or_nothing(noise: bytes, responder: Responder) -> None:
    answer = responder.answer(noise, maximum=512, transport="udp")
    if answer is not None:
        assert dns.message.from_wire(answer).flags & dns.flags.QR
