"""The applications of a stack, as Pulumi declares them: what a release says of each, and its secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG

from luodi.apps.application import App, Php
from luodi.apps.secrets import AppSecrets

APP_SECRETS = "luodi:app-secrets"


class SecretMissing(Exception):
    """A secret that a stack file names and the stack does not have."""


@dataclass(frozen=True)
class Place:
    """Where applications run: the server, its region, and the folder of templates."""

    instance: pulumi.Input[str]
    region: str
    templates: Path


def release_files(
    name: str, apps: Iterable[App | Php], place: Place, opts: pulumi.ResourceOptions
) -> pulumi.Input[Mapping[str, str]]:
    """What a release says of applications: path to text. It is known before an `up` unless there are new secrets.

    Raises SecretMissing.
    """
    known: dict[str, str] = {}
    later: list[pulumi.Output[dict[str, str]]] = []
    for app in apps:
        if not app.settings.secrets:
            known |= app.files(place.templates)
            continue
        secrets = AppSecrets(
            f"{name}-{app.name}-secrets",
            instance=place.instance,
            region=place.region,
            app=app.name,
            values=_values(app),
            reader="php-fpm" if isinstance(app, Php) else "systemd",
            templates=str(place.templates),
            opts=opts,
        )
        later.append(secrets.version.apply(partial(_told, app, place.templates)))
    if not later:
        return known
    return pulumi.Output.all(*later).apply(
        lambda each: {**known, **{path: text for files in each for path, text in files.items()}}
    )


def _told(app: App | Php, templates: Path, version: str) -> dict[str, str]:
    return replace(app, secrets=version).files(templates)


def both(one: Mapping[str, str], other: pulumi.Input[Mapping[str, str]]) -> pulumi.Input[Mapping[str, str]]:
    """The files of both."""
    if isinstance(other, pulumi.Output):
        return other.apply(lambda files: {**one, **files})
    return {**one, **other}  # type: ignore[dict-item]


def told_secrets(apps: Iterable[App | Php]) -> None:
    """Raises SecretMissing where an application is to be told a secret that the stack does not have."""
    for app in apps:
        if app.settings.secrets:
            _values(app)


def _values(app: App | Php) -> pulumi.Output[dict[str, str]]:
    given = _given()
    if missing := sorted(set(app.settings.secrets.values()) - given.keys()):
        raise SecretMissing(
            f"{app.name} is to be told {', '.join(missing)}, and the stack has no such secret; type "
            f"`pulumi config set --secret --path {APP_SECRETS}.{missing[0]}`"
        )
    return pulumi.Output.secret({name: str(given[key]) for name, key in app.settings.secrets.items()})


def _given() -> Mapping[str, Any]:
    try:
        given = json.loads(CONFIG.get().get(APP_SECRETS, "{}"))
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise SecretMissing(
            f"{APP_SECRETS} is no mapping; set each by `pulumi config set --secret --path {APP_SECRETS}.<name>`"
        )
    return given
