"""A site: what a stack file says, as what exists."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG

from luodi import announcing, apps, filing_footer, filing_live, hosting, preflight, state
from luodi.api import Account
from luodi.certificate.account import AcmeAccount
from luodi.certificate.given import Given
from luodi.certificate.server_certificate import Certificate
from luodi.certificate.uploaded import UploadedCertificate
from luodi.cloud import dns, monitor
from luodi.cloud.cvm import Cvm
from luodi.cloud.lighthouse import Lighthouse, find_blueprint
from luodi.delivery.resources import Preparation
from luodi.delivery.scripts import Scripts
from luodi.filing_report import decided, reports
from luodi.language import language
from luodi.plainly import clearly
from luodi.price import preview
from luodi.readme import readme
from luodi.releasing import Releasing
from luodi.rendering import Templates
from luodi.settings import (
    ACCOUNT_KEY,
    NAMESPACE,
    CvmSettings,
    HostedSite,
    Settings,
    today_in_china,
)
from luodi.settings.certificate import CERTIFICATE_KEY


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
        """`templates`: a folder to render from, by default the project's own ``templates/``. What it lacks, or all
        of it in a project that has none, is rendered from luodi's own.

        Ends the program with one clear line when there are no credentials, the cloud can't be reached, or a
        zone or the content can't be used.
        """
        super().__init__("luodi:index:Site", name, None, opts)
        self._settings, self._name = settings, name
        self._folder = templates or Path("templates")
        self._child = pulumi.ResourceOptions(parent=self)
        self._scripts = Scripts(self._folder)

        self._footers = {site: clearly(filing_footer.footer, site) for site in settings.sites}
        self.publications = {site: decided(site, settings.main, today_in_china()) for site in settings.sites}
        for site, said in self.publications.items():
            announcing.tell(site, said, self)
        self._gates = {
            site: announcing.remember(f"{self._of(site)}-gate", site, said, self._child)
            for site, said in self.publications.items()
        }
        owner = f"luodi {pulumi.get_project()}/{pulumi.get_stack()}"
        self._given = clearly(self._bought)
        # Templates that can't be rendered are told now, not when all else is done.
        self._readme("")
        self._prepare = clearly(self._preparing)
        releasing = Releasing(
            settings,
            self._folder,
            self._footers,
            self.publications,
            keys=[self._given.kind] if self._given else list(settings.certificate.kinds),
            resource=self,
        )
        # A wrong folder or template is told before any call, and a build, which takes minutes, once the account is seen
        # to be right; nothing is bought before either.
        gathered = None if releasing.builds else releasing.gather()
        account = clearly(_account, settings)
        held = cache(state.held)
        for site in settings.sites:
            public = self.publications[site].public
            created = site.zone in settings.own_zones
            clearly(preflight.check, account, site, owner, publishes=public, held=held, creates=created)
            if differs := filing_live.check(account, site.filing, site.apex):
                pulumi.log.warn(differs.in_(language()), resource=self)
        gathered = gathered or releasing.gather()
        zones = self._zones()
        self.server = self._server(account)
        preview.tell(settings, account, self.server.instance_id, self)
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
        # nginx is told where the certificates are, so they are there first.
        certificates = list(self.certificates.values())
        self.release = releasing.declare(name, gathered, prepared, after=certificates, opts=self._child)
        for site in settings.sites:
            if self.publications[site].public:
                self._publish(site, zones[site.zone], owner)
        self.register_outputs(self._outputs())

    def outputs(self) -> dict[str, pulumi.Input[Any]]:
        """What a stack exports: of its own site, and under ``sites`` of the further ones. ``readme`` is Markdown."""
        return {**self._outputs(), "readme": self.server.address.apply(self._readme)}

    def _readme(self, address: str) -> str:
        stack = pulumi.get_stack()
        found = list(reports(stack, self._settings, today_in_china()))
        return clearly(readme, Templates(self._folder), stack, self._settings, found, address)

    def _outputs(self) -> dict[str, pulumi.Input[Any]]:
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

    def _zones(self) -> dict[str, pulumi.Output[str]]:
        """The zones as declared; one for all the sites that are in it."""
        zones: dict[str, pulumi.Output[str]] = {}
        for site in self._settings.sites:
            if site.zone not in zones:
                zones[site.zone] = dns.zone(
                    f"{self._of(site)}-zone",
                    site.zone,
                    create=site.zone in self._settings.own_zones,
                    protect=self._settings.server.protect,
                    opts=self._child,
                )
        return zones

    def _publish(self, site: HostedSite, zone: pulumi.Output[str], owner: str) -> None:
        announcing.tell_adopted(site, self)
        dns.Records(
            f"{self._of(site)}-records",
            zone=zone,
            zone_name=site.zone,
            names=site.names,
            address=self.server.address,
            ttl=site.dns.ttl,
            owner=owner,
            adopted=site.dns.adopt,
            protect=self._settings.server.protect,
            # A visitor who is sent to the server should find the site there; and a destroy that is refused at the
            # protected record has forgotten nothing yet.
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[self.release, *self._gates.values()])
            ),
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
            blueprint_id=clearly(find_blueprint, account, server.blueprint),
            zone=settings.availability_zone,
            opts=self._child,
        )

    def _preparing(self) -> str:
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
