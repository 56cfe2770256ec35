"""Object storage, by its official SDK."""

from __future__ import annotations

import hashlib
import secrets
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from localcloud import daemon
from localcloud.formats import BEIJING
from localcloud.services.cos.lifecycle import expires
from tests.cloud import REGION, Cloud, running_cloud
from tests.localcloud.orders import lighthouse


def _client(
    cloud: Cloud,
    *,
    secret_id: str | None = None,
    secret_key: str | None = None,
    endpoint: str | None = None,
    **more: Any,
) -> CosS3Client:
    config = CosConfig(
        Region=REGION,
        SecretId=secret_id or cloud.account.secret_id,
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


_KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=_KEYS.filter(lambda key: key[0] != "/" and "//" not in key and "/." not in f"/{key}"))
def test_any_key_is_signed_and_found(cloud: Cloud, client: CosS3Client, bucket: str, key: str) -> None:
    client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert _keys(client.list_objects(Bucket=bucket)) == [key]
    link = client.get_presigned_url(Bucket=bucket, Key=key, Method="GET", Params={"response-content-type": key})
    assert _send(cloud, "GET", link).content == key.encode()
    client.delete_object(Bucket=bucket, Key=key)


def test_lists_by_prefix_delimiter_and_page(client: CosS3Client, bucket: str) -> None:
    keys = ["a/1", "a/2", "a/b/3", "b/1", "网", "z"]
    for key in reversed(keys):
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert _keys(client.list_objects(Bucket=bucket)) == sorted(keys, key=str.encode)
    below = client.list_objects(Bucket=bucket, Prefix="a/", Delimiter="/")
    assert (_keys(below), [one["Prefix"] for one in below["CommonPrefixes"]]) == (["a/1", "a/2"], ["a/b/"])
    found, marker = [], ""
    while True:
        page = client.list_objects(Bucket=bucket, MaxKeys=2, Marker=marker)
        found += _keys(page)
        if page["IsTruncated"] == "false":
            break
        marker = page["NextMarker"]
    assert found == sorted(keys, key=str.encode)
    deleted = client.delete_objects(Bucket=bucket, Delete={"Object": [{"Key": key} for key in keys], "Quiet": "false"})
    assert {one["Key"] for one in deleted["Deleted"]} == set(keys)
    assert _keys(client.list_objects(Bucket=bucket)) == []


def test_uploads_in_parts(client: CosS3Client, bucket: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(secrets.token_bytes(5_500_000))
    client.upload_file(Bucket=bucket, Key="large", LocalFilePath=str(source), PartSize=1, MAXThread=4)
    head = client.head_object(Bucket=bucket, Key="large")
    assert head["Content-Length"] == "5500000"
    assert head["ETag"].endswith('-6"')
    client.download_file(Bucket=bucket, Key="large", DestFilePath=str(target), PartSize=1)
    assert target.read_bytes() == source.read_bytes()
    across = client.get_object(Bucket=bucket, Key="large", Range="bytes=1000000-2200000")
    assert across["Body"].get_raw_stream().read() == source.read_bytes()[1000000:2200001]
    upload = client.create_multipart_upload(Bucket=bucket, Key="never")["UploadId"]
    client.upload_part(Bucket=bucket, Key="never", Body=b"x", PartNumber=1, UploadId=upload)
    parts = client.list_parts(Bucket=bucket, Key="never", UploadId=upload)
    assert [one["Size"] for one in parts["Part"]] == ["1"]
    with pytest.raises(CosServiceError, match="InvalidPart"):
        client.complete_multipart_upload(
            Bucket=bucket, Key="never", UploadId=upload, MultipartUpload={"Part": [{"PartNumber": 1, "ETag": "no"}]}
        )
    client.abort_multipart_upload(Bucket=bucket, Key="never", UploadId=upload)
    assert "Upload" not in client.list_multipart_uploads(Bucket=bucket)
    assert not client.object_exists(Bucket=bucket, Key="never")


def test_several_hundred_megabytes_go_through_and_never_stay_in_memory(
    cloud: Cloud, client: CosS3Client, bucket: str, tmp_path: Path
) -> None:
    size = 400 * 1024 * 1024
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(size)
    before = _memory(cloud)
    with source.open("rb") as body:
        client.put_object(Bucket=bucket, Key="huge", Body=body)
    got = _send(cloud, "GET", client.get_presigned_url(Bucket=bucket, Key="huge", Method="GET"), stream=True)
    assert sum(len(piece) for piece in got.iter_content(1 << 20)) == size
    assert _memory(cloud) - before < 100 * 1024 * 1024


def test_what_arrives_otherwise_than_promised_is_not_kept(cloud: Cloud, client: CosS3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="a", Body=b"first")
    with pytest.raises(CosServiceError, match="BadDigest"):
        client.put_object(Bucket=bucket, Key="a", Body=b"second", ContentMD5="X" * 22 + "==")
    assert client.get_object(Bucket=bucket, Key="a")["Body"].get_raw_stream().read() == b"first"
    files = len(list((cloud.home / "cos").iterdir()))
    link = client.get_presigned_url(Bucket=bucket, Key="b", Method="PUT")
    target = f"PUT {link} HTTP/1.1\r\nHost: {urlsplit(link).netloc}\r\nContent-Length: 100\r\n\r\nhalf"
    with socket.create_connection(("127.0.0.1", cloud.endpoints.api_port)) as connection:
        connection.sendall(target.encode())
        cloud.until(lambda: len(list((cloud.home / "cos").iterdir())) == files + 1)
    cloud.until(lambda: len(list((cloud.home / "cos").iterdir())) == files)
    assert not client.object_exists(Bucket=bucket, Key="b")


def test_copies_headers_conditions_and_tags(client: CosS3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="a", Body=b"a", CacheControl="no-cache", Metadata={"x-cos-meta-commit": "abc"})
    source = {"Bucket": bucket, "Key": "a", "Region": REGION}
    client.copy_object(Bucket=bucket, Key="b", CopySource=source)
    client.delete_object(Bucket=bucket, Key="a")
    copied = client.get_object(Bucket=bucket, Key="b", ResponseContentDisposition="attachment")
    assert copied["Body"].get_raw_stream().read() == b"a"
    assert (copied["Cache-Control"], copied["x-cos-meta-commit"]) == ("no-cache", "abc")
    assert copied["Content-Disposition"] == "attachment"
    with pytest.raises(CosServiceError, match="PreconditionFailed"):
        client.get_object(Bucket=bucket, Key="b", IfMatch='"other"')
    with pytest.raises(CosServiceError, match="InvalidRange"):
        client.get_object(Bucket=bucket, Key="b", Range="bytes=5-6")
    client.put_object_tagging(Bucket=bucket, Key="b", Tagging={"TagSet": {"Tag": [{"Key": "k", "Value": "v"}]}})
    assert client.get_object_tagging(Bucket=bucket, Key="b")["TagSet"]["Tag"] == [{"Key": "k", "Value": "v"}]


def test_what_is_private_and_what_everybody_may_read(cloud: Cloud, client: CosS3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="a", Body=b"a")
    address = client.get_object_url(Bucket=bucket, Key="a")
    assert _send(cloud, "GET", address).status_code == 403
    client.put_object_acl(Bucket=bucket, Key="a", ACL="public-read")
    assert _send(cloud, "GET", address).content == b"a"
    assert _send(cloud, "DELETE", address).status_code == 403
    client.put_object_acl(Bucket=bucket, Key="a", ACL="default")
    assert _send(cloud, "GET", address).status_code == 403
    client.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert _send(cloud, "GET", address).content == b"a"
    grants = client.get_bucket_acl(Bucket=bucket)["AccessControlList"]["Grant"]
    assert [one["Permission"] for one in grants] == ["FULL_CONTROL", "READ"]


def test_objects_end_by_their_lifecycle(client: CosS3Client, bucket: str) -> None:
    def rule(prefix: str, date: str) -> dict[str, Any]:
        return {"ID": prefix, "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Date": date}}

    for key in ("old/a", "new/a", "kept"):
        client.put_object(Bucket=bucket, Key=key, Body=b"a")
    rules = [rule("old/", "2020-01-01T00:00:00+08:00"), rule("new/", "2999-01-01T00:00:00+08:00")]
    client.put_bucket_lifecycle(Bucket=bucket, LifecycleConfiguration={"Rule": rules})
    assert _keys(client.list_objects(Bucket=bucket)) == ["kept", "new/a"]
    assert "2998" in client.head_object(Bucket=bucket, Key="new/a")["x-cos-expiration"]
    assert "x-cos-expiration" not in client.head_object(Bucket=bucket, Key="kept")
    client.delete_bucket_lifecycle(Bucket=bucket)
    with pytest.raises(CosServiceError, match="NoSuchLifecycleConfiguration"):
        client.get_bucket_lifecycle(Bucket=bucket)


@given(
    days=st.integers(1, 3650), modified=st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year < 9000)
)
def test_days_of_a_lifecycle_are_whole_ones_and_end_at_midnight(days: int, modified: datetime) -> None:
    rules = [{"Status": "Enabled", "Expiration": {"Days": str(days)}}]
    end = expires(rules, "any", modified)
    assert end is not None
    assert timedelta(0) <= end - (modified + timedelta(days=days)) < timedelta(days=1)
    assert end.astimezone(BEIJING).time() == time(0)
    assert expires([{**rules[0], "Status": "Disabled"}], "any", modified) is None
    assert expires([{**rules[0], "Filter": {"Prefix": "other/"}}], "any", modified) is None


def test_buckets_that_cant_be(cloud: Cloud, client: CosS3Client, bucket: str) -> None:
    for name, code in (
        (bucket, "BucketAlreadyOwnedByYou"),
        ("x" * 50 + f"-{cloud.account.app_id}", "InvalidBucketName"),
        ("others-1250000000", "AccessDenied"),
    ):
        with pytest.raises(CosServiceError, match=code):
            client.create_bucket(Bucket=name)
    client.put_object(Bucket=bucket, Key="a", Body=b"a")
    with pytest.raises(CosServiceError, match="BucketNotEmpty"):
        client.delete_bucket(Bucket=bucket)
    elsewhere = _client(cloud, endpoint=f"cos.ap-beijing.myqcloud.com:{cloud.endpoints.api_port}")
    assert not elsewhere.bucket_exists(Bucket=bucket)
    anywhere = _client(cloud, endpoint=urlsplit(cloud.environment()["TENCENTCLOUD_COS_DOMAIN"]).netloc)
    assert anywhere.bucket_exists(Bucket=bucket)
    assert bucket in {one["Name"] for one in anywhere.list_buckets()["Buckets"]["Bucket"]}
    with pytest.raises(CosServiceError, match="InvalidLocationConstraint"):
        anywhere.create_bucket(Bucket=f"nowhere-{cloud.account.app_id}")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"secret_id": "AKIDnobody"}, "InvalidAccessKeyId"),
        ({"secret_key": "k" * 32}, "SignatureDoesNotMatch"),
        ({"Token": "temporary"}, "AccessDenied"),
        ({"Anonymous": True}, "AccessDenied"),
    ],
)
def test_requests_that_nobody_signed(cloud: Cloud, bucket: str, change: dict[str, Any], code: str) -> None:
    with pytest.raises(CosServiceError, match=code):
        _client(cloud, **change).list_objects(Bucket=bucket)


def test_what_cos_has_and_the_rehearsal_has_not_is_refused(client: CosS3Client, bucket: str) -> None:
    with pytest.raises(CosServiceError, match="NotImplemented"):
        client.put_bucket_versioning(Bucket=bucket, Status="Enabled")
    with pytest.raises(CosServiceError, match="NotImplemented"):
        client.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    with pytest.raises(CosServiceError, match="MethodNotAllowed"):
        client.get_bucket_inventory(Bucket=bucket, Id="1")
    with pytest.raises(CosServiceError, match="MalformedXML"):
        client.put_bucket_lifecycle(Bucket=bucket, LifecycleConfiguration={"Rule": [{"Status": "Enabled"}]})


def test_the_audit_log_names_the_object_and_no_signature(cloud: Cloud, client: CosS3Client, bucket: str) -> None:
    before = cloud.calls()
    link = client.get_presigned_url(Bucket=bucket, Key="secret.txt", Method="GET")
    assert _send(cloud, "GET", link).status_code == 404
    (line,) = list(cloud.audit())[before:]
    assert (line["service"], line["action"], line["error"]) == ("cos", "GET Object", "NoSuchKey")
    assert line["request"] == {"Bucket": bucket, "Key": "secret.txt"}
    assert link.rpartition("q-signature=")[2] not in (cloud.home / "api.log").read_text("utf-8")


def test_a_restart_loses_nothing_and_a_reset_all(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "home") as cloud:
        name = f"kept-{cloud.account.app_id}"
        _client(cloud).create_bucket(Bucket=name)
        _client(cloud).put_object(Bucket=name, Key="a", Body=b"a")
        (cloud.home / "cos" / "left-over").write_bytes(b"of an upload that was cut off")
        cloud.stop()
        cloud.start()
        assert _client(cloud).get_object(Bucket=name, Key="a")["Body"].get_raw_stream().read() == b"a"
        assert len(list((cloud.home / "cos").iterdir())) == 1
        daemon.reset(cloud.home)
        assert not cloud.home.exists()


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


def _keys(listed: dict[str, Any]) -> list[str]:
    return [one["Key"] for one in listed.get("Contents", [])]


def _memory(cloud: Cloud) -> int:
    """The most memory that the cloud has had so far, in bytes."""
    status = Path(f"/proc/{cloud.endpoints.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
