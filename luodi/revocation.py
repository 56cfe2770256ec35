"""Revoking what a stack was issued."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luodi.certificate import order
from luodi.certificate.lifetime import Certificate
from luodi.certificate.ordering import accounts
from luodi.outputs import NoOutputs, exported

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 (how the engine marks a secret)
_TYPE = "luodi:Certificate"


@dataclass(frozen=True)
class Issued:
    """The certificates of one site, one for each kind of key, and the account that may revoke them."""

    site: str
    chains: Mapping[str, str]
    account: order.Account
    pinned: bool

    @property
    def leaves(self) -> tuple[Certificate, ...]:
        """What they say of themselves."""
        return tuple(Certificate.of(chain) for chain in self.chains.values())


def issued(project: Path, stack: str) -> list[Issued]:
    """What a stack was issued, its own site first. The account's key is in it, in memory only. Raises NoOutputs."""
    resources = exported(project, stack, secrets=True)
    found = [_plain(one["outputs"]) for one in resources if one["type"].endswith(_TYPE) and one.get("outputs")]
    certificates = [props for props in found if props.get("chains") and props["source"] == "acme"]
    if not certificates:
        raise NoOutputs("the stack has no certificate from an authority")
    return [_issued(props) for props in certificates]


def revoke(certificates: Issued, reason: order.Reason) -> None:
    """Revoke each of them; what is revoked already is no error. Raises OrderError."""
    for chain in certificates.chains.values():
        order.revoke(certificates.account, chain, reason)


def _issued(props: Mapping[str, Any]) -> Issued:
    turn = accounts(props, None)
    account = next((one for one in turn if one.authority.directory == props["authority"]), turn[0])
    return Issued(props["site"], props["chains"], account, bool(props.get("pin")))


def _plain(value: Any) -> Any:
    """A value of an exported state with its secrets opened."""
    if isinstance(value, dict):
        if _SECRET in value:
            return json.loads(value["plaintext"])
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
