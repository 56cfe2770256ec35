"""What happens on the server, as Pulumi resources: preparation, release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from luodi import dynamic
from luodi.delivery import content, pages, provenance
from luodi.delivery.deliver import Delivery, Wanted
from luodi.delivery.files import File
from luodi.delivery.scripts import KEPT_RELEASES, Scripts
from luodi.delivery.served import Served
from luodi.delivery.server import ServerProvider
from luodi.delivery.store import Store
from luodi.former import Former
from luodi.rendering import RELEASE

_PREPARE_SECONDS = 900
"""A first boot updates package lists and installs, over whatever mirror the image is set to."""

# A key and its request were resources of their own before certificates were.
_SigningRequestProvider = Former


class _PreparationProvider(ServerProvider):
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
        said = shell.run("Preparing the server", props["script"], seconds=_PREPARE_SECONDS)
        if lacks := _lacks(said):
            dynamic.warn(f"{props['instance']} does without what its image does not give: {'; '.join(lacks)}")


def _lacks(said: str) -> list[str]:
    """What a preparation says at its end that the server lacks."""
    try:
        return [str(each) for each in json.loads(said.strip().splitlines()[-1])["lacks"]]
    except (ValueError, LookupError, TypeError):
        return []  # a team's own script need not tell


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


class _ReleaseProvider(ServerProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['instance']}/releases", self._deliver(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Looks at the server too, so that what was changed there since is told by any preview, and put right by any
        `up`."""
        inputs = ("files", "private", "folders", "footers", "names", "pages", "keep")
        found = dynamic.diff(olds, news, update=inputs, replace=("instance",))
        if found.replaces:
            return found
        if differs := self._differs(olds):
            _tell(differs)
        recorded = olds.get("serving") != olds.get("release") or bool(olds.get("by_hand"))
        return DiffResult(changes=found.changes or recorded or differs is not None, replaces=[])

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._deliver(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What is really switched on, and what of it was changed by hand; the next `up` puts either right."""
        served = self._served(props)
        serving = served.release if served and served.serving else ""
        by_hand = _by_hand(served, props) if served and serving == props.get("release") else []
        return ReadResult(id_, {**props, "serving": serving, "by_hand": by_hand})

    def _served(self, props: Mapping[str, Any]) -> Served | None:
        said = self.look(props, "Looking at the release", Scripts(Path(props["templates"])).current())
        return None if said is None else Served.parse(said)

    def _differs(self, props: Mapping[str, Any]) -> str | None:
        """How the server differs from what was delivered, in one line; None also when it does not answer."""
        served = self._served(props)
        if served is None:
            return None
        if served.release != props.get("release"):
            return f"The server serves release {served.release or '(none)'}, not {props['release']}, delivered last."
        if not served.serving:
            return "nginx does not run on the server."
        if changed := _by_hand(served, props):
            return f"Changed on the server by hand: {', '.join(changed)} (luodi diff shows it)."
        return None

    def _deliver(self, props: Mapping[str, Any]) -> dict[str, Any]:
        account = self.account(props["region"])
        store = Store(account, props["bucket"]) if props.get("bucket") else None
        files = release_files(props)
        shell = self.shell(props)
        shell.wait()
        delivered = Delivery(shell, Scripts(Path(props["templates"])), store, tell=_tell).deliver(
            Wanted(
                files,
                names=props["names"],
                pages=_due(props["pages"], files),
                mark=RELEASE,
                record=provenance.find(Path()).as_record(),
                passing=props.get("passing") or {},
                keep=int(props["keep"]),  # a number of the engine's is a float
            )
        )
        for warning in delivered.warnings:
            dynamic.warn(warning)
        return {
            **props,
            "release": delivered.id,
            "manifest": delivered.manifest,
            "serving": delivered.id,
            "by_hand": [],
        }


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
        footers: Mapping[str, str] | None = None,
        templates: str,
        private: Mapping[str, str] | None = None,
        pages: Mapping[str, str] | None = None,
        passing: Mapping[str, str] | None = None,
        keep: int = KEPT_RELEASES,
        bucket: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`files` is path in the release to text; `private` too, for what is a secret in the state. `folders` is a
        folder in the release to the one that its files come from; the pages of those in `footers` get the footer at
        the path given. `names` are asked for after the switch; of those in `pages` also the first page, which must
        carry the footer at the path given, if it has it in the release; those in `passing` get it as they pass, and a
        first page without is warned of. `keep` is how many releases stay on the server.
        `bucket` is the COS bucket that large files go through.

        Creating and updating raise Silent, CommandFailed, TooLarge, StoreError or ContentError.
        """
        super().__init__(
            _ReleaseProvider(),
            name,
            {
                "instance": instance,
                "region": region,
                "names": list(names),
                "files": files,
                "private": pulumi.Output.secret(dict(private)) if private else {},
                "folders": {path: {"source": each.source, "digest": each.digest} for path, each in folders.items()},
                "footers": dict(footers or {}),
                "templates": templates,
                "pages": dict(pages or {}),
                "passing": dict(passing or {}),
                "keep": keep,
                "bucket": bucket,
                "release": None,
                "manifest": None,
                "serving": None,
                "by_hand": None,
            },
            pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(additional_secret_outputs=["private"] if private else None), opts
            ),
        )


def release_files(props: Mapping[str, Any]) -> dict[str, File]:
    """Every file of a release. Raises ContentError when a folder is no longer what the preview saw."""
    texts = {**props["files"], **(props.get("private") or {})}
    files = {path: File.holding(text.encode()) for path, text in texts.items()}
    folders: dict[str, Mapping[str, File]] = {}
    for at, folder in props["folders"].items():
        folders[at] = content.again(Path(folder["source"]), folder)
        if footer := texts.get((props.get("footers") or {}).get(at, "")):
            folders[at] = pages.with_footer(folders[at], footer).files
    return files | content.laid(folders)


def _due(footers: Mapping[str, str], files: Mapping[str, File]) -> dict[str, str]:
    """Of each name the footer that its first page must show: the one that it has in the release."""

    def due(name: str, footer: str) -> str:
        first = files.get(f"sites/{name}/html/index.html")
        if first is None or not footer:
            return ""
        return footer if pages.has_footer(first, files[footer].open().read().decode()) else ""

    return {name: due(name, footer) for name, footer in footers.items()}


_TOLD = 20


def _by_hand(served: Served, props: Mapping[str, Any]) -> list[str]:
    """The paths that were changed by hand, the first of many, and how many more."""
    paths = served.by_hand
    if served.manifest and props.get("manifest") not in (None, served.manifest):
        paths = [".luodi/manifest", *paths]
    more = len(paths) - _TOLD
    return [*paths[:_TOLD], f"and {more} more"] if more > 0 else paths


def _tell(line: str) -> None:
    """The engine shows what a provider prints as it comes."""
    print(line, flush=True)
