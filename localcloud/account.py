"""The one account of the rehearsal cloud: its numbers and its API key."""

from __future__ import annotations

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, repr=False)
class Account:
    """An account with one API key, as Tencent makes them: AKID and 32 characters, 32 characters."""

    secret_id: str
    secret_key: str
    uin: str
    app_id: str

    @classmethod
    def of(cls, path: Path) -> Account:
        """Read the account kept at `path`; the first time make one, readable by its owner only."""
        if path.exists():
            return cls(**json.loads(path.read_text("utf-8")))
        account = cls(
            secret_id="AKID" + _random(32),
            secret_key=_random(32),
            uin="1" + "".join(secrets.choice(string.digits) for _ in range(11)),
            app_id="13" + "".join(secrets.choice(string.digits) for _ in range(8)),
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(account), file)
        return account

    def secret_key_of(self, secret_id: str) -> str | None:
        """Return the secret key of `secret_id`, or None where there is no such key."""
        return self.secret_key if secret_id == self.secret_id else None

    def __repr__(self) -> str:
        return f"Account(secret_id={self.secret_id!r}, uin={self.uin!r})"


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
