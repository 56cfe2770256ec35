"""What is served: files, a single-page application, an application, the back end of a mini-program, or PHP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from luodi.section import Section, Text, either
from luodi.settings.app import AppSettings, HealthPath, PhpSettings
from luodi.settings.delivery import BuildSettings
from luodi.settings.serving import LocalAddress, Size, UrlPath
from luodi.settings.values import HostName


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class ContentKeys(Section):
    """Files of the project's own."""

    content: Text | None = Field(
        None,
        description="The folder of its files, relative to the project. Without one a holding page is served.",
    )
    build: BuildSettings | None = Field(
        None, description="A command that makes its files, in place of `content`; `pulumi up` runs it first."
    )
    immutable: tuple[UrlPath, ...] = Field(
        (),
        strict=False,
        description="Paths under which a file's name changes with its content, kept by browsers for a year. Names with "
        "a digest (app.3f2a9c1b.js) are recognised anywhere.",
    )

    @field_validator("build")
    @classmethod
    def _one_content(cls, build: BuildSettings | None, info: ValidationInfo) -> BuildSettings | None:
        if build is not None and info.data.get("content") is not None:
            raise ValueError("content is set too; leave it out, for build.output is where the site's files are")
        return build

    @property
    def folder(self) -> str | None:
        """Where its files are, or will be once they are built."""
        return self.build.output if self.build else self.content


class StaticKeys(ContentKeys):
    """Files."""

    kind: Literal["static"] = "static"


class SpaKeys(ContentKeys):
    """A single-page application: files, and the index for every address that is none."""

    kind: Literal["spa"]


class TimeoutSettings(Section):
    """Seconds that nginx waits for an application."""

    connect: int = Field(5, ge=1, le=75, description="Until it takes a connection.")
    send: int = Field(60, ge=1, le=86_400, description="Between two parts of a request.")
    read: int = Field(60, ge=1, le=86_400, description="Between two parts of an answer.")


class _Application(Section):
    upstream: Annotated[tuple[LocalAddress, ...], BeforeValidator(_several)] = Field(
        (),
        strict=False,
        description="Where an application listens that is started otherwise: `127.0.0.1:3000`, "
        "`unix:/run/shop/shop.sock`, or several.",
    )
    app: AppSettings | None = Field(None, description="An application that luodi runs itself.")
    health: HealthPath | None = Field(
        None, description="The path that answers when it is well, for /healthz; by default the app's own."
    )
    timeouts: TimeoutSettings = TimeoutSettings.model_validate({})
    body: Size = Field("10m", description="The largest request.")

    @model_validator(mode="after")
    def _somewhere(self) -> _Application:
        if bool(self.upstream) == (self.app is not None):
            raise ValueError("needs either upstream, where the application listens, or app, one that luodi runs")
        return self


class ProxyKeys(_Application):
    """An application on the server."""

    kind: Literal["proxy"]
    websocket: bool = Field(True, description="Connections may become WebSockets.")
    stream_requests: bool = Field(False, description="Pass requests on while they come in: for large uploads.")
    stream_responses: bool = Field(False, description="Pass answers on while they are made: for server-sent events.")
    decompress: bool = Field(
        False,
        description="For an application that compresses pages though it is asked not to (Accept-Encoding: identity): "
        "they are decompressed, to carry the footer.",
    )


class EndpointSettings(Section):
    """What the mini-program calls for one purpose."""

    path: UrlPath | None = Field(None, description="All under this path; `/` where the host is its own.")
    host: HostName | None = Field(None, description="At this one of the site's names alone.")


class MiniProgramKeys(_Application):
    """The back end of a mini-program (小程序)."""

    kind: Literal["mini-program"]
    platforms: tuple[Literal["wechat", "alipay"], ...] = Field(
        ("wechat",), strict=False, min_length=1, description="Where the mini-program runs."
    )
    request: EndpointSettings = Field(EndpointSettings.model_validate({}), description="request; by default `/`.")
    socket: EndpointSettings = Field(
        EndpointSettings.model_validate({}), description="socket (wss); by default `/ws/`."
    )
    upload: EndpointSettings = Field(
        EndpointSettings.model_validate({}), description="uploadFile; by default `/upload/`."
    )
    download: EndpointSettings = Field(
        EndpointSettings.model_validate({}), description="downloadFile; by default `/download/`."
    )
    upload_body: Size = Field("200m", description="The largest upload.")


class PhpKeys(ContentKeys):
    """A PHP application, such as WordPress."""

    kind: Literal["php"]
    php: PhpSettings = Field(PhpSettings.model_validate({}), description="How PHP runs it.")
    timeouts: TimeoutSettings = TimeoutSettings.model_validate({"read": 120})


class _Under(Section):
    path: UrlPath = Field(description="All under this path.")


class StaticPath(StaticKeys, _Under):
    """Files under a path."""


class SpaPath(SpaKeys, _Under):
    """A single-page application under a path."""


class ProxyPath(ProxyKeys, _Under):
    """An application under a path."""


if TYPE_CHECKING:
    PathSettings: TypeAlias = StaticPath | SpaPath | ProxyPath
else:
    PathSettings = either((StaticPath, SpaPath, ProxyPath))
