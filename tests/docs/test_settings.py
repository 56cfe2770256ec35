"""Every setting that a page names is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from luodi import settings
from luodi.settings.certificate import SECRETS
from luodi.settings.hosted import SECTIONS
from tests.docs import pages

# The changelog also names what is gone.
_PAGES = tuple(path for path in pages.paths() if path.name != "CHANGELOG.md")
_NAMED = re.compile(r"(?<![\w/-])luodi:(?P<section>[a-z][a-z-]*)(?P<rest>(?:\.[a-z][a-z-]*|\[\d*\])*)")
_ITEM = re.compile(r"\[\d*\](?:\.(?P<section>[a-z][a-z-]*))?(?P<rest>.*)")
_STEP = re.compile(r"\.([a-z][a-z-]*)|\[\d*\]")
_SECRETS = (settings.ACCOUNT_KEY, *SECRETS, "app-secrets")


def _mistake(name: str) -> str | None:
    """Why `name` (``luodi:section.key``) is no setting; None where it is one."""
    found = _NAMED.fullmatch(name)
    assert found is not None, name
    section, rest = found["section"], found["rest"]
    if section in _SECRETS:
        return None
    sections = settings.sections()
    if section == settings.FURTHER:
        item = _ITEM.fullmatch(rest or "[]")
        if item is None:
            return f"{name}: an item comes first, luodi:{section}[0]"
        if item["section"] is None:
            return None
        section, rest, sections = item["section"], item["rest"], SECTIONS
    if section not in sections:
        return f"luodi:{section} is no section"
    where: list[Any] = list(sections[section])
    for step in _STEP.finditer(rest):
        where = [inner for outer in where for inner in _below(outer, step[1])]
        if not where:
            return f"{name}: there is no {step[0]}"
    return None


def _below(annotation: Any, key: str | None) -> Iterator[Any]:
    """What a value of a type holds under `key`, or, without one, as an item of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in annotation.model_fields.values():
            if key is not None and field.alias == key:
                yield field.annotation
        return
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        if key is None:
            yield inner[0]
    elif origin is dict:
        if key is not None:
            yield inner[1]
    else:
        for one in inner:
            yield from _below(one, key)


def _of_yaml(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str) and re.fullmatch(r"[a-z][a-z-]*", key):
                yield f"{path}.{key}"
                yield from _of_yaml(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _of_yaml(inner, f"{path}[]")


def _written(path: Path) -> Iterator[str]:
    """The settings of the stack files that a page shows."""
    for block in pages.read(path).blocks:
        if block.info == "yaml":
            shown = yaml.safe_load(block.text)
            for section, value in (shown.get("config", shown) if isinstance(shown, dict) else {}).items():
                if section.startswith("luodi:"):
                    yield section
                    yield from _of_yaml(value, section)


@pytest.mark.parametrize("path", _PAGES, ids=pages.name_of)
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    named = {found[0] for found in _NAMED.finditer(pages.read(path).text)}
    assert {name: mistake for name in sorted(named) if (mistake := _mistake(name))} == {}


@pytest.mark.parametrize("path", _PAGES, ids=pages.name_of)
def test_every_setting_of_a_stack_file_that_is_shown_is_one(path: Path) -> None:
    assert {name: mistake for name in _written(path) if (mistake := _mistake(name))} == {}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("luodi:sight", "luodi:sight is no section"),
        ("luodi:site.names[0].of", "luodi:site.names[0].of: there is no .of"),
        ("luodi:sites.site.domain", "luodi:sites.site.domain: an item comes first, luodi:sites[0]"),
        ("luodi:sites[0].server", "luodi:server is no section"),
        ("luodi:server.perod", "luodi:server.perod: there is no .perod"),
        ("luodi:site.areas[0].user.team", "luodi:site.areas[0].user.team: there is no .user"),
        ("luodi:filing.icp.numbr", "luodi:filing.icp.numbr: there is no .numbr"),
    ],
)
def test_a_setting_that_is_none_is_told(name: str, told: str) -> None:
    assert _mistake(name) == told


@pytest.mark.parametrize(
    "name",
    [
        "luodi:site.areas[0].users.team",
        "luodi:site.paths[1].upstream",
        "luodi:sites[0].filing.icp.number",
        "luodi:server.bundle",
        "luodi:app-secrets.whatever",
    ],
)
def test_one_of_any_kind_is_found(name: str) -> None:
    assert _mistake(name) is None
