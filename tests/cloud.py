"""A rehearsal cloud of a test's own: a real daemon, on addresses that no other test uses."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tencentcloud.common import credential
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from localcloud import daemon
from localcloud.account import Account
from localcloud.daemon import Endpoints, Options
from localcloud.environment import environment
from localcloud.server import SERVICES
from localcloud.store import Kind, Store
from localcloud.zones import to_ascii
from tests import loopback

REGION = "ap-guangzhou"
WAIT_SECONDS = 60.0
_DISK_BYTES = 192 * 1024 * 1024


class Cloud:
    """A running rehearsal cloud, and the official SDK as its client."""

    def __init__(self, home: Path, options: Options) -> None:
        self.home = home
        self._options = options
        self._endpoints: Endpoints | None = None

    @property
    def endpoints(self) -> Endpoints:
        """Where it is reached; the same after a restart."""
        assert self._endpoints is not None, "the cloud has not been started"
        return self._endpoints

    @property
    def account(self) -> Account:
        """Its account, with the API key."""
        return Account.of(self.home / "account.json")

    @property
    def roots(self) -> Path:
        """A PEM file of the roots that its certificates chain to."""
        return Path(self.endpoints.acme_ca)

    @property
    def https_port(self) -> int:
        """The port of a public address that stands for 443."""
        return self.endpoints.public_ports["443"]

    def start(self) -> None:
        """Start it, unless it runs."""
        self._endpoints = daemon.up(self.home, self._options)

    def stop(self) -> None:
        """Stop it; what it holds is kept."""
        daemon.down(self.home)

    def environment(self) -> dict[str, str]:
        """This process's environment, and in it what leads to this cloud."""
        return {**os.environ, **environment(self.home, self.endpoints)}

    def client(
        self,
        product: str,
        region: str = REGION,
        *,
        secret_id: str | None = None,
        secret_key: str | None = None,
        version: str | None = None,
        method: str = "POST",
    ) -> CommonClient:
        """The official SDK's client for a product, with this cloud's key unless another is given."""
        account = self.account
        http = HttpProfile(protocol="http", reqMethod=method, reqTimeout=30)
        http.proxy = self.endpoints.api
        return CommonClient(
            product,
            version or SERVICES[product].version,
            credential.Credential(secret_id or account.secret_id, secret_key or account.secret_key),
            region,
            ClientProfile(httpProfile=http),
        )

    def call(
        self,
        product: str,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        region: str = REGION,
        client: CommonClient | None = None,
    ) -> dict[str, Any]:
        """An API call by the official SDK, whose exception is raised when it is refused."""
        response = (client or self.client(product, region)).call_json(action, dict(parameters or {}))
        return dict(response["Response"])

    def state(self) -> dict[str, Any]:
        """What the cloud itself says that it holds."""
        return daemon.state(self.endpoints)

    def counts(self) -> dict[str, int]:
        """How many there are of each kind, once nothing is under way any more."""
        self.settle()
        return dict(self.state()["counts"])

    def settle(self) -> None:
        """Wait until nothing is being done to any instance."""
        self.until(lambda: not any(one["operating"] for one in self.state()["instances"]))

    def calls(self) -> int:
        """How many API calls it has answered."""
        return sum(1 for _ in self.audit())

    def count_of(self, action: str) -> int:
        """How many calls of an action it has answered."""
        return sum(line["action"] == action for line in self.audit())

    def audit(self) -> Iterator[dict[str, Any]]:
        """The lines of its audit log."""
        with (self.home / "api.log").open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    def foreign_zone(self, domain: str) -> None:
        """Let a domain belong to another account."""
        name = to_ascii(domain)
        store = Store(self.home / "state.db")
        store.put(Kind.FOREIGN_DOMAIN, name, {"Domain": name})
        store.close()

    def run(self, instance: str, script: str, *, timeout: int = 60) -> str:
        """The output of a script run on an instance by TAT; it must succeed."""
        region = next(one["region"] for one in self.state()["instances"] if one["id"] == instance)
        content = base64.b64encode(script.encode()).decode()
        parameters = {"Content": content, "InstanceIds": [instance], "Timeout": timeout}
        invocation = self.call("tat", "RunCommand", parameters, region=region)["InvocationId"]
        task = self.task(invocation, region=region)
        output = base64.b64decode(task["TaskResult"]["Output"]).decode()
        assert task["TaskStatus"] == "SUCCESS", f"{task['TaskStatus']} {task['ErrorInfo']}\n{output}"
        return output

    def task(self, invocation: str, *, region: str = REGION) -> dict[str, Any]:
        """The one task of an invocation, once it has ended."""
        filters = [{"Name": "invocation-id", "Values": [invocation]}]
        parameters = {"Filters": filters, "HideOutput": False}
        tasks: list[dict[str, Any]] = []

        def ended() -> bool:
            tasks[:] = self.call("tat", "DescribeInvocationTasks", parameters, region=region)["InvocationTaskSet"]
            return tasks[0]["TaskStatus"] not in {"PENDING", "RUNNING"}

        self.until(ended)
        return tasks[0]

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds, for a bounded time."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not within {WAIT_SECONDS:.0f} seconds"
            time.sleep(0.05)

    @contextmanager
    def full_disk(self, instance: str) -> Iterator[None]:
        """An instance whose disk has no room left, for a while; small it stays."""
        self.stop()
        daemon.limit_disk(self.home, instance, _DISK_BYTES)
        self.start()
        self.run(instance, "cat /dev/zero > /var/filler || true")
        try:
            yield
        finally:
            self.run(instance, "rm /var/filler")


@contextmanager
def running_cloud(home: Path, *, certificate_lifetime: int | None = None, addresses: int = 256) -> Iterator[Cloud]:
    """A cloud kept in `home`, stopped at the end; the lifetime of its certificates in seconds."""
    lifetime = None if certificate_lifetime is None else timedelta(seconds=certificate_lifetime)
    with loopback.network(addresses) as network:
        cloud = Cloud(home, Options(network=str(network), certificate_lifetime=lifetime))
        cloud.start()
        try:
            yield cloud
        finally:
            cloud.stop()
