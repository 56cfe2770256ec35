"""Whether a site is open, kept in the stack's state: so that a preview which would close it says so first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from luodi import dynamic
from luodi.filing.change import Standing, closes, warnings
from luodi.words import Language

_KEPT = ("names", "public", "number")


class _GateProvider(ResourceProvider):
    serialize_as_secret_always = False

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Compare with the last `up`. What closes becomes an input, so that a policy can see it too."""
        now = _standing(news)
        closing: tuple[str, ...] = ()
        if olds and "public" in olds:
            before = _standing(olds)
            closing = closes(before, now)
            for words in warnings(before, now, news["reason"]):
                dynamic.warn(words.in_(news["language"]))
        return CheckResult({**news, "closes": list(closing)}, [])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return dynamic.diff(olds, news, update=_KEPT)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["names"][0], dict(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(dict(news))


def _standing(props: Mapping[str, Any]) -> Standing:
    return Standing(tuple(props["names"]), props["public"], props.get("number"), props["stage"])


class Gate(Resource, module="luodi", name="Gate"):
    """How a site stood at the last `up`. It makes nothing: it remembers, and tells at every preview what is to close.

    Its input `closes`, which names a preview or an `up` takes away from the public, is worked out from the state.
    """

    def __init__(
        self,
        name: str,
        standing: Standing,
        *,
        reason: str,
        language: Language,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`reason`: why the site is public or not, in `language`."""
        super().__init__(
            _GateProvider(),
            name,
            {
                "names": list(standing.names),
                "public": standing.public,
                "number": standing.number,
                "stage": standing.stage,
                "reason": reason,
                "language": language,
                "closes": None,
            },
            opts,
        )
