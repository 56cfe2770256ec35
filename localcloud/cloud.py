"""The parts of the cloud that its products share."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.account import Account
from localcloud.addresses import PublicAddresses
from localcloud.automation import Automation
from localcloud.catalogue import Catalogue
from localcloud.filing import Filings
from localcloud.fleet import Fleet
from localcloud.issuer import Issuer
from localcloud.store import Store
from localcloud.tags import Tags


@dataclass(frozen=True)
class Cloud:
    """What a product works on."""

    account: Account
    store: Store
    catalogue: Catalogue
    tags: Tags
    addresses: PublicAddresses
    fleet: Fleet
    automation: Automation
    filings: Filings
    issuer: Issuer
