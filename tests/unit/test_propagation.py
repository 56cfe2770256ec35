"""Whether every authoritative server knows a record, asked of real servers."""

from __future__ import annotations

import threading
import time

import dns.rcode
import pytest

from luodi.certificate import propagation
from luodi.certificate.propagation import NotPropagated
from tests.unit.nameserver import NameServer

NAME = "_acme-challenge.example.cn"
WANTED = {NAME: ["one"]}
ADVICE = "luodi:certificate.propagation-timeout sets how long to wait."


@pytest.fixture
def answer_seconds(monkeypatch: pytest.MonkeyPatch) -> float:
    """How long a single answer is waited for."""
    monkeypatch.setattr(propagation, "_ANSWER_SECONDS", 0.3)
    return 0.3


def asked(servers: list[NameServer]) -> list[propagation.NameServer]:
    return [propagation.NameServer(f"ns{n}.dnspod.test", one.address, one.port) for n, one in enumerate(servers, 1)]


def refusal(servers: list[NameServer], wanted: dict[str, list[str]], seconds: float) -> tuple[str, float]:
    """The error's text, and how long it took."""
    start = time.monotonic()
    with pytest.raises(NotPropagated) as caught:
        propagation.wait(wanted, asked(servers), seconds=seconds)
    return str(caught.value), time.monotonic() - start


def test_all_servers_know(name_servers: list[NameServer]) -> None:
    for server in name_servers:
        server.publish(NAME, "another", "one")
    start = time.monotonic()
    propagation.wait(WANTED, asked(name_servers), seconds=30)
    assert time.monotonic() - start < 1
    assert all((NAME, "TXT") in server.asked for server in name_servers)


def test_a_server_that_knows_late_is_waited_for_and_the_others_are_left_alone(
    name_servers: list[NameServer],
) -> None:
    early, late = name_servers[:2], name_servers[2]
    for server in early:
        server.publish(NAME, "one")
    timer = threading.Timer(0.3, late.publish, (NAME, "one"))
    timer.start()
    start = time.monotonic()
    propagation.wait(WANTED, asked(name_servers), seconds=30)
    assert 0.3 <= time.monotonic() - start < 3
    assert [len(server.asked) for server in early] == [1, 1]
    assert len(late.asked) > 1
    timer.join()


def test_a_slow_server_is_waited_for(name_servers: list[NameServer]) -> None:
    for server in name_servers:
        server.publish(NAME, "one")
    name_servers[1].seconds = 0.5
    propagation.wait(WANTED, asked(name_servers), seconds=30)
    assert len(name_servers[1].asked) == 1


def test_servers_are_asked_at_the_same_time(name_servers: list[NameServer]) -> None:
    for server in name_servers:
        server.publish(NAME, "one")
        server.seconds = 0.5
    start = time.monotonic()
    propagation.wait(WANTED, asked(name_servers), seconds=30)
    assert time.monotonic() - start < 1.4


def test_a_silent_server_is_named_in_time(name_servers: list[NameServer], answer_seconds: float) -> None:
    names = [f"_acme-challenge.a{number}.example.cn" for number in range(20)]
    for server in name_servers:
        for name in names:
            server.publish(name, "one")
    name_servers[1].silent = True
    told, took = refusal(name_servers, {name: ["one"] for name in names}, seconds=0.5)
    assert took < 0.5 + 2 * answer_seconds + 1
    assert told.startswith(
        "After 0.5 s not every name server has the challenge record: ns2.dnspod.test (127.0.0.2) for "
    )
    assert told.count("no answer") == 20
    assert "127.0.0.1" not in told
    assert told.endswith(ADVICE)


def test_each_server_that_is_behind_is_told_with_what_it_said(name_servers: list[NameServer]) -> None:
    name_servers[0].publish(NAME, "old", "older")
    name_servers[1].rcode = dns.rcode.SERVFAIL
    told, _ = refusal(name_servers, WANTED, seconds=0)
    assert told == (
        "After 0 s not every name server has the challenge record: "
        f"ns1.dnspod.test (127.0.0.1) for {NAME}: 2 TXT values, not the new one; "
        f"ns2.dnspod.test (127.0.0.2) for {NAME}: SERVFAIL; "
        f"ns3.dnspod.test (127.0.0.3) for {NAME}: no TXT record. {ADVICE}"
    )


def test_a_server_that_refuses_and_then_knows(name_servers: list[NameServer]) -> None:
    [server, *_] = name_servers
    server.rcode = dns.rcode.REFUSED
    server.publish(NAME, "one")
    timer = threading.Timer(0.2, setattr, (server, "rcode", dns.rcode.NOERROR))
    timer.start()
    propagation.wait(WANTED, asked([server]), seconds=30)
    timer.join()


def test_every_value_of_every_name_is_wanted(name_servers: list[NameServer]) -> None:
    [server, *_] = name_servers
    server.publish(NAME, "one")
    server.publish("_acme-challenge.www.example.cn", "two")
    both = {NAME: ["one", "wildcard's"], "_acme-challenge.www.example.cn": ["two"]}
    told, _ = refusal([server], both, seconds=0)
    assert f"for {NAME}: 1 TXT values" in told
    assert "www" not in told
    server.publish(NAME, "wildcard's")
    propagation.wait(both, asked([server]), seconds=0)


def test_a_long_answer_is_read_over_tcp(name_servers: list[NameServer]) -> None:
    [server, *_] = name_servers
    server.publish(NAME, *(f"{number:043d}" for number in range(30)), "one")
    propagation.wait(WANTED, asked([server]), seconds=0)
    assert len(server.asked) == 2


def test_the_wait_ends_by_its_clock(name_servers: list[NameServer]) -> None:
    now, pauses = 0.0, list[float]()

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        pauses.append(seconds)

    with pytest.raises(NotPropagated, match="After 60 s"):
        propagation.wait(WANTED, asked(name_servers), seconds=60, clock=lambda: now, sleep=sleep)
    assert sum(pauses) == pytest.approx(60)
    assert pauses[0] < 0.2
    assert max(pauses) == 5
    assert all(pause >= 0 for pause in pauses)
