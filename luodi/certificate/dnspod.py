"""TXT records for an order, at DNSPod (https://cloud.tencent.com/document/product/1427)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from luodi.api import DEFAULT_LINE, Account, ApiError, host_record
from luodi.certificate import propagation
from luodi.certificate.problems import OrderError

_REMARK = "luodi: ACME challenge"
_TTL = 600  # the least that DNSPod's free plan takes
_NONE = "ResourceNotFound.NoDataOfRecord"
_GONE = {"InvalidParameter.RecordIdInvalid", _NONE}


class ChallengeRecords:
    """The `Records` of an order, in one zone of the account."""

    at_once = 8

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

    def check(self, names: Sequence[str], issuers: Sequence[str]) -> None:  # noqa: ARG002
        """Raise OrderError where a name is outside the zone."""
        if outside := [name for name in names if not f".{name}".endswith(f".{self._zone}")]:
            raise OrderError(f"{', '.join(outside)}: not in the zone {self._zone}")

    def sweep(self, mark: str, keep: Collection[tuple[str, str]]) -> None:
        """Delete the zone's records of this mark, and any order's that are older than a day."""
        kept = {(host_record(name, self._zone), value) for name, value in keep}
        for record in self._listed({}):
            if (record["Name"], record["Value"].strip('"')) in kept:
                continue
            remark = str(record.get("Remark") or "")
            if remark == f"{_REMARK} {mark}":
                self.withdraw(int(record["RecordId"]))

    def publish(self, name: str, value: str, mark: str) -> int:
        """Make the record; its id."""
        record = {
            "Domain": self._zone,
            "SubDomain": host_record(name, self._zone),
            "RecordType": "TXT",
            "RecordLine": DEFAULT_LINE,
            "Value": value,
            "TTL": _TTL,
            "Remark": f"{_REMARK} {mark}",
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
        for record in self._listed({"Subdomain": host_record(name, self._zone)}):
            if record["Value"].strip('"') == value:
                return int(record["RecordId"])
        raise ApiError(
            "CreateRecord",
            "InvalidParameter.DomainRecordExist",
            f"{name} exists, yet is not listed",
        )

    def _listed(self, narrower: dict[str, Any]) -> list[dict[str, Any]]:
        asked = {"Domain": self._zone, "RecordType": "TXT", "Limit": 3000, **narrower}
        try:
            return self._account.call("dnspod", "DescribeRecordList", asked).get("RecordList") or []
        except ApiError as error:
            if error.code != _NONE:
                raise
            return []
