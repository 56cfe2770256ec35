"""Tencent Cloud's own free certificate (免费证书), validated by a DNS record that it makes in DNSPod itself.

Tencent Cloud makes the key; what is downloaded has it (https://cloud.tencent.com/document/product/400).
"""

from __future__ import annotations

import base64
import io
import time
import zipfile
from collections.abc import Callable, Collection
from dataclasses import dataclass

from luodi.api import Account, ApiError
from luodi.certificate.given import Given, GivenError, without_root

_FREE = "83"
"""TrustAsia C1 DV Free, the one package that costs nothing (ApplyCertificate, PackageType)."""
_PENDING, _ISSUED = {0, 4, 5, 8}, 1
"""Under review, record added, waiting for documents, review of documents (DescribeCertificate, Status)."""
_ALGORITHMS = {"ecdsa": ("ECC", "prime256v1"), "rsa-2048": ("RSA", "2048")}
_NO_MORE = {"FailedOperation.ExceedsFreeLimit", "FailedOperation.MainDomainCertificateCountLimit"}
_GONE = "FailedOperation.CertificateNotFound"


class TencentError(Exception):
    """A free certificate that was not issued; the message says why, and what to do."""


@dataclass(frozen=True)
class Timing:
    """How long to wait for an issuance, in seconds, and by which clock."""

    seconds: float = 900
    pause: float = 2.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def apply(account: Account, name: str, kind: str, *, alias: str, replaces: str | None) -> str:
    """Apply for a certificate of one name (A-labels) and a kind of key; its id.

    `replaces` is the id of the one that it renews. Raises TencentError when the account has none left, or ApiError.
    """
    algorithm, parameter = _ALGORITHMS[kind]
    request = {
        "DvAuthMethod": "DNS_AUTO",
        "DomainName": name,
        "PackageType": _FREE,
        "ValidityPeriod": "3",
        "CsrEncryptAlgo": algorithm,
        "CsrKeyParameter": parameter,
        "Alias": alias,
        "DeleteDnsAutoRecord": True,
        **({"OldCertificateId": replaces} if replaces else {}),
    }
    try:
        return str(account.call("ssl", "ApplyCertificate", request)["CertificateId"])
    except ApiError as error:
        if error.code in _NO_MORE:
            raise TencentError(
                f"{name}: the account has no free certificate left ({error.code}): {error.message} Delete unused ones "
                "(https://console.cloud.tencent.com/ssl), or set luodi:certificate.source to acme"
            ) from None
        raise


def found(account: Account, name: str, *, alias: str, but: str | None) -> str | None:
    """The id of a certificate of that name and alias that is there, issued or under way, `but` for one."""
    listed = account.call("ssl", "DescribeCertificates", {"SearchKey": alias, "Limit": 100}).get("Certificates") or []
    ours = [one for one in listed if (one["Alias"], one["Domain"]) == (alias, name) and one["CertificateId"] != but]
    return next((str(one["CertificateId"]) for one in ours if one["Status"] in {*_PENDING, _ISSUED}), None)


def wait(account: Account, certificate: str, timing: Timing | None = None) -> None:
    """Return once it is issued. Raises TencentError or ApiError."""
    timing = timing or Timing()
    end = timing.clock() + timing.seconds
    while (status := (shown := _described(account, certificate))["Status"]) != _ISSUED:
        if status not in _PENDING:
            why = shown.get("StatusMsg") or shown.get("StatusName") or f"status {status}"
            raise TencentError(f"{certificate}: Tencent Cloud does not issue it ({why}); see {_console(certificate)}")
        if timing.clock() > end:
            raise TencentError(
                f"{certificate}: not issued within {timing.seconds:.0f} s ({shown.get('StatusName')}); see "
                f"{_console(certificate)}, then run pulumi up again, which goes on waiting for it"
            )
        timing.sleep(timing.pause)


def download(account: Account, certificate: str, names: Collection[str]) -> Given:
    """Chain and key. Raises ApiError, or GivenError when what comes is not that."""
    answer = account.call("ssl", "DownloadCertificate", {"CertificateId": certificate})
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(answer["Content"]))) as archive:
            chain, key = (_member(archive, *ends) for ends in ((".crt", ".pem"), (".key",)))
    except (ValueError, KeyError, zipfile.BadZipFile):
        raise GivenError(f"what Tencent Cloud sends for {certificate} is no archive with a certificate") from None
    return Given.judged(
        without_root(chain), key, names, f"certificate {certificate}", f"the key of certificate {certificate}"
    )


def delete(account: Account, certificate: str) -> None:
    """Give one back; one that is gone is no error. Raises ApiError."""
    try:
        account.call("ssl", "DeleteCertificate", {"CertificateId": certificate})
    except ApiError as error:
        if error.code != _GONE:
            raise


def _described(account: Account, certificate: str) -> dict[str, object]:
    return account.call("ssl", "DescribeCertificate", {"CertificateId": certificate})


def _member(archive: zipfile.ZipFile, *ends: str) -> str:
    """A file of the archive's folder for nginx, where it has one, else of its root."""
    found = [name for name in archive.namelist() if name.lower().endswith(ends)]
    best = min(
        found, key=lambda name: ("nginx" not in name.lower(), "root" in name.lower(), not name.endswith(ends[0]))
    )
    return archive.read(best).decode("utf-8")


def _console(certificate: str) -> str:
    return f"https://console.cloud.tencent.com/certoview/detail/{certificate}"
