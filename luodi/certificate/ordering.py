"""From a resource's properties to what an order takes: at which authorities, with which accounts and records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi

from luodi import authorities, dynamic
from luodi.api import Account
from luodi.certificate import order
from luodi.certificate.dnspod import ChallengeRecords
from luodi.certificate.propagation import DNS_PORT
from luodi.settings import CertificateSettings, Surroundings


def accounts(props: Mapping[str, Any], hmac_key: str | None) -> list[order.Account]:
    """The accounts to order from, in turn.

    `authorities` of the properties are ids or directories, `roots` a PEM file that these directories chain to,
    `bindings` an authority to its key id (EAB), whose HMAC keys the secret has, `url` the account's at `directory`. In
    a rehearsal there is but the authority that the environment names.
    """
    around = Surroundings.from_environment()
    if around.acme_directory:
        found = [authorities.find(around.acme_directory, around.acme_ca)]
    else:
        roots = Path(props["roots"]) if props.get("roots") else None
        found = [authorities.find(name, roots if "://" in name else None) for name in props["authorities"]]
    bindings = _bindings(props.get("bindings") or {}, hmac_key)
    return [
        order.Account(
            authority,
            props["account_key"],
            email=props.get("email"),
            binding=bindings.get(authority.id or authority.directory),
            url=props.get("url") if props.get("directory") == authority.directory else None,
            profile=_profile(props.get("profile"), authority, stands_in=index > 0),
        )
        for index, authority in enumerate(found)
    ]


def _profile(profile: str | None, authority: order.Authority, *, stands_in: bool) -> str | None:
    """An authority that only stands in for another one need not have its profiles."""
    return None if stands_in and profile not in authority.profiles else profile


def ordering_inputs(settings: CertificateSettings) -> dict[str, Any]:
    """The properties that tell a provider whom to order from, and how; for the stack that is being run."""
    return {
        "authorities": list(settings.authorities(pulumi.get_stack())),
        "roots": settings.roots,
        "email": settings.email,
        "bindings": settings.bindings,
        "profile": settings.profile,
        "resolvers": list(settings.dns_resolver or ()),
        "propagation_timeout": settings.propagation_timeout,
    }


def records(account: Account, props: Mapping[str, Any], tell: Callable[[str], None]) -> ChallengeRecords:
    """Where challenges are published: in the zone of the properties, seen by way of their `resolvers`."""
    return ChallengeRecords(
        account,
        props["zone"],
        seconds=props["propagation_timeout"],
        via=Surroundings.from_environment().dns or [(address, DNS_PORT) for address in props["resolvers"]],
        tell=tell,
    )


def warn_of(obtained: order.Obtained) -> None:
    """Say at the end of the run, too, which authorities were passed over, and why: the stack still names them first."""
    if obtained.passed_over:
        why = "; ".join(map(str, obtained.passed_over))
        dynamic.warn(f"{why}. {obtained.account.authority} has issued instead")


def _hmac_keys(secret: str | None) -> Mapping[str, str]:
    """The secret's HMAC keys by authority; a single one, for whichever authority it is, by the empty name."""
    text = (secret or "").strip()
    return dict(json.loads(text)) if text.startswith("{") else {"": text} if text else {}


def _bindings(key_ids: Mapping[str, str], secret: str | None) -> dict[str, order.Binding]:
    keys = _hmac_keys(secret)
    return {
        authority: order.Binding(key_id, keys.get(authority) or keys[""])
        for authority, key_id in key_ids.items()
        if authority in keys or "" in keys
    }
