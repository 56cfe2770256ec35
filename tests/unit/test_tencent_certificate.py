"""Tencent Cloud's own free certificates, by the API's answers."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any, cast

import pytest

from luodi.certificate import tencent
from luodi.certificate.given import GivenError
from luodi.certificate.tencent import TencentError, Timing
from tests.unit.fake_account import Answer, FakeAccount, refused
from tests.unit.given_certificates import NAMES, bought

GOOD = bought()


def account(**answers: Any) -> FakeAccount:
    def answer(said: Any) -> Answer:
        return (lambda _: said) if isinstance(said, dict) else cast("Answer", said)

    return FakeAccount(answers={name: answer(said) for name, said in answers.items()})


def archive(**files: str) -> dict[str, Any]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return {"Content": base64.b64encode(packed.getvalue()).decode(), "ContentType": "application/zip"}


@pytest.mark.parametrize(("kind", "algorithm"), [("ecdsa", ("ECC", "prime256v1")), ("rsa-2048", ("RSA", "2048"))])
def test_what_is_applied_for(kind: str, algorithm: tuple[str, str]) -> None:
    cloud = account(ApplyCertificate={"CertificateId": "abc"})
    assert tencent.apply(cloud, "example.cn", kind, alias="luodi example.cn", replaces="old") == "abc"
    [asked] = cloud.asked("ApplyCertificate")
    assert asked["DvAuthMethod"] == "DNS_AUTO"
    assert asked["DomainName"] == "example.cn"
    assert (asked["CsrEncryptAlgo"], asked["CsrKeyParameter"]) == algorithm
    assert asked["OldCertificateId"] == "old"
    assert asked["DeleteDnsAutoRecord"] is True


def test_an_account_that_has_none_left() -> None:
    cloud = account(ApplyCertificate=refused("FailedOperation.ExceedsFreeLimit", "已达上限"))
    with pytest.raises(TencentError, match=r"no free certificate left \(FailedOperation\.ExceedsFreeLimit\): 已达上限"):
        tencent.apply(cloud, "example.cn", "ecdsa", alias="x", replaces=None)


def test_it_is_waited_for_within_bounds() -> None:
    states = iter([{"Status": 0}, {"Status": 4}, {"Status": 1}])
    cloud = account(DescribeCertificate=lambda _: next(states))
    paused: list[float] = []
    tencent.wait(cloud, "abc", Timing(sleep=paused.append))
    assert len(paused) == 2
    late = account(DescribeCertificate={"Status": 4, "StatusName": "自动添加DNS记录"})
    with pytest.raises(TencentError, match=r"abc: not issued within 5 s \(自动添加DNS记录\).* run pulumi up again"):
        tencent.wait(late, "abc", Timing(seconds=5, clock=iter([0.0, 1.0, 9.0]).__next__, sleep=lambda _: None))
    failed = account(DescribeCertificate={"Status": 2, "StatusMsg": "CAA"})
    with pytest.raises(TencentError, match=r"abc: Tencent Cloud does not issue it \(CAA\)"):
        tencent.wait(failed, "abc")


def test_what_is_downloaded() -> None:
    files = {
        "Apache/1_root_bundle.crt": GOOD.root,
        "Apache/2_example.cn.crt": GOOD.leaf,
        "example.cn_nginx/example.cn_bundle.crt": GOOD.chain + GOOD.root,
        "example.cn_nginx/example.cn_bundle.pem": GOOD.chain,
        "example.cn_nginx/example.cn.key": GOOD.key,
    }
    given = tencent.download(account(DownloadCertificate=archive(**files)), "abc", NAMES)
    assert given.chain == GOOD.chain
    assert given.kind == "ecdsa"
    for answer in ({"Content": "bm8="}, archive(**{"a.txt": "x"}), {}):
        with pytest.raises(GivenError, match="what Tencent Cloud sends for abc is no archive"):
            tencent.download(account(DownloadCertificate=answer), "abc", NAMES)
    other = archive(**{**files, "example.cn_nginx/example.cn.key": bought().key})
    with pytest.raises(
        GivenError, match="the key of certificate abc is not the key of the certificate in certificate abc"
    ):
        tencent.download(account(DownloadCertificate=other), "abc", NAMES)


def test_one_that_an_interrupted_run_applied_for_is_found() -> None:
    def one(
        identifier: str, status: int, *, alias: str = "luodi example.cn", domain: str = "example.cn"
    ) -> dict[str, Any]:
        return {"CertificateId": identifier, "Alias": alias, "Domain": domain, "Status": status}

    listed = [
        one("gone", 7),
        one("other", 1, alias="another"),
        one("www", 1, domain="www.example.cn"),
        one("old", 1),
        one("new", 4),
    ]
    cloud = account(DescribeCertificates={"Certificates": listed})
    assert tencent.found(cloud, "example.cn", alias="luodi example.cn", but="old") == "new"
    assert tencent.found(cloud, "example.cn", alias="luodi example.cn", but=None) == "old"
    assert tencent.found(account(DescribeCertificates={"Certificates": []}), "example.cn", alias="x", but=None) is None


def test_giving_back_what_is_gone_is_no_error() -> None:
    tencent.delete(account(DeleteCertificate=refused("FailedOperation.CertificateNotFound")), "abc")
