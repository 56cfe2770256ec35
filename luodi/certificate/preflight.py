"""What a zone makes impossible, found before an order is spent on it. Pure: what is asked of DNS is handed in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from luodi.certificate.problems import OrderError

_KNOWN_TAGS = frozenset({"issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"})
"""The registry of CAA properties: https://www.iana.org/assignments/pkix-parameters/#caa-properties"""
_CRITICAL = 128
_METHOD = "dns-01"
_LONGEST_CHAIN = 8


@dataclass(frozen=True)
class Caa:
    """One CAA record (RFC 8659, section 4.1)."""

    flags: int
    tag: str
    value: str


def check_zone(names: Collection[str], zone: str) -> None:
    """Raise OrderError where a name is outside the zone."""
    if outside := [name for name in names if not within(name, zone)]:
        raise OrderError(
            f"{', '.join(outside)}: outside the zone {zone}, where no challenge for it can be published. Leave it "
            "out, or delegate its _acme-challenge name by a CNAME into a zone of this account"
        )


def check_delegation(zone: str, delegated: Collection[str], assigned: Collection[str]) -> None:
    """Raise OrderError where a zone's name servers are none of those that DNSPod has assigned to it: nobody would
    see a record that is made there."""
    has, wanted = ({name.rstrip(".").lower() for name in names} for names in (delegated, assigned))
    if wanted and not has & wanted:
        raise OrderError(
            f"{zone} is answered by {', '.join(sorted(has))}, not by the name servers that DNSPod has assigned to it, "
            f"{', '.join(sorted(wanted))}: the authority would never see a challenge. Set those at the registrar "
            "(修改 DNS 服务器; for a domain registered at Tencent Cloud: https://console.cloud.tencent.com/domain). "
            "That takes up to 48 hours to be seen everywhere"
        )


def check_caa(names: Sequence[str], issuers: Sequence[str], find: Callable[[str], Sequence[Caa]]) -> None:
    """Raise OrderError where a CAA record forbids the authority that is called by these `issuers`.

    `find` gives the records at one name, an alias followed. The tree is climbed from each name to its top
    (RFC 8659, section 3); names below a common parent ask for that once.
    """
    if not issuers:
        return
    known: dict[str, Sequence[Caa]] = {}

    def relevant(name: str) -> tuple[str, Sequence[Caa]]:
        while name:
            if name not in known:
                known[name] = find(name)
            if known[name]:
                return name, known[name]
            name = name.partition(".")[2]
        return "", ()

    told = []
    for name in names:
        where, records = relevant(name.removeprefix("*."))
        if not _permits(records, issuers, wildcard=name.startswith("*.")):
            shown = " · ".join(f'{one.flags} {one.tag} "{one.value}"' for one in records)
            told.append(f"{name} by those of {where} ({shown})")
    if told:
        raise OrderError(
            f'CAA records forbid {issuers[0]} to issue: {"; ".join(told)}. Add CAA 0 issue "{issuers[0]}" there '
            "(issuewild beside another issuewild), or choose another authority",
            kind="caa",
        )


def follow(name: str, alias: Callable[[str], str | None]) -> str:
    """Where a name leads by CNAMEs. Raises OrderError for a chain that has no end."""
    seen = [name]
    while target := alias(seen[-1]):
        target = target.rstrip(".").lower()
        if target in seen or len(seen) > _LONGEST_CHAIN:
            raise OrderError(f"{name} leads in a circle by CNAMEs: {' -> '.join([*seen, target])}")
        seen.append(target)
    return seen[-1]


def within(name: str, zone: str) -> bool:
    """Whether a name is in a zone, by its text."""
    return f".{name}".endswith(f".{zone}")


def _permits(records: Sequence[Caa], issuers: Collection[str], *, wildcard: bool) -> bool:
    """RFC 8659, sections 4.1 to 4.3; RFC 8657 for the validation method."""
    if any(one.flags & _CRITICAL and one.tag.lower() not in _KNOWN_TAGS for one in records):
        return False
    plain, wild = ([one.value for one in records if one.tag.lower() == tag] for tag in ("issue", "issuewild"))
    rules = wild if wildcard and wild else plain
    return not rules or any(_names(rule, issuers) for rule in rules)


def _names(rule: str, issuers: Collection[str]) -> bool:
    domain, _, rest = rule.partition(";")
    parameters = {
        key.strip().lower(): value.strip() for key, _, value in (one.partition("=") for one in rest.split(";"))
    }
    methods = parameters.get("validationmethods")
    return domain.strip().rstrip(".").lower() in issuers and (methods is None or _METHOD in methods.split(","))
