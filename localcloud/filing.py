"""The filing regime (ICP 备案) as the ministry and the provider keep it: which domains are filed, and who asks.

A filing is of a registrable domain and covers all names below it. While the regime is enforced, the border of
every instance in a mainland region intercepts the names that no filing here covers; it isn't enforced unless
somebody says so, since a stack that is rehearsed for its machines alone has no filing to show.
Source: https://cloud.tencent.com/document/product/243/20220 (网站/APP 阻断说明).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import dns.exception
import dns.name
from publicsuffixlist import PublicSuffixList

from localcloud.catalogue import Catalogue
from localcloud.errors import LocalcloudError
from localcloud.store import Kind, Store

_suffixes = PublicSuffixList(only_icann=True)
# Roughly what a service number looks like: it is the ministry's own here, so it only has to be one.
_NUMBER = re.compile(r"\S{6,40}-[1-9][0-9]{0,3}[AKX]?")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_ENFORCED = "enforced"


class State(StrEnum):
    """Where a filing stands."""

    FILED = "filed"
    """Granted, and Tencent Cloud is its access provider."""

    ELSEWHERE = "elsewhere"
    """Granted, but with another access provider: Tencent Cloud intercepts it until a 接入备案."""

    REVOKED = "revoked"
    """Cancelled (注销)."""


@dataclass(frozen=True)
class Filing:
    """One domain's filing: `domain` in punycode, `icp` the service number (服务备案号)."""

    domain: str
    icp: str
    state: State


class Filings:
    """The filings of a cloud, kept in its store: what one process writes the others see at once."""

    def __init__(self, store: Store) -> None:
        """Read and write in `store`."""
        self._store = store

    def approve(self, domain: str, icp: str, *, elsewhere: bool = False) -> Filing:
        """Grant a filing, also one that was revoked. Raises LocalcloudError for what can't be filed."""
        number = "".join(icp.split())
        if not _NUMBER.fullmatch(number):
            raise LocalcloudError(f"{icp} is no service number (服务备案号); give one such as 粤ICP备2026068982号-1.")
        filing = Filing(_registrable(domain), number, State.ELSEWHERE if elsewhere else State.FILED)
        self._keep(filing)
        return filing

    def revoke(self, domain: str) -> Filing:
        """Cancel a filing. Raises LocalcloudError where there is none."""
        name = _registrable(domain)
        found = self.of(name)
        if found is None:
            raise LocalcloudError(f"{name} was never filed here; see `python -m localcloud filing list`.")
        filing = Filing(name, found.icp, State.REVOKED)
        self._keep(filing)
        return filing

    def all(self) -> list[Filing]:
        """Return every filing, also those that were revoked."""
        return [_read(document) for document in self._store.all(Kind.FILING)]

    def of(self, host: str) -> Filing | None:
        """Return the filing that covers a host name, in force or not, or None."""
        apex = apex_of(host)
        document = self._store.get(Kind.FILING, apex) if apex else None
        return _read(document) if document else None

    def serves(self, host: str) -> bool:
        """Whether the border lets visitors through to `host`: what is no domain it doesn't judge."""
        if apex_of(host) is None:
            return True
        filing = self.of(host)
        return filing is not None and filing.state is State.FILED

    @property
    def enforced(self) -> bool:
        """Whether unfiled domains are intercepted."""
        return self._store.get(Kind.FILING_REGIME, _ENFORCED) is not None

    def enforce(self, *, on: bool) -> None:
        """Intercept unfiled domains from the next connection on, or let everything through again."""
        if on:
            self._store.put(Kind.FILING_REGIME, _ENFORCED, {})
        else:
            self._store.delete(Kind.FILING_REGIME, _ENFORCED)

    def _keep(self, filing: Filing) -> None:
        document = {"Domain": filing.domain, "Icp": filing.icp, "State": filing.state.value}
        self._store.put(Kind.FILING, filing.domain, document)


class Border:
    """Where traffic from the internet enters a region, and unfiled domains are intercepted."""

    def __init__(self, filings: Filings, catalogue: Catalogue) -> None:
        """Intercept what `filings` doesn't cover, in the mainland regions of `catalogue`."""
        self._filings = filings
        self._catalogue = catalogue

    def judge(self, region: str) -> Callable[[str], bool] | None:
        """Return who decides whether a host name of a region is served; None where nobody asks."""
        mainland = self._catalogue.regions[region].mainland
        return self._filings.serves if mainland and self._filings.enforced else None


@lru_cache(1024)
def apex_of(host: str) -> str | None:
    """Return the registrable domain of a host name, in punycode; None for an address, one label or a bare suffix."""
    name = _ascii(host)
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        apex = _suffixes.privatesuffix(name)
        return None if apex is None or apex.rpartition(".")[2].isdigit() else str(apex)
    return None


def _ascii(host: str) -> str:
    """Return a host name in lower case and punycode; as it is where it can't be one."""
    text = host.strip().rstrip(".").lower()
    try:
        return dns.name.from_unicode(text, idna_codec=dns.name.IDNA_2003).to_text(omit_final_dot=True)
    except (dns.exception.DNSException, UnicodeError):
        return text


def _registrable(domain: str) -> str:
    apex = apex_of(domain)
    if apex is None or not _DOMAIN.fullmatch(apex):
        raise LocalcloudError(f"{domain} is no domain that can be filed; give one such as example.cn.")
    if apex != _ascii(domain):
        raise LocalcloudError(f"A filing is of the registrable domain and covers all below it: give {apex}.")
    return apex


def _read(document: dict[str, str]) -> Filing:
    return Filing(document["Domain"], document["Icp"], State(document["State"]))
