"""Large files through a bucket of the rehearsal cloud, by the official SDK."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from luodi.api import Account
from luodi.delivery.bundle import Bundle
from luodi.delivery.store import Store, StoreError
from tests.cloud import REGION, Cloud


@pytest.fixture
def account(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Account:
    for name, value in cloud.environment().items():
        if name.startswith("TENCENTCLOUD_") or name in ("HTTP_PROXY", "NO_PROXY"):
            monkeypatch.setenv(name, value)
    return Account(cloud.account.secret_id, cloud.account.secret_key, REGION)


@pytest.fixture
def bucket(cloud: Cloud, account: Account) -> Iterator[str]:
    name = f"uploads-{secrets.token_hex(4)}-{cloud.account.app_id}"
    there = cloud.endpoints.cos.replace("//cos.", f"//cos.{REGION}.")  # a new bucket's host says where it is to be
    client = Store(account, name, {"TENCENTCLOUD_COS_DOMAIN": there})._client()
    client.create_bucket(Bucket=name)
    yield name
    client.delete_bucket(Bucket=name)


def bundle(folder: Path, size: int) -> Bundle:
    data = secrets.token_bytes(size)
    (folder / "bundle").write_bytes(data)
    return Bundle(folder / "bundle", size, hashlib.sha256(data).hexdigest())


def held(account: Account, bucket: str) -> list[dict[str, Any]]:
    return list(Store(account, bucket)._client().list_objects(Bucket=bucket).get("Contents", []))


def test_a_file_is_there_for_as_long_as_it_is_held(account: Account, bucket: str, tmp_path: Path) -> None:
    sent: list[int] = []
    whole = bundle(tmp_path, 20_000_000)
    with Store(account, bucket).holding(whole, sent.append, seconds=60) as link:
        got = requests.get(link, timeout=60)
        assert hashlib.sha256(got.content).hexdigest() == whole.sha256
        assert requests.get(link.partition("?")[0], timeout=60).status_code == 403, "private"
        assert account.secret_key not in link
    assert sent == sorted(sent)
    assert sent[-1] == whole.size
    assert held(account, bucket) == []
    assert requests.get(link, timeout=60).status_code == 404


def test_a_file_goes_away_whatever_happens_meanwhile(account: Account, bucket: str, tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        Store(account, bucket).holding(bundle(tmp_path, 10), lambda _: None, seconds=60),
    ):
        raise KeyboardInterrupt
    assert held(account, bucket) == []


def test_an_upload_that_broke_off_is_taken_up(account: Account, bucket: str, tmp_path: Path) -> None:
    whole = bundle(tmp_path, 20_000_000)
    client = Store(account, bucket)._client()
    key, part = f"{whole.sha256}.gz", 8 * 2**20
    begun = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    first = whole.path.read_bytes()[:part]
    client.upload_part(Bucket=bucket, Key=key, Body=first, PartNumber=1, UploadId=begun, EnableMD5=True)
    with Store(account, bucket).holding(whole, lambda _: None, seconds=60) as link:
        assert hashlib.sha256(requests.get(link, timeout=60).content).hexdigest() == whole.sha256
    left = client.list_multipart_uploads(Bucket=bucket)
    assert not left.get("Upload"), "another upload than the one that had begun"


def test_a_bucket_that_is_not_there_is_told(cloud: Cloud, account: Account, tmp_path: Path) -> None:
    missing = f"nowhere-{cloud.account.app_id}"
    with (
        pytest.raises(StoreError) as caught,
        Store(account, missing).holding(bundle(tmp_path, 10), lambda _: None, seconds=60),
    ):
        pytest.fail("was held")
    assert str(caught.value).startswith(f"The COS bucket {missing} does not take an upload: ")
    assert "(NoSuchBucket)" in str(caught.value)


def test_a_wrong_key_is_told_and_no_key_is(account: Account, bucket: str, tmp_path: Path) -> None:
    wrong = dataclasses.replace(account, secret_key="not the key that it was made with")
    with (
        pytest.raises(StoreError) as caught,
        Store(wrong, bucket).holding(bundle(tmp_path, 10), lambda _: None, seconds=60),
    ):
        pytest.fail("was held")
    told = str(caught.value)
    assert "SignatureDoesNotMatch" in told
    assert wrong.secret_key not in told
    assert "q-sign" not in told
    assert caught.value.__cause__ is None


def test_a_cloud_that_is_gone_is_told(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with (
        pytest.raises(StoreError, match=r"no answer, or one that broke off\. Run pulumi up again: the upload goes on"),
        Store(account, "uploads-1").holding(bundle(tmp_path, 10), lambda _: None, seconds=60),
    ):
        pytest.fail("was held")
