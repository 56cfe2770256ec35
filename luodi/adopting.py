"""Whether a site's names are free, the stack's own, or a record's that it is told to take over (``luodi:dns.adopt``).
Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luodi.api import DEFAULT_LINE
from luodi.settings import HostedSite

Record = Mapping[str, Any]
"""A record as DNSPod's DescribeRecordList tells it."""

_CONSOLE = "https://console.cloud.tencent.com/cns"
_LEADS_VISITORS = {"A", "AAAA", "CNAME", "显性URL", "隐性URL"}


@dataclass(frozen=True)
class Own:
    """Which records are the stack's.

    `owner` is the remark (备注) that it gives its own; `in_state` tells of an id whether that record is in its state.
    One that was taken over has somebody's remark until it is switched, so that is asked too, where the remark doesn't
    tell.
    """

    owner: str
    in_state: Callable[[int], bool]

    def marks(self, record: Record) -> bool:
        """Whether it has the stack's remark."""
        return record.get("Remark") == self.owner

    def holds(self, record: Record) -> bool:
        """Whether it is in the stack's state."""
        return self.in_state(record["RecordId"])

    def has(self, record: Record) -> bool:
        """Whether the stack has made it or taken it over."""
        return self.marks(record) or self.holds(record)


def refusal(site: HostedSite, standing: Mapping[str, Sequence[Record]], own: Own) -> str | None:
    """Why the site's records can't be made or taken over, and what to do; None where they can.

    `standing` has the records at each of the site's names.
    """
    wrong = [text for name in site.names for text in _adopted(site, name, standing[name], own)]
    if wrong:
        return "\n".join(wrong)
    strangers = {name: _strangers(site, name, standing[name], own) for name in site.names}
    strangers = {name: found for name, found in strangers.items() if found}
    return "\n".join(_taken(site, strangers)) if strangers else None


def _adopted(site: HostedSite, name: str, standing: Sequence[Record], own: Own) -> Iterator[str]:
    """What is wrong with the record that is to be taken over at a name."""
    wanted = site.dns.adopt.get(name)
    if wanted is None:
        return
    where = f"{site.at('luodi:dns.adopt')}: RecordId {wanted}"
    record = next((one for one in standing if one["RecordId"] == wanted), None)
    if record is None:
        there = [_shown(one) for one in standing if one["Type"] in _LEADS_VISITORS]
        yield f"{where} is no record of {name}; there is {', '.join(there) or 'none that leads visitors anywhere'}"
    elif record["Type"] != "A":
        yield (
            f"{where} of {name} is of type {record['Type']} ({record['Value']}); only an A record can be taken over. "
            f"Change it there ({_CONSOLE}, 修改) to an A record of the address that it leads to now, then run pulumi "
            "again"
        )
    elif record["Line"] != DEFAULT_LINE:
        yield (
            f"{where} of {name} is for the line (线路) {record['Line']} alone; only a record of {DEFAULT_LINE}, which "
            "answers everybody, can be taken over"
        )
    elif record["Status"] != "ENABLE":
        yield f"{where} of {name} is paused (暂停); enable it there ({_CONSOLE}), or take it out of the stack file"
    elif own.marks(record) and own.holds(record):
        yield f"{where} of {name} is this stack's own already. Take the line out of the stack file"
    elif other := next((one for one in standing if one is not record and _leads(one) and own.has(one)), None):
        yield (
            f"{where} of {name} can't be taken over: this stack has a record there already, {_shown(other)}. Take the "
            "line out of the stack file"
        )


def _strangers(site: HostedSite, name: str, standing: Sequence[Record], own: Own) -> list[Record]:
    """A second A record beside somebody's would send half of the visitors there, and DNSPod would not object."""
    adopted = site.dns.adopt.get(name)
    return [one for one in standing if _leads(one) and one["RecordId"] != adopted and not own.has(one)]


def _taken(site: HostedSite, strangers: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    for name, found in strangers.items():
        yield (
            f"{site.at('luodi:site')}: {name} has a record already, which this stack did not make: "
            f"{', '.join(map(_shown, found))}. Visitors would be sent to both."
        )
    yield f"Nothing was changed. Delete or pause it ({_CONSOLE}, 暂停), then run pulumi up again."
    free = {name: found[0]["RecordId"] for name, found in strangers.items() if _can_be_adopted(site, name, found)}
    if free:
        section = site.at("luodi:dns").rpartition(".")[2]
        yield "Or let the stack take it over as it is (docs/adopting.md), by these lines in the stack file:"
        yield f"  {section}:\n    adopt:"
        for name, identifier in {**site.dns.adopt, **free}.items():
            yield f"      {name}: {identifier}"


def _can_be_adopted(site: HostedSite, name: str, found: Sequence[Record]) -> bool:
    alone = len(found) == 1 and name not in site.dns.adopt
    return alone and found[0]["Type"] == "A" and found[0]["Line"] == DEFAULT_LINE


def _leads(record: Record) -> bool:
    return record["Type"] in _LEADS_VISITORS and record["Status"] == "ENABLE"


def _shown(record: Record) -> str:
    return f"{record['Type']} {record['Value']} (RecordId {record['RecordId']})"
