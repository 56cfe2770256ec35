"""Object storage, by its official SDK."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client

from tests.cloud import REGION, Cloud
from tests.localcloud.orders import lighthouse


def _client(cloud: Cloud, *, secret_key: str | None = None, endpoint: str | None = None, **more: Any) -> CosS3Client:
    config = CosConfig(
        Region=REGION,
        SecretId=cloud.account.secret_id,
        SecretKey=secret_key or cloud.account.secret_key,
        Scheme="http",
        Endpoint=endpoint or f"cos.{REGION}.myqcloud.com:{cloud.endpoints.api_port}",
        Proxies={"http": cloud.endpoints.api},
        **more,
    )
    return CosS3Client(config, retry=0)


@pytest.fixture(scope="module")
def client(cloud: Cloud) -> CosS3Client:
    return _client(cloud)


@pytest.fixture
def bucket(cloud: Cloud, client: CosS3Client) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}-{cloud.account.app_id}"
    client.create_bucket(Bucket=name)
    yield name
    for one in client.list_objects(Bucket=name).get("Contents", []):
        client.delete_object(Bucket=name, Key=one["Key"])
    client.delete_bucket(Bucket=name)


def test_an_object_from_beginning_to_end(client: CosS3Client, bucket: str) -> None:
    put = client.put_object(Bucket=bucket, Key="网/a b+c.txt", Body=b"hello", ContentType="text/plain", EnableMD5=True)
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    head = client.head_object(Bucket=bucket, Key="网/a b+c.txt")
    assert (head["Content-Length"], head["Content-Type"]) == ("5", "text/plain")
    got = client.get_object(Bucket=bucket, Key="网/a b+c.txt")
    assert got["Body"].get_raw_stream().read() == b"hello"
    part = client.get_object(Bucket=bucket, Key="网/a b+c.txt", Range="bytes=1-3")
    assert part["Body"].get_raw_stream().read() == b"ell"
    listed = client.list_objects(Bucket=bucket)
    assert [one["Key"] for one in listed["Contents"]] == ["网/a b+c.txt"]
    client.delete_object(Bucket=bucket, Key="网/a b+c.txt")
    assert not client.object_exists(Bucket=bucket, Key="网/a b+c.txt")


def test_links_work_until_they_expire_and_for_what_they_were_signed(
    cloud: Cloud, client: CosS3Client, bucket: str
) -> None:
    put = client.get_presigned_url(Bucket=bucket, Key="a.bin", Method="PUT", Expired=60)
    assert _send(cloud, "PUT", put, data=b"content").status_code == 200
    link = client.get_presigned_url(Bucket=bucket, Key="a.bin", Method="GET", Expired=60)
    assert _send(cloud, "GET", link).content == b"content"
    assert "AccessDenied" in _refused(cloud, "GET", link.partition("?")[0])
    assert "SignatureDoesNotMatch" in _refused(cloud, "PUT", link, data=b"x")
    assert "SignatureDoesNotMatch" in _refused(cloud, "GET", link.replace("a.bin", "b.bin"))
    past = client.get_presigned_url(Bucket=bucket, Key="a.bin", Method="GET", Expired=-1)
    assert "Request has expired" in _refused(cloud, "GET", past)
    longer = past.replace(_period(past), _period(link))
    assert "SignatureDoesNotMatch" in _refused(cloud, "GET", longer)
    stranger = _client(cloud, secret_key="k" * 32)
    assert "SignatureDoesNotMatch" in _refused(
        cloud, "GET", stranger.get_presigned_url(Bucket=bucket, Key="a.bin", Method="GET")
    )


def _send(cloud: Cloud, method: str, url: str, **more: Any) -> requests.Response:
    return requests.request(method, url, proxies={"http": cloud.endpoints.api}, timeout=10, **more)


def _refused(cloud: Cloud, method: str, url: str, **more: Any) -> str:
    response = _send(cloud, method, url, **more)
    assert response.status_code == 403
    return response.text


def _period(link: str) -> str:
    return link.partition("q-sign-time=")[2].partition("&")[0]


def test_a_server_fetches_a_link_and_nothing_without_one(cloud: Cloud, client: CosS3Client, bucket: str) -> None:
    content = secrets.token_bytes(3_000_000)
    client.put_object(Bucket=bucket, Key="release.tar", Body=content)
    link = client.get_presigned_url(Bucket=bucket, Key="release.tar", Method="GET", Expired=60)
    past = client.get_presigned_url(Bucket=bucket, Key="release.tar", Method="GET", Expired=-1)
    with lighthouse(cloud) as instance:
        fetch = f"curl -sS --fail -o /tmp/a '{link}' && sha256sum /tmp/a"
        assert cloud.run(instance, fetch).split()[0] == hashlib.sha256(content).hexdigest()
        status = "curl -sS -o /dev/null -w '%{http_code}' "
        for refused in (past, link.partition("?")[0]):
            assert cloud.run(instance, f"{status} '{refused}'") == "403"
        elsewhere = "curl -sS http://www.example.com/ 2>&1; echo $?"
        assert cloud.run(instance, elsewhere).split()[-1] == "6"  # curl: couldn't resolve
        # Its own server still has every address at 80, and a reboot loses nothing.
        cloud.call("lighthouse", "RebootInstances", {"InstanceIds": [instance]})
        cloud.settle()
        cloud.run(instance, "python3 -c 'import socket; socket.create_server((\"\", 80))'")
        assert cloud.run(instance, fetch).split()[0] == hashlib.sha256(content).hexdigest()
