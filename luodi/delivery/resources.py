"""What happens on the server, as Pulumi resources: preparation, key and CSR, release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from luodi import dynamic
from luodi.api import ApiError
from luodi.delivery import content, tat
from luodi.delivery.bundle import Bundle
from luodi.delivery.scripts import Scripts
from luodi.rendering import RELEASE

_PREPARE_SECONDS = 900
"""A first boot updates package lists and installs, over whatever mirror the image is set to."""


class _ServerProvider(dynamic.CloudProvider):
    """A provider whose resource lives on one server."""

    def shell(self, props: Mapping[str, Any]) -> tat.Shell:
        return tat.Shell(self.account(props["region"]), props["instance"])

    def look(self, props: Mapping[str, Any], what: str, script: str) -> str | None:
        """What a script prints; None when the server is gone or does not answer."""
        shell = self.shell(props)
        try:
            shell.wait(seconds=10)
            return shell.run(what, script).strip()
        except (tat.Silent, tat.CommandFailed):
            return None
        except ApiError as error:
            if tat.gone(error):
                return None
            raise


class _PreparationProvider(_ServerProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        self._prepare(props)
        return CreateResult(f"{props['instance']}/preparation", dict(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return dynamic.diff(olds, news, update=("script",), replace=("instance",))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        self._prepare(news)
        return UpdateResult(dict(news))

    def _prepare(self, props: Mapping[str, Any]) -> None:
        shell = self.shell(props)
        shell.wait()
        shell.run("Preparing the server", props["script"], seconds=_PREPARE_SECONDS)


class Preparation(Resource, module="luodi", name="Preparation"):
    """A server with nginx and the folders that releases need."""

    instance: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        instance: pulumi.Input[str],
        region: str,
        script: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`script` is run by TAT and must be safe to run again. Creating raises Silent or CommandFailed."""
        super().__init__(
            _PreparationProvider(),
            name,
            {"instance": instance, "region": region, "script": script},
            opts,
        )


class _SigningRequestProvider(_ServerProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['instance']}/{props['key']}", self._request(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return dynamic.diff(olds, news, update=("names",), replace=("instance", "key"))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._request(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Gone, so made again by the next `up`, when the server no longer holds the key that the CSR is for."""
        held = self.look(props, "Looking at the key", self._scripts(props).public_key(props["key"]))
        same = held is not None and held == _public_key(props["csr"])
        return ReadResult(id_ if same else "", dict(props))

    def _request(self, props: Mapping[str, Any]) -> dict[str, Any]:
        shell = self.shell(props)
        shell.wait()
        script = self._scripts(props).signing_request(props["key"], props["names"])
        csr = shell.run("Making the key and its signing request", script)
        return {**props, "csr": csr.strip() + "\n"}

    def _scripts(self, props: Mapping[str, Any]) -> Scripts:
        return Scripts(Path(props["templates"]))


class SigningRequest(Resource, module="luodi", name="SigningRequest"):
    """A CSR whose key was made on the server and never leaves it."""

    csr: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        instance: pulumi.Input[str],
        region: str,
        names: tuple[str, ...],
        key: str,
        templates: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`key` is the key's path on the server. Creating and updating raise Silent or CommandFailed."""
        super().__init__(
            _SigningRequestProvider(),
            name,
            {
                "instance": instance,
                "region": region,
                "names": list(names),
                "key": key,
                "templates": templates,
                "csr": None,
            },
            opts,
        )


class _ReleaseProvider(_ServerProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['instance']}/releases", self._deliver(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        drifted = olds.get("serving") != olds.get("release")
        return dynamic.diff(
            olds,
            news,
            update=("files", "folders", "names"),
            replace=("instance",),
            also=drifted,
        )

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._deliver(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What is really switched on; when that is not what was delivered, the next `up` delivers again."""
        said = self.look(props, "Looking at the release", Scripts(Path(props["templates"])).current())
        release, _, state = (said or "").partition(" ")
        serving = release if state == "serving" else ""
        return ReadResult(id_, {**props, "serving": serving})

    def _deliver(self, props: Mapping[str, Any]) -> dict[str, Any]:
        scripts, shell = Scripts(Path(props["templates"])), self.shell(props)
        files = release_files(props)
        release = release_id(files)
        bundle = Bundle.of(place(files, release))
        folder = f"/var/lib/luodi/upload/{release}"
        parts = bundle.parts()
        shell.wait()
        for number, text in enumerate(parts):
            shell.run(
                f"Uploading release {release} (part {number + 1} of {len(parts)})",
                scripts.upload(folder, f"{number:03d}", text),
            )
        shell.run(
            f"Switching to release {release}",
            scripts.release(release, folder, bundle.digest, props["names"]),
            seconds=300,
        )
        return {**props, "release": release, "serving": release}


class Release(Resource, module="luodi", name="Release"):
    """The configuration and content that the server serves: delivered whole, checked, switched on at once.

    When anything fails the last release keeps serving, and `up` fails with nginx's own words.
    """

    release: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        instance: pulumi.Input[str],
        region: str,
        names: tuple[str, ...],
        files: pulumi.Input[Mapping[str, str]],
        folders: Mapping[str, content.Folder],
        templates: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`files` is path in the release to text; `folders`, a folder in the release to the one that its files come
        from. `names` are asked for after the switch.

        Creating and updating raise Silent, CommandFailed, TooLarge or ContentError.
        """
        super().__init__(
            _ReleaseProvider(),
            name,
            {
                "instance": instance,
                "region": region,
                "names": list(names),
                "files": files,
                "folders": {path: {"source": each.source, "digest": each.digest} for path, each in folders.items()},
                "templates": templates,
                "release": None,
                "serving": None,
            },
            opts,
        )


def release_files(props: Mapping[str, Any]) -> dict[str, bytes]:
    """Every file of a release. Raises ContentError when a folder is no longer what the preview saw."""
    files = {path: text.encode() for path, text in props["files"].items()}
    for at, folder in props["folders"].items():
        found = content.read(Path(folder["source"]))
        if content.digest(found) != folder["digest"]:
            raise content.ContentError(
                f"luodi:site.content: {folder['source']} changed while it was being published; run pulumi up again"
            )
        files |= {f"{at}/{name}": data for name, data in found.items()}
    return files


def release_id(files: Mapping[str, bytes]) -> str:
    """A release is named by what is in it: the same files, the same release."""
    return content.digest(files)[:16]


def place(files: Mapping[str, bytes], release: str) -> dict[str, bytes]:
    """Tell the nginx files which release they are in, which their own digest decides."""
    mark = RELEASE.encode()
    return {
        path: data.replace(mark, release.encode()) if path.startswith("nginx/") else data
        for path, data in files.items()
    }


def _public_key(csr: str) -> str:
    request = x509.load_pem_x509_csr(csr.encode())
    return (
        request.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
        .strip()
    )
