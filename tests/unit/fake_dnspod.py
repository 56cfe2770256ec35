"""DNSPod's zones in an account whose calls are answered here; what is made there, name servers answer with."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, field
from typing import Any

from luodi.api import ApiError
from tests.unit.fake_account import FakeAccount
from tests.unit.nameserver import NameServer

_CHINA = dt.timezone(dt.timedelta(hours=8))


def written(at: dt.datetime) -> str:
    """A time as DNSPod writes it: in China's."""
    return f"{at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}"


@dataclass
class DnsPod:
    """Zones and their TXT records, by id; a record is as old as it is, unless it is put there as an older one."""

    servers: list[NameServer]
    zones: list[str] = field(default_factory=lambda: ["example.cn"])
    assigned: list[str] = field(default_factory=lambda: ["ns1.dnspod.test", "ns2.dnspod.test", "ns3.dnspod.test"])
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    account: FakeAccount = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self.account = FakeAccount(
            answers={
                "CreateRecord": self._create,
                "DeleteRecord": self._delete,
                "DescribeRecordList": self._list,
                "DescribeDomain": lambda _: {"DomainInfo": {"DnspodNsList": self.assigned}},
                "DescribeDomainList": lambda _: {"DomainList": [{"Name": zone} for zone in self.zones]},
            }
        )

    def put(self, host: str, value: str, remark: str, *, zone: str = "example.cn", updated: str | None = None) -> int:
        """A TXT record that is there already; its id."""
        for server in self.servers:
            server.publish(f"{host}.{zone}", value)
        number = next(self._numbers)
        self.records[number] = {
            "RecordId": number,
            "zone": zone,
            "Name": host,
            "Value": value,
            "Type": "TXT",
            "Remark": remark,
            "UpdatedOn": updated or written(dt.datetime.now(dt.UTC)),
        }
        return number

    def _create(self, asked: dict[str, Any]) -> dict[str, Any]:
        for one in list(self.records.values()):
            if (one["zone"], one["Name"], one["Value"]) == (asked["Domain"], asked["SubDomain"], asked["Value"]):
                raise ApiError("CreateRecord", "InvalidParameter.DomainRecordExist", "it is there")
        return {"RecordId": self.put(asked["SubDomain"], asked["Value"], asked["Remark"], zone=asked["Domain"])}

    def _delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        one = self.records.pop(asked["RecordId"], None)
        if one is None:
            raise ApiError("DeleteRecord", "InvalidParameter.RecordIdInvalid", "it is gone")
        for server in self.servers:
            server.withdraw(f"{one['Name']}.{one['zone']}", one["Value"])
        return {}

    def _list(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in list(self.records.values()) if one["zone"] == asked["Domain"]]
        if "Subdomain" in asked:
            found = [one for one in found if one["Name"] == asked["Subdomain"]]
        if not found:
            raise ApiError("DescribeRecordList", "ResourceNotFound.NoDataOfRecord", "none")
        return {"RecordList": found}
