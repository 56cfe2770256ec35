"""One ACME order by DNS-01 (RFC 8555), from CSR to chain. No Pulumi in it.

DNS-01 alone: before a site's filing is granted its provider intercepts the domain on ports 80 and 443, so
HTTP-01 and TLS-ALPN-01 fail exactly when a new site needs its certificate.

Polling is done here, not by the acme library, whose own sleeps a second before its first look.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Protocol

import acme.errors
import requests
from acme import challenges, client, messages
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy import errors as jose_errors
from josepy import jwa, jwk, util

_AGENT = "luodi"
_NONCE_ATTEMPTS = 10
_RESOURCES = ("newNonce", "newAccount", "newOrder")
_PENDING = (messages.STATUS_PENDING, messages.STATUS_PROCESSING)


class OrderError(Exception):
    """An order that came to nothing; the message has the authority's own words and what to do."""


class Records(Protocol):
    """Where TXT records are made and taken away."""

    def publish(self, name: str, value: str) -> Any:
        """Make a TXT record at the full name, and give what `withdraw` needs to find that very record."""

    def withdraw(self, handle: Any) -> None:
        """Take that record away, and no other at its name; nothing to do when it is gone already."""

    def wait(self, wanted: dict[str, list[str]]) -> None:
        """Return once every authoritative server answers with the values of every name."""


@dataclass(frozen=True)
class Authority:
    """An ACME certificate authority: its directory, and a PEM file of roots where the system's don't do."""

    directory: str
    roots: Path | None = None


LETS_ENCRYPT = Authority("https://acme-v02.api.letsencrypt.org/directory")
LETS_ENCRYPT_STAGING = Authority("https://acme-staging-v02.api.letsencrypt.org/directory")


def new_account_key() -> str:
    """A fresh account key, ECDSA P-256, as PKCS #8 PEM. A secret."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@dataclass
class Timing:
    """How long to wait, in seconds, and by which clock."""

    validation: float = 180
    issuance: float = 180
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def register(authority: Authority, account_key: str, email: str | None) -> str:
    """Register the key, or find its account; the account's URL. Agrees to the authority's terms of service."""
    with _Session(authority, account_key) as session:
        return session.register(email)


def obtain(
    authority: Authority,
    account_key: str,
    csr: str,
    records: Records,
    *,
    email: str | None = None,
    timing: Timing | None = None,
) -> str:
    """Order a certificate for a CSR (PEM) and give its full chain (PEM, leaf first).

    Every TXT record that was made is taken away again, whatever happens. Raises OrderError, or what `records`
    raises.
    """
    timing = timing or Timing()
    with _Session(authority, account_key) as session:
        session.register(email)
        try:
            return session.order(csr.encode(), records, timing)
        except (acme.errors.Error, requests.RequestException, jose_errors.Error) as error:
            raise OrderError(f"{authority.directory}: {_words(error)}") from error


class _Network(client.ClientNetwork):
    """A server may refuse a nonce at any time, and more than once (RFC 8555, section 6.5)."""

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        for attempt in range(_NONCE_ATTEMPTS):
            try:
                return super().post(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce" or attempt == _NONCE_ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")


class _Session:
    """One account at one authority."""

    def __init__(self, authority: Authority, account_key: str) -> None:
        self._authority = authority
        self._key, algorithm = _account_key(account_key)
        self._network = _Network(self._key, alg=algorithm, user_agent=_AGENT, verify_ssl=True, timeout=30)
        if authority.roots is not None:
            self._network.session.verify = str(authority.roots)
            self._network.verify_ssl = str(authority.roots)  # type: ignore[assignment]  # requests takes a path
        try:
            directory = client.ClientV2.get_directory(authority.directory, self._network)
        except requests.exceptions.SSLError as error:
            raise OrderError(f"{authority.directory}: its TLS certificate is not trusted here: {error}") from None
        except requests.RequestException as error:
            raise OrderError(
                f"{authority.directory} can't be reached: {error}. Is the address right, and the network up?"
            ) from None
        except (acme.errors.Error, ValueError, TypeError, AttributeError, jose_errors.Error):
            raise OrderError(f"{authority.directory} is not an ACME directory") from None
        if missing := [name for name in _RESOURCES if name not in directory.to_partial_json()]:
            raise OrderError(f"{authority.directory} is not an ACME directory: it has no {missing[0]}")
        self._client = client.ClientV2(directory, self._network)

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._network.session.close()

    def register(self, email: str | None) -> str:
        account = messages.NewRegistration.from_data(email=email, terms_of_service_agreed=True)
        try:
            try:
                return str(self._client.new_account(account).uri)
            except acme.errors.ConflictError as known:
                found = messages.RegistrationResource(uri=known.location, body=messages.Registration())
                self._network.account = found
                return str(known.location)
        except messages.Error as error:
            raise OrderError(f"{self._authority.directory} refuses the account: {_told(error)}") from error
        except (acme.errors.Error, requests.RequestException) as error:
            raise OrderError(f"{self._authority.directory}: {error}") from error

    def order(self, csr: bytes, records: Records, timing: Timing) -> str:
        try:
            x509.load_pem_x509_csr(csr)
        except ValueError:
            raise OrderError("the server's signing request is no PEM CSR") from None
        order = self._client.new_order(csr)
        pending = [
            authorization
            for authorization in order.authorizations
            if authorization.body.status == messages.STATUS_PENDING
        ]
        tasks = [_Task.of(authorization, self._key) for authorization in pending]
        made: list[tuple[str, Any]] = []
        try:
            for task in tasks:
                made.append((task.record, records.publish(task.record, task.value)))
            if tasks:
                records.wait(_by_name(tasks))
            for task in tasks:
                self._client.answer_challenge(task.challenge, task.challenge.chall.response(self._key))
            self._validated(pending, timing)
        except Exception as error:
            if left := _withdraw(made, records):
                raise OrderError(f"{_words(error)}. Besides, {left}") from error
            raise
        except BaseException:
            _withdraw(made, records)
            raise
        if left := _withdraw(made, records):
            raise OrderError(f"the names are validated, but {left}")
        return self._issued(order, timing)

    def _validated(self, pending: list[messages.AuthorizationResource], timing: Timing) -> None:
        end = timing.clock() + timing.validation
        failures = []
        for asked in pending:
            authorization, pause = asked, 0.05
            while True:
                authorization, answer = self._client.poll(authorization)
                if authorization.body.status not in _PENDING:
                    break
                if timing.clock() > end:
                    raise OrderError(
                        f"{authorization.body.identifier.value}: the authority did not finish validating within "
                        f"{timing.validation:g} s"
                    )
                pause = _pause(answer, pause, timing)
            if authorization.body.status != messages.STATUS_VALID:
                failures.append(_invalid(authorization))
        if failures:
            raise OrderError("; ".join(failures))

    def _issued(self, order: messages.OrderResource, timing: Timing) -> str:
        end, pause = timing.clock() + timing.issuance, 0.05
        while True:
            answer = self._client._post_as_get(order.uri)
            body = messages.Order.from_json(answer.json())
            if body.status == messages.STATUS_READY:
                self._client.begin_finalization(order)
            if body.status == messages.STATUS_VALID and body.certificate is not None:
                chain = self._client._post_as_get(body.certificate)
                return str(chain.text)
            if body.status == messages.STATUS_INVALID:
                why = _told(body.error) if body.error else "no reason given"
                raise OrderError(f"the authority ended the order without a certificate: {why}")
            if timing.clock() > end:
                raise OrderError(f"the authority issued nothing within {timing.issuance:g} s")
            pause = _pause(answer, pause, timing)


@dataclass(frozen=True)
class _Task:
    record: str
    value: str
    challenge: messages.ChallengeBody

    @classmethod
    def of(cls, authorization: messages.AuthorizationResource, key: jwk.JWK) -> _Task:
        domain = authorization.body.identifier.value
        for body in authorization.body.challenges:
            if isinstance(body.chall, challenges.DNS01):
                return cls(body.chall.validation_domain_name(domain), body.chall.validation(key), body)
        raise OrderError(f"{domain}: the authority offers no DNS-01 challenge")


def _by_name(tasks: Iterable[_Task]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for task in tasks:
        names.setdefault(task.record, []).append(task.value)
    return names


def _withdraw(made: list[tuple[str, Any]], records: Records) -> str:
    """Take every record away, also when taking one away fails; what is left, if anything."""
    left = []
    for name, handle in made:
        try:
            records.withdraw(handle)
        except Exception as error:
            left.append(f"its TXT record at {name} could not be taken away, delete it: {error}")
    return "; ".join(left)


def _pause(answer: requests.Response, pause: float, timing: Timing) -> float:
    """Sleep as the server asks, else a little longer each time; the next pause."""
    asked = _retry_after(answer.headers.get("Retry-After", ""))
    timing.sleep(min(asked, 60.0) if asked > 0 else pause)
    return min(pause * 1.6, 3.0)


def _retry_after(header: str) -> float:
    """Seconds, or a date, which the acme library takes for one in local time (RFC 9110, section 10.2.3)."""
    if header.isdecimal():
        return float(header)
    try:
        return (parsedate_to_datetime(header) - dt.datetime.now(dt.UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _account_key(pem: str) -> tuple[jwk.JWK, jwa.JWASignature]:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise OrderError("the ACME account key is no PEM private key without a passphrase") from None
    if isinstance(key, rsa.RSAPrivateKey):
        return jwk.JWKRSA(key=util.ComparableRSAKey(key)), jwa.RS256
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size in (256, 384):
        return jwk.JWKEC(key=util.ComparableECKey(key)), jwa.ES256 if key.key_size == 256 else jwa.ES384
    raise OrderError("the ACME account key must be RSA, or ECDSA P-256 or P-384")


def _words(error: Exception) -> str:
    return f"the authority refuses: {_told(error)}" if isinstance(error, messages.Error) else str(error)


def _told(error: messages.Error) -> str:
    """A problem document (RFC 7807) in one line: type, detail, and that of each subproblem."""
    parts = [f"{error.code or error.typ}: {error.detail or error.description or 'no detail'}"]
    for inner in error.subproblems or ():
        where = f"{inner.identifier.value}: " if inner.identifier else ""
        parts.append(f"{where}{inner.code or inner.typ}: {inner.detail}")
    return "; ".join(parts)


def _invalid(authorization: messages.AuthorizationResource) -> str:
    domain = authorization.body.identifier.value
    reasons = [_told(body.error) for body in authorization.body.challenges if body.error is not None]
    return f"{domain}: the authority could not validate it: {'; '.join(reasons) or authorization.body.status.name}"
