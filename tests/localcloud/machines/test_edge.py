"""The edge: a machine's public address, its firewall, and who it says is asking."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from localcloud.machines import MachineError
from localcloud.machines.edge import VISITOR
from tests.localcloud.machines.rehearsal import Rehearsal, until

SERVER = """cat > /root/server.py <<'E'
import socket
listener = socket.create_server(("0.0.0.0", 443))
while True:
    line, _ = listener.accept()
    total = 0
    while part := line.recv(65536):
        total += len(part)
    line.sendall(b"%d bytes" % total)
    line.close()
E
nohup /usr/bin/python3 /root/server.py >/dev/null 2>&1 &
"""


async def _site(rehearsal: Rehearsal, address: str | None) -> str:
    machine = await rehearsal.create(address=address)
    await rehearsal.install_nginx(machine)
    rehearsal.machines.firewall(machine, lambda _source, _port: True)
    return machine


async def test_nginx_sees_the_client_itself(rehearsal: Rehearsal, address: str) -> None:
    machine = await _site(rehearsal, address)
    assert await rehearsal.get(address, source="127.45.67.89") == 200
    assert await rehearsal.get(address) == 200
    await rehearsal.until(machine, "test $(wc -l < /var/log/nginx/access.log) = 2")  # written after the answer
    log = await rehearsal.output(machine, "cut -d' ' -f1 /var/log/nginx/access.log")
    assert log.split() == ["127.45.67.89", VISITOR]


async def test_the_firewall_is_asked_at_each_connection(rehearsal: Rehearsal, address: str) -> None:
    machine = await rehearsal.create(address=address)
    await rehearsal.install_nginx(machine)
    with pytest.raises(ConnectionError):
        await rehearsal.get(address)  # nothing is let in until somebody says so
    asked: list[tuple[str, int]] = []

    def only_one(source: str, port: int) -> bool:
        asked.append((source, port))
        return source == "127.1.1.1"

    rehearsal.machines.firewall(machine, only_one)
    assert await rehearsal.get(address, source="127.1.1.1") == 200
    with pytest.raises(ConnectionError):
        await rehearsal.get(address, source="127.1.1.2")
    with pytest.raises(ConnectionError):
        await rehearsal.get(address, source="127.1.1.2", port=443)
    assert asked == [("127.1.1.1", 80), ("127.1.1.2", 80), ("127.1.1.2", 443)]
    rehearsal.machines.firewall(machine, lambda _source, port: port == 80)
    assert await rehearsal.get(address, source="127.1.1.2") == 200

    def broken(source: str, port: int) -> bool:
        raise ValueError(source)

    rehearsal.machines.firewall(machine, broken)
    with pytest.raises(ConnectionError):
        await rehearsal.get(address)


async def test_where_nothing_listens_the_connection_is_reset(rehearsal: Rehearsal, address: str) -> None:
    machine = await _site(rehearsal, address)
    with pytest.raises(ConnectionResetError):
        await rehearsal.get(address, port=443)
    await rehearsal.machines.stop(machine)
    with pytest.raises(ConnectionError):
        await rehearsal.get(address)
    await rehearsal.machines.start(machine)
    await rehearsal.until(machine, "curl -sf http://127.0.0.1/")
    assert await rehearsal.get(address) == 200


async def test_an_address_moves_from_machine_to_machine(rehearsal: Rehearsal, address: str) -> None:
    one, two = await _site(rehearsal, address), await _site(rehearsal, None)
    await rehearsal.output(two, "echo 'server { listen 80; return 204; }' > /etc/nginx/sites-enabled/default")
    await rehearsal.output(two, "systemctl restart nginx")
    assert await rehearsal.get(address) == 200
    with pytest.raises(MachineError, match="is taken"):
        await rehearsal.machines.assign(two, address)
    reader, writer = await asyncio.open_connection(address, rehearsal.machines.ports()[80])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    await rehearsal.machines.assign(one, None)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await rehearsal.get(address)
    await rehearsal.machines.assign(two, address)
    assert await rehearsal.get(address) == 204
    await rehearsal.machines.assign(two, address)
    assert await rehearsal.get(address) == 204
    with pytest.raises(MachineError, match="isn't an address of this host"):
        await rehearsal.machines.assign(one, "192.0.2.1")


async def test_half_closed_connections_carry_the_answer(rehearsal: Rehearsal, address: str) -> None:
    machine = await rehearsal.create(address=address)
    rehearsal.machines.firewall(machine, lambda _source, _port: True)
    await rehearsal.output(machine, SERVER)
    await rehearsal.until(machine, "ss -Hltn 'sport = :443' | grep -q .")
    size = 30_000_000
    reader, writer = await asyncio.open_connection(address, rehearsal.machines.ports()[443])
    writer.write(b"x" * size)
    writer.write_eof()
    assert await reader.read() == b"%d bytes" % size
    writer.close()


async def test_a_slow_reader_holds_the_sender_up_and_loses_nothing(rehearsal: Rehearsal, address: str) -> None:
    machine = await _site(rehearsal, address)
    size = 200_000_000
    await rehearsal.output(machine, f"truncate -s {size} /var/www/html/large")
    go_on = threading.Event()

    def read_slowly() -> int:
        with socket.create_connection((address, rehearsal.machines.ports()[80]), timeout=30) as line:
            line.sendall(b"GET /large HTTP/1.0\r\n\r\n")
            total = len(line.recv(1024))
            go_on.wait()
            while part := line.recv(1 << 20):
                total += len(part)
            return total

    reading = asyncio.create_task(asyncio.to_thread(read_slowly))

    async def sent() -> int:
        said = await rehearsal.output(machine, "ss -Htin 'sport = :80' | grep -o 'bytes_sent:[0-9]*' | cut -d: -f2")
        return max(map(int, said.split()), default=0)

    async def stalled() -> bool:
        before = await sent()
        await asyncio.sleep(0.2)
        return 0 < before == await sent()

    await until(stalled, "the sender to be held up")
    assert await sent() < size / 2
    go_on.set()
    assert await reading > size


async def test_hundreds_of_connections_at_once(rehearsal: Rehearsal, address: str) -> None:
    await _site(rehearsal, address)
    port = rehearsal.machines.ports()[80]

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(address, port)
        writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer[:15]

    for _ in range(3):
        assert set(await asyncio.gather(*(ask() for _ in range(300)))) == {b"HTTP/1.1 200 OK"}


def test_ports_are_the_real_ones_or_high_ones(rehearsal: Rehearsal) -> None:
    with socket.socket() as probe:
        try:
            probe.bind(("127.99.99.99", 80))
        except PermissionError:
            assert rehearsal.machines.ports() == {80: 8080, 443: 8443}
        else:
            assert rehearsal.machines.ports() == {80: 80, 443: 443}
