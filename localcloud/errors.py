"""The two ways in which the rehearsal cloud says no."""

from __future__ import annotations


class CloudError(Exception):
    """An API call is refused.

    `code` is one of Tencent's own error codes (the `errorcodes` module of the product's official
    SDK, or the common codes of https://cloud.tencent.com/document/api/213/30435).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"[{code}] {message}")
        self.code = code
        self.message = message


class LocalcloudError(Exception):
    """A command can't be carried out; the text says what, why, and what to do next."""
