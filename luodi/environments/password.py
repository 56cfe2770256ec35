"""Hashes of passwords, as nginx reads them."""

from __future__ import annotations

import secrets
import shutil
import string
import subprocess

LEAST = 12
"""Characters of a password whose hash stands in a file that a repository holds."""

_ALPHABET = "./" + string.ascii_letters + string.digits
_SECONDS = 30


class NoHash(Exception):
    """A password of which no hash can be made; the message says why and what to do."""


def locked() -> str:
    """A hash (SHA-512 crypt) whose password nobody knows: it is drawn, not made from one."""
    salt, digest = ("".join(secrets.choice(_ALPHABET) for _ in range(length)) for length in (16, 86))
    return f"$6${salt}${digest}"


def hash_of(password: str) -> str:
    """The password's hash (SHA-512 crypt), by openssl. Raises NoHash."""
    if len(password) < LEAST:
        raise NoHash(f"the password has {len(password)} characters; take {LEAST} or more, for its hash is in a file")
    if not password.isprintable():
        raise NoHash("the password has a character that nobody can type")
    program = shutil.which("openssl")
    if program is None:
        raise NoHash("there is no openssl on PATH, which makes the hash; install it (apt-get install openssl)")
    try:
        done = subprocess.run(
            [program, "passwd", "-6", "-stdin"],
            input=password + "\n",
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise NoHash(f"openssl made no hash: {type(error).__name__}") from None
    return done.stdout.strip()
