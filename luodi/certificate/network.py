"""Signed requests to an ACME server (RFC 8555, section 6): nonces, refusals, busy servers, broken connections.

Not the acme library's own `ClientNetwork`: that one is not for several threads, repeats a request for a refused nonce
only once, and brings pyOpenSSL with it, whose import is a good part of a process's start.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import acme.errors
import requests
from acme import jws, messages
from josepy import errors as jose_errors
from josepy import jwa, jwk
from josepy.json_util import decode_b64jose
from requests.adapters import HTTPAdapter

from luodi.certificate.problems import NotAcme, code

_AGENT = "luodi"
_ANSWER_SECONDS = 30.0
_CONNECTIONS = 64
_NONCE = "Replay-Nonce"
_NONCE_ATTEMPTS = 20
_LONGEST_PAUSE = 60.0
"""Seconds; what an authority asks for beyond this is not waited for at once."""
_BUSY = (429, 503)
_BUSY_ATTEMPTS, _BUSY_SECONDS = 4, 30.0
_BROKEN_ATTEMPTS, _BROKEN_PAUSE = 3, 0.2


@dataclass
class Timing:
    """How long to wait, in seconds, and by which clocks."""

    validation: float = 180
    issuance: float = 180
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)


class Network:
    """Signs and sends, from several threads at once.

    Every answer's nonce is kept, a refusal's too. A server may refuse a nonce at any time, and more than once
    (section 6.5); a busy one says when to come again; a connection may break while it was idle. `account` is the URL of
    the account that signs; None for newAccount, which the bare key signs. `new_nonce` is the resource's URL.
    """

    def __init__(self, key: jwk.JWK, algorithm: jwa.JWASignature, timing: Timing, roots: Path | None) -> None:
        self.key, self.algorithm = key, algorithm
        self.account: str | None = None
        self.new_nonce = ""
        self._timing = timing
        # With each request: REQUESTS_CA_BUNDLE would take the place of the session's.
        self._verify = str(roots) if roots else True
        self._nonces: deque[str] = deque()
        self._http = requests.Session()
        self._http.headers["User-Agent"] = _AGENT
        adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def send(self, method: str, url: str, **more: Any) -> requests.Response:
        """Send a request as it is; the answer, whatever it says. Raises requests.RequestException."""
        answer = self._http.request(method, url, timeout=_ANSWER_SECONDS, verify=self._verify, **more)
        answer.encoding = "utf-8"
        if nonce := answer.headers.get(_NONCE):
            self._nonces.append(nonce)
        return answer

    def post(self, url: str, content: Any) -> requests.Response:
        """Post a signed object; None reads the resource (POST-as-GET, section 6.3). Raises what is UNDERSTOOD."""
        for attempt in range(_NONCE_ATTEMPTS):
            try:
                return self._post_patiently(url, content)
            except messages.Error as error:
                if code(error) != "badNonce" or attempt == _NONCE_ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _post_patiently(self, url: str, content: Any) -> requests.Response:
        busy = broken = 1
        while True:
            try:
                data = self._signed(url, content)
                return _checked(self.send("POST", url, data=data, headers={"Content-Type": "application/jose+json"}))
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

    def _signed(self, url: str, content: Any) -> str:
        payload = b"" if content is None else json.dumps(content).encode()
        who = {} if self.account is None else {"kid": self.account}
        signed = jws.JWS.sign(payload, key=self.key, alg=self.algorithm, nonce=self._nonce(), url=url, **who)
        return str(signed.json_dumps())

    def _nonce(self) -> bytes:
        while True:
            try:
                return decode_b64jose(self._nonces.pop())  # the newest: a server forgets old ones
            except IndexError:
                answer = _checked(self.send("HEAD", self.new_nonce))
                if _NONCE not in answer.headers:
                    raise acme.errors.MissingNonce(answer) from None


class _Busy(Exception):
    def __init__(self, seconds: float, refusal: Exception) -> None:
        self.seconds, self.refusal = seconds, refusal


def _checked(answer: requests.Response) -> requests.Response:
    """An answer that is no refusal."""
    refusal = _refusal(answer)
    if refusal is not None:
        raise _Busy(retry_after(answer), refusal) if answer.status_code in _BUSY else refusal
    return answer


def _refusal(answer: requests.Response) -> acme.errors.Error | None:
    if answer.status_code == requests.codes.conflict:
        return acme.errors.ConflictError(answer.headers.get("Location", ""))
    if answer.ok:
        return None
    try:
        refusal: messages.Error = messages.Error.from_json(answer.json())
    except (ValueError, TypeError, AttributeError, jose_errors.DeserializationError):
        return NotAcme(answer)
    return refusal


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
