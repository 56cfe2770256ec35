"""One account at one authority: its directory, and what is asked of it (RFC 8555, section 7)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, Self, TypeVar

import requests
from acme import jws, messages
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy import b64, jwa, jwk, util

from luodi.authorities import Authority, Binding
from luodi.certificate.network import Network, Timing
from luodi.certificate.problems import UNDERSTOOD, NotAcme, OrderError, code, explained, is_passing, told

_RESOURCES = ("newNonce", "newAccount", "newOrder")
_NEAR_SECONDS = 0.1
"""Within which a near authority's directory is read, its TLS handshake included; that takes a far one some round
trips."""
_AT_ONCE = 8
CLOCK_TOLERANCE = dt.timedelta(minutes=5)
"""How far this machine's clock may be off before a certificate would seem not yet valid, or be renewed too late."""

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Account:
    """An account to order from: at which authority, by which key.

    `key` is a PEM private key (RSA, ECDSA P-256 or P-384), `url` the account's, as `order.register` gave it; without
    it each order asks for it first. `profile` is the one of the authority's profiles to order, `binding` what an
    authority with external accounts wants once.
    """

    authority: Authority
    key: str = field(repr=False)
    email: str | None = None
    binding: Binding | None = None
    url: str | None = None
    profile: str | None = None


class Session:
    """An account at an authority, whose directory has been read. Use as a context."""

    def __init__(self, account: Account, timing: Timing | None = None) -> None:
        """Raises OrderError when the directory can't be reached or is none, or the account key is none."""
        self.account, self.timing = account, timing or Timing()
        self.authority = account.authority
        self.where = self.authority.directory
        self._lock = Lock()
        self.key, algorithm = account_key(account.key)
        self._network = Network(self.key, algorithm, self.timing, self.authority.roots)
        started = self.timing.clock()
        answer = self._read_directory()
        self._near = self.timing.clock() - started < _NEAR_SECONDS
        self._skew = _skew(answer, self.timing.now())
        self._network.new_nonce = self.directory["newNonce"]
        self._network.account = account.url

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._network.close()

    @property
    def thumbprint(self) -> str:
        """The account key's (RFC 7638), in base64url."""
        return base64url(self.key.thumbprint())

    @property
    def account_url(self) -> str | None:
        """The account's URL, once it is known."""
        return self._network.account

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the directory says of the authority (section 9.7.6)."""
        meta = self.directory.get("meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def issuers(self) -> tuple[str, ...]:
        """What a CAA record may name for this authority, as itself says, else as is known."""
        told_by_it = self.meta.get("caaIdentities")
        return tuple(told_by_it) if isinstance(told_by_it, list) and told_by_it else self.authority.issuers

    def check_clock(self) -> None:
        """Raise OrderError when this machine's clock is minutes off the authority's."""
        if self._skew is not None and abs(self._skew) > CLOCK_TOLERANCE:
            minutes, side = (
                abs(self._skew).total_seconds() / 60,
                "ahead of" if self._skew > dt.timedelta() else "behind",
            )
            raise OrderError(
                f"this machine's clock is {minutes:.0f} minutes {side} that of {self.where}: set it (timedatectl "
                "set-ntp true), or certificates are renewed too late and judged not yet valid"
            )

    def check_profile(self, wanted: str | None) -> None:
        """Raise OrderError when this profile is not on offer."""
        offered = self.meta.get("profiles")
        if wanted is None:
            return
        if not isinstance(offered, dict) or not offered:
            raise OrderError(f"{self.where} offers no profiles, so not {wanted} either: leave the profile out")
        if wanted not in offered:
            raise OrderError(f"{self.where} offers no profile {wanted}; on offer are {', '.join(sorted(offered))}")

    def check_binding(self) -> None:
        """Raise OrderError when a new account has to be bound and there is nothing to bind it by."""
        if self.account.binding or self.account_url or self.meta.get("externalAccountRequired") is not True:
            return
        page = f" Get one at {self.authority.binding_page}." if self.authority.binding_page else ""
        raise OrderError(
            f"{self.where} wants accounts that are bound to one of its own (external account binding, EAB): set the "
            f"binding's kid and hmac.{page}",
            kind="externalAccountRequired",
        )

    def register(self) -> str:
        """Register the key, bound if need be, or find its account; the account's URL."""
        content: dict[str, Any] = {"termsOfServiceAgreed": True}
        if self.account.email:
            content["contact"] = [f"mailto:{self.account.email}"]
        if binding := self._binding():
            content["externalAccountBinding"] = binding
        try:
            self._network.account = self._account_of_key(content)
            return self._network.account
        except messages.Error as error:
            raise OrderError(
                f"{self.where} refuses the account: {told(error)}{self._binding_advice(error)}",
                kind=code(error),
                passing=is_passing(error),
            ) from error
        except UNDERSTOOD as error:
            raise explained(error, self.where) from error

    def ensure_account(self) -> None:
        """Register, unless the account's URL is known."""
        with self._lock:
            if self._network.account is None:
                self.register()

    def roll_over(self, new: str) -> None:
        """Give the account another key (section 7.3.5); it is this session's from then on."""
        key, algorithm = account_key(new)
        url = self._resource("keyChange", "can't give an account another key")
        self.ensure_account()
        content = {"account": self.account_url, "oldKey": self.key.public_key().to_partial_json()}
        inner = jws.JWS.sign(json.dumps(content).encode(), key=key, alg=algorithm, nonce=None, url=url)
        self.post(url, inner.to_partial_json())
        self.key = self._network.key = key
        self._network.algorithm = algorithm
        if (found := self._account_of_key({"onlyReturnExisting": True})) != self.account_url:
            raise OrderError(
                f"{self.where} did not give {self.account_url} the new key: that one is the key of {found}"
            )

    def revoke(self, der: bytes, reason: int) -> None:
        """Revoke a certificate (section 7.6), signed by the account key."""
        url = self._resource("revokeCert", "revokes nothing by ACME")
        self.ensure_account()
        self.post(url, {"certificate": base64url(der), "reason": reason})

    def post(self, url: str, content: Any) -> requests.Response:
        """Post a signed object. Raises messages.Error or what else is UNDERSTOOD."""
        return self._network.post(url, content)

    def get(self, url: str) -> requests.Response:
        """Read a resource (POST-as-GET, section 6.3)."""
        return self._network.post(url, None)

    def each(self, do: Callable[[_T], _R], what: Sequence[_T]) -> list[_R]:
        """Do it to each, several at once where the authority is far: on a near one threads gain nothing, and each
        costs a nonce."""
        if self._near or len(what) < 2:
            return [do(one) for one in what]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return list(pool.map(do, what))

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Make an OrderError of whatever the acme library or requests raises."""
        try:
            yield
        except UNDERSTOOD as error:
            raise explained(error, self.where) from error

    def _account_of_key(self, content: Mapping[str, Any]) -> str:
        """Post to newAccount, which is signed by the bare key (section 7.3); the account's URL."""
        network = copy(self._network)  # the account of the other may be in use by another thread
        network.account = None
        answer = network.post(self.directory["newAccount"], content)
        if "Location" not in answer.headers:
            raise NotAcme(answer)
        return str(answer.headers["Location"])

    def _resource(self, name: str, lacking: str) -> str:
        if not isinstance(url := self.directory.get(name), str):
            raise OrderError(f"{self.where} {lacking}: its directory has no {name}")
        return url

    def _binding(self) -> dict[str, Any] | None:
        binding = self.account.binding
        if binding is None:
            self.check_binding()
            return None
        secret = binding.hmac.strip().rstrip("=").replace("+", "-").replace("/", "_")
        try:
            key = base64.b64decode(secret + "=" * (-len(secret) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not key or not binding.kid.strip():
            raise OrderError(
                f"the external account binding for {self.where} can't be right: the kid is a text, the hmac base64url "
                "as the authority shows it"
            ) from None
        signed = jws.JWS.sign(
            json.dumps(self.key.public_key().to_partial_json()).encode(),
            key=jwk.JWKOct(key=key),
            alg=jwa.HS256,
            nonce=None,
            url=self.directory["newAccount"],
            kid=binding.kid.strip(),
        )
        return dict(signed.to_partial_json())

    def _binding_advice(self, error: messages.Error) -> str:
        if self.account.binding is None or is_passing(error):
            return ""
        return (
            f". The account is bound by kid {self.account.binding.kid}: are kid and hmac whole, unused, and for this "
            "authority?"
        )

    def _read_directory(self) -> requests.Response:
        where = self.where
        try:
            answer = self._network.send("GET", where)
        except requests.exceptions.SSLError as error:
            raise OrderError(f"{where}: its TLS certificate is not trusted here: {error}") from None
        except requests.RequestException as error:
            raise OrderError(
                f"{where} can't be reached: {error}. Is the address right, and the network up?", passing=True
            ) from None
        outage = answer.status_code >= 500 or answer.status_code == 429 or self.authority.id is not None
        try:
            directory = answer.json()
        except ValueError:
            directory = None
        if not answer.ok or not isinstance(directory, dict):
            got = "a page of HTML" if "html" in answer.headers.get("Content-Type", "").lower() else "something else"
            raise OrderError(
                f"{where} is not an ACME directory: it answers HTTP {answer.status_code} with {got}", passing=outage
            )
        if missing := [name for name in _RESOURCES if not isinstance(directory.get(name), str)]:
            raise OrderError(f"{where} is not an ACME directory: it has no {missing[0]}", passing=outage)
        self.directory: dict[str, Any] = directory
        return answer


class Sessions:
    """The sessions of one process. Orders that share them, also at once, read each directory once, and use the same
    connections and nonces. Use as a context."""

    def __init__(self, timing: Timing | None = None) -> None:
        self._timing = timing
        self._lock, self._open = Lock(), dict[Account, Session]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._open.values():
            session.close()

    def of(self, account: Account) -> Session:
        """The account's session, whatever profile is ordered. Raises OrderError as Session does."""
        account = replace(account, profile=None)
        with self._lock:
            if account not in self._open:
                self._open[account] = Session(account, self._timing)
            return self._open[account]


def account_key(pem: str) -> tuple[jwk.JWK, jwa.JWASignature]:
    """A PEM key as the acme library wants it, and how it signs. Raises OrderError, which has nothing of the key."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise OrderError("the ACME account key is no PEM private key without a passphrase") from None
    if isinstance(key, rsa.RSAPrivateKey):
        return jwk.JWKRSA(key=util.ComparableRSAKey(key)), jwa.RS256
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size in (256, 384):
        return jwk.JWKEC(key=util.ComparableECKey(key)), jwa.ES256 if key.key_size == 256 else jwa.ES384
    raise OrderError("the ACME account key must be RSA, or ECDSA P-256 or P-384")


def base64url(data: bytes) -> str:
    """As RFC 7515 writes bytes: no padding."""
    return b64.b64encode(data).decode()


def _skew(answer: requests.Response, now: dt.datetime) -> dt.timedelta | None:
    """How far ahead this machine's clock is, by the Date that the authority answered with."""
    try:
        return now - parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
