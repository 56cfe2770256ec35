"""A load that runs through reloads, releases, rollbacks and a renewal, and through a deployer that is killed: on a
sandboxed server with the real nginx, no request may go unanswered."""

from __future__ import annotations

import multiprocessing
import random
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from luodi.rendering import RELEASE
from tests.noise import noise
from tests.parts import fake_tat, killed, killed_delivery, machine
from tests.parts.machine import KEY, Machine, Ran, site
from tests.parts.test_scripts import SCRIPTS, UPLOADS, delivery
from tests.unit.fake_account import FakeAccount

NAMES = ("example.cn",)
ASKED_AGAIN = r"curl: \(\d+\) .*|Warning: (?!.*HTTP error).*"
"""What curl says where it loses a connection and asks by another; by HTTP/1.1 it does so itself, and says nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Machine]:
    with machine.running(tmp_path) as running:
        running.says("echo 127.0.0.1 example.cn > /etc/hosts")
        yield running


def files(server: Machine, page: str) -> dict[str, bytes]:
    """A release that speaks HTTP/2 too."""
    small = site(server.certificate, page)
    configuration = small["nginx/nginx.conf"].replace(b"listen 443 ssl;", b"listen 443 ssl http2;")
    return {**small, "nginx/nginx.conf": configuration}


def release(server: Machine, page: str) -> str:
    """Deliver a release that is right, and switch to it."""
    sent = delivery(files(server, page), NAMES)
    for script in sent.uploads:
        server.says(script)
    assert server.run(sent.switch) == Ran(0, f"Release {sent.id} is being served.\n")
    return sent.id


class Load:
    """Visitors, on the server itself, until they are asked how it went.

    wrk's take a connection for each request: HTTP/1.1 lets a server close one that waits for its next request whenever
    it likes, and a client then asks again by a new one (RFC 9112, 9.3.1), which wrk doesn't. curl does: its visitor
    keeps its connection. Another curl asks by HTTP/2 on a connection that it keeps. A server on its way out may close
    that under a request it has not seen (GOAWAY; RFC 9113, 6.8), which is asked again, as browsers do: curl 7.88 needs
    to be told so. On a slow machine the connection it then makes can meet the next reload, so it may do so a few
    times; an answer that is no 200, or none in the end, is never forgiven.
    """

    def __init__(self, server: Machine) -> None:
        self._server = server
        server.says(
            "wrk --threads 1 --connections 8 --timeout 30s --duration 600s --header 'Connection: close' "
            "https://example.cn:443/ "
            "> /tmp/wrk 2>&1 & echo $! > /tmp/wrk.pid; rm -f /tmp/stop"
        )
        for name, how in {"curl": "--http1.1", "curl2": "--http2 --retry 4 --retry-all-errors"}.items():
            visit = (
                f"curl {how} --insecure --fail --no-progress-meter --output /dev/null "
                "--write-out '%{http_code} %{num_connects} %{http_version}\\n' 'https://example.cn/?[1-200]'"
            )
            visits = f"(while [[ ! -e /tmp/stop ]]; do {visit} || echo failed; done) > /tmp/{name} 2>&1"
            server.says(f"{visits} & echo $! > /tmp/{name}.pid")

    def ended(self) -> tuple[int, list[str]]:
        """How many requests were answered, and what went wrong."""
        self._server.says("touch /tmp/stop; kill -INT $(cat /tmp/wrk.pid)")
        for name in ("wrk", "curl", "curl2"):
            self._server.says(f"while kill -0 $(cat /tmp/{name}.pid) 2>/dev/null; do sleep 0.05; done")
        said = self._server.says("cat /tmp/wrk")
        answered = re.search(r"(\d+) requests in", said)
        assert answered, said
        wrong = re.findall(r"Socket errors:.*|Non-2xx.*", said)
        count = int(answered[1])
        for name, version, forgiven in (("curl", "1.1", ""), ("curl2", "2", f"|{ASKED_AGAIN}")):
            asked = self._server.says(f"cat /tmp/{name}").splitlines()
            assert f"200 0 {version}" in asked, "a connection was kept"
            wrong += [f"{name}: {line}" for line in asked if not re.fullmatch(f"200 [01] {version}{forgiven}", line)]
            count += sum(line.startswith("200 ") for line in asked)
        return count, wrong


def test_no_request_is_dropped_by_reloads_releases_rollbacks_and_a_renewal(server: Machine) -> None:
    ids = [release(server, "page 0")]
    load = Load(server)
    for number in range(1, 6):
        ids.append(release(server, f"page {number}"))
        for _ in range(4):
            server.says("nginx -s reload; sleep 0.1")
    for id_ in (ids[-2], ids[-3]):
        assert server.run(SCRIPTS.rollback(id_, f"{UPLOADS}/{id_}")) == Ran(0, f"Release {id_} is being served.\n")
    server.says(  # as a renewal does: another certificate at the same place, and a reload
        f"openssl req -x509 -key {KEY} -out /etc/luodi/new.crt -subj /CN=y -addext subjectAltName=DNS:example.cn; "
        "cp /etc/luodi/new.crt /opt/luodi/current/tls/site.pem; nginx -s reload; sleep 0.2"
    )
    answered, wrong = load.ended()
    assert wrong == []
    assert answered > 500
    server.eventually_serves("page 3")


def test_no_request_is_dropped_when_what_was_changed_by_hand_is_put_right(server: Machine) -> None:
    release(server, "page 0")
    load = Load(server)
    html = "/opt/luodi/current/html"
    for number in range(10):
        server.says(f"echo 'by hand {number}' > {html}/mine.txt; mkdir {html}/mine; touch {html}/mine/file")
        release(server, "page 0")
        assert server.says(f"ls {html}") == "index.html"
    answered, wrong = load.ended()
    assert wrong == []
    assert answered > 200


def test_no_request_is_dropped_when_the_switch_is_killed_anywhere(server: Machine) -> None:
    """As when the agent's command runs out of time, or the deployer is killed and the server after it."""
    pages = {"page 0"}
    release(server, "page 0")
    load = Load(server)
    chance = random.Random(6)
    for number in range(12):
        sent = delivery(files(server, f"kill {number}"), NAMES)
        pages.add(f"kill {number}")
        for script in sent.uploads:
            server.says(script)
        seconds = chance.uniform(0.02, 0.6)
        server.run(f"timeout --signal=KILL {seconds:.3f} bash -c {shlex.quote(sent.switch)}")
        assert server.get() in pages
        assert server.says("flock --wait 5 /run/luodi-release.lock readlink -e /opt/luodi/current")
    newest = release(server, "in the end")
    answered, wrong = load.ended()
    assert wrong == []
    assert answered > 200
    server.eventually_serves("in the end")
    assert not [name for name in server.releases if name.startswith(".")]
    assert newest in server.releases
    assert RELEASE not in server.says("cat /opt/luodi/current/nginx/nginx.conf")


def test_no_request_is_dropped_when_the_deployer_is_killed_at_any_call(server: Machine) -> None:
    """The server ends the command that it is at, and knows of no other; the next delivery completes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.parts.killed_delivery"])
    release(server, "page 0")
    load = Load(server)
    pages, ended, last = {"page 0"}, set[int | None](), 0
    with killed.answering(FakeAccount(answers=fake_tat.answers(server))) as cloud:
        while 0 not in ended:
            last += 3  # before a call, then after one, and so on
            page = f"kill {last}"
            pages.add(page)
            job = killed_delivery.Job(files(server, page) | {"html/noise.bin": noise(60_000 + last)}, cloud)
            process = context.Process(target=killed_delivery.run, args=(job, last))
            process.start()
            process.join(60)
            ended.add(process.exitcode)
            assert server.get() in pages
            assert server.says("flock --nonblock /run/luodi-release.lock readlink -e /opt/luodi/current")
    assert ended == {-signal.SIGKILL, 0}
    answered, wrong = load.ended()
    assert wrong == []
    assert answered > 100
    server.eventually_serves(f"kill {last}")


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_uploads_that_a_killed_deployer_left_hinder_nobody(server: Machine, parts: int) -> None:
    before = release(server, "one")
    sent = delivery(files(server, "two") | {"html/noise.bin": noise(90_000)}, NAMES)
    for script in sent.uploads[:parts]:
        server.says(script)
    server.eventually_serves("one")
    assert server.current == before
    release(server, "three")
    server.eventually_serves("three")
