"""An application's secrets, on their way to the server: encrypted to a key that the server made and keeps.

What TAT and its history see is a CMS envelope (RFC 5652); on the server it becomes a file that only root may read, from
which systemd or PHP-FPM gives the application its environment.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from luodi import dynamic
from luodi.apps.templates import Templates, environment_file, pool_environment
from luodi.delivery.sealing import seal
from luodi.delivery.server import ServerProvider

KEPT = 8
"""Versions that stay on the server, for releases that may come back."""

Reader = Literal["systemd", "php-fpm"]
_TEXT = {"systemd": environment_file, "php-fpm": pool_environment}


def sealed(values: Mapping[str, str], reader: Reader, certificate: str) -> str:
    """`values` as `reader` takes them, encrypted to `certificate` (PEM): a CMS envelope (PEM)."""
    return seal(_TEXT[reader](values), certificate)


class _SecretsProvider(ServerProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['instance']}/{props['app']}", self._brought(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return dynamic.diff(olds, news, update=("values", "reader"), replace=("instance", "app"))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._brought(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Gone, so brought again by the next `up`, when the server has them no more."""
        script = self._render(props, "apps-secrets-there", app=props["app"], version=props["version"])
        there = self.look(props, f"Looking for the secrets of {props['app']}", script)
        return ReadResult(id_ if there is not None else "", dict(props))

    def _brought(self, props: Mapping[str, Any]) -> dict[str, Any]:
        shell, version = self.shell(props), secrets.token_hex(8)
        shell.wait()
        certificate = shell.run("Making the key for secrets", self._render(props, "apps-sealing-key"))
        envelope = sealed(props["values"], props["reader"], certificate)
        values = {"app": props["app"], "version": version, "sealed": envelope.strip(), "keep": KEPT}
        shell.run(f"Bringing the secrets of {props['app']}", self._render(props, "apps-secrets", **values))
        return {**props, "version": version}

    @staticmethod
    def _render(props: Mapping[str, Any], name: str, **values: Any) -> str:
        return Templates(Path(props["templates"])).render(f"{name}.sh", **values)


class AppSecrets(Resource, module="luodi", name="AppSecrets"):
    """The secrets of an application, on its server. `version` is what they are called there, and says nothing of them;
    other values have another one."""

    version: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        instance: pulumi.Input[str],
        region: str,
        app: str,
        values: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        reader: Reader = "systemd",
        templates: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`values` by the environment variables' names; in state they are encrypted. Creating and updating raise Silent
        or CommandFailed."""
        super().__init__(
            _SecretsProvider(),
            name,
            {
                "instance": instance,
                "region": region,
                "app": app,
                "values": pulumi.Output.secret(values),
                "reader": reader,
                "templates": templates,
                "version": None,
            },
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["values"])),
        )
