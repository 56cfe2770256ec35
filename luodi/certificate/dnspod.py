"""TXT records for an order, at DNSPod (https://cloud.tencent.com/document/product/1427)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Any

import dns.exception
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.CAA import CAA
from dns.rdtypes.ANY.CNAME import CNAME

from luodi.api import DEFAULT_LINE, Account, ApiError, host_record
from luodi.certificate import delegation, preflight, propagation
from luodi.certificate.preflight import Caa
from luodi.certificate.problems import OrderError

_REMARK = "luodi: ACME challenge"
_TTL = 600  # the least that DNSPod's free plan takes
_NONE = "ResourceNotFound.NoDataOfRecord"
_GONE = {"InvalidParameter.RecordIdInvalid", _NONE}
_ABANDONED = timedelta(days=1)
"""The age at which a challenge is nobody's any more; an order takes minutes."""
_CHINA = timezone(timedelta(hours=8))
"""In which DNSPod writes its times."""
_CHALLENGE = "_acme-challenge."


@dataclass(frozen=True)
class Handle:
    """One record of one zone."""

    zone: str
    id: int


@dataclass(frozen=True)
class _Place:
    """Where a TXT record is made."""

    zone: str
    name: str

    @property
    def host(self) -> str:
        return host_record(self.name, self.zone)


class ChallengeRecords:
    """The `Records` of an order, in one zone of the account, and in others where CNAMEs lead there."""

    at_once = 8

    def __init__(
        self,
        account: Account,
        zone: str,
        *,
        seconds: float,
        via: Sequence[tuple[str, int]] = (),
        tell: Callable[[str], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`seconds` is how long name servers may take to know a record, `via` resolvers to ask, in turn, instead of
        the system's."""
        self._account, self._zone = account, zone
        self._seconds, self._via, self._tell, self._now = seconds, via, tell, now
        self._places: dict[str, _Place] = {}

    def check(self, names: Sequence[str], issuers: Sequence[str]) -> None:
        """Raise OrderError where a name's challenge can't be published, DNSPod is not who answers for the zone, or
        CAA records forbid the authority. Raises NoNameServers and ApiError too."""
        info = self._account.call("dnspod", "DescribeDomain", {"Domain": self._zone})["DomainInfo"]
        preflight.check_delegation(self._zone, {one.name for one in self._servers}, info.get("DnspodNsList") or ())
        self._find_places(names)
        hosts = list(dict.fromkeys(name.removeprefix("*.") for name in names))
        with ThreadPoolExecutor(max_workers=self.at_once) as pool:
            found = dict(zip(hosts, pool.map(self._caa, hosts), strict=True))
        preflight.check_caa(names, issuers, lambda name: found[name] if name in found else self._caa(name))

    def sweep(self, mark: str, names: Sequence[str], keep: Collection[tuple[str, str]]) -> None:
        """Delete the records of this mark, and any order's that are older than a day."""
        places = self._find_places(names)
        kept = {(self._place(name), value) for name, value in keep}
        for zone in dict.fromkeys([self._zone, *(place.zone for place in places)]):
            for record in self._listed(zone):
                name = zone if record["Name"] == "@" else f"{record['Name']}.{zone}"
                if (_Place(zone, name), _value(record)) not in kept and self._is_left_over(record, mark):
                    self.withdraw(Handle(zone, int(record["RecordId"])))

    def publish(self, name: str, value: str, mark: str) -> Handle:
        """Make the record where the name leads."""
        place = self._place(name)
        record = {
            "Domain": place.zone,
            "SubDomain": place.host,
            "RecordType": "TXT",
            "RecordLine": DEFAULT_LINE,
            "Value": value,
            "TTL": _TTL,
            "Remark": f"{_REMARK} {mark}",
        }
        try:
            return Handle(place.zone, int(self._account.call("dnspod", "CreateRecord", record)["RecordId"]))
        except ApiError as error:
            if error.code != "InvalidParameter.DomainRecordExist":
                raise
        return self._find(place, value)  # what an interrupted run left behind

    def withdraw(self, handle: Handle) -> None:
        """Delete the record by its id; one that is gone is no error."""
        try:
            self._account.call("dnspod", "DeleteRecord", {"Domain": handle.zone, "RecordId": handle.id})
        except ApiError as error:
            if error.code not in _GONE:
                raise

    def wait(self, wanted: dict[str, list[str]]) -> None:
        """Return once every name server of every zone concerned answers with the values."""
        by_zone: dict[str, dict[str, list[str]]] = {}
        for name, values in wanted.items():
            place = self._place(name)
            by_zone.setdefault(place.zone, {}).setdefault(place.name, []).extend(values)
        for zone, names in by_zone.items():
            servers = self._servers if zone == self._zone else delegation.authoritative(zone, via=self._via)
            self._tell(f"waiting for {len(servers)} name servers of {zone} to know the challenge records")
            propagation.wait(names, servers, seconds=self._seconds)

    @cached_property
    def _servers(self) -> list[propagation.NameServer]:
        return delegation.authoritative(self._zone, via=self._via)

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        return delegation.resolver_at(self._via)

    @cached_property
    def _zones(self) -> list[str]:
        """Every zone of the account, the longest name first."""
        listed = self._account.call("dnspod", "DescribeDomainList", {"Limit": 3000}).get("DomainList") or []
        return sorted((str(one.get("Punycode") or one["Name"]).lower() for one in listed), key=len, reverse=True)

    def _find_places(self, names: Iterable[str]) -> list[_Place]:
        records = list(dict.fromkeys(_CHALLENGE + name.removeprefix("*.") for name in names))
        with ThreadPoolExecutor(max_workers=self.at_once) as pool:
            return list(pool.map(self._place, records))

    def _place(self, name: str) -> _Place:
        """Where the TXT record of a name is made: in the zone, or where CNAMEs lead."""
        if name not in self._places:
            target = preflight.follow(name, self._alias)
            if target == name:
                preflight.check_zone([name.removeprefix(_CHALLENGE)], self._zone)
            self._places[name] = _Place(self._zone_of(target, name), target)
        return self._places[name]

    def _zone_of(self, target: str, name: str) -> str:
        if preflight.within(target, self._zone):
            return self._zone
        for zone in self._zones:
            if preflight.within(target, zone):
                return zone
        raise OrderError(
            f"{name} is delegated by CNAME to {target}, which is in no DNSPod zone of this account: delete that CNAME "
            "record, or add the zone it leads to (https://console.cloud.tencent.com/cns, 添加域名)"
        )

    def _alias(self, name: str) -> str | None:
        if preflight.within(name, self._zone):
            found = self._at_authority(name, dns.rdatatype.CNAME)
        else:
            found = self._resolved(name, dns.rdatatype.CNAME)
        return next((one.target.to_text() for one in found if isinstance(one, CNAME)), None)

    def _caa(self, name: str) -> list[Caa]:
        """The CAA records at a name. What nobody answers is left for the authority to judge."""
        if preflight.within(name, self._zone):
            found = self._at_authority(name, dns.rdatatype.CAA)
            aliases = [one.target.to_text() for one in found if isinstance(one, CNAME)]
            if aliases and not any(isinstance(one, CAA) for one in found):
                found = self._resolved(aliases[-1], dns.rdatatype.CAA)
        else:
            found = self._resolved(name, dns.rdatatype.CAA)
        return [Caa(one.flags, one.tag.decode(), one.value.decode()) for one in found if isinstance(one, CAA)]

    def _at_authority(self, name: str, kind: dns.rdatatype.RdataType) -> list[Any]:
        for server in self._servers:
            with suppress(propagation.NoAnswer):
                return list(propagation.records(server, name, kind))
        return []

    def _resolved(self, name: str, kind: dns.rdatatype.RdataType) -> list[Any]:
        try:
            answer = self._resolver.resolve(name, kind, raise_on_no_answer=False)
        except (dns.exception.DNSException, OSError):
            return []
        return list(answer.rrset or ())

    def _is_left_over(self, record: dict[str, Any], mark: str) -> bool:
        remark = str(record.get("Remark") or "")
        if remark == f"{_REMARK} {mark}":
            return True
        try:
            made = datetime.fromisoformat(str(record.get("UpdatedOn"))).replace(tzinfo=_CHINA)
        except ValueError:
            return False
        return remark.startswith(_REMARK) and self._now() - made > _ABANDONED

    def _find(self, place: _Place, value: str) -> Handle:
        for record in self._listed(place.zone, Subdomain=place.host):
            if _value(record) == value:
                return Handle(place.zone, int(record["RecordId"]))
        raise ApiError(
            "CreateRecord",
            "InvalidParameter.DomainRecordExist",
            f"{place.name} exists, yet is not listed",
        )

    def _listed(self, zone: str, **narrower: str) -> list[dict[str, Any]]:
        asked = {"Domain": zone, "RecordType": "TXT", "Limit": 3000, **narrower}
        try:
            return self._account.call("dnspod", "DescribeRecordList", asked).get("RecordList") or []
        except ApiError as error:
            if error.code != _NONE:
                raise
            return []


def _value(record: dict[str, Any]) -> str:
    return str(record["Value"]).strip('"')
