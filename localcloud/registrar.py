"""Domains that the account has registered (域名注册): whose they are said to be, and until when.

Of a domain that was registered elsewhere the account knows nothing, as at Tencent Cloud.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from localcloud.errors import LocalcloudError
from localcloud.filing import apex_of
from localcloud.store import Kind, Store

VERIFICATIONS = ("NotUpload", "InAudit", "Approved", "Reject", "NoAudit")
"""Real-name verification (实名认证), as `RealNameAuditStatus` has it."""


@dataclass(frozen=True)
class Registration:
    """A domain, the day it ends, and how it stands: `status` as `DomainStatus` has it, such as ok or serverHold."""

    domain: str
    expires: date
    verification: str = "Approved"
    status: str = "ok"


class Registrar:
    """The account's domains, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, registration: Registration) -> None:
        """Note a domain, or how it stands now. Raises LocalcloudError for what can't be registered."""
        if registration.verification not in VERIFICATIONS:
            raise LocalcloudError(
                f"{registration.verification} is no state of a verification; there are {', '.join(VERIFICATIONS)}."
            )
        name = apex_of(registration.domain)
        if name is None or name != registration.domain.lower():
            raise LocalcloudError(f"{registration.domain} can't be registered; give a domain such as example.cn.")
        document = {
            "Domain": name,
            "Expires": registration.expires.isoformat(),
            "Verification": registration.verification,
            "Status": registration.status,
        }
        self._store.put(Kind.REGISTRATION, name, document)

    def of(self, domain: str) -> Registration | None:
        """The registration of a domain, None where it was registered elsewhere."""
        found = self._store.get(Kind.REGISTRATION, domain.lower())
        if found is None:
            return None
        day = date.fromisoformat(found["Expires"])
        return Registration(found["Domain"], day, found["Verification"], found["Status"])
