"""The instances of CVM and Lighthouse, and the machines behind them.

An instance's document says what it is to become (`InstanceState`, and `LatestOperationState`
OPERATING while it isn't yet); the fleet makes that true and then writes that it is. After a
restart it simply goes on from the documents.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from localcloud.addresses import PublicAddresses
from localcloud.filing import Border
from localcloud.firewall import Rule, allows
from localcloud.machines import Machines, MachineSpec, Outcome, UnknownMachine
from localcloud.store import Document, Kind, Store
from localcloud.tags import Tags

INSTANCES = (Kind.CVM_INSTANCE, Kind.LIGHTHOUSE_INSTANCE)
PUBLIC_FIELD = {Kind.CVM_INSTANCE: "PublicIpAddresses", Kind.LIGHTHOUSE_INSTANCE: "PublicAddresses"}


@dataclass(frozen=True)
class Instance:
    """An instance of either product: where it is kept, and its document."""

    kind: Kind
    region: str
    document: Document

    @property
    def identifier(self) -> str:
        """The instance's id: `ins-...` or `lhins-...`."""
        return str(self.document["InstanceId"])

    @property
    def public_address(self) -> str | None:
        """The address at which it is reached, or None."""
        addresses = self.document[PUBLIC_FIELD[self.kind]]
        return addresses[0] if addresses else None

    @property
    def running(self) -> bool:
        """Whether it is up and nothing is being done to it."""
        return self.document["InstanceState"] == "RUNNING" and not self.operating

    @property
    def operating(self) -> bool:
        """Whether something is being done to it."""
        return bool(self.document["LatestOperationState"] == "OPERATING")


class Fleet:
    """Makes machines follow the instances' documents."""

    def __init__(
        self,
        store: Store,
        machines: Machines,
        tags: Tags,
        addresses: PublicAddresses,
        border: Border,
        log: logging.Logger,
    ) -> None:
        """Run the instances of `store` on `machines`."""
        self._store = store
        self._machines = machines
        self._tags = tags
        self._addresses = addresses
        self._border = border
        self._log = log
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, identifier: str, region: str | None = None) -> Instance | None:
        """Return the instance with that id (in that region), or None."""
        for kind in INSTANCES:
            document = self._store.get(kind, identifier, region)
            if document is not None:
                home = self._store.region_of(kind, identifier) or ""
                return Instance(kind, home, document)
        return None

    def __iter__(self) -> Iterator[Instance]:
        """Go through all instances, of both products and in every region."""
        for kind in INSTANCES:
            for document in self._store.all(kind):
                region = self._store.region_of(kind, document["InstanceId"]) or ""
                yield Instance(kind, region, document)

    def operate(self, instance: Instance, operation: str, state: str, request_id: str) -> None:
        """Set an instance on its way to `state` by the API action `operation`."""
        instance.document.update(
            InstanceState=state,
            LatestOperation=operation,
            LatestOperationState="OPERATING",
            LatestOperationRequestId=request_id,
        )
        self._put(instance)
        self._spawn(self._converge(instance.identifier))

    def assign(self, instance: Instance) -> None:
        """Let the machine be reached at the address that its document now has."""
        self._put(instance)
        self._spawn(self._assign(instance.identifier))

    async def run(
        self,
        identifier: str,
        script: bytes,
        *,
        username: str,
        working_directory: str,
        timeout: float,  # noqa: ASYNC109 - it ends the script, not the waiting
    ) -> Outcome:
        """Run a script on an instance's machine."""
        return await self._machines.run(
            identifier,
            script,
            username=username,
            working_directory=working_directory,
            timeout=timeout,
        )

    async def settled(self, identifier: str) -> None:
        """Wait until nothing is being done to an instance's machine."""
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            return

    async def restore(self) -> None:
        """Start what was running when the cloud went down, and go on with what was under way."""
        instances = list(self)
        built = [one for one in instances if one.document["InstanceState"] != "PENDING"]
        up = {"RUNNING", "REBOOTING", "STOPPING"}
        running = {one.identifier for one in built if one.document["InstanceState"] in up}
        await self._machines.restore([_spec(one) for one in built], running)
        for one in built:
            self._open(one)
            # What could not be started again (the log says why) is as good as switched off.
            if one.identifier in running and not self._machines.running(one.identifier):
                self._finish(one.identifier, InstanceState="STOPPED")
        for one in instances:
            if one.operating:
                self._spawn(self._converge(one.identifier))

    async def close(self) -> None:
        """Let go of what is under way, and stop the machines."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._machines.close()

    def allows(self, identifier: str, address: str, port: int) -> bool:
        """Whether an instance's firewall lets `address` open a TCP connection to `port`."""
        instance = self.find(identifier)
        return instance is not None and allows(self._rules(instance), address, port)

    def _rules(self, instance: Instance) -> Iterator[Rule]:
        if instance.kind is Kind.LIGHTHOUSE_INSTANCE:
            firewall = self._store.get(Kind.FIREWALL, instance.identifier)
            for rule in firewall["Rules"] if firewall else ():
                yield Rule(
                    rule["Action"],
                    rule["Protocol"].upper(),
                    rule["Port"],
                    rule["CidrBlock"] or rule["Ipv6CidrBlock"],
                )
            return
        for group in instance.document["SecurityGroupIds"]:
            document = self._store.get(Kind.SECURITY_GROUP, group)
            for rule in document["_Ingress"] if document else ():
                yield Rule(
                    rule["Action"],
                    rule["Protocol"].upper(),
                    rule["Port"],
                    rule["CidrBlock"] or rule["Ipv6CidrBlock"],
                    self._members(rule["SecurityGroupId"]),
                )

    def _members(self, group: str) -> frozenset[str]:
        """Return the addresses of all instances in a security group."""
        if not group:
            return frozenset()
        return frozenset(
            address
            for one in self._store.all(Kind.CVM_INSTANCE)
            if group in one["SecurityGroupIds"]
            for address in (*one["PrivateIpAddresses"], *one["PublicIpAddresses"])
        )

    async def _converge(self, identifier: str) -> None:
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            instance = self.find(identifier)
            if instance is None or not instance.operating:
                return
            state = instance.document["InstanceState"]
            work, result = self._steps(instance)[state]
            try:
                await work()
            except Exception as error:
                self._log.exception("%s: %s failed", identifier, state)
                self._finish(
                    identifier,
                    InstanceState="LAUNCH_FAILED" if state == "PENDING" else state,
                    LatestOperationState="FAILED",
                    _Error=str(error),
                )
                return
            if state == "TERMINATING":
                with self._store.transaction():
                    self._forget(instance)
            else:
                self._finish(identifier, InstanceState=result, LatestOperationState="SUCCESS")

    def _steps(self, instance: Instance) -> dict[str, tuple[Callable[[], Awaitable[None]], str]]:
        identifier = instance.identifier
        reinstall = instance.document["LatestOperation"] == "ResetInstance"
        reboot = partial(self._reset, instance) if reinstall else partial(self._machines.reboot, identifier)
        return {
            "PENDING": (partial(self._create, instance), "RUNNING"),
            "STARTING": (partial(self._machines.start, identifier), "RUNNING"),
            "STOPPING": (partial(self._machines.stop, identifier), "STOPPED"),
            "REBOOTING": (reboot, "RUNNING"),
            "SHUTDOWN": (partial(self._machines.stop, identifier), "SHUTDOWN"),
            "TERMINATING": (partial(self._destroy, identifier), ""),
        }

    async def _create(self, instance: Instance) -> None:
        await self._machines.create(_spec(instance))
        self._open(instance)

    def _open(self, instance: Instance) -> None:
        """Say who decides, from now on, which visitors come to an instance's machine, and for which names."""
        self._machines.border(instance.identifier, partial(self._border.judge, instance.region))
        self._machines.firewall(instance.identifier, partial(self.allows, instance.identifier))

    async def _destroy(self, identifier: str) -> None:
        # An instance that failed to launch has no machine.
        with suppress(UnknownMachine):
            await self._machines.destroy(identifier)

    async def _reset(self, instance: Instance) -> None:
        await self._destroy(instance.identifier)
        await self._create(instance)

    async def _assign(self, identifier: str) -> None:
        async with self._locks.setdefault(identifier, asyncio.Lock()):
            instance = self.find(identifier)
            if instance is not None:
                await self._machines.assign(identifier, instance.public_address)

    def _finish(self, identifier: str, **changes: Any) -> None:
        # Read again: the document may have been changed by a request while the machine worked.
        instance = self.find(identifier)
        if instance is not None:
            instance.document.update(changes)
            self._put(instance)

    def _forget(self, instance: Instance) -> None:
        """Remove all that belongs to an instance that is gone."""
        identifier = instance.identifier
        for address in self._store.all(Kind.ADDRESS):
            if address["InstanceId"] == identifier:
                address.update(InstanceId=None, PrivateAddressIp=None, AddressStatus="UNBIND")
                self._store.put(Kind.ADDRESS, address["AddressId"], address)
        address_ = instance.document.get("_WanIp")
        if address_:
            self._addresses.release(address_)
        for disk in self._store.all(Kind.DISK):
            if disk["InstanceId"] == identifier:
                self._store.delete(Kind.DISK, disk["DiskId"])
                self._tags.forget(disk["DiskId"])
        self._store.delete(Kind.FIREWALL, identifier)
        self._store.delete(instance.kind, identifier)
        self._tags.forget(identifier)
        self._locks.pop(identifier, None)

    def _put(self, instance: Instance) -> None:
        self._store.put(instance.kind, instance.identifier, instance.document, instance.region)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("a machine's task failed", exc_info=task.exception())


def _spec(instance: Instance) -> MachineSpec:
    document = instance.document
    return MachineSpec(
        id=instance.identifier,
        hostname=document["_HostName"],
        address=instance.public_address,
        os_name=document["OsName"],
        user_data=base64.b64decode(document["_UserData"]),
        disk_bytes=document.get("_DiskBytes"),
    )
