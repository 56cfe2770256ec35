"""The certificate: who issues it, for which key, where it goes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from luodi import authorities
from luodi.authorities import Authority
from luodi.problems import Problem
from luodi.section import Section, Text
from luodi.settings.values import Addresses, Email

HMAC_KEY = "eab-hmac-key"
"""The secret that goes with `eab-key-id`."""
CERTIFICATE_KEY = "certificate-key"
"""The secret that may stand for the file of the key."""
SECRETS = (HMAC_KEY, CERTIFICATE_KEY)
"""The stack's secrets that a provider reads itself, so that they are in no state, not even encrypted."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "ecdsa": ("ecdsa",),
    "rsa-2048": ("rsa-2048",),
    "rsa-4096": ("rsa-4096",),
    "both": ("ecdsa", "rsa-2048"),
}
"""The kinds of key that each `key-type` stands for."""

_FOR_TRIES = {"staging", "stage", "dev", "development", "test", "testing", "preview", "qa", "uat"}
_PATH = "luodi:certificate"


def _authorities(given: Any) -> Any:
    """One, or a list of them; each an id or a directory's address."""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError("must be an authority, or a list of them")
    for name in names:
        try:
            authority = authorities.find(name)
        except ValueError as error:
            raise ValueError(str(error) if name in authorities.ended() else f"{name} {error}") from None
        if not authority.directory.startswith("https://"):
            raise ValueError(f"{name} is no ACME directory's address; it begins with https://")
    return tuple(names)


def _key_ids(given: Any) -> Any:
    """One, whosever it is, by the empty name; or one for each authority."""
    return {"": given} if isinstance(given, str) else given


Authorities = Annotated[tuple[str, ...], BeforeValidator(_authorities)]
KeyIds = Annotated[dict[str, Text], BeforeValidator(_key_ids)]


class CertificateFiles(Section):
    """A certificate that was bought elsewhere, as PEM files relative to the project."""

    chain: Text = Field(description="The certificate, then what certifies it, without the root.")
    key: Text | None = Field(
        None,
        description="Its private key, without a passphrase; keep it out of git. Without this file the secret "
        "`luodi:certificate-key` has it.",
    )


class CertificateSettings(Section):
    """Who issues the certificates of the stack's sites, and for which keys."""

    source: Literal["acme", "files", "tencent"] = Field(
        "acme",
        description="acme: ordered from an authority; files: bought elsewhere; tencent: Tencent Cloud's own free one "
        "(免费证书), for one name, where the account has some left.",
    )
    authority: Authorities | None = Field(
        None,
        description="An ACME authority: letsencrypt, zerossl, google, litessl, letsencrypt-staging, google-staging, or "
        "the https address of a directory. Of a list, the next one issues when the ones before are out of order. By "
        "default letsencrypt; letsencrypt-staging, which no browser trusts, for a stack called staging, dev or test.",
    )
    roots: Text | None = Field(
        None, description="A PEM file of the roots that a directory of one's own, and its certificates, chain to."
    )
    email: Email | None = Field(None, description="Whom the authority may write to.")
    eab_key_id: KeyIds | None = Field(
        None,
        description="The key id of an external account binding (EAB), of several authorities one for each: "
        "{zerossl: ..., google: ...}. Its HMAC key is the secret `luodi:eab-hmac-key`.",
    )
    profile: Text | None = Field(
        None, description="One of the authority's profiles, such as Let's Encrypt's classic, tlsserver or shortlived."
    )
    key_type: Literal["ecdsa", "rsa-2048", "rsa-4096", "both"] = Field(
        "ecdsa", description="The keys: ECDSA P-256, RSA, or both at once (ECDSA and RSA 2048), for very old clients."
    )
    pin_key: bool = Field(False, description="Keep the key at renewals, for clients that pin it.")
    dns_resolver: Addresses | None = Field(
        None,
        strict=False,
        description="Asked for the zone's name servers, and what else an order has to look up, instead of the system's "
        "resolver. Of a list, the next is asked where the one before is silent or out of order.",
    )
    propagation_timeout: int = Field(180, ge=1, le=3600, description="Seconds to wait until every name server answers.")
    files: CertificateFiles | None = Field(None, description="With `source: files`.")
    upload: bool = Field(
        False,
        description="Also upload a certificate of the site's names, with a key of its own, to SSL 证书, for a load "
        "balancer or CDN; its id is exported.",
    )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of key."""
        return KINDS[self.key_type]

    def authorities(self, stack: str) -> tuple[str, ...]:
        """Whom to order from, in turn, for a stack of that name."""
        return self.authority or (("letsencrypt-staging",) if self.is_for_tries(stack) else ("letsencrypt",))

    def is_for_tries(self, stack: str) -> bool:
        """Whether that stack gets a certificate that no browser trusts, since its name says what it is for."""
        return self.source == "acme" and self.authority is None and bool(_FOR_TRIES & set(re.split(r"[-_.]", stack)))

    @property
    def bindings(self) -> dict[str, str]:
        """Each authority's key id (EAB)."""
        named = self.authorities("")
        wanting = [name for name in named if authorities.find(name).binding_required]
        return {name or (wanting or list(named))[0]: key_id for name, key_id in (self.eab_key_id or {}).items()}

    def problems(self, sites: Mapping[str, Collection[str]], secrets: Collection[str]) -> Iterator[Problem]:
        """What no single key can see. `sites` are the names of each site by the path of its section, `secrets` those
        that the stack has."""
        if self.source == "files":
            yield from self._of_files(secrets)
        elif self.files is not None:
            yield Problem(f"{_PATH}.files", f"is for source: files; the source is {self.source}")
        if self.source == "acme" or self.upload:
            yield from self._of_authorities(secrets)
        if self.source == "tencent":
            yield from self._of_tencent(sites)

    def _of_files(self, secrets: Collection[str]) -> Iterator[Problem]:
        if self.files is None:
            yield Problem(f"{_PATH}.files", "is not set; write {chain: certificate.pem, key: certificate.key}")
        elif self.files.key is None and CERTIFICATE_KEY not in secrets:
            yield Problem(
                f"{_PATH}.files.key",
                "is not set; name the key's file, or set the secret: pulumi config set --secret luodi:certificate-key "
                "< certificate.key",
            )

    def _of_authorities(self, secrets: Collection[str]) -> Iterator[Problem]:
        found = {name: authorities.find(name) for name in self.authorities("")}
        for name, authority in found.items():
            if authority.binding_required and name not in self.bindings:
                yield Problem(
                    f"{_PATH}.eab-key-id",
                    f"{authority} binds its accounts to accounts of its own (EAB): get a key at "
                    f"{authority.binding_page}, write its id here, and its HMAC key by pulumi config set --secret "
                    "luodi:eab-hmac-key",
                )
        for name in self.bindings:
            if name not in found:
                yield Problem(f"{_PATH}.eab-key-id", f"{name} is not in {_PATH}.authority")
        if self.bindings and HMAC_KEY not in secrets:
            yield Problem(f"luodi:{HMAC_KEY}", f"is not set; set it by pulumi config set --secret luodi:{HMAC_KEY}")
        yield from self._of_the_profile(next(iter(found.values())))

    def _of_the_profile(self, first: Authority) -> Iterator[Problem]:
        if self.profile and first.id and self.profile not in first.profiles:
            known = ", ".join(first.profiles) or "none"
            yield Problem(f"{_PATH}.profile", f"{first} has no profile {self.profile}; known are {known}")

    def _of_tencent(self, sites: Mapping[str, Collection[str]]) -> Iterator[Problem]:
        if self.key_type not in ("ecdsa", "rsa-2048"):
            yield Problem(
                f"{_PATH}.key-type",
                f"Tencent Cloud's free certificates have ecdsa or rsa-2048 keys, not {self.key_type}",
            )
        for path, names in sites.items():
            if len(names) > 1:
                yield Problem(
                    f"{path}.names",
                    f"Tencent Cloud's free certificate is for one name, and the site has {', '.join(names)}; name one "
                    f"(names: [{next(iter(names))}]), or set {_PATH}.source to acme",
                )
