"""An order in a process of its own, that is killed at one of its steps."""

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from luodi.api import Account as CloudAccount
from luodi.api import ApiError
from luodi.certificate import network, order
from luodi.certificate.dnspod import ChallengeRecords
from luodi.certificate.journal import FileJournal
from tests.unit.fake_account import FakeAccount


@dataclass(frozen=True)
class Job:
    """What the process is to do, and where it keeps the chain and its journal."""

    account: order.Account
    csr: str
    name_server: tuple[str, int]
    cloud: str
    folder: Path

    @property
    def chain(self) -> Path:
        return self.folder / "chain.pem"

    @property
    def journal(self) -> Path:
        return self.folder / "order.json"


class Steps:
    """Counts the steps of the process, and kills it at one."""

    def __init__(self, last: int | None) -> None:
        self._last, self._lock, self.done = last, threading.Lock(), 0

    def step(self) -> None:
        with self._lock:
            self.done += 1
            if self.done == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


def run(job: Job, last: int | None) -> None:
    """Order, keep the chain, clear the journal; a step is before and after whatever somebody else sees."""
    steps = Steps(last)

    send = network.Network.send

    def send_in_steps(self: network.Network, *args: Any, **more: Any) -> Any:
        steps.step()
        answer = send(self, *args, **more)
        steps.step()
        return answer

    class Journal(FileJournal):
        def save(self, text: str) -> None:
            steps.step()
            super().save(text)
            steps.step()

    network.Network.send = send_in_steps  # type: ignore[method-assign]
    journal = Journal(job.journal)
    records = ChallengeRecords(stepping(job.cloud, steps), "example.cn", seconds=10, via=[job.name_server])
    chain = order.obtain(job.account, job.csr, records, journal=journal)
    job.chain.write_text(chain)
    steps.step()
    journal.clear()


def stepping(cloud: str, steps: Steps) -> CloudAccount:
    """An account that `cloud` answers for; a step is before and after each call."""

    class Stepping(RemoteAccount):
        def call(self, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            steps.step()
            answer = super().call(service, action, parameters)
            steps.step()
            return answer

    return Stepping("AKIDtest", "not told", cloud)


class RemoteAccount(CloudAccount):
    """An account that another process answers for; its region is where."""

    def call(self, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        content = json.dumps([service, action, dict(parameters)]).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.region, content), timeout=30) as answer:
            code, result = json.loads(answer.read())
        if code:
            raise ApiError(action, code, result)
        return dict(result)


@contextmanager
def answering(account: FakeAccount) -> Iterator[str]:
    """Answer for an account; the URL for the processes that call it."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                with lock:
                    told: list[Any] = ["", account.call(*asked)]
            except ApiError as error:
                told = [error.code, error.message]
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
