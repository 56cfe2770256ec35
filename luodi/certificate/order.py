"""One ACME order by DNS-01 (RFC 8555), from CSR to chain. No Pulumi in it.

DNS-01 alone: before a site's filing is granted its provider intercepts the domain on ports 80 and 443, so
HTTP-01 and TLS-ALPN-01 fail exactly when a new site needs its certificate.

    account = Account(authorities.find("letsencrypt"), key, email="ops@example.cn")
    account = replace(account, url=register(account))              # once; keep key and url
    chain = obtain(account, csr, records, replaces=old_chain, journal=journal)
    ...                                                            # keep the chain, then:
    journal.clear()

An order that was interrupted, at whatever step, is finished by the next `obtain` with the same account, CSR and
journal: no second certificate, and no TXT record stays. What a directory, a CSR or a zone makes impossible is told
before an order is spent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from acme import messages
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from luodi.authorities import Authority, Binding
from luodi.certificate.issuance import Issuance, Records, Run
from luodi.certificate.journal import Entry, FileJournal, Journal
from luodi.certificate.network import Timing
from luodi.certificate.problems import OrderError, code
from luodi.certificate.request import SigningRequest
from luodi.certificate.session import Account, Session, Sessions

__all__ = [
    "Account",
    "Authority",
    "Binding",
    "FileJournal",
    "Issuance",
    "Journal",
    "Obtained",
    "OrderError",
    "Reason",
    "Records",
    "Sessions",
    "Timing",
    "check",
    "new_account_key",
    "obtain",
    "obtain_from",
    "register",
    "revoke",
    "roll_over",
]

Reason = Literal["unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation"]
"""Why a certificate is revoked, as far as a subscriber may say so (RFC 5280, section 5.3.1; Baseline Requirements,
section 4.9.1.1)."""
_REASON_CODES = dict(zip(get_args(Reason), (0, 1, 3, 4, 5), strict=True))


@dataclass(frozen=True)
class Obtained:
    """A chain (PEM, leaf first), the account that it was ordered from, and why not from those before it."""

    chain: str
    account: Account
    passed_over: tuple[OrderError, ...] = field(default=(), compare=False)


def _silent(_: str) -> None:
    pass


def new_account_key() -> str:
    """A fresh account key, ECDSA P-256, as PKCS #8 PEM. A secret."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def register(account: Account, *, timing: Timing | None = None) -> str:
    """Register the account's key, or find its account; the account's URL. Agrees to the authority's terms of service.

    Raises OrderError; a wrong binding is one, with the authority's own words.
    """
    with Session(account, timing) as session:
        return session.register()


def roll_over(account: Account, new_key: str, *, timing: Timing | None = None) -> Account:
    """Give the account another key (RFC 8555, section 7.3.5); the account with it. From then on the old key is none.

    Raises OrderError, and then the old key still holds.
    """
    with Session(account, timing) as session, session.explaining():
        session.roll_over(new_key)
        return replace(account, key=new_key, url=session.account_url)


def revoke(account: Account, chain: str, reason: Reason = "unspecified", *, timing: Timing | None = None) -> None:
    """Revoke the first certificate of a PEM chain, by the account that ordered it. One that is revoked already is
    no error. Raises OrderError."""
    leaf = _leaf(chain)
    with Session(account, timing) as session, session.explaining():
        try:
            session.revoke(leaf.public_bytes(serialization.Encoding.DER), _REASON_CODES[reason])
        except messages.Error as error:
            if code(error) != "alreadyRevoked":
                raise


def check(
    account: Account,
    csr: str,
    records: Records,
    *,
    names: Collection[str] | None = None,
    replaces: str | None = None,
    issued: Collection[Issuance] = (),
    timing: Timing | None = None,
    tell: Callable[[str], None] = _silent,
) -> None:
    """Look at all that `obtain` looks at before it spends an order, and spend none.

    Raises OrderError, or what `records` raises: the directory can't be reached or is none, the clock is minutes off,
    the profile is not on offer, a binding is wanted, there are too many names, or other ones, the limit of duplicates
    is reached, CAA forbids the authority, the zone is answered by others, or a challenge leads elsewhere.
    """
    Run(_request(csr, names), records, replaces, tuple(issued), None, None, timing or Timing(), tell).check(account)


def obtain(
    account: Account,
    csr: str,
    records: Records,
    *,
    names: Collection[str] | None = None,
    replaces: str | None = None,
    issued: Collection[Issuance] = (),
    journal: Journal | None = None,
    sessions: Sessions | None = None,
    timing: Timing | None = None,
    tell: Callable[[str], None] = _silent,
) -> str:
    """Order a certificate for a CSR (PEM) and give its full chain (PEM, leaf first).

    `names` are those that the CSR should hold, where they are known apart from it. `replaces` is the chain of the
    certificate that is renewed: an authority with ARI then waives its limits. `issued` are earlier certificates, for
    the authority's limit of duplicates. `journal` makes an interrupted order resumable: clear it once the chain is
    kept. `sessions` are shared with other orders of this process. `tell` is told what takes long or is out of the
    ordinary.

    Every TXT record that was made is taken away again, whatever happens. Raises OrderError (whose `passing` says
    whether later or elsewhere may help), or what `records` raises.
    """
    run = Run(_request(csr, names), records, replaces, tuple(issued), journal, sessions, timing or Timing(), tell)
    return run.at(account)


def obtain_from(
    accounts: Sequence[Account],
    csr: str,
    records: Records,
    *,
    names: Collection[str] | None = None,
    replaces: str | None = None,
    issued: Collection[Issuance] = (),
    journal: Journal | None = None,
    sessions: Sessions | None = None,
    timing: Timing | None = None,
    tell: Callable[[str], None] = _silent,
) -> Obtained:
    """As `obtain`, from the first of several authorities that is not out of order or over its limits.

    An order that was interrupted is finished where it was made. A mistake in what is asked for ends it: another
    authority would refuse that too. Raises OrderError, of several authorities with the words of each.
    """
    if not accounts:
        raise OrderError("no authority to order from")
    run = Run(_request(csr, names), records, replaces, tuple(issued), journal, sessions, timing or Timing(), tell)
    under_way = Entry.from_text(journal.load()) if journal else None
    order = sorted(accounts, key=lambda one: under_way is None or one.authority.directory != under_way.directory)
    failures: list[OrderError] = []
    for account in order:
        if failures:
            tell(f"{failures[-1]}. Trying {account.authority} instead")
        try:
            return Obtained(run.at(account), account, tuple(failures))
        except OrderError as error:
            if not error.passing:
                raise
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    raise OrderError(
        "no authority issues just now: " + "; ".join(map(str, failures)), kind=failures[-1].kind, passing=True
    )


def _request(csr: str, names: Collection[str] | None) -> SigningRequest:
    request = SigningRequest.of(csr)
    if names is not None:
        request.match(names)
    return request


def _leaf(chain: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(chain.encode())[0]
    except ValueError:
        raise OrderError("what is to be revoked is no PEM certificate") from None
