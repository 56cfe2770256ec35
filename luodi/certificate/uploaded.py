"""A certificate for a load balancer or CDN, whose key can't stay on a server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from luodi import dynamic
from luodi.certificate import ari, order
from luodi.certificate.account import AcmeAccount
from luodi.certificate.lifetime import Certificate as Leaf
from luodi.certificate.ordering import accounts, ordering_inputs, records, warn_of
from luodi.cloud import ssl
from luodi.settings.certificate import HMAC_KEY, CertificateSettings

_ARI_SECONDS = 3.0


class _KeyedCertificateProvider(dynamic.CloudProvider):
    reads = (HMAC_KEY,)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(" ".join(props["names"]), self._made({}, props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return dynamic.diff(olds, news, update=("names", "kind", "profile"), also=self._is_due(olds, news))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._made(olds, news))

    def _is_due(self, olds: dict[str, Any], news: dict[str, Any]) -> bool:
        if not olds.get("chain") or list(olds["authorities"])[:1] != list(news["authorities"])[:1]:
            return True
        now, leaf = datetime.now(UTC), Leaf.of(olds["chain"])
        found = [one.authority for one in accounts(olds, self.secret(HMAC_KEY))]
        authority = next((one for one in found if one.directory == olds["authority"]), None)
        window = ari.ask(authority, olds["chain"], now=now, seconds=_ARI_SECONDS) if authority else None
        return leaf.plan(window).due(now)

    def _made(self, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        key = _new_key(news["kind"])
        last = olds.get("chain")
        obtained = order.obtain_from(
            accounts(news, self.secret(HMAC_KEY)),
            _signing_request(key, news["names"]),
            records(self.account(news["region"]), news, _tell),
            names=news["names"],
            replaces=last if last and set(Leaf.of(last).names) & set(news["names"]) else None,
            tell=_tell,
        )
        warn_of(obtained)
        leaf = Leaf.of(obtained.chain)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            **news,
            "chain": obtained.chain,
            "private_key": pem.decode(),
            "authority": obtained.account.authority.directory,
            "fingerprint": leaf.fingerprint,
            "not_after": leaf.not_after.isoformat(),
        }


class KeyedCertificate(Resource, module="luodi", name="KeyedCertificate"):
    """A certificate with a key of its own, a new one at each renewal: a Pulumi secret, encrypted in state."""

    chain: pulumi.Output[str]
    private_key: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    not_after: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        names: tuple[str, ...],
        settings: CertificateSettings,
        account: AcmeAccount,
        zone: pulumi.Input[str],
        region: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Creating and updating raise OrderError, NotPropagated or ApiError; the TXT records are gone afterwards."""
        outputs = ("chain", "private_key", "authority", "fingerprint", "not_after")
        super().__init__(
            _KeyedCertificateProvider(),
            name,
            {
                "names": list(names),
                "kind": settings.kinds[0],
                "account_key": account.account_key,
                "url": account.url,
                "directory": account.directory,
                **ordering_inputs(settings),
                "zone": zone,
                "region": region,
                **dict.fromkeys(outputs),
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["account_key", "private_key"])
            ),
        )


class UploadedCertificate(pulumi.ComponentResource):
    """A certificate in SSL 证书, ordered and renewed like a server's; `certificate_id` is what a CLB listener or a CDN
    domain refers to. At a renewal another is uploaded, and the old one is deleted after all that refers to it was led
    over."""

    certificate_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        names: tuple[str, ...],
        settings: CertificateSettings,
        account: AcmeAccount,
        zone: pulumi.Input[str],
        region: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`names` in A-labels, all in the DNSPod zone `zone`."""
        super().__init__("luodi:certificate:UploadedCertificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.certificate = KeyedCertificate(
            f"{name}-certificate",
            names=names,
            settings=settings,
            account=account,
            zone=zone,
            region=region,
            opts=child,
        )
        self.certificate_id = ssl.upload(
            f"{name}-upload",
            chain=self.certificate.chain,
            key=self.certificate.private_key,
            alias=f"luodi {names[0]}"[:200],
            opts=child,
        )
        self.register_outputs({"certificateId": self.certificate_id})


def _new_key(kind: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if kind == "ecdsa":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa-")))


def _signing_request(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, names: list[str]) -> str:
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _tell(text: str) -> None:
    """To the engine, which shows what a provider prints."""
    print(text, flush=True)
