"""The client under test: luodi's order, in a process of its own. Reads what to do from standard input, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from luodi.certificate import order, propagation

AT_ONCE = 50


class HookRecords:
    """Records that a hook publishes; each handle is the record itself."""

    at_once = 8

    def __init__(self, hook: str, server: propagation.NameServer, session: requests.Session) -> None:
        self._hook, self._server, self._session = hook, server, session

    def check(self, names: Sequence[str], issuers: Sequence[str]) -> None:
        """Nothing: the others don't look either."""

    def publish(self, name: str, value: str, mark: str) -> tuple[str, str]:  # noqa: ARG002  # the hook has no remarks
        self._post("present", name, value)
        return name, value

    def withdraw(self, handle: tuple[str, str]) -> None:
        self._post("cleanup", *handle)

    def sweep(self, mark: str, names: Sequence[str], keep: Collection[tuple[str, str]]) -> None:
        """Nothing: the hook can't be asked what is there."""

    def wait(self, wanted: dict[str, list[str]]) -> None:
        propagation.wait(wanted, [self._server], seconds=60)

    def _post(self, what: str, name: str, value: str) -> None:
        self._session.post(f"{self._hook}/{what}", json={"fqdn": f"{name}.", "value": value}).raise_for_status()


def main() -> None:
    """Order what is asked for, and write each chain into a file."""
    asked = json.load(sys.stdin)
    account = order.Account(
        order.Authority(asked["directory"], Path(asked["roots"])), asked["key"], url=asked["account"]
    )
    server = propagation.NameServer("ns", *asked["server"])
    with requests.Session() as session, order.Sessions() as sessions:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=AT_ONCE * HookRecords.at_once))
        records = HookRecords(asked["hook"], server, session)

        def one(job: dict[str, str]) -> None:
            Path(job["chain"]).write_text(
                order.obtain(account, job["csr"], records, sessions=sessions), encoding="utf-8"
            )

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(one, asked["jobs"]))


if __name__ == "__main__":
    main()
