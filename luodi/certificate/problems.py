"""What can go wrong with an order, in one line that says where, why and what to do."""

from __future__ import annotations

from typing import Any

import acme.errors
import requests
from acme import messages
from josepy import errors as jose_errors

PASSING = frozenset({"rateLimited", "serverInternal"})
"""Problem types (RFC 8555, section 6.7) that are not the user's doing: later, or at another authority, the same
order may succeed."""


class NotAcme(acme.errors.ClientError):
    """An answer that is no ACME, with the requests.Response."""


UNDERSTOOD = (acme.errors.Error, requests.RequestException, jose_errors.Error)
"""What the acme library raises; `explained` makes an OrderError of it."""


class OrderError(Exception):
    """An order that came to nothing; the message has the authority's own words and what to do.

    `kind` is the type of the authority's problem document without its prefix (`rateLimited`, `caa`), or None where
    it was not the authority that refused. `passing` says whether the same order may succeed later or elsewhere: an
    outage or a rate limit, not a mistake in what was asked for.
    """

    def __init__(self, message: str, *, kind: str | None = None, passing: bool = False) -> None:
        super().__init__(message)
        self.kind, self.passing = kind, passing


def contents(answer: requests.Response, *needed: str) -> dict[str, Any]:
    """The JSON object that an answer holds. Raises NotAcme where it is none, or lacks a field that is needed."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict) or not set(needed) <= set(content):
        raise NotAcme(answer)
    return content


def explained(error: Exception, where: str) -> OrderError:
    """An OrderError for what the acme library or requests raised; `where` is the directory or the resource."""
    if isinstance(error, OrderError):
        return error
    if isinstance(error, messages.Error):
        return OrderError(f"{where}: the authority refuses: {told(error)}", kind=code(error), passing=is_passing(error))
    if isinstance(error, acme.errors.ClientError) and error.args and isinstance(error.args[0], requests.Response):
        answer = error.args[0]
        return OrderError(
            f"{where}: the authority answers HTTP {answer.status_code} with something that is no ACME",
            passing=answer.status_code >= 500 or answer.ok,
        )
    if isinstance(error, acme.errors.ConflictError):
        return OrderError(f"{where}: the authority refuses: it has that already at {error.location}", kind="conflict")
    passing = not isinstance(error, requests.exceptions.SSLError)
    return OrderError(f"{where}: {str(error) or type(error).__name__}", passing=passing)


def is_passing(error: messages.Error | None) -> bool:
    """Whether a problem document tells of an outage or a limit."""
    return error is not None and code(error) in PASSING


def code(error: messages.Error) -> str:
    """The type of a problem document without the prefix of ACME's; the library knows not all of them."""
    return str(error.typ).removeprefix(messages.ERROR_PREFIX)


def told(error: messages.Error) -> str:
    """A problem document (RFC 7807) in one line: type, detail, and that of each subproblem."""
    parts = [f"{code(error)}: {error.detail or error.description or 'no detail'}"]
    for inner in error.subproblems or ():
        where = f"{inner.identifier.value}: " if inner.identifier else ""
        parts.append(f"{where}{code(inner)}: {inner.detail}")
    return "; ".join(parts)
