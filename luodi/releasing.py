"""What a server is to serve, gathered from all the sites it carries into one release."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from luodi import apps, hosting
from luodi.apps.declared import Place, both, release_files, told_secrets
from luodi.certificate import installation
from luodi.cloud import cos
from luodi.delivery import build as builds
from luodi.delivery import content, pages
from luodi.delivery.files import PRIVATE
from luodi.delivery.resources import Preparation, Release
from luodi.filing.gate import Publication
from luodi.plainly import clearly
from luodi.rendering import RELEASE, CertificateFiles, Footer, Renderer, VirtualHost
from luodi.settings import HostedSite, Settings, today_in_china
from luodi.settings.kinds import SpaKeys, StaticKeys

_OF_PAGES = (StaticKeys, SpaKeys)
"""Kinds of site whose first page is luodi's business: what an application answers depends on more than a release."""

_TOLD = 10
"""Pages without a footer that are named one by one."""

UPLOADS_FROM = 1_000_000
"""Bytes of content from which on a bucket is worth having: less is sent by TAT's commands in a minute."""

_LISTED_FROM = 40_000
"""Files from which on the list of them alone, 40 to 50 bytes for each when compressed, nears what TAT carries."""


@dataclass(frozen=True)
class Gathered:
    """What a release is made of: its folders, its applications, its rendered files, and of those folders whose pages
    get one the path of the footer; each by its path in the release."""

    folders: Mapping[str, content.Folder]
    applications: Sequence[apps.App | apps.Php]
    rendered: Mapping[str, str]
    footers: Mapping[str, str]


@dataclass(frozen=True)
class Releasing:
    """How the stack `settings` says it becomes a release.

    `templates` is the folder that is rendered from; `keys`, the kinds of key that each site has a certificate for;
    `resource` is who tells of it.
    """

    settings: Settings
    templates: Path
    footers: Mapping[HostedSite, Footer]
    publications: Mapping[HostedSite, Publication]
    keys: Sequence[str]
    resource: pulumi.Resource

    @property
    def builds(self) -> bool:
        """Whether a site's folder is to be made first."""
        return any(source.build for source in self._sources.values())

    def gather(self) -> Gathered:
        """What the release is made of, without a call: so that what can't be used is told before anything is bought.

        Ends the program with one line where content, a build, a template or a secret can't be used.
        """
        sources = self._sources
        for source in sources.values():
            clearly(self._build, source)
        folders = {at: clearly(content.look, source.folder, source.key) for at, source in sources.items()}
        clearly(content.laid, {at: folder.files for at, folder in folders.items()})
        applications = [
            apps.of(each.name, site.site.domain, each.content, folders[each.content].digest, each.settings)
            for site in self.settings.sites
            for each in hosting.applications(site)
            if each.content in folders
        ]
        clearly(told_secrets, applications)
        rendered = self._rendered(applications)
        footers = {at: source.footer for at, source in sources.items() if source.footer in rendered}
        for at, path in footers.items():
            self._tell_of_pages(folders[at], rendered[path])
        return Gathered(folders, applications, rendered, footers)

    def declare(
        self,
        name: str,
        gathered: Gathered,
        prepared: Preparation,
        *,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> Release:
        """The release on the prepared server, once `after` is there; its applications and its bucket with it.

        `name` is what the names of its resources begin with.
        """
        sites, region, rendered = self.settings.sites, self.settings.region.id, gathered.rendered
        private = {path: text for path, text in rendered.items() if PRIVATE.fullmatch(path)}
        public = {path: text for path, text in rendered.items() if path not in private}
        due_footers = {site: _due_footer(site, rendered) for site in sites}
        place = Place(prepared.instance, region, self.templates)
        return Release(
            f"{name}-release",
            instance=prepared.instance,
            region=region,
            names=tuple(host for site in sites for host in site.names),
            files=both(public, clearly(release_files, name, gathered.applications, place, opts)),
            private=private,
            folders=gathered.folders,
            footers=gathered.footers,
            templates=str(self.templates),
            pages={site.site.domain: due for site, due in due_footers.items() if isinstance(site.site, _OF_PAGES)},
            passing={
                site.site.domain: due
                for site, due in due_footers.items()
                if due and not isinstance(site.site, _OF_PAGES)
            },
            keep=self.settings.delivery.keep,
            bucket=self._bucket(name, gathered.folders.values(), opts),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(after))),
        )

    @property
    def _sources(self) -> Mapping[str, hosting.Content]:
        return {at: source for site in self.settings.sites for at, source in hosting.contents(site).items()}

    def _build(self, source: hosting.Content) -> None:
        """Makes a site's folder, if it is to be made. A preview judges what an earlier build left."""
        folder, build, tell = source.folder, source.build, self.resource
        if build and pulumi.runtime.is_dry_run() and Path(folder).is_dir():
            pulumi.log.info(f"{folder} is judged as it is; `pulumi up` builds it first: {build.command}", resource=tell)
        elif build:
            pulumi.log.info(f"Building {folder}: {build.command}", resource=tell)
            builds.run(build.command, folder, seconds=60 * build.timeout, key=source.key)

    def _tell_of_pages(self, folder: content.Folder, footer: str) -> None:
        told = clearly(pages.with_footer, folder.files, footer).told
        for path, lacks in itertools.islice(told.items(), _TOLD):
            pulumi.log.warn(f"{folder.source}/{path} {lacks}", resource=self.resource)
        if (more := len(told) - _TOLD) > 0:
            pulumi.log.warn(f"{folder.source} has {more} more such pages", resource=self.resource)

    def _rendered(self, applications: Sequence[apps.App | apps.Php]) -> dict[str, str]:
        roots = {app.site: app.root(self.templates) for app in applications if isinstance(app, apps.Php)}
        hosts = [clearly(self._virtual_host, site, roots.get(site.site.domain)) for site in self.settings.sites]
        nginx = hosting.nginx(self.settings)
        return clearly(Renderer(self.templates).nginx_files, *hosts, release=RELEASE, nginx=nginx)

    def _virtual_host(self, site: HostedSite, php_root: str | None) -> VirtualHost:
        return hosting.virtual_host(
            site,
            footer=self.footers[site],
            certificates=tuple(CertificateFiles(*installation.paths(site.site.domain, key)) for key in self.keys),
            public=self.publications[site].public,
            today=today_in_china(),
            php_root=php_root,
        )

    def _bucket(
        self, name: str, folders: Collection[content.Folder], opts: pulumi.ResourceOptions
    ) -> pulumi.Output[str] | None:
        """The bucket that these folders go through, where they need one."""
        by = self.settings.delivery.by
        size, count = sum(each.size for each in folders), sum(len(each.files) for each in folders)
        if by == "tat" or (by == "auto" and size <= UPLOADS_FROM and count <= _LISTED_FROM):
            return None
        return cos.uploads(f"{name}-uploads", label=f"{pulumi.get_project()}-{pulumi.get_stack()}", opts=opts)


def _due_footer(site: HostedSite, rendered: Mapping[str, str]) -> str:
    """The path in the release of the footer that is put into the site's pages; empty for none."""
    path = hosting.footer_of_pages(site)
    return path if path in rendered else ""
