"""What a stack says of itself where its outputs are shown: Pulumi's console renders an output called ``readme``.

It says nothing that changes by itself, so that an `up` without changes shows none: days are told by their date, and in
both languages, since whoever runs `up` has either. Source:
https://www.pulumi.com/docs/iac/concepts/stacks/#stack-readme
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from luodi import describing
from luodi.filing_report import Report
from luodi.rendering import Templates
from luodi.settings import Settings
from luodi.words import Words

_MARKS = re.compile(r"[\\`*_~\[\]<>&#|!${}:@/]")
"""What has a meaning inside a line of Markdown, GitHub's too, or of the ``${...}`` that the console would fill."""


def readme(templates: Templates, stack: str, settings: Settings, reports: Sequence[Report], address: str) -> str:
    """Markdown. `address` is the server's. Raises TemplateError."""
    return templates.page(
        "readme/readme.md",
        stack=stack,
        settings=settings,
        reports=reports,
        address=address,
        describing=describing,
        plain=plain,
        both=both,
    )


def plain(text: str) -> Markup:
    """Text as it is, whatever it looks like: a reference in place of a character is never a mark in Markdown
    (https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references)."""
    return Markup(_MARKS.sub(lambda mark: f"&#{ord(mark[0])};", text))  # noqa: S704 (nothing is left to escape)


def both(words: Words) -> Markup:
    """luodi's own words, which are Markdown, in Chinese and in English; once where they are the same."""
    return Markup(words.zh if words.zh == words.en else f"{words.zh} / {words.en}")  # noqa: S704
