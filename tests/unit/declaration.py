"""What a Pulumi program declares, as the engine would be asked for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import Mocks, rpc, set_all_config, set_mocks
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs

PROJECT, STACK = "shop-project", "production"

_LOOP = asyncio.new_event_loop()  # one for all programs: Pulumi keeps its root resource
# Of a failed program's outputs one is awaited; asyncio would tell of all the others.
_LOOP.set_exception_handler(lambda *_: None)


@dataclass(frozen=True)
class Declared:
    """One resource: what it is, whose child, its inputs as the provider names them, and how it is kept.

    `secret` has the inputs that are encrypted in state; `after` the names of what it waits for; `imported` the id of
    what is there already, and is taken over; `retained` is whether that stays when the resource goes.
    """

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    secret: frozenset[str]
    secret_outputs: frozenset[str]
    after: frozenset[str]
    protect: bool
    ignored: tuple[str, ...]
    delete_first: bool
    imported: str
    retained: bool
    custom: bool


@dataclass
class Declaration:
    """Everything that a program declared, in order, and what it gave back."""

    resources: list[Declared] = field(default_factory=list)
    outputs: Any = None

    def all(self, type_: str) -> list[Declared]:
        """Every resource whose type ends like that."""
        return [one for one in self.resources if one.type.endswith(type_)]

    def one(self, type_: str) -> Declared:
        """The only resource whose type ends like that."""
        [found] = self.all(type_)
        return found

    def named(self, name: str) -> Declared:
        """The only custom resource of that name."""
        [found] = [one for one in self.resources if one.name == name and one.custom]
        return found

    @property
    def tree(self) -> list[str]:
        """``parent > type name`` of each, sorted."""
        return sorted(f"{one.parent} > {one.type} {one.name}" for one in self.resources)


class _World(Mocks):
    """Gives each resource an id and the outputs that it is told."""

    def __init__(self, outputs: Mapping[str, dict[str, Any]], answers: Mapping[str, dict[str, Any]]) -> None:
        self._outputs, self._answers, self._numbers = outputs, answers, itertools.count(1)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        made = next((outputs for kind, outputs in self._outputs.items() if args.typ.endswith(kind)), {})
        return f"{args.name}-id", {**args.inputs, **made}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return self._answers[args.token], []


class _Monitor(MockMonitor):
    """Writes down what the engine would be asked for."""

    def __init__(self, mocks: Mocks, resources: list[Declared]) -> None:
        super().__init__(mocks)
        self._declared = resources

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (gRPC's name)
        if request.type != "pulumi:pulumi:Stack":
            given = rpc.deserialize_properties(request.object, keep_unknowns=True)
            self._declared.append(
                Declared(
                    type=request.type,
                    name=request.name,
                    parent=request.parent.rpartition("::")[2],
                    inputs={name: rpc.unwrap_rpc_secret(value) for name, value in given.items()},
                    secret=frozenset(name for name, value in given.items() if rpc.is_rpc_secret(value)),
                    secret_outputs=frozenset(request.additionalSecretOutputs),
                    after=frozenset(urn.rpartition("::")[2] for urn in request.dependencies),
                    protect=request.protect,
                    ignored=tuple(request.ignoreChanges),
                    delete_first=request.deleteBeforeReplace,
                    imported=request.importId,
                    retained=request.retainOnDelete,
                    custom=request.custom,
                )
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def declare(
    program: Callable[[], Any],
    *,
    outputs: Mapping[str, dict[str, Any]],
    answers: Mapping[str, dict[str, Any]],
    config: Mapping[str, str] | None = None,
    secret: tuple[str, ...] = (),
) -> Declaration:
    """Run a program, and give what it declared.

    `outputs`: by the end of a type, what a cloud would add to such a resource. `answers`: by token, what a function
    of a provider answers. `config`: the stack's, of which the keys in `secret` are secrets.
    """
    asyncio.set_event_loop(_LOOP)
    told = Declaration()
    mocks = _World(outputs, answers)
    set_mocks(mocks, project=PROJECT, stack=STACK, preview=False, monitor=_Monitor(mocks, told.resources))
    set_all_config(dict(config or {}), list(secret))

    def keep(given: Any) -> None:
        told.outputs = given

    pulumi.runtime.test(lambda: pulumi.Output.from_input(program()).apply(keep))()  # type: ignore[no-untyped-call]
    return told
