"""The ACME account and the certificate as Pulumi resources: thin wraps of `luodi.certificate.order`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from luodi import dynamic
from luodi.certificate import order
from luodi.certificate.dnspod import ChallengeRecords
from luodi.certificate.lifetime import Certificate as Leaf
from luodi.settings import Surroundings


def _authority(props: dict[str, Any]) -> order.Authority:
    """The stack's authority, or the one of the rehearsal that the environment names."""
    around = Surroundings.from_environment()
    if around.acme_directory:
        return order.Authority(around.acme_directory, around.acme_ca)
    return order.Authority(props["directory"])


class _AccountProvider(dynamic.CloudProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        key = props.get("key") or order.new_account_key()
        url = order.register(order.Account(_authority(props), key, props.get("email")))
        return CreateResult(url, {**props, "account_key": key})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return dynamic.diff(olds, news, replace=("directory", "email", "key"))


class AcmeAccount(Resource, module="luodi", name="AcmeAccount"):
    """An account at an ACME authority. Its key is a Pulumi secret: encrypted in state, shown nowhere."""

    account_key: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        directory: str,
        email: str | None = None,
        key: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`key`: a PEM key to use instead of a new one. Creating raises OrderError when the authority refuses."""
        super().__init__(
            _AccountProvider(),
            name,
            {"directory": directory, "email": email, "key": key, "account_key": None},
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["account_key", "key"])
            ),
        )


class _CertificateProvider(dynamic.CloudProvider):
    _INPUTS = ("csr", "directory", "zone", "names")

    def create(self, props: dict[str, Any]) -> CreateResult:
        outs = self._obtain(props)
        return CreateResult(outs["serial"], outs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        # Asked at every `up`, also with equal inputs: this is where a renewal becomes due.
        chain = olds.get("chain")
        due = bool(chain) and Leaf.of(str(chain)).due(datetime.now(UTC))
        return dynamic.diff(olds, news, update=self._INPUTS, also=due)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._obtain(news))

    def _obtain(self, props: dict[str, Any]) -> dict[str, Any]:
        records = ChallengeRecords(
            self.account(props["region"]),
            props["zone"],
            seconds=props["propagation_timeout"],
            via=Surroundings.from_environment().dns,
        )
        account = order.Account(_authority(props), props["account_key"], props.get("email"))
        chain = order.obtain(account, props["csr"], records, replaces=props.get("chain"))
        leaf = Leaf.of(chain)
        return {
            **props,
            "chain": chain,
            "issuer": leaf.issuer,
            "serial": leaf.serial,
            "not_before": leaf.not_before.isoformat(),
            "not_after": leaf.not_after.isoformat(),
            "renewal": leaf.renewal.isoformat(),
        }


class Certificate(Resource, module="luodi", name="Certificate"):
    """A certificate for the CSR of a server, issued again when the names or the key change, and when two thirds
    of its life are over (at the next `up`)."""

    chain: pulumi.Output[str]
    issuer: pulumi.Output[str]
    serial: pulumi.Output[str]
    not_before: pulumi.Output[str]
    not_after: pulumi.Output[str]
    renewal: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        account: AcmeAccount,
        directory: str,
        email: str | None,
        csr: pulumi.Input[str],
        names: tuple[str, ...],
        zone: pulumi.Input[str],
        region: str,
        propagation_timeout: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`csr` is PEM, for `names`; `zone` the DNSPod zone that holds them all; the time-out in seconds.

        Creating and updating raise OrderError, NotPropagated or ApiError; the TXT records are gone afterwards.
        """
        super().__init__(
            _CertificateProvider(),
            name,
            {
                "directory": directory,
                "email": email,
                "account_key": account.account_key,
                "csr": csr,
                "names": list(names),
                "zone": zone,
                "region": region,
                "propagation_timeout": propagation_timeout,
                **dict.fromkeys(("chain", "issuer", "serial", "not_before", "not_after", "renewal")),
            },
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["account_key"])),
        )
