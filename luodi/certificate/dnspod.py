"""TXT records for an order, at DNSPod (https://cloud.tencent.com/document/product/1427)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from luodi.api import DEFAULT_LINE, Account, ApiError, host_record
from luodi.certificate import propagation

_TTL = 600  # the least that DNSPod's free plan takes
_GONE = {"InvalidParameter.RecordIdInvalid", "ResourceNotFound.NoDataOfRecord"}


class ChallengeRecords:
    """The `Records` of an order, in one zone of the account."""

    def __init__(
        self,
        account: Account,
        zone: str,
        *,
        seconds: float,
        via: tuple[str, int] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._account, self._zone = account, zone
        self._seconds, self._via, self._tell = seconds, via, tell

    def publish(self, name: str, value: str) -> int:
        """Make the record; its id."""
        record = {
            "Domain": self._zone,
            "SubDomain": host_record(name, self._zone),
            "RecordType": "TXT",
            "RecordLine": DEFAULT_LINE,
            "Value": value,
            "TTL": _TTL,
            "Remark": "luodi: ACME challenge",
        }
        try:
            return int(self._account.call("dnspod", "CreateRecord", record)["RecordId"])
        except ApiError as error:
            if error.code != "InvalidParameter.DomainRecordExist":
                raise
        return self._find(name, value)  # what an interrupted run left behind

    def withdraw(self, handle: int) -> None:
        """Delete the record by its id; one that is gone is no error."""
        try:
            self._account.call("dnspod", "DeleteRecord", {"Domain": self._zone, "RecordId": handle})
        except ApiError as error:
            if error.code not in _GONE:
                raise

    def wait(self, wanted: dict[str, list[str]]) -> None:
        """Return once every name server of the zone answers with the values."""
        servers = propagation.authoritative(self._zone, via=self._via)
        self._tell(f"waiting for {len(servers)} name servers of {self._zone} to know the challenge records")
        propagation.wait(wanted, servers, seconds=self._seconds)

    def _find(self, name: str, value: str) -> int:
        listed: dict[str, Any] = self._account.call(
            "dnspod",
            "DescribeRecordList",
            {
                "Domain": self._zone,
                "Subdomain": host_record(name, self._zone),
                "RecordType": "TXT",
                "Limit": 3000,
            },
        )
        for record in listed.get("RecordList") or []:
            if record["Value"].strip('"') == value:
                return int(record["RecordId"])
        raise ApiError(
            "CreateRecord",
            "InvalidParameter.DomainRecordExist",
            f"{name} exists, yet is not listed",
        )
