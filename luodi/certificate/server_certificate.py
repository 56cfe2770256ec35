"""A site's certificates on its server, as a Pulumi resource: ordered, installed and renewed apart from releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from luodi import dynamic
from luodi.certificate import ari, order, tencent
from luodi.certificate.account import AcmeAccount
from luodi.certificate.given import NOTICE, Given, GivenError
from luodi.certificate.installation import (
    Installation,
    Installed,
    KeyMissing,
    Origin,
    PendingJournal,
    family,
    generation,
)
from luodi.certificate.lifetime import Certificate as Leaf
from luodi.certificate.lifetime import Renewal
from luodi.certificate.ordering import accounts, ordering_inputs, records, warn_of
from luodi.delivery.scripts import Scripts
from luodi.delivery.server import ServerProvider
from luodi.settings import CertificateSettings, Surroundings
from luodi.settings.certificate import CERTIFICATE_KEY, HMAC_KEY, SECRETS
from luodi.words import Words

_BOUGHT = Words("在别处购买：请在此之前换成新证书的文件", "bought elsewhere: put the next into its files by then")
_ARI_SECONDS = 3.0
"""How long an authority may take to say when it wants a renewal: it is asked at every `up`."""
_INTERRUPTED = timedelta(days=1)
"""A certificate that the state knows nothing of is an interrupted run's when it is younger than this."""
_COUNTED = 10
"""How many issuances are remembered, for the authorities' limits of duplicates."""


class _CertificateProvider(ServerProvider):
    reads = SECRETS

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['instance']}/{props['site']}", self._made({}, props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        # Asked at every `up`, also with equal inputs: this is where a renewal becomes due.
        return dynamic.diff(
            olds,
            news,
            replace=("instance", "site"),
            also=self._asks_for_another(olds, news) or _drifted(olds),
        )

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        if _drifted(olds) and not self._asks_for_another(olds, news):
            installation = self._installation(news)
            try:
                installation.install(olds["chains"], Origin(olds["authority"], olds.get("profile")))
            except KeyMissing:
                pass
            else:
                return UpdateResult({**news, **_kept(olds), "held": olds["generation"]})
        outs = self._made(olds, news)
        if olds.get("order") not in (None, outs.get("order")):
            tencent.delete(self.account(news["region"]), olds["order"])
        return UpdateResult(outs)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What is really installed; when it is not what was, the next `up` installs it again or has another made."""
        said = self.look(props, "Looking at the certificate", self._scripts(props).certificate(props["site"]))
        found = Installed.of(said or "").fingerprints
        held = props["generation"] if props["fingerprints"].items() <= found.items() else ""
        return ReadResult(id_, {**props, "held": held})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Keys of a site that is no more don't stay on the server; a free certificate is given back."""
        if props.get("order"):
            tencent.delete(self.account(props["region"]), props["order"])
        self.look(props, "Removing the certificate", self._scripts(props).remove_certificate(props["site"]))

    def _asks_for_another(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Whether what is declared is another certificate, or the old one is to be renewed."""
        if news["site"] in Surroundings.from_environment().renew:
            return True
        if not olds.get("chains") or dynamic.changed(olds, news, ("source", "names", "kinds", "profile", "given")):
            return True
        if news["source"] == "files":
            return False
        if list(olds["authorities"])[:1] != list(news["authorities"])[:1]:
            return True
        now = datetime.now(UTC)
        windows = self._windows(olds, now)
        return any(Leaf.of(chain).plan(windows.get(kind)).due(now) for kind, chain in olds["chains"].items())

    def _windows(self, props: Mapping[str, Any], now: datetime) -> dict[str, ari.Window]:
        """When the authority wants its certificates renewed: as it said before, until it wants to be asked again."""
        if props["source"] != "acme":
            return {}
        windows = {kind: ari.Window.from_dict(kept) for kind, kept in (props.get("windows") or {}).items()}
        authority = next(
            (
                one.authority
                for one in accounts(props, self.secret(HMAC_KEY))
                if one.authority.directory == props["authority"]
            ),
            None,
        )
        for kind, chain in props["chains"].items():
            known = windows.get(kind)
            if authority and (known is None or known.ask_again <= now):
                asked = ari.ask(authority, chain, now=now, seconds=_ARI_SECONDS)
                windows |= {kind: asked} if asked else {}
        return windows

    def _made(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Certificates that are had, and installed."""
        installation = self._installation(news)
        if news["source"] != "acme":
            return self._brought(installation, olds, news)
        chains, origin = self._left_by_an_interrupted_run(installation, olds, news) or (None, None)
        issued = _issued(olds, news)
        if chains is None or origin is None:
            chains, origin, issued = self._ordered(installation, olds, news, issued)
        # Also what is there already: whoever was interrupted may not have come to reload nginx.
        installation.install(chains, origin)
        outs = {**news, "chains": chains, "authority": origin.authority, "profile": origin.profile}
        return {**outs, "issued": issued[-_COUNTED:], **self._told(outs)}

    def _brought(self, installation: Installation, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """A certificate whose key was made elsewhere, installed."""
        order_id = None
        if news["source"] == "files":
            given = self._read(news)
        else:
            order_id, given = self._from_tencent(olds, news)
        installation.receive(given.kind, given.key)
        chains, origin = {given.kind: given.chain}, Origin("")
        installation.install(chains, origin)
        outs = {**news, "chains": chains, "authority": "", "order": order_id, "issued": []}
        return {**outs, **self._told(outs)}

    def _read(self, news: Mapping[str, Any]) -> Given:
        files = news["given"]
        key = Path(files["key"]) if files.get("key") else None
        given = Given.read(Path(files["chain"]), key, news["names"], self.secret(CERTIFICATE_KEY))
        if given.fingerprint != files["fingerprint"]:
            raise GivenError(f"{files['chain']} changed since the preview; run pulumi up again")
        return given

    def _from_tencent(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> tuple[str, Given]:
        """Its id there, and the certificate: one that an interrupted run applied for, else another."""
        account, [name], [kind] = self.account(news["region"]), news["names"], news["kinds"]
        alias, last = f"luodi {name}", olds.get("order")
        if known := tencent.found(account, name, alias=alias, but=last):
            tencent.wait(account, known)
            given = tencent.download(account, known, news["names"])
            if given.kind == family(kind) and not Leaf.of(given.chain).due(datetime.now(UTC)):
                return known, given
        applied = tencent.apply(account, name, kind, alias=alias, replaces=last)
        _tell(f"{name}: applied for a free certificate ({applied}); waiting until it is issued")
        tencent.wait(account, applied)
        return applied, tencent.download(account, applied, news["names"])

    def _ordered(
        self,
        installation: Installation,
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        issued: list[str],
    ) -> tuple[dict[str, str], Origin, list[str]]:
        """The chains, whose they are, and what has been issued by then."""
        requests = installation.requests(news["kinds"], news["names"], pin=news["pin"])
        turn, challenges = accounts(news, self.secret(HMAC_KEY)), records(self.account(news["region"]), news, _tell)
        chains = {}
        for kind, request in requests.items():
            obtained = order.obtain_from(
                turn,
                request.csr,
                challenges,
                names=news["names"],
                replaces=_predecessor(olds, family(kind), news["names"]),
                issued=[order.Issuance.from_text(text, news["names"]) for text in issued],
                journal=PendingJournal(installation, kind, request),
                tell=_tell,
            )
            chains[family(kind)] = obtained.chain
            latest = order.Issuance(tuple(news["names"]), datetime.now(UTC), obtained.account.authority.directory)
            issued = [*issued, latest.to_text()]
            warn_of(obtained)
            turn = [obtained.account, *(one for one in turn if one is not obtained.account)]
        return chains, Origin(turn[0].authority.directory, news.get("profile")), issued

    def _left_by_an_interrupted_run(
        self, installation: Installation, olds: Mapping[str, Any], news: Mapping[str, Any]
    ) -> tuple[dict[str, str], Origin] | None:
        """What is installed already, where it is what is wanted and the state doesn't know it."""
        found = installation.installed()
        kinds = {family(kind) for kind in news["kinds"]}
        if found.origin is None or not kinds <= set(found.chains):
            return None
        chains = {kind: chain for kind, chain in found.chains.items() if kind in kinds}
        leaves, now = [Leaf.of(chain) for chain in chains.values()], datetime.now(UTC)
        fits = (
            {kind: found.fingerprints[kind] for kind in kinds} != olds.get("fingerprints")
            and all(set(leaf.names) == set(news["names"]) for leaf in leaves)
            and all(leaf.not_before > now - _INTERRUPTED and not leaf.due(now) for leaf in leaves)
            and found.origin.profile == news.get("profile")
            and found.origin.authority in {one.authority.directory for one in accounts(news, self.secret(HMAC_KEY))}
        )
        return (chains, found.origin) if fits else None

    def _told(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """What the certificates say of themselves; of several, the one that is renewed first."""
        leaves = {kind: Leaf.of(chain) for kind, chain in props["chains"].items()}
        windows = self._windows({**props, "windows": None}, datetime.now(UTC))
        plans = {kind: _plan(props, leaf, windows.get(kind)) for kind, leaf in leaves.items()}
        first = min(plans, key=lambda kind: plans[kind].at)
        leaf = leaves[first]
        return {
            "fingerprints": {kind: leaf.fingerprint for kind, leaf in leaves.items()},
            "windows": {kind: window.to_dict() for kind, window in windows.items()},
            "issuer": leaf.issuer,
            "serial": leaf.serial,
            "not_before": leaf.not_before.isoformat(),
            "not_after": leaf.not_after.isoformat(),
            "renewal": plans[first].at.isoformat(),
            "renewal_reason": plans[first].why.en,
            "generation": generation(props["chains"]),
            "held": generation(props["chains"]),
        }

    def _installation(self, props: Mapping[str, Any]) -> Installation:
        shell = self.shell(props)
        shell.wait()
        return Installation(shell, self._scripts(props), props["site"])

    def _scripts(self, props: Mapping[str, Any]) -> Scripts:
        return Scripts(Path(props["templates"]))


_OUTPUTS = (
    *("chains", "authority", "order", "issuer", "serial", "fingerprints", "not_before", "not_after", "renewal"),
    *("renewal_reason", "windows", "issued", "generation", "held"),
)


class Certificate(Resource, module="luodi", name="Certificate"):
    """A site's certificates on its server.

    The keys are made there, new ones for each certificate unless they are pinned, and never leave it. Another is
    ordered when the names, the kinds of key, the first authority or the profile change, and when it is to be renewed
    (at the next `up`): in the window that its authority suggests (ARI, RFC 9773), else by its own life. Whatever fails,
    the last one keeps being served.

    `fingerprints` are SHA-256 in hex, by ``ecdsa`` and ``rsa``; times are ISO 8601; `authority` is the directory that
    issued them.
    """

    source: pulumi.Output[str]
    chains: pulumi.Output[Mapping[str, str]]
    authority: pulumi.Output[str]
    issuer: pulumi.Output[str]
    serial: pulumi.Output[str]
    fingerprints: pulumi.Output[Mapping[str, str]]
    not_before: pulumi.Output[str]
    not_after: pulumi.Output[str]
    renewal: pulumi.Output[str]
    renewal_reason: pulumi.Output[str]

    def outputs(self) -> dict[str, pulumi.Input[Any]]:
        """What a stack exports of it: of the certificates, what is said of the one that is renewed first, and the
        SHA-256 fingerprint in hex of each, beside the kind of its key."""
        return {
            "issuer": self.issuer,
            "source": self.source,
            "authority": self.authority,
            "serial": self.serial,
            "notBefore": self.not_before,
            "notAfter": self.not_after,
            "renewal": self.renewal,
            "renewalReason": self.renewal_reason,
            "keyTypes": self.fingerprints.apply(lambda prints: sorted(prints or ())),
            "fingerprints": self.fingerprints.apply(lambda prints: [prints[kind] for kind in sorted(prints or ())]),
        }

    def __init__(
        self,
        name: str,
        *,
        instance: pulumi.Input[str],
        region: str,
        site: str,
        names: tuple[str, ...],
        settings: CertificateSettings,
        given: Given | None = None,
        account: AcmeAccount | None = None,
        zone: pulumi.Input[str],
        templates: str = "templates",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`site` is what its folder on the server is called; `zone` the DNSPod zone that holds all names. `given` is
        what the files of the settings hold, where they are the source; `account` is for ordering from an authority.
        `templates` is a folder of the project; what it lacks is luodi's own.

        Creating and updating raise OrderError, NotPropagated, TencentError, GivenError, Silent, CommandFailed or
        ApiError; the TXT records are gone afterwards.
        """
        files = settings.files if given else None
        super().__init__(
            _CertificateProvider(),
            name,
            {
                "instance": instance,
                "region": region,
                "site": site,
                "names": list(names),
                "source": settings.source,
                "kinds": [given.kind] if given else list(settings.kinds),
                "pin": settings.pin_key,
                "given": {"chain": files.chain, "key": files.key, "fingerprint": given.fingerprint}
                if given and files
                else None,
                "account_key": account.account_key if account else None,
                "url": account.url if account else None,
                "directory": account.directory if account else None,
                **ordering_inputs(settings),
                "zone": zone,
                "templates": templates,
                **dict.fromkeys(_OUTPUTS),
            },
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["account_key"])),
        )


def _drifted(olds: Mapping[str, Any]) -> bool:
    return olds.get("held") != olds.get("generation")


def _plan(props: Mapping[str, Any], leaf: Leaf, window: ari.Window | None) -> Renewal:
    if props["source"] != "files":
        return leaf.plan(window)
    return Renewal(leaf.not_after - min(NOTICE, leaf.life / 3), _BOUGHT)


def _kept(olds: Mapping[str, Any]) -> dict[str, Any]:
    return {name: olds.get(name) for name in _OUTPUTS}


def _predecessor(olds: Mapping[str, Any], kind: str, names: Sequence[str]) -> str | None:
    """The chain that is renewed; an authority takes none without a name in common (RFC 9773, section 5)."""
    chain = (olds.get("chains") or {}).get(kind)
    return chain if chain and set(Leaf.of(chain).names) & set(names) else None


def _issued(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """When certificates of the very same names were issued, and by whom."""
    return list(olds.get("issued") or ()) if olds.get("names") == news["names"] else []


def _tell(text: str) -> None:
    """To the engine, which shows what a provider prints."""
    print(text, flush=True)
