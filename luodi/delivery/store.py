"""Large files on their way to a server: left in a private COS bucket (对象存储), fetched by a link that expires.

By Tencent Cloud's official SDK. Where the bucket is, is told as to the provider: by ``TENCENTCLOUD_COS_DOMAIN``, an
address such as ``http://cos.myqcloud.com``; unset, ``https://cos.<region>.myqcloud.com``.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from luodi.api import Account
from luodi.delivery.bundle import Bundle

_PART_MB = 8
_THREADS = 4
_SECONDS = 60


class StoreError(Exception):
    """A bucket that does not take what should go through it; the message has COS's own code, and no link."""


class Store:
    """A bucket, through its SDK."""

    def __init__(self, account: Account, bucket: str, environ: Mapping[str, str] = os.environ) -> None:
        """`bucket` is ``<name>-<appid>``, in the account's region."""
        self._account, self._bucket, self._environ = account, bucket, environ

    @contextlib.contextmanager
    def holding(self, bundle: Bundle, tell: Callable[[int], None], *, seconds: int) -> Iterator[str]:
        """Keep a file there for as long as this lasts; gives a link to it that works for so many seconds.

        An upload that breaks off is taken up where it was by the next of the same file. `tell` hears how many bytes are
        there. Raises StoreError.
        """
        client, key = self._client(), f"{bundle.sha256}.gz"
        with _clearly(self._bucket, "take an upload"):
            client.upload_file(
                Bucket=self._bucket,
                Key=key,
                LocalFilePath=str(bundle.path),
                PartSize=_PART_MB,
                MAXThread=_THREADS,
                EnableMD5=True,
                progress_callback=lambda sent, _whole: tell(sent),
            )
            link = client.get_presigned_url(Bucket=self._bucket, Key=key, Method="GET", Expired=seconds)
        try:
            yield str(link)
        finally:
            # Else the bucket's own rule takes it away a day later.
            with contextlib.suppress(StoreError), _clearly(self._bucket, "delete an upload"):
                client.delete_object(Bucket=self._bucket, Key=key)

    def _client(self) -> Any:
        from qcloud_cos import CosConfig, CosS3Client

        # Its log has addresses with signatures in them; what went wrong is in the errors.
        logging.getLogger("qcloud_cos").setLevel(logging.CRITICAL + 1)
        where = urlsplit(self._environ.get("TENCENTCLOUD_COS_DOMAIN") or "")
        config = CosConfig(
            Region=self._account.region,
            SecretId=self._account.secret_id,
            SecretKey=self._account.secret_key,
            Token=self._account.token,
            Scheme=where.scheme or "https",
            Endpoint=where.netloc or f"cos.{self._account.region}.myqcloud.com",
            Timeout=_SECONDS,
        )
        return CosS3Client(config)


@contextlib.contextmanager
def _clearly(bucket: str, what: str) -> Iterator[None]:
    from qcloud_cos import CosClientError, CosServiceError

    try:
        yield
    except CosServiceError as error:
        raise StoreError(
            f"The COS bucket {bucket} does not {what}: {error.get_error_msg()} ({error.get_error_code()}). Is COS "
            "(对象存储) opened for this account, and may the key's user use it (CAM 访问管理)? `pulumi refresh` sees "
            "whether the bucket is still there."
        ) from None
    except CosClientError:
        raise StoreError(
            f"The COS bucket {bucket} does not {what}: no answer, or one that broke off. Run pulumi up again: the "
            "upload goes on where it ended."
        ) from None
