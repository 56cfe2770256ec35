"""What luodi's dynamic resources share."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import grpc
from pulumi.dynamic import ConfigureRequest, DiffResult, ResourceProvider
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from luodi.api import Account


class CloudProvider(ResourceProvider):
    """A dynamic provider that calls Tencent Cloud with the credentials of the stack or the environment.

    They are read when the provider starts, and so are in no resource's inputs, and in no state.
    """

    # A class that is found by its name holds no secret; encrypting it anew at each run would be a diff.
    serialize_as_secret_always = False

    reads: tuple[str, ...] = ()
    """The stack's secrets under ``luodi:`` that it reads itself, so that they too are in no state."""

    _config: Mapping[str, Any] | None = None

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the stack's configuration; the account is looked for when first needed."""
        keys = [f"tencentcloud:{name}" for name in ("secretId", "secretKey", "securityToken")]
        self._config = {key: req.config.get(key) for key in (*keys, *(f"luodi:{name}" for name in self.reads))}

    def secret(self, name: str) -> str | None:
        """One of the secrets that it reads; None where the stack has none."""
        return (self._config or {}).get(f"luodi:{name}")

    def account(self, region: str) -> Account:
        """The account, in a region. Raises NoCredentials."""
        return replace(Account.find(self._config or {}), region=region)


def warn(message: str) -> None:
    """Tell the user, from a provider: a warning of the engine's, which tells every provider where it listens.

    `pulumi.log` is for programs; a provider of Python's is connected to no engine. Outside one it goes to stderr.
    """
    if len(sys.argv) < 2 or not re.fullmatch(r"[\w.:\[\]-]+:\d+", sys.argv[1]):
        print(f"warning: {message}", file=sys.stderr)
        return
    with grpc.insecure_channel(sys.argv[1]) as channel:
        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message)
        engine_pb2_grpc.EngineStub(channel).Log(request, timeout=10)


def changed(olds: Mapping[str, Any], news: Mapping[str, Any], keys: tuple[str, ...]) -> list[str]:
    """Which of these inputs differ."""
    return [key for key in keys if olds.get(key) != news.get(key)]


def diff(
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    *,
    update: tuple[str, ...] = (),
    replace: tuple[str, ...] = (),
    also: bool = False,
) -> DiffResult:
    """A DiffResult: which inputs update in place, which replace; `also` asks for an update regardless."""
    replaces = changed(olds, news, replace)
    return DiffResult(changes=also or bool(replaces) or bool(changed(olds, news, update)), replaces=replaces)
