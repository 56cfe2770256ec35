"""The ACME account as a Pulumi resource."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from luodi import dynamic
from luodi.certificate import order
from luodi.certificate.ordering import accounts, ordering_inputs
from luodi.settings.certificate import HMAC_KEY, CertificateSettings


class _AccountProvider(dynamic.CloudProvider):
    reads = (HMAC_KEY,)

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
        account = accounts(kept, self.secret(HMAC_KEY))[0]
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
        first, *others = accounts({**props, "url": None, "directory": None}, self.secret(HMAC_KEY))
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
        settings: CertificateSettings,
        key: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`key`: a PEM key to use instead of a new one; another one later is given to the same account (key rollover).
        Creating and updating raise OrderError when the authority refuses."""
        inputs = ordering_inputs(settings)
        super().__init__(
            _AccountProvider(),
            name,
            {
                **{name: inputs[name] for name in ("authorities", "roots", "email", "bindings")},
                "key": key,
                "account_key": None,
                "url": None,
                "directory": None,
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["account_key", "key"])
            ),
        )
