"""Errors that are a user's business, as one line instead of a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import pulumi

from luodi.api import ApiError, NoCredentials
from luodi.apps.declared import SecretMissing
from luodi.certificate.given import GivenError
from luodi.delivery.build import BuildError
from luodi.delivery.content import ContentError
from luodi.preflight import PreflightError
from luodi.rendering import RenderingError

P = ParamSpec("P")
T = TypeVar("T")

_USERS_BUSINESS = (
    ApiError,
    BuildError,
    ContentError,
    GivenError,
    LookupError,
    NoCredentials,
    PreflightError,
    RenderingError,
    SecretMissing,
)


def clearly(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call, and end the program with one line for what a user can mend."""
    try:
        return call(*args, **kwargs)
    except _USERS_BUSINESS as error:
        raise pulumi.RunError(str(error)) from None
