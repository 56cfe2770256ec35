"""Who asks: COS's own signature, in a header or in a link, or AWS's version 4.

Sources: https://cloud.tencent.com/document/product/436/7778 (请求签名),
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NoReturn
from urllib.parse import quote

from localcloud.services.cos.request import Call, CosError

MAXIMUM_SKEW = 900
"""Seconds by which the clock of AWS's client may differ from the cloud's."""
_AWS = "AWS4-HMAC-SHA256"
_COS = "q-sign-algorithm"
_COS_FIELDS = ("q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature")
_PERIOD = re.compile(r"(\d{1,12});(\d{1,12})")
_UNSIGNED = "UNSIGNED-PAYLOAD"

SecretKeyOf = Callable[[str], str | None]


@dataclass(frozen=True)
class Signer:
    """Who signed: the account, or nobody. `payload` is the SHA-256 that the body then must have, where it is signed."""

    account: bool
    payload: str | None = None


def verify(call: Call, secret_key_of: SecretKeyOf, now: float) -> Signer:
    """Return who signed a request; `now` is Unix time in seconds. Raises CosError for a signature that is none."""
    if call.headers.get("x-cos-security-token"):
        _deny("AccessDenied", "This account has no temporary credentials: send no x-cos-security-token.")
    header = call.headers.get("authorization", "")
    if header.startswith(_AWS):
        return Signer(account=True, payload=_verify_aws(call, header, secret_key_of, now))
    if header:
        fields = dict(_pair(part) for part in header.split("&"))
    elif call.has(_COS):
        fields = dict(call.query)
    else:
        return Signer(account=False)
    _verify_cos(call, fields, secret_key_of, now)
    return Signer(account=True)


def _verify_cos(call: Call, fields: Mapping[str, str], secret_key_of: SecretKeyOf, now: float) -> None:
    missing = [name for name in (_COS, *_COS_FIELDS) if name not in fields]
    if missing or fields[_COS] != "sha1":
        _deny("AccessDenied", f"The signature is not of the form {_COS}=sha1&{'=...&'.join(_COS_FIELDS)}=...")
    secret_key = _secret_key(fields["q-ak"], secret_key_of)
    for name in ("q-sign-time", "q-key-time"):
        period = _PERIOD.fullmatch(fields[name])
        if period is None:
            _deny("AccessDenied", f"{name} is not of the form <seconds>;<seconds>.")
        if now < int(period[1]):
            _deny("AccessDenied", "Request is not yet valid")
        if now > int(period[2]):
            _deny("AccessDenied", "Request has expired")
    headers = [(_encode(name).lower(), _encode(value)) for name, value in call.headers.items()]
    parameters = [(_encode(name).lower(), _encode(value)) for name, value in call.query]
    sign_key = hmac.new(secret_key.encode(), fields["q-key-time"].encode(), hashlib.sha1).hexdigest()
    # The Python SDK signs the host without its port, the Go SDK with it.
    for host in (call.host, call.host.partition(":")[0]):
        signed = [(name, _encode(host) if name == "host" else value) for name, value in headers]
        canonical = (
            f"{call.method.lower()}\n{call.path}\n"
            f"{_listed(parameters, fields['q-url-param-list'])}\n{_listed(signed, fields['q-header-list'])}\n"
        )
        digest = hashlib.sha1(canonical.encode()).hexdigest()  # noqa: S324 - the signature's own algorithm
        to_sign = f"sha1\n{fields['q-sign-time']}\n{digest}\n"
        expected = hmac.new(sign_key.encode(), to_sign.encode(), hashlib.sha1).hexdigest()
        if hmac.compare_digest(expected, fields["q-signature"]):
            return
    _mismatch()


def _listed(pairs: list[tuple[str, str]], names: str) -> str:
    """Return the pairs that a signature says that it covers, as it covers them."""
    wanted = {name.lower() for name in names.split(";")}
    return "&".join(f"{name}={value}" for name, value in sorted(pairs) if name in wanted)


def _verify_aws(call: Call, header: str, secret_key_of: SecretKeyOf, now: float) -> str | None:
    fields = dict(_pair(part.strip()) for part in header.removeprefix(_AWS).split(","))
    try:
        secret_id, date, region, service, terminator = fields["Credential"].split("/")
        names, signature = fields["SignedHeaders"].split(";"), fields["Signature"]
        moment = call.headers["x-amz-date"]
        asked = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except (KeyError, ValueError):
        _deny("AccessDenied", "The Authorization header is malformed.")
    secret_key = _secret_key(secret_id, secret_key_of)
    if abs(now - asked) > MAXIMUM_SKEW:
        _deny("RequestTimeTooSkewed", "The difference between the request time and the server's time is too large.")
    if date != moment[:8] or terminator != "aws4_request" or "host" not in names:
        _mismatch()
    payload = call.headers.get("x-amz-content-sha256", _UNSIGNED)
    canonical = "\n".join(
        (
            call.method,
            quote(call.path, "/-_.~"),
            "&".join(f"{name}={value}" for name, value in sorted((_encode(n), _encode(v)) for n, v in call.query)),
            *(f"{name}:{' '.join(call.headers.get(name, '').split())}" for name in names),
            "",
            ";".join(names),
            payload,
        )
    )
    scope = f"{date}/{region}/{service}/{terminator}"
    to_sign = "\n".join((_AWS, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, terminator):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest(), signature):
        _mismatch()
    return None if payload == _UNSIGNED else payload


def aws_region(call: Call) -> str | None:
    """Return the region that AWS's client signed for, or None: a bucket is made in it."""
    match = re.match(rf"{_AWS} Credential=[^/]+/\d+/([a-z0-9-]+)/", call.headers.get("authorization", ""))
    return match[1] if match else None


def _secret_key(secret_id: str, secret_key_of: SecretKeyOf) -> str:
    secret_key = secret_key_of(secret_id)
    if secret_key is None:
        _deny("InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.")
    return secret_key


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _encode(text: str) -> str:
    return quote(text, "-_.~")


def _deny(code: str, message: str) -> NoReturn:
    raise CosError(HTTPStatus.FORBIDDEN, code, message)


def _mismatch() -> NoReturn:
    _deny(
        "SignatureDoesNotMatch",
        "The Signature you specified is invalid: check the key, what is signed, and the Host header.",
    )
