"""A site: what a stack file says, as what exists."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pulumi
from pulumi.runtime.config import CONFIG

from luodi import apps, filing_footer, filing_live, hosting, preflight
from luodi.api import Account, ApiError, NoCredentials
from luodi.apps.declared import Place, SecretMissing, both, release_files
from luodi.certificate import installation
from luodi.certificate.account import AcmeAccount
from luodi.certificate.given import Given, GivenError
from luodi.certificate.server_certificate import Certificate
from luodi.certificate.uploaded import UploadedCertificate
from luodi.cloud import cos, dns, monitor
from luodi.cloud.cvm import Cvm
from luodi.cloud.lighthouse import Lighthouse, find_blueprint
from luodi.delivery import build as builds
from luodi.delivery import content
from luodi.delivery.files import PRIVATE
from luodi.delivery.resources import Preparation, Release
from luodi.delivery.scripts import Scripts
from luodi.filing.change import Standing
from luodi.filing.words import Language
from luodi.filing_report import decided
from luodi.gate import Gate
from luodi.rendering import RELEASE, CertificateFiles, Renderer, RenderingError, VirtualHost
from luodi.settings import (
    ACCOUNT_KEY,
    NAMESPACE,
    CvmSettings,
    HostedSite,
    Settings,
    readable,
    today_in_china,
)
from luodi.settings.certificate import CERTIFICATE_KEY
from luodi.settings.kinds import SpaKeys, StaticKeys

P = ParamSpec("P")
T = TypeVar("T")

_LET_IN: Mapping[Language, str] = {
    "en": "Let in meanwhile, with a hosts entry for the server's address: {} ({key}).",
    "zh": "在此期间，以下地址可访问（需在 hosts 中指向服务器地址）：{}（{key}）。",
}
_NOBODY: Mapping[Language, str] = {
    "en": "Nobody is let in meanwhile; name the team's addresses in {key} to see the site.",
    "zh": "在此期间不对任何人开放；如需团队内部查看，请在 {key} 中填写访问地址。",
}

_OF_PAGES = (StaticKeys, SpaKeys)
"""Kinds of site whose first page is luodi's business: what an application answers depends on more than a release."""

UPLOADS_FROM = 1_000_000
"""Bytes of content from which on a bucket is worth having: less is sent by TAT's commands in a minute."""


class Site(pulumi.ComponentResource):
    """A mainland server and the sites it carries: records, certificates, and what nginx serves."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        templates: Path | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`templates`: a folder to render from, by default the project's own ``templates/``.

        Ends the program with one clear line when there are no credentials, the cloud can't be reached, or a
        zone or the content can't be used.
        """
        super().__init__("luodi:index:Site", name, None, opts)
        self._settings, self._name = settings, name
        self._folder = templates or Path("templates")
        self._child = pulumi.ResourceOptions(parent=self)
        self._scripts = Scripts(self._folder)

        self._footers = {site: _clearly(filing_footer.footer, site) for site in settings.sites}
        self.publications = {site: decided(site, settings.main, today_in_china()) for site in settings.sites}
        for site in settings.sites:
            self._tell(site)
            self._remember(site)
        owner = f"luodi {pulumi.get_project()}/{pulumi.get_stack()}"
        self._given = _clearly(self._bought)
        account = _clearly(_account, settings)
        for site in settings.sites:
            _clearly(preflight.check, account, site, owner, publishes=self.publications[site].public)
            if differs := filing_live.check(account, site.filing, site.apex):
                pulumi.log.warn(differs.in_(_language()), resource=self)
        zones = self._zones()
        self.server = self._server(account)
        if settings.server.alarms:
            monitor.alarms(
                f"{name}-alarms",
                settings.server.alarms,
                kind=settings.server.kind,
                instance=self.server.instance_id,
                label=f"{pulumi.get_project()}-{pulumi.get_stack()}",
                opts=self._child,
            )
        prepared = Preparation(
            f"{name}-preparation",
            instance=self.server.instance_id,
            region=settings.region.id,
            script=self._prepare,
            # All of the server, its firewall too: nothing of it may go before what stands on it.
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[self.server])),
        )
        acme = self._acme_account()
        self.uploads = {site: self._upload(site, acme, zones[site.zone]) for site in settings.sites}
        self.certificates = {site: self._certificate(site, acme, zones[site.zone], prepared) for site in settings.sites}
        self.release = self._release(prepared)
        for site in settings.sites:
            if self.publications[site].public:
                self._publish(site, zones[site.zone], owner)
        self.register_outputs(self.outputs())

    def outputs(self) -> dict[str, pulumi.Input[Any]]:
        """What a stack exports: of its own site, and under ``sites`` of the further ones."""
        main, *further = self._settings.sites
        outputs: dict[str, pulumi.Input[Any]] = {
            **self._outputs_of(main),
            "address": self.server.address,
            "instance": self.server.instance_id,
            "release": self.release.release,
        }
        return {**outputs, "sites": [self._outputs_of(site) for site in further]} if further else outputs

    def _outputs_of(self, site: HostedSite) -> dict[str, pulumi.Input[Any]]:
        certificate, publication = self.certificates[site], self.publications[site]
        uploaded = self.uploads[site]
        console = hosting.console_domains(site)
        return {
            **({"miniProgram": console} if console else {}),
            "url": f"https://{site.site.domain}",
            "names": list(site.names),
            "certificate": {**certificate.outputs(), **({"id": uploaded.certificate_id} if uploaded else {})},
            "filing": {
                "stage": str(publication.stage),
                "public": publication.public,
                "next": publication.next_step.en,
            },
        }

    def _of(self, site: HostedSite) -> str:
        """What the names of a site's resources begin with. The first site's don't tell its domain, so that another
        domain changes them in place."""
        return f"{self._name}-{site.site.domain}" if site.path else self._name

    def _tell(self, site: HostedSite) -> None:
        """Say at every preview whether the site is published, why, and what comes next."""
        said, language = self.publications[site], _language()
        allowed = ", ".join(site.site.allow)
        lines = [said.text(language)]
        if not said.public:
            text = _LET_IN[language] if allowed else _NOBODY[language]
            lines.append(text.format(allowed, key=site.at("luodi:site.allow")))
        quiet = said.public and not said.override and not said.warnings
        (pulumi.log.info if quiet else pulumi.log.warn)("\n".join(lines), resource=self)

    def _remember(self, site: HostedSite) -> None:
        """Say before it is done what takes from the public what it can see."""
        said, language = self.publications[site], _language()
        names, filing = tuple(map(readable, site.names)), site.filing.covering
        number = str(filing.number) if filing and not filing.revoked else None
        standing = Standing(names, said.public, number, str(said.stage))
        Gate(f"{self._of(site)}-gate", standing, reason=said.reason.in_(language), language=language, opts=self._child)

    def _zones(self) -> dict[str, pulumi.Output[str]]:
        """The zones as declared; one for all the sites that are in it."""
        zones: dict[str, pulumi.Output[str]] = {}
        for site in self._settings.sites:
            if site.zone not in zones:
                zones[site.zone] = dns.zone(
                    f"{self._of(site)}-zone",
                    site.zone,
                    create=site.dns.manage == "create",
                    protect=self._settings.server.protect,
                    opts=self._child,
                )
        return zones

    def _publish(self, site: HostedSite, zone: pulumi.Output[str], owner: str) -> None:
        dns.Records(
            f"{self._of(site)}-records",
            zone=zone,
            zone_name=site.zone,
            names=site.names,
            address=self.server.address,
            ttl=site.dns.ttl,
            owner=owner,
            protect=self._settings.server.protect,
            # A visitor who is sent to the server should find the site there.
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[self.release])),
        )

    def _server(self, account: Account) -> Cvm | Lighthouse:
        settings, server = self._settings, self._settings.server
        name, label = f"{self._name}-server", f"{pulumi.get_project()}-{pulumi.get_stack()}"
        if isinstance(server, CvmSettings):
            return Cvm(
                name,
                server,
                label=label,
                zone=settings.availability_zone,
                user_data=self._prepare,
                tags={"project": pulumi.get_project(), "stack": pulumi.get_stack()},
                opts=self._child,
            )
        return Lighthouse(
            name,
            server,
            label=label,
            blueprint_id=_clearly(find_blueprint, account, server.blueprint),
            zone=settings.availability_zone,
            opts=self._child,
        )

    @property
    def _prepare(self) -> str:
        settings = self._settings
        applications = [each.settings for site in settings.sites for each in hosting.applications(site)]
        return self._scripts.prepare(
            [*hosting.packages(settings), *apps.packages(applications)],
            log_days=settings.server.log_days,
            ssh=settings.server.opens_ssh,
        )

    def _bought(self) -> Given | None:
        """The certificate that was bought elsewhere, if that is the source; judged before any call."""
        settings, sites = self._settings.certificate, self._settings.sites
        if settings.is_for_tries(pulumi.get_stack()):
            pulumi.log.info(
                f"Certificates are from letsencrypt-staging, which no browser trusts, since this stack is called "
                f"{pulumi.get_stack()}. For others set luodi:certificate.authority.",
                resource=self,
            )
        if settings.source != "files" or settings.files is None:
            return None
        key, names = settings.files.key, [name for site in sites for name in site.names]
        given = Given.read(
            Path(settings.files.chain), Path(key) if key else None, names, CONFIG.get().get(f"luodi:{CERTIFICATE_KEY}")
        )
        if warning := given.ends_soon():
            pulumi.log.warn(f"{settings.files.chain}: {warning}", resource=self)
        return given

    def _acme_account(self) -> AcmeAccount | None:
        settings = self._settings.certificate
        if settings.source != "acme" and not settings.upload:
            return None
        return AcmeAccount(
            f"{self._name}-acme-account",
            settings=settings,
            key=pulumi.Config(NAMESPACE).get_secret(ACCOUNT_KEY),
            opts=self._child,
        )

    def _upload(
        self, site: HostedSite, account: AcmeAccount | None, zone: pulumi.Output[str]
    ) -> UploadedCertificate | None:
        if account is None or not self._settings.certificate.upload:
            return None
        return UploadedCertificate(
            f"{self._of(site)}-uploaded",
            names=site.names,
            settings=self._settings.certificate,
            account=account,
            zone=zone,
            region=self._settings.region.id,
            opts=self._child,
        )

    def _certificate(
        self, site: HostedSite, account: AcmeAccount | None, zone: pulumi.Output[str], prepared: Preparation
    ) -> Certificate:
        settings = self._settings
        return Certificate(
            f"{self._of(site)}-certificate",
            instance=prepared.instance,
            region=settings.region.id,
            site=site.site.domain,
            names=site.names,
            settings=settings.certificate,
            given=self._given,
            account=account,
            zone=zone,
            templates=str(self._folder),
            opts=self._child,
        )

    def _release(self, prepared: Preparation) -> Release:
        sites = self._settings.sites
        sources = {at: source for site in sites for at, source in hosting.contents(site).items()}
        folders = {at: _clearly(self._content, source) for at, source in sources.items()}
        applications = [
            apps.of(each.name, site.site.domain, each.content, folders[each.content].digest, each.settings)
            for site in sites
            for each in hosting.applications(site)
            if each.content in folders
        ]
        roots = {app.site: app.root(self._folder) for app in applications if isinstance(app, apps.Php)}
        hosts = [_clearly(self._virtual_host, site, roots.get(site.site.domain)) for site in sites]
        nginx = hosting.nginx(self._settings)
        rendered = _clearly(Renderer(self._folder).nginx_files, *hosts, release=RELEASE, nginx=nginx)
        private = {path: text for path, text in rendered.items() if PRIVATE.fullmatch(path)}
        public = {path: text for path, text in rendered.items() if path not in private}
        place = Place(prepared.instance, self._settings.region.id, self._folder)
        files = both(public, _clearly(release_files, self._name, applications, place, self._child))
        return Release(
            f"{self._name}-release",
            instance=prepared.instance,
            region=self._settings.region.id,
            names=tuple(name for site in sites for name in site.names),
            files=files,
            private=private,
            folders=folders,
            templates=str(self._folder),
            pages={site.site.domain: _due_footer(site, rendered) for site in sites if isinstance(site.site, _OF_PAGES)},
            keep=self._settings.delivery.keep,
            bucket=self._bucket(sum(folder.size for folder in folders.values())),
            opts=pulumi.ResourceOptions.merge(
                self._child,
                pulumi.ResourceOptions(
                    # nginx is told where the certificates are, so they are there first.
                    depends_on=list(self.certificates.values()),
                ),
            ),
        )

    def _content(self, source: hosting.Content) -> content.Folder:
        """What a site's folder holds; built first, if it is to be. A preview judges what an earlier build left."""
        folder, build = source.folder, source.build
        if build and pulumi.runtime.is_dry_run() and Path(folder).is_dir():
            pulumi.log.info(f"{folder} is judged as it is; `pulumi up` builds it first: {build.command}", resource=self)
        elif build:
            pulumi.log.info(f"Building {folder}: {build.command}", resource=self)
            builds.run(build.command, folder, seconds=60 * build.timeout)
        return content.look(folder)

    def _bucket(self, size: int) -> pulumi.Output[str] | None:
        """The bucket that so many bytes of content go through, where they need one."""
        by = self._settings.delivery.by
        if by == "tat" or (by == "auto" and size <= UPLOADS_FROM):
            return None
        label = f"{pulumi.get_project()}-{pulumi.get_stack()}"
        return cos.uploads(f"{self._name}-uploads", label=label, opts=self._child)

    def _virtual_host(self, site: HostedSite, php_root: str | None) -> VirtualHost:
        kinds = [self._given.kind] if self._given else self._settings.certificate.kinds
        return hosting.virtual_host(
            site,
            footer=self._footers[site],
            certificates=tuple(CertificateFiles(*installation.paths(site.site.domain, kind)) for kind in kinds),
            public=self.publications[site].public,
            today=today_in_china(),
            php_root=php_root,
        )


def _due_footer(site: HostedSite, rendered: Mapping[str, str]) -> str:
    """The path in the release of the footer that is put into the site's pages; empty for none."""
    path = f"sites/{site.site.domain}/snippets/footer.html"
    return path if site.site.footer.inject and path in rendered else ""


def _language() -> Language:
    """The terminal's, as POSIX says which variable counts (LC_ALL, LC_MESSAGES, LANG)."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, names), "").startswith("zh") else "en"


def _account(settings: Settings) -> Account:
    config = pulumi.Config("tencentcloud")
    return Account.find(
        {
            "tencentcloud:secretId": config.get("secretId"),
            "tencentcloud:secretKey": config.get("secretKey"),
            "tencentcloud:securityToken": config.get("securityToken"),
            "tencentcloud:region": settings.region.id,
        }
    )


_USERS_BUSINESS = (
    GivenError,
    NoCredentials,
    ApiError,
    preflight.PreflightError,
    content.ContentError,
    builds.BuildError,
    RenderingError,
    SecretMissing,
    LookupError,
)


def _clearly(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call, and tell what a user can mend as one line instead of a traceback."""
    try:
        return call(*args, **kwargs)
    except _USERS_BUSINESS as error:
        raise pulumi.RunError(str(error)) from None
