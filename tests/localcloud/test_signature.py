"""Who may call: TC3-HMAC-SHA256, by the official SDK and by hand."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.errors import CloudError
from localcloud.signature import SignedRequest, verify
from tests.cloud import Cloud
from tests.localcloud.refusals import refused

KEY = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
ID = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
BODY = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'


def _sign(
    *,
    secret_id: str = ID,
    secret_key: str = KEY,
    moment: int = 1551113065,
    body: bytes = BODY,
    host: str = "cvm.tencentcloudapi.com",
    signed: tuple[str, ...] = ("content-type", "host"),
    product: str = "cvm",
    day: str | None = None,
    method: str = "POST",
    query: str = "",
) -> SignedRequest:
    """A signed request, by the steps that Tencent's documentation gives."""
    headers = {"content-type": "application/json; charset=utf-8", "host": host, "x-tc-action": "DescribeInstances"}
    canonical = "".join(f"{name}:{headers[name].lower()}\n" for name in signed)
    names = ";".join(signed)
    request = f"{method}\n/\n{query}\n{canonical}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    date = day or time.strftime("%Y-%m-%d", time.gmtime(moment))
    scope = f"{date}/{product}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    headers["x-tc-timestamp"] = str(moment)
    return SignedRequest(method, query, headers, body)


def _verify(request: SignedRequest, now: float = 1551113065) -> str:
    return verify(request, {ID: KEY}.get, now)


def _refused(request: SignedRequest, now: float = 1551113065) -> str:
    with pytest.raises(CloudError) as caught:
        _verify(request, now)
    return caught.value.code


def test_the_documented_example() -> None:
    """The signature that https://cloud.tencent.com/document/api/213/30654 computes for these values."""
    old = "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    new = "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    assert _sign().headers["authorization"].endswith(f"Signature={old}")
    assert _verify(_sign()) == ID
    # Newer editions of the page show asterisks for the key, and sign the action too.
    request = _sign(secret_key="*" * 32, signed=("content-type", "host", "x-tc-action"))
    assert request.headers["authorization"].endswith(f"Signature={new}")
    assert verify(request, {ID: "*" * 32}.get, 1551113065) == ID


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_key": "another"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKIDnobody"}, "AuthFailure.SecretIdNotFound"),
        ({"secret_id": "LTAInobody"}, "AuthFailure.InvalidSecretId"),
        ({"day": "2019-02-26"}, "AuthFailure.SignatureFailure"),
        ({"product": "vpc"}, "AuthFailure.SignatureFailure"),
        ({"signed": ("content-type",)}, "AuthFailure.InvalidAuthorization"),
        ({"signed": ("host",)}, "AuthFailure.InvalidAuthorization"),
    ],
)
def test_what_is_not_signed_right(changes: dict[str, Any], code: str) -> None:
    assert _refused(_sign(**changes)) == code


@pytest.mark.parametrize(("late", "code"), [(300, None), (301, "AuthFailure.SignatureExpire")])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_request_is_good_for_five_minutes(late: int, sign: int, code: str | None) -> None:
    now = 1551113065 + sign * late
    if code is None:
        assert _verify(_sign(), now) == ID
    else:
        assert _refused(_sign(), now) == code


@given(st.binary(), st.binary())
def test_every_byte_of_the_body_is_signed(body: bytes, other: bytes) -> None:
    request = _sign(body=body)
    assert _verify(request) == ID
    if other != body:
        changed = SignedRequest(request.method, request.query, request.headers, other)
        assert _refused(changed) == "AuthFailure.SignatureFailure"


@given(st.text())
def test_no_authorization_header_makes_it_fail_otherwise(text: str) -> None:
    headers = {**_sign().headers, "authorization": text}
    code = _refused(SignedRequest("POST", "", headers, BODY))
    assert code.startswith("AuthFailure.")


def test_the_timestamp_is_needed_and_a_number() -> None:
    request = _sign()
    for text, code in (("", "MissingParameter"), ("soon", "InvalidParameter"), ("٣", "InvalidParameter")):
        headers = {**request.headers, "x-tc-timestamp": text}
        assert _refused(SignedRequest("POST", "", headers, BODY)) == code


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_sdk_is_let_in(cloud: Cloud, method: str) -> None:
    client = cloud.client("cvm", method=method)
    parameters = {"Filters": [{"Name": "zone", "Values": ["ap-guangzhou-6"]}], "Limit": 5}
    response = cloud.call("cvm", "DescribeInstances", parameters, client=client)
    assert response["InstanceSet"] == []


def test_a_get_may_not_bend_the_types(cloud: Cloud) -> None:
    client = cloud.client("cvm", method="GET")
    assert refused(cloud, "cvm", "DescribeInstances", {"Limit": "many"}, client=client) == "InvalidParameter"
    assert refused(cloud, "cvm", "DescribeInstances", {"Limitt": "1"}, client=client) == "UnknownParameter"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKIDwrong"}, "AuthFailure.SecretIdNotFound"),
    ],
)
def test_the_sdk_with_a_wrong_key(cloud: Cloud, changes: dict[str, str], code: str) -> None:
    assert refused(cloud, "cvm", "DescribeZones", client=cloud.client("cvm", **changes)) == code


def test_without_a_signature_nothing_is_told(cloud: Cloud) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.endpoints.api_port, timeout=10)
    connection.request("POST", "/", b"{}", {"Host": "cvm.tencentcloudapi.com", "X-TC-Action": "DescribeInstances"})
    response = json.load(connection.getresponse())["Response"]
    assert response["Error"]["Code"] == "AuthFailure.InvalidAuthorization"
