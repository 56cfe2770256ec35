"""One account at one authority: signed requests (RFC 8555, section 6), nonces, the directory, polling."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, Self, TypeVar

import acme.errors
import requests
from acme import client, jws, messages
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy import b64, jwa, jwk, util
from requests.adapters import HTTPAdapter

from luodi.authorities import Authority, Binding
from luodi.certificate.problems import UNDERSTOOD, NotAcme, OrderError, code, explained, is_passing, told

_AGENT = "luodi"
_NONCE_ATTEMPTS = 20
_RESOURCES = ("newNonce", "newAccount", "newOrder")
_ANSWER_SECONDS = 30.0
_LONGEST_PAUSE = 60.0
"""Seconds; what an authority asks for beyond this is not waited for at once."""
_BUSY = (429, 503)
_BUSY_ATTEMPTS, _BUSY_SECONDS = 4, 30.0
_BROKEN_ATTEMPTS, _BROKEN_PAUSE = 3, 0.2
_NEAR_SECONDS = 0.1
"""Within which a near authority's directory is read, its TLS handshake included; that takes a far one some round
trips."""
_AT_ONCE, _CONNECTIONS = 8, 64
CLOCK_TOLERANCE = dt.timedelta(minutes=5)
"""How far this machine's clock may be off before a certificate would seem not yet valid, or be renewed too late."""

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass
class Timing:
    """How long to wait, in seconds, and by which clocks."""

    validation: float = 180
    issuance: float = 180
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)


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


@dataclass(frozen=True)
class _Payload:
    content: Any

    def json_dumps(self, **_: Any) -> str:
        return json.dumps(self.content)


class _Network(client.ClientNetwork):
    """Signs and sends, from several threads at once.

    Every answer's nonce is kept, a refusal's too. A server may refuse a nonce at any time, and more than once
    (section 6.5); a busy one says when to come again; a connection may break while it was idle.
    """

    def __init__(self, key: jwk.JWK, algorithm: jwa.JWASignature, timing: Timing) -> None:
        super().__init__(key, alg=algorithm, user_agent=_AGENT, timeout=int(_ANSWER_SECONDS))
        adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self._timing = timing
        self._pool: deque[str] = deque()

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        for attempt in range(_NONCE_ATTEMPTS):
            try:
                return self._post_once(*args, **kwargs)
            except messages.Error as error:
                if code(error) != "badNonce" or attempt == _NONCE_ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def __del__(self) -> None:
        """Nothing: the session that owns the connections closes them."""

    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super()._send_request(method, url, *args, **kwargs)
        if nonce := answer.headers.get(self.REPLAY_NONCE_HEADER):
            self._pool.append(jws.Header._fields["nonce"].decode(nonce))
        return answer

    def _post_once(self, *args: Any, **kwargs: Any) -> requests.Response:
        busy = broken = 1
        while True:
            try:
                return super()._post_once(*args, **kwargs)
            except requests.ConnectionError:
                if broken == _BROKEN_ATTEMPTS:
                    raise
                self._timing.sleep(_BROKEN_PAUSE * broken)
                broken += 1
            except _Busy as answer:
                if busy == _BUSY_ATTEMPTS or not 0 < answer.seconds <= _BUSY_SECONDS:
                    raise answer.refusal from None
                self._timing.sleep(answer.seconds)
                busy += 1

    @classmethod
    def _check_response(cls, response: requests.Response, content_type: str | None = None) -> requests.Response:
        try:
            return super()._check_response(response, content_type)
        except acme.errors.Error as error:
            if response.status_code in _BUSY:
                raise _Busy(retry_after(response), error) from None
            raise

    def _add_nonce(self, response: requests.Response) -> None:
        """Nothing: `_send_request` has kept it."""

    def _get_nonce(self, url: str, new_nonce_url: str) -> str:  # noqa: ARG002  # the library's signature
        while True:
            try:
                return self._pool.pop()  # the newest: a server forgets old ones
            except IndexError:
                answer = self._check_response(self.head(new_nonce_url))
                if self.REPLAY_NONCE_HEADER not in answer.headers:
                    raise acme.errors.MissingNonce(answer) from None


class _Busy(Exception):
    def __init__(self, seconds: float, refusal: Exception) -> None:
        self.seconds, self.refusal = seconds, refusal


class Session:
    """An account at an authority, whose directory has been read. Use as a context."""

    def __init__(self, account: Account, timing: Timing | None = None) -> None:
        """Raises OrderError when the directory can't be reached or is none, or the account key is none."""
        self.account, self.timing = account, timing or Timing()
        self.authority = account.authority
        self.where = self.authority.directory
        self._lock = Lock()
        self.key, algorithm = account_key(account.key)
        self._network = _Network(self.key, algorithm, self.timing)
        if self.authority.roots is not None:
            self._network.session.verify = str(self.authority.roots)
            self._network.verify_ssl = str(self.authority.roots)  # type: ignore[assignment]  # requests takes a path
        started = self.timing.clock()
        answer = self._read_directory()
        self._near = self.timing.clock() - started < _NEAR_SECONDS
        self._skew = _skew(answer, self.timing.now())
        if account.url is not None:
            self._use(account.url)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._network.session.close()

    @property
    def thumbprint(self) -> str:
        """The account key's (RFC 7638), in base64url."""
        return base64url(self.key.thumbprint())

    @property
    def account_url(self) -> str | None:
        """The account's URL, once it is known."""
        return str(self._network.account.uri) if self._network.account is not None else None

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
            return self._use(self._account_of_key(content))
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
        self._network.alg = algorithm
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
        return self._network.post(url, _Payload(content), new_nonce_url=self.directory["newNonce"])

    def get(self, url: str) -> requests.Response:
        """Read a resource (POST-as-GET, section 6.3)."""
        return self._network.post(url, None, new_nonce_url=self.directory["newNonce"])

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
        answer = network.post(self.directory["newAccount"], _Payload(content), new_nonce_url=self.directory["newNonce"])
        if "Location" not in answer.headers:
            raise NotAcme(answer)
        return str(answer.headers["Location"])

    def _use(self, url: str) -> str:
        self._network.account = messages.RegistrationResource(uri=url, body=messages.Registration())
        return url

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
            answer = self._network._send_request("GET", where)
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


def pause(answer: requests.Response, seconds: float, timing: Timing) -> float:
    """Sleep as the server asks, a minute at most, else `seconds`; the next time's seconds."""
    asked = retry_after(answer)
    timing.sleep(min(asked, _LONGEST_PAUSE) if asked > 0 else seconds)
    return min(seconds * 2, 3.0)


def retry_after(answer: requests.Response) -> float:
    """What an answer's Retry-After asks for, in seconds or as a date (RFC 9110, section 10.2.3); 0 for nothing."""
    header = answer.headers.get("Retry-After", "")
    if header.isdecimal():
        return float(header)
    try:
        return (parsedate_to_datetime(header) - dt.datetime.now(dt.UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _skew(answer: requests.Response, now: dt.datetime) -> dt.timedelta | None:
    """How far ahead this machine's clock is, by the Date that the authority answered with."""
    try:
        return now - parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
