"""Servers that a domain is published on, and what a filing asks of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy import PolicyResource, ReportViolation, ResourceValidationArgs, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from luodi.filing.eligibility import Declared, findings
from luodi.filing.facts import FilingSettings
from luodi.settings import mainland_region
from policy.names import apex_of, shown
from policy.properties import CVM, ELASTIC_IP, ELASTIC_IP_ASSOCIATION, LIGHTHOUSE, RECORD, SERVERS, known
from policy.records import ELSEWHERE, published_name, served_elsewhere

CARRIES = "carries"
REGIONS = "regions"

# What the provider takes where neither the stack nor the environment says: its documentation of `region`.
_PROVIDERS_REGION = "ap-guangzhou"

_PROPERTIES = {
    CVM: {
        "luodi:server.charge-type": "instanceChargeType",
        "luodi:server.period": "instanceChargeTypePrepaidPeriod",
        "luodi:server.bandwidth": "allocatePublicIp, internetMaxBandwidthOut",
    },
    LIGHTHOUSE: {"luodi:server.period": "period"},
}


def server_on_mainland(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judge where a server stands before it is made. What leads to it, the engine shows only once all is declared, and
    not at all where another stack has the records; so every server is asked."""
    if args.resource_type not in SERVERS:
        return
    config = args.get_config()
    if any(fnmatchcase(args.name, one) for one in config.get(ELSEWHERE) or ()):
        return
    if fault := _place(_region(args), config):
        report(
            f"{args.name}, a {SERVERS[args.resource_type]}: {fault}. A server that is to carry no filed domain belongs "
            f"under {ELSEWHERE} in this policy's config, by its resource's name",
            args.urn,
        )


def server_fit_for_filing(args: StackValidationArgs, report: ReportViolation) -> None:
    """Judge each server of the stack that one of its records leads to, or that the config names."""
    config = args.get_config()
    for server in args.resources:
        if server.resource_type in SERVERS and (names := _names(server, args.resources, config)):
            for fault in _faults(server, names, args.resources, config):
                report(
                    f"{server.name}, a {SERVERS[server.resource_type]} that carries {shown(names[0])}: {fault}",
                    server.urn,
                )


def _faults(
    server: PolicyResource, names: Sequence[str], resources: Sequence[PolicyResource], config: Mapping[str, Any]
) -> Iterator[str]:
    if fault := _place(_region(server), config):
        yield fault
    declared = Declared(
        region=_region(server),
        mainland=True,  # `mainland_region` refuses the others, and says more
        months=_months(server),
        mbps=_mbps(server, resources),
        domain=shown(names[0]),
        apex=shown(apex_of(names[0])),
        names=tuple(map(shown, names)),
        title="",
    )
    properties = _PROPERTIES[server.resource_type]
    for found in findings(declared, FilingSettings.model_validate({})):
        if found.refused and found.path in properties:
            yield f"{properties[found.path]}: {found.words.en} ({found.source.text})"


def _place(region: str, config: Mapping[str, Any]) -> str | None:
    """What is wrong with a region for a filing."""
    if region in (config.get(REGIONS) or ()):
        return None
    try:
        mainland_region(region)
    except ValueError as error:
        return str(error)
    return None


def _names(server: PolicyResource, resources: Sequence[PolicyResource], config: Mapping[str, Any]) -> list[str]:
    """The host names that the server carries, registered domains first: such a one is filed with its server, where a
    subdomain stands under its filing."""
    found = [str(name) for of, name in (config.get(CARRIES) or {}).items() if fnmatchcase(server.name, of)]
    for record in resources:
        if record.resource_type != RECORD:
            continue
        try:
            name = published_name(record.props)
        except UnknownValueError:
            continue  # its own policy says so
        if name and not served_elsewhere(name, config) and _leads_to(record, server, resources):
            found.append(name)
    return sorted(set(found), key=lambda name: (name != apex_of(name), name))


def _leads_to(record: PolicyResource, server: PolicyResource, resources: Sequence[PolicyResource]) -> bool:
    bound = list(_elastic_ips(server, resources))
    through = {of.urn for of in record.property_dependencies.get("value", ())}
    if not through.isdisjoint({server.urn, *(of.urn for of in bound)}):
        return True
    target = known(record.props, "value")
    addresses = {known(of.props, "publicIp") for of in (server, *bound)}
    addresses.update(known(server.props, "publicAddresses") or ())
    return target is not None and target in addresses


def _elastic_ips(server: PolicyResource, resources: Sequence[PolicyResource]) -> Iterator[PolicyResource]:
    """The elastic IPs (弹性公网 IP) bound to a server, each with its association."""
    for association in resources:
        if association.resource_type != ELASTIC_IP_ASSOCIATION:
            continue
        through = association.property_dependencies
        if any(of.urn == server.urn for of in through.get("instanceId", ())):
            yield association
            yield from (of for of in through.get("eipId", ()) if of.resource_type == ELASTIC_IP)


def _region(server: PolicyResource | ResourceValidationArgs) -> str:
    zone = known(server.props, "availabilityZone" if server.resource_type == CVM else "zone")
    if zone:
        return str(zone).rpartition("-")[0]
    provider = server.provider.props if server.provider else {}
    return str(known(provider, "region") or os.environ.get("TENCENTCLOUD_REGION") or _PROVIDERS_REGION)


def _months(server: PolicyResource) -> int | None:
    if server.resource_type == LIGHTHOUSE:  # always prepaid
        return int(known(server.props, "period", 1))
    if known(server.props, "instanceChargeType") != "PREPAID":
        return None
    return int(known(server.props, "instanceChargeTypePrepaidPeriod", 1))


def _mbps(server: PolicyResource, resources: Sequence[PolicyResource]) -> int | None:
    """Mbit/s to the public network; 0 without a public address, None where something else than the stack says it."""
    if server.resource_type == LIGHTHOUSE:  # its bundle
        return None
    if bound := list(_elastic_ips(server, resources)):
        rates = [known(of.props, "internetMaxBandwidthOut") for of in bound if of.resource_type == ELASTIC_IP]
        return None if not rates or None in rates else int(max(rates))
    return int(known(server.props, "internetMaxBandwidthOut", 0)) if known(server.props, "allocatePublicIp") else 0
