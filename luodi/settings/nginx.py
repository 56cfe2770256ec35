"""nginx, for all the sites of a server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from luodi.section import Section
from luodi.settings.serving import HeaderName
from luodi.settings.values import Network


class NginxSettings(Section):
    """nginx, for all the sites of the server."""

    tls: Literal["intermediate", "modern"] = Field(
        "intermediate", description="Mozilla's profile; modern is TLS 1.3 alone, which older telephones don't speak."
    )
    log: Literal["combined", "json", "off"] = Field("combined", description="The access log's format.")
    log_addresses: Literal["truncated", "whole"] = Field(
        "truncated",
        description="Visitors' addresses in the JSON log: their network alone, or whole. The Cybersecurity Law "
        "(网络安全法 第二十一条) asks for network logs of six months; ask counsel what has to be in them.",
    )
    compression: tuple[Literal["brotli", "zstd"], ...] = Field(
        (),
        strict=False,
        description="Besides gzip. brotli is installed from the distribution; for zstd the image must have the module.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (),
        strict=False,
        description="Balancers or CDN before the server, whose word on the visitor's address is believed: CIDR blocks.",
    )
    client_header: HeaderName = Field("X-Forwarded-For", description="The header in which they say it.")
