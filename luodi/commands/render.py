"""`luodi render`: what a release would hold, written to a folder or compared with one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import click

from luodi import apps, filing_footer, hosting
from luodi.certificate import installation
from luodi.commands.terminal import stack_option
from luodi.delivery import content, pages
from luodi.delivery.difference import Change, Kind, lines
from luodi.delivery.files import File, digest
from luodi.filing_report import decided
from luodi.rendering import RELEASE, CertificateFiles, Renderer, RenderingError, VirtualHost
from luodi.settings import HostedSite, Settings, today_in_china
from luodi.stackfiles import NoProject, choose, project_folder, stack_files

KEYS = ("ecdsa",)


@click.command()
@stack_option(help="The stack; needed where the project has several.")
@click.option("--out", "-o", type=click.Path(path_type=Path, file_okay=False), help="Write to this folder.")
@click.option(
    "--diff",
    "-d",
    "earlier",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Show how this folder, written earlier, differs from what would be written now.",
)
@click.option("--cwd", "-C", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Project folder.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="Judge as of this day, by default today.")
def render(stack: str | None, out: Path | None, earlier: Path | None, cwd: Path | None, today: datetime | None) -> None:
    """把一次发布的全部文件写到本地。Write all that a release would hold, or show what has changed since.

    Neither an engine nor credentials are needed, and nothing is asked of anybody. Passwords that the stack file holds
    encrypted are not read; a release's own id, which depends on all its files, stands as <release>.

    \b
    Examples:
      luodi render --stack production --out rendered
      luodi render --stack production --diff rendered
    """
    if out is None and earlier is None:
        raise click.UsageError("say what to do: --out FOLDER to write, --diff FOLDER to compare, or both")
    day = today.date() if today else today_in_china()
    try:
        project = project_folder(cwd or Path())
        file = choose(stack_files(project, day), stack)
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    if file.settings is None:
        told = "\n".join(f"  {problem}" for problem in file.problems)
        raise click.ClickException(f"{file.path} can't be right\n{told}")
    try:
        files = release(file.settings, project, day)
        if earlier is not None:
            _show(_read(earlier), files)
        if out is not None:
            _write(out, files)
            click.echo(f"{out}: {len(files)} files")
    except (RenderingError, content.ContentError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None


def release(settings: Settings, project: Path, today: date) -> dict[str, File]:
    """Every file of a release, by its path in it; content is read from the project's folders as they are.

    Raises RenderingError or ContentError.
    """
    templates = project / "templates"
    sources = {at: source for site in settings.sites for at, source in hosting.contents(site).items()}
    found = {at: content.read(project / source.folder, source.key) for at, source in sources.items()}
    applications = [
        apps.of(each.name, site.site.domain, each.content, digest(found[each.content]), each.settings)
        for site in settings.sites
        for each in hosting.applications(site)
        if each.content in found
    ]
    roots = {app.site: app.root(templates) for app in applications if isinstance(app, apps.Php)}
    hosts = [_host(site, settings.main, today, roots.get(site.site.domain)) for site in settings.sites]
    texts = Renderer(templates).nginx_files(*hosts, release=RELEASE, nginx=hosting.nginx(settings))
    for app in applications:
        texts |= app.files(templates)
    files = {path: File.holding(text.encode()) for path, text in texts.items()}
    footed_folders: dict[str, Mapping[str, File]] = {}
    for at, folder in found.items():
        footer, whose = texts.get(sources[at].footer), sources[at].folder
        footed = pages.with_footer(folder, footer) if footer else pages.Pages(folder, {})
        for path, lacks in footed.told.items():
            click.echo(f"{whose}/{path} {lacks}", err=True)
        footed_folders[at] = footed.files
    return files | content.laid(footed_folders)


def _host(site: HostedSite, main: HostedSite, today: date, php_root: str | None) -> VirtualHost:
    return hosting.virtual_host(
        site,
        footer=filing_footer.footer(site),
        certificates=tuple(CertificateFiles(*installation.paths(site.site.domain, key)) for key in KEYS),
        public=decided(site, main, today).public,
        today=today,
        php_root=php_root,
    )


def _read(folder: Path) -> dict[str, File]:
    return {path.relative_to(folder).as_posix(): File.at(path) for path in folder.rglob("*") if path.is_file()}


def _show(before: Mapping[str, File], after: Mapping[str, File]) -> None:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None or new is None or old.sha256 != new.sha256:
            kind: Kind = "new" if old is None else "gone" if new is None else "changed"
            for line in lines(Change(path, kind), _bytes(old) if old else None, new):
                click.echo(line)


def _bytes(file: File) -> bytes:
    with file.open() as opened:
        return opened.read()


def _write(folder: Path, files: Mapping[str, File]) -> None:
    """Replaces what was written there before; a folder of anything else is left alone."""
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / "nginx/nginx.conf").is_file():
            raise RenderingError(f"{folder} has files that luodi did not write; name another folder, or an empty one")
        shutil.rmtree(folder)
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open() as source, target.open("wb") as written:
            shutil.copyfileobj(source, written)
