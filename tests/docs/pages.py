"""The repository's Markdown, as a reader of it on a web page of the repository has it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.project import REPOSITORY

_NO_SLUG = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Heading:
    """A heading, with the level that it has and the name that a link may lead to it by."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Block:
    """A block of code: the words after its fence, what is in it, and the line of the page that it begins at."""

    info: str
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """One file of Markdown. `path` is where links in it start from."""

    path: Path
    text: str

    @cached_property
    def _tokens(self) -> list[Token]:
        return MarkdownIt("gfm-like", {"linkify": False}).parse(self.text)

    @cached_property
    def _inline(self) -> list[Token]:
        return [child for token in self._tokens for child in token.children or ()]

    @property
    def headings(self) -> list[Heading]:
        """Its headings in order; of several with the same text the later ones are numbered, as GitHub does it."""
        seen: Counter[str] = Counter()
        found = []
        for opening, inline in zip(self._tokens, self._tokens[1:], strict=False):
            if opening.type == "heading_open":
                words = "".join(child.content for child in inline.children or ())
                name = _NO_SLUG.sub("", words.lower()).replace(" ", "-")
                found.append(Heading(int(opening.tag[1:]), words, f"{name}-{seen[name]}" if seen[name] else name))
                seen[name] += 1
        return found

    @property
    def anchors(self) -> frozenset[str]:
        """What a link may lead to in it."""
        return frozenset(heading.anchor for heading in self.headings)

    @property
    def links(self) -> list[str]:
        """Where its links and images lead, in order, as they are written."""
        return [
            unquote(str(target))
            for token in self._inline
            if token.type in ("link_open", "image")
            for target in (token.attrGet("href"), token.attrGet("src"))
            if target
        ]

    @property
    def blocks(self) -> list[Block]:
        """Its blocks of code."""
        return [
            Block(token.info.strip(), token.content, (token.map or [0])[0] + 1)
            for token in self._tokens
            if token.type in ("fence", "code_block")
        ]

    @property
    def code(self) -> list[str]:
        """What stands between backticks in its text, its headings left out."""
        opened = [None, *self._tokens]
        inner = [
            token
            for before, token in zip(opened, self._tokens, strict=False)
            if before is None or before.type != "heading_open"
        ]
        return [child.content for token in inner for child in token.children or () if child.type == "code_inline"]

    def broken_links(self) -> Iterator[str]:
        """Its links that lead to nothing in the repository."""
        for link in self.links:
            if re.match(r"[a-z][a-z0-9+.-]*:", link):
                continue
            file, _, anchor = link.partition("#")
            target = (self.path.parent / file).resolve() if file else self.path
            if file and not (target.is_relative_to(REPOSITORY) and target.exists()):
                yield f"{link}: there is no such file"
            elif anchor and anchor not in (read(target) if file else self).anchors:
                yield f"{link}: there is no such heading"


@cache
def read(path: Path) -> Page:
    """A page of the repository."""
    return Page(path, path.read_text("utf-8"))


@cache
def paths() -> tuple[Path, ...]:
    """Every Markdown file that is the repository's, or would be at the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    found = (REPOSITORY / name for name in listed.stdout.split("\0") if name)
    return tuple(sorted(path for path in found if path.exists()))


def name_of(path: Path) -> str:
    """A page's name in a test's."""
    return str(path.relative_to(REPOSITORY))
