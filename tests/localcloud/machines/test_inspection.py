"""What is read of a visitor's first bytes, and what goes on to the server: whatever is sent, however it is cut."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localcloud.machines import edge
from localcloud.machines.inspection import (
    CODE,
    LIMIT,
    WEBBLOCK,
    Inspection,
    Interception,
    block_page,
    requested_hosts,
    server_name,
)
from tests.localcloud.machines.rehearsal import Rehearsal, until

_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
_names = st.builds(
    lambda labels, suffix: ".".join([*labels, suffix]),  # no address, and no punycode, which OpenSSL would look into
    st.lists(_labels.filter(lambda label: not label.startswith("xn--")), min_size=1, max_size=3),
    st.sampled_from(["cn", "com.cn", "com", "example"]),
)
_cuts = st.lists(st.integers(1, 300), max_size=20)


def _hello(name: str | None, *, versions: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bytes:
    """A ClientHello as OpenSSL writes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = versions
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(received, sent, server_hostname=name).do_handshake()
    return sent.read()


def _in_records(hello: bytes, size: int) -> bytes:
    """The same ClientHello in several records."""
    message = hello[5:]
    parts = [message[start : start + size] for start in range(0, len(message), size)]
    return b"".join(hello[:3] + len(part).to_bytes(2) + part for part in parts)


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    pieces = []
    for cut in cuts:
        pieces.append(data[:cut])
        data = data[cut:]
    return [piece for piece in [*pieces, data] if piece]


def _request(host: str, *, method: str = "GET", more: bytes = b"") -> bytes:
    return f"{method} / HTTP/1.1\r\nUser-Agent: test\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode() + more


@given(_names, st.sampled_from([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]), st.integers(1, 600))
def test_the_name_in_a_hello(name: str, version: ssl.TLSVersion, size: int) -> None:
    hello = _hello(name, versions=version)
    assert server_name(hello) == name
    assert server_name(_in_records(hello, size)) == name
    assert server_name(hello + b"\x14\x03\x03\x00\x01\x01") == name


@given(_names, st.data())
def test_a_hello_is_waited_for(name: str, data: st.DataObject) -> None:
    hello = _hello(name)
    assert server_name(hello[: data.draw(st.integers(0, len(hello) - 1))]) is None


def test_a_hello_that_names_nobody() -> None:
    assert server_name(_hello(None)) == ""
    assert server_name(_hello("127.0.0.1")) == ""


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reading_of_a_hello(data: bytes) -> None:
    server_name(data)
    server_name(b"\x16\x03\x01" + data)
    server_name(b"\x16\x03\x01" + (len(data) + 4).to_bytes(2) + b"\x01" + len(data).to_bytes(3) + data)


@given(_names, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6))
def test_no_damaged_hello_crashes_the_reading(name: str, damage: list[tuple[int, int]]) -> None:
    hello = bytearray(_hello(name))
    for position, value in damage:
        hello[position % len(hello)] = value
    found = server_name(bytes(hello))
    assert found is None or len(found) < len(hello)


@given(_names, st.none() | st.integers(0, 65535), st.sampled_from(["Host: ", "host:", "HOST:\t", "hOsT : "]))
def test_the_host_of_a_request(name: str, port: int | None, field: str) -> None:
    value = name if port is None else f"{name}:{port}"
    head = f"GET /?host:b.cn HTTP/1.1\r\nX-Host: c.cn\r\n{field}{value} \r\nCookie: host: d.cn\r\n\r\nHost: e.cn\r\n"
    assert requested_hosts(head.encode()) == [name]
    assert requested_hosts(head.replace("\r\n", "\n").encode()) == [name]


@pytest.mark.parametrize(
    ("head", "hosts"),
    [
        (b"GET http://a.cn/x HTTP/1.1\r\nHost: b.cn\r\n\r\n", ["a.cn", "b.cn"]),
        (b"GET https://u:p@a.cn:443?x HTTP/1.1\r\nHost: b.cn\r\nhost: c.cn\r\n\r\n", ["a.cn", "b.cn", "c.cn"]),
        (b"GET / HTTP/1.0\r\n\r\n", []),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", [""]),
        (b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", ["[::1]"]),
        (b"GET / HTTP/1.1\r\nHost: \xe4\xbe\x8b\xe5\xad\x90.cn\r\n\r\n", ["例子.cn"]),
        (b"\r\n\nGET / HTTP/1.1\r\nHost: a.cn\r\n\r\n", ["a.cn"]),
        (b"GET / HTTP/1.1\r\nHost: a.cn", ["a.cn"]),
        (b"EHLO a.cn\r\nHost: b.cn\r\n\r\n", []),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []),
        (b"", []),
    ],
)
def test_hosts_of_requests_and_of_what_is_none(head: bytes, hosts: list[str]) -> None:
    assert requested_hosts(head) == hosts


@given(st.binary() | st.binary().map(lambda tail: b"GET / HTTP/1.1\r\nHost: " + tail))
def test_no_bytes_crash_the_reading_of_a_request(data: bytes) -> None:
    assert all(isinstance(host, str) for host in requested_hosts(data))


def _sent(data: bytes, cuts: list[int], *, serves: bool) -> bytes | Interception:
    """What a server gets of a connection that brings `data` in pieces and ends."""
    inspection, passed = Inspection(lambda _host: serves), b""
    try:
        for piece in _pieces(data, cuts):
            passed += inspection.receive(piece)
        return passed + inspection.end()
    except Interception as interception:
        assert passed.strip(b"\r\n") == b"", "the server has seen something"
        return interception


@given(
    st.one_of(
        st.binary(max_size=2000),
        st.builds(_request, _names, more=st.binary(max_size=500)),
        st.builds(_hello, _names),
        st.binary(max_size=200).map(lambda tail: b"\x16\x03\x01\x01\x00\x01\x00\x00" + tail),
        st.text("GETPOS /HTTP1.\r\nhost: a", max_size=200).map(str.encode),
    ),
    _cuts,
)
@example(b"\r\nGET / HTTP/1.1\r\nHost: a.cn\r\n\r\n", [1, 1])
def test_what_is_served_goes_on_byte_for_byte(data: bytes, cuts: list[int]) -> None:
    assert _sent(data, cuts, serves=True) == data


@given(_names, st.sampled_from(["GET", "POST", "HEAD", "PROPFIND"]), st.sampled_from([b"", b"\r\n"]), _cuts)
def test_a_request_that_may_not_be_served_is_answered(name: str, method: str, before: bytes, cuts: list[int]) -> None:
    found = _sent(before + _request(name, method=method, more=b"x" * 50), cuts, serves=False)
    assert isinstance(found, Interception)
    assert found.answer == block_page(name, with_body=method != "HEAD")


@given(_names, _cuts, st.integers(1, 600))
def test_a_hello_that_may_not_be_served_is_cut(name: str, cuts: list[int], size: int) -> None:
    found = _sent(_in_records(_hello(name), size), cuts, serves=False)
    assert isinstance(found, Interception)
    assert found.answer is None


@pytest.mark.parametrize(
    "greeting", [b"EHLO client.example.cn\r\n", b"QUIT\r\n", b"\x00\x01", b"SSH-2.0-x\r\n", b"{}", b"get / x\r\n"]
)
def test_other_protocols_are_not_held_back(greeting: bytes) -> None:
    inspection = Inspection(lambda _host: False)
    inspection.answered()
    assert inspection.receive(greeting) == greeting
    assert not inspection.holding


def test_the_next_request_of_a_connection_is_judged_too() -> None:
    inspection = Inspection(lambda host: host == "filed.cn")
    first = _request("filed.cn", method="POST")
    assert inspection.receive(first) == first
    # The body of the first one, before any answer, is none of the border's business.
    assert inspection.receive(_request("other.cn")) == _request("other.cn")
    inspection.answered()
    assert inspection.receive(_request("filed.cn")) == _request("filed.cn")
    inspection.answered()
    with pytest.raises(Interception):
        inspection.receive(_request("other.cn"))


def test_no_more_is_held_back_than_the_limit() -> None:
    inspection = Inspection(lambda _host: True)
    head = b"GET / HTTP/1.1\r\nHost: filed.cn\r\nCookie: " + b"x" * LIMIT
    assert inspection.receive(head[: LIMIT - 1]) == b""
    assert inspection.receive(head[LIMIT - 1 :]) == head
    record = b"\x16\x03\x01\x40\x00"
    hello = record + b"\x01\xff\xff\xff" + b"x" * (2**14 - 4) + (record + b"x" * 2**14) * 3
    endless = Inspection(lambda _host: True)
    assert endless.receive(hello[: LIMIT - 1]) == b""
    with pytest.raises(Interception):
        endless.receive(hello[LIMIT - 1 :])


@given(st.text())
def test_no_host_breaks_the_block_page(host: str) -> None:
    page = block_page(host.encode("utf-8", "replace").decode())
    head, _, body = page.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    assert lines[0] == "HTTP/1.1 302 OK"
    assert lines[1].startswith(f"Location: {WEBBLOCK}?d=")
    assert f"Content-Length: {len(body)}" in lines
    assert len(lines) == 5
    assert CODE.encode() in body
    assert b"<script" not in body


async def test_a_request_that_never_ends_is_cut(
    rehearsal: Rehearsal, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "HEAD_SECONDS", 0.3)
    machine = await rehearsal.create(address=address)
    await rehearsal.install_nginx(machine)
    rehearsal.machines.firewall(machine, lambda _source, _port: True)
    rehearsal.machines.border(machine, lambda: lambda host: host == "filed.cn")
    reader, writer = await asyncio.open_connection(address, rehearsal.machines.ports()[80])
    writer.write(b"GET / HTTP/1.1\r\nHost: ")
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(reader.read(), 10)
    writer.close()

    async def answered() -> bool:
        reader, writer = await asyncio.open_connection(address, rehearsal.machines.ports()[80])
        # Held back for less than the limit, then served.
        writer.write(b"GET / HTTP/1.1\r\nHost: filed.cn\r\n")
        await asyncio.sleep(0)
        writer.write(b"Connection: close\r\n\r\n")
        status = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        return b" 200 " in status

    await until(answered, "a filed host's answer")


async def test_a_judge_that_fails_lets_nothing_through(rehearsal: Rehearsal, address: str) -> None:
    machine = await rehearsal.create(address=address)
    await rehearsal.install_nginx(machine)
    rehearsal.machines.firewall(machine, lambda _source, _port: True)

    def broken(host: str) -> bool:
        raise ValueError(host)

    rehearsal.machines.border(machine, lambda: broken)
    with pytest.raises(ConnectionError):
        await rehearsal.get(address)
    rehearsal.machines.border(machine, lambda: None)
    assert await rehearsal.get(address) == 200
