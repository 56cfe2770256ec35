"""An account whose calls are answered by a function and written down, instead of by a cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from luodi.api import Account, ApiError

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def refused(code: str, message: str = "no") -> Answer:
    """An answer that is an error."""

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise ApiError("the action", code, message)

    return refuse


@dataclass(frozen=True)
class FakeAccount(Account):
    """Answers each action by name; what it has no answer for is an error of the test."""

    secret_id: str = "AKIDtest"
    secret_key: str = field(default="not told", repr=False)
    region: str = "ap-guangzhou"
    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def call(self, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((f"{service} {action}", dict(parameters)))
        return self.answers[action](dict(parameters))

    def asked(self, action: str) -> list[dict[str, Any]]:
        """The parameters of every call of an action."""
        return [parameters for name, parameters in self.calls if name.split(" ")[1] == action]
