"""The dossier: what a filing form asks, filled in from a stack, as Markdown, HTML for printing, and PDF.

Blanks are marked ``〔待填：…〕``. What is personal (numbers of certificates, phones, addresses) is always a blank: it
has no place in a stack file, which is in git.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

from luodi import chromium
from luodi.filing.facts import FilingSettings
from luodi.filing.materials import Material, approvals, materials
from luodi.filing.rules import rules
from luodi.filing.verdict import find_province
from luodi.filing_report import reports
from luodi.rendering import shipped_templates
from luodi.settings import CvmSettings, HostedSite, Settings, readable
from luodi.words import Language, Words

_PDF_SECONDS, _OUTPUT_SECONDS = 120, 60


class DossierError(Exception):
    """A folder that can't be written to, or that has something in it already."""


@dataclass(frozen=True)
class Document:
    """A document of the dossier: `name` is its file's, without suffix."""

    name: str
    markdown: str
    html: str


@dataclass(frozen=True)
class Outputs:
    """What the stack that is up exports; `note` says why there is nothing."""

    values: Mapping[str, Any]
    note: Words | None = None


@dataclass(frozen=True)
class Printed:
    """The PDFs that were made; `note` says why one was not."""

    written: tuple[Path, ...] = ()
    note: Words | None = None


# --- what goes in --------------------------------------------------------------------------------


def stack_outputs(project: Path, stack: str) -> Outputs:
    """What ``pulumi stack output`` tells of the stack: its public address, once it is up."""
    program = shutil.which("pulumi")
    if program is None:
        return Outputs(
            {}, Words("找不到 pulumi，公网 IP 留空待填", "no pulumi on PATH: the public address is left blank")
        )
    command = [program, "stack", "output", "--json", "--stack", stack, "--cwd", str(project), "--non-interactive"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_OUTPUT_SECONDS, check=True)
        values = json.loads(run.stdout)
    except subprocess.TimeoutExpired:
        why = f"no answer within {_OUTPUT_SECONDS} s"
    except subprocess.CalledProcessError as error:
        why = next(iter(str(error.stderr).strip().splitlines()), f"exit code {error.returncode}")
    except ValueError as error:
        why = str(error)
    else:
        if isinstance(values, dict) and values.get("address"):
            return Outputs(values)
        why = "the stack is not up"
    return Outputs(
        {},
        Words(
            f"`pulumi stack output` 没有给出公网 IP（{why}），留空待填；`pulumi up` 之后再运行一次",
            f"`pulumi stack output` tells no public address ({why}): left blank; run this again after `pulumi up`",
        ),
    )


def find_site(settings: Settings, domain: str | None) -> HostedSite:
    """The site of that domain, or the only one that has a filing of its own. Raises DossierError."""
    if domain is not None:
        for site in settings.sites:
            if domain.lower() in (site.site.domain, readable(site.site.domain)):
                return site
    own = [site for site in settings.sites if not site.shares_filing_of(settings.main)]
    if domain is None and len(own) == 1:
        return own[0]
    there = ", ".join(readable(site.site.domain) for site in (own if domain is None else settings.sites))
    if domain is None:
        raise DossierError(f"the stack has several sites, each with a filing; name one by --site: {there}")
    raise DossierError(f"the stack has no site {domain}; there are: {there}")


def documents(
    stack: str, settings: Settings, site: HostedSite, outputs: Mapping[str, Any], today: date, language: Language
) -> tuple[Document, ...]:
    """The dossier of a stack's site, and the commitment letter where the province wants one."""
    wanted = materials(site.filing)
    values = {
        **_values(stack, settings, site, outputs, today, language),
        "materials": wanted,
        "letter": any(material.letter for material in wanted),
        "form_of": _by_form(wanted),
    }
    names = ["dossier", *(["commitment-letter"] if values["letter"] else [])]
    return tuple(_document(name, values, language) for name in names)


def _by_form(wanted: Sequence[Material]) -> dict[str, list[Material]]:
    return {form: [m for m in wanted if m.form == form] for form in ("upload", "answer", "check")}


def _values(
    stack: str, settings: Settings, site: HostedSite, outputs: Mapping[str, Any], today: date, language: Language
) -> dict[str, Any]:
    facts, server = site.filing, settings.server
    subject = facts.subject
    kind = subject.kind if subject else None
    return {
        "stack": stack,
        "today": today,
        "language": language,
        "facts": facts,
        "report": next(report for report in reports(stack, settings, today) if report.site is site),
        "title": site.site.title,
        "domain": readable(site.site.domain),
        "apex": readable(site.apex),
        "names": [readable(name) for name in site.names],
        "region": f"{settings.region.id} {settings.region.name}",
        "server": Words("云服务器 CVM", "CVM (云服务器)")
        if isinstance(server, CvmSettings)
        else Words("轻量应用服务器", "Lighthouse (轻量应用服务器)"),
        "months": server.period,
        "prepaid": settings.declared(site).months is not None,
        "address": outputs.get("address"),
        "instance": outputs.get("instance"),
        "subject_name": subject.name if subject else None,
        "subject_kind": Words.of(rules("regime")["subject"][kind]) if kind else None,
        "individual": kind == "individual",
        "province": _province_name(facts),
        "approvals": approvals(),
        "forms": _FORMS,
    }


_FORMS = {
    "upload": Words("要上传的文件", "files to upload"),
    "answer": Words("要填写的内容", "answers to give"),
    "check": Words("提交前要确认的事", "to see to before submission"),
}


def _province_name(facts: FilingSettings) -> str | None:
    province = find_province(facts.subject.province) if facts.subject and facts.subject.province else None
    return province.chinese if province else None


# --- how it is rendered --------------------------------------------------------------------------

_MARKS = re.compile(r"([\\`*_\[\]<>|&])")
_ADDRESS = re.compile(r"https?://[^\s，。；、）)]+")


def _plain(value: Any) -> Markup:
    """A value as Markdown that means just its text. What is Markup already is a template's own."""
    if isinstance(value, Markup):
        return value
    return Markup(_MARKS.sub(r"\\\1", str(value)))  # noqa: S704


def _ours(text: str) -> Markup:
    """Text of luodi's own data files, whose backticks are meant and whose addresses become links."""
    return Markup(_ADDRESS.sub(lambda found: f"<{found[0]}>", text.replace("|", "\\|")))  # noqa: S704


def _document(name: str, values: Mapping[str, Any], language: Language) -> Document:
    loader = jinja2.FileSystemLoader(shipped_templates() / "filing")
    environment = jinja2.Environment(  # noqa: S701 (Markdown, escaped as such by `finalize`)
        loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_plain
    )

    def say(zh: Words | str, en: str | None = None) -> Markup:
        words = zh if isinstance(zh, Words) else Words(zh, en or zh)
        return _ours(words.in_(language))

    def blank(zh: str, en: str | None = None) -> Markup:
        label = (en or zh) if language == "en" else zh
        marker = "to fill in: " if language == "en" else "待填："
        return Markup(f"*〔{marker}{label}〕*")  # noqa: S704

    environment.globals.update(say=say, blank=blank)
    markdown = environment.get_template(f"{name}.md.j2").render(values)
    html = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=True)
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    heading = next((line.removeprefix("# ") for line in markdown.splitlines() if line.startswith("# ")), name)
    page = html.get_template("page.html.j2").render(
        title=heading.replace("\\", ""),
        body=Markup(body),  # noqa: S704 (made from Markdown with HTML off)
        language="zh-CN" if language == "zh" else "en",
    )
    return Document(name, markdown, page)


# --- where it goes -------------------------------------------------------------------------------


def write(found: Sequence[Document], folder: Path, *, force: bool) -> list[Path]:
    """Write Markdown and HTML. Where a file is there already and not `force`, nothing is: raises DossierError."""
    files = {folder / f"{each.name}.md": each.markdown for each in found}
    files |= {folder / f"{each.name}.html": each.html for each in found}
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise DossierError(f"{', '.join(there)}: there already, and maybe filled in; take another --output, or --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, "utf-8")
    except OSError as error:
        raise DossierError(f"{folder}: can't be written: {error.strerror or error}") from None
    return list(files)


def print_pdfs(folder: Path, found: Sequence[Document]) -> Printed:
    """Print each HTML file to a PDF beside it, by a headless Chromium where there is one."""
    browser = chromium.headless()
    if browser is None:
        return Printed(
            (),
            Words(
                "没有找到 Chromium，未生成 PDF；用浏览器打开 HTML 打印即可",
                "no Chromium, so no PDF: open the HTML in a browser and print it",
            ),
        )
    written: list[Path] = []
    for document in found:
        pdf = folder.resolve() / f"{document.name}.pdf"
        pdf.unlink(missing_ok=True)
        page = (folder.resolve() / f"{document.name}.html").as_uri()
        command = [*browser, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", page]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, timeout=_PDF_SECONDS, check=False)
        if not pdf.is_file():
            return Printed(
                tuple(written),
                Words(
                    f"{browser[0]} 未能生成 {pdf.name}；用浏览器打开 HTML 打印即可",
                    f"{browser[0]} made no {pdf.name}: print the HTML",
                ),
            )
        written.append(folder / pdf.name)
    return Printed(tuple(written))
