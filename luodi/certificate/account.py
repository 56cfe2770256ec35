"""The ACME account as a Pulumi resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, Resource, UpdateResult

from luodi import dynamic
from luodi.certificate import order
from luodi.certificate.ordering import SECRETS, accounts


class _AccountProvider(dynamic.CloudProvider):
    _secrets: Mapping[str, Any] = MappingProxyType({})

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the stack's secrets too."""
        super().configure(req)
        self._secrets = {name: req.config.get(f"luodi:{name}") for name in SECRETS}

    def create(self, props: dict[str, Any]) -> CreateResult:
        outs = self._registered({**props, "account_key": props.get("key") or order.new_account_key()})
        return CreateResult(outs["url"] or "not registered yet", outs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        rolled = bool(news.get("key")) and news["key"] != olds.get("account_key")
        other = olds.get("authorities", ())[:1] != news["authorities"][:1]
        replaces = ["authorities"] if other else dynamic.changed(olds, news, ("email",))
        return DiffResult(changes=rolled or bool(replaces), replaces=replaces)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """The account stays, with another key; where the authority doesn't know it any more, another is made."""
        kept = {**news, **{name: olds.get(name) for name in ("account_key", "url", "directory")}}
        account = accounts(kept, self._secrets)[0]
        if account.url is None:
            return UpdateResult(self._registered({**news, "account_key": news["key"]}))
        try:
            rolled = order.roll_over(account, news["key"])
        except order.OrderError as error:
            if error.passing:
                raise
            return UpdateResult(self._registered({**news, "account_key": news["key"]}))
        return UpdateResult({**kept, "account_key": rolled.key})

    def _registered(self, props: dict[str, Any]) -> dict[str, Any]:
        """With the account's URL at the first authority; without it where that is out of order and there are others."""
        first, *others = accounts({**props, "url": None, "directory": None}, self._secrets)
        outs = {**props, "directory": first.authority.directory}
        try:
            return {**outs, "url": order.register(first)}
        except order.OrderError as error:
            if others and error.passing:
                return {**outs, "url": None}
            raise


class AcmeAccount(Resource, module="luodi", name="AcmeAccount"):
    """An account at an ACME authority. Its key is a Pulumi secret: encrypted in state, shown nowhere.

    `url` is the account's at `directory`; None when the authority was out of order and there were others to order from.
    """

    account_key: pulumi.Output[str]
    url: pulumi.Output[str | None]
    directory: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        authorities: Sequence[str],
        email: str | None = None,
        bindings: Mapping[str, str] | None = None,
        key: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`authorities` and `bindings` as in `ordering.accounts`. `key`: a PEM key to use instead of a new one; another
        one later is given to the same account (key rollover). Creating and updating raise OrderError when the
        authority refuses."""
        super().__init__(
            _AccountProvider(),
            name,
            {
                "authorities": list(authorities),
                "email": email,
                "bindings": dict(bindings or {}),
                "key": key,
                "account_key": None,
                "url": None,
                "directory": None,
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["account_key", "key"])
            ),
        )
