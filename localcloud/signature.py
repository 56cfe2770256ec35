"""TC3-HMAC-SHA256, the signature of Tencent Cloud's API, checked as the cloud checks it.

Source: https://cloud.tencent.com/document/api/213/30654 (签名方法 v3).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from localcloud.errors import CloudError

ALGORITHM = "TC3-HMAC-SHA256"
TERMINATOR = "tc3_request"
MAXIMUM_AGE = 300
"""Seconds by which a request's timestamp and the cloud's clock may differ."""
REQUIRED_SIGNED_HEADERS = frozenset({"content-type", "host"})


@dataclass(frozen=True)
class SignedRequest:
    """What a signature covers. `headers` has lower-case names; `query` is as it was sent."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class _Authorization:
    secret_id: str
    date: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def verify(request: SignedRequest, secret_key_of: Callable[[str], str | None], now: float) -> str:
    """Return the secret id that signed `request`; `now` is Unix time in seconds.

    Raises CloudError with an AuthFailure code when the signature can't be accepted.
    """
    authorization = _parse(request.headers.get("authorization", ""))
    if request.headers.get("x-tc-token"):
        raise CloudError(
            "AuthFailure.TokenFailure",
            "This account has no temporary credentials: send no X-TC-Token.",
        )
    if not authorization.secret_id.startswith("AKID"):
        raise CloudError("AuthFailure.InvalidSecretId", "The SecretId is not one of a TencentCloud API key.")
    secret_key = secret_key_of(authorization.secret_id)
    if secret_key is None:
        raise CloudError(
            "AuthFailure.SecretIdNotFound",
            "The SecretId is not found, please ensure that your SecretId is correct.",
        )
    timestamp = _timestamp(request, now)
    day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    if authorization.date != day:
        raise CloudError(
            "AuthFailure.SignatureFailure",
            f"The credential's date is {authorization.date}, but X-TC-Timestamp is on {day} (UTC).",
        )
    product = product_of(request.headers.get("host", ""))
    if authorization.service != product:
        raise CloudError(
            "AuthFailure.SignatureFailure",
            f"The credential is for the product {authorization.service}, but the host is {product}.",
        )
    expected = _signature(request, authorization, timestamp, secret_key)
    if not hmac.compare_digest(expected, authorization.signature):
        raise CloudError(
            "AuthFailure.SignatureFailure",
            "The provided credentials could not be validated. Please check your signature is correct.",
        )
    return authorization.secret_id


def product_of(host: str) -> str:
    """Return the product's name from an API host: `cvm` from `cvm.tencentcloudapi.com`."""
    return host.partition(":")[0].partition(".")[0]


def _parse(header: str) -> _Authorization:
    algorithm, _, rest = header.partition(" ")
    try:
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        secret_id, date, service, terminator = fields["Credential"].split("/")
        signed = tuple(fields["SignedHeaders"].split(";"))
        signature = fields["Signature"]
    except (KeyError, ValueError):
        terminator = date = ""
        secret_id = service = signature = ""
        signed = ()
    if algorithm != ALGORITHM or terminator != TERMINATOR:
        raise CloudError(
            "AuthFailure.InvalidAuthorization",
            "The Authorization header does not follow the format `TC3-HMAC-SHA256"
            " Credential=.../YYYY-MM-DD/product/tc3_request, SignedHeaders=..., Signature=...`.",
        )
    missing = REQUIRED_SIGNED_HEADERS.difference(signed)
    if missing:
        raise CloudError(
            "AuthFailure.InvalidAuthorization",
            f"These headers must be signed and are not: {', '.join(sorted(missing))}.",
        )
    return _Authorization(secret_id, date, service, signed, signature)


def _timestamp(request: SignedRequest, now: float) -> int:
    text = request.headers.get("x-tc-timestamp", "")
    if not text:
        raise CloudError("MissingParameter", "The request is missing a required parameter `Timestamp`.")
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise CloudError("InvalidParameter", "The value type of parameter `Timestamp` is not valid.")
    timestamp = int(text)
    if abs(now - timestamp) > MAXIMUM_AGE:
        raise CloudError(
            "AuthFailure.SignatureExpire",
            f"Your current time {timestamp} is too far from the server's {int(now)} (limit"
            f" {MAXIMUM_AGE} seconds). Please set this machine's clock.",
        )
    return timestamp


def _signature(request: SignedRequest, authorization: _Authorization, timestamp: int, secret_key: str) -> str:
    headers = "".join(
        f"{name}:{request.headers.get(name, '').strip().lower()}\n" for name in authorization.signed_headers
    )
    unsigned = request.headers.get("x-tc-content-sha256") == "UNSIGNED-PAYLOAD"
    payload = b"UNSIGNED-PAYLOAD" if unsigned else request.body
    canonical = "\n".join(
        (
            request.method,
            "/",
            request.query,
            headers,
            ";".join(authorization.signed_headers),
            hashlib.sha256(payload).hexdigest(),
        )
    )
    scope = f"{authorization.date}/{authorization.service}/{TERMINATOR}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join((ALGORITHM, str(timestamp), scope, digest))
    key = f"TC3{secret_key}".encode()
    for part in (authorization.date, authorization.service, TERMINATOR):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
