"""luodi (落地): land a site on a mainland China server with `pulumi up`.

As a library: what is named here is kept from one version to the next, and docs/library.md has all of it. The rest is
luodi's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luodi.api import Account
    from luodi.certificate.account import AcmeAccount
    from luodi.certificate.server_certificate import Certificate
    from luodi.cloud.cvm import Cvm
    from luodi.cloud.dns import Records
    from luodi.cloud.lighthouse import Lighthouse, find_blueprint
    from luodi.delivery.resources import Preparation
    from luodi.delivery.scripts import Scripts
    from luodi.filing.deadlines import Deadline, deadlines
    from luodi.filing.facts import FilingSettings
    from luodi.filing.gate import Publication, publication
    from luodi.filing.numbers import (
        IcpNumber,
        Licence,
        NumberError,
        PublicSecurityNumber,
        parse_icp,
        parse_licence,
        parse_public_security,
    )
    from luodi.filing.stage import Stage, stage
    from luodi.problems import Problem, SettingsError
    from luodi.rendering import (
        CertificateFiles,
        Footer,
        MiniProgram,
        Nginx,
        Proxy,
        Renderer,
        RenderingError,
        Spa,
        Static,
        Upstream,
        VirtualHost,
    )
    from luodi.settings import CertificateSettings, CvmSettings, LighthouseSettings, Settings
    from luodi.site import Site
    from luodi.words import Words

__version__ = "0.1.0"

__all__ = [
    "Account",
    "AcmeAccount",
    "Certificate",
    "CertificateFiles",
    "CertificateSettings",
    "Cvm",
    "CvmSettings",
    "Deadline",
    "FilingSettings",
    "Footer",
    "IcpNumber",
    "Licence",
    "Lighthouse",
    "LighthouseSettings",
    "MiniProgram",
    "Nginx",
    "NumberError",
    "Preparation",
    "Problem",
    "Proxy",
    "PublicSecurityNumber",
    "Publication",
    "Records",
    "Renderer",
    "RenderingError",
    "Scripts",
    "Settings",
    "SettingsError",
    "Site",
    "Spa",
    "Stage",
    "Static",
    "Upstream",
    "VirtualHost",
    "Words",
    "deadlines",
    "find_blueprint",
    "parse_icp",
    "parse_licence",
    "parse_public_security",
    "publication",
    "stage",
]

_MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "luodi.site": ("Site",),
        "luodi.settings": ("Settings", "CvmSettings", "LighthouseSettings", "CertificateSettings"),
        "luodi.problems": ("SettingsError", "Problem"),
        "luodi.cloud.cvm": ("Cvm",),
        "luodi.cloud.lighthouse": ("Lighthouse", "find_blueprint"),
        "luodi.api": ("Account",),
        "luodi.delivery.resources": ("Preparation",),
        "luodi.delivery.scripts": ("Scripts",),
        "luodi.cloud.dns": ("Records",),
        "luodi.certificate.account": ("AcmeAccount",),
        "luodi.certificate.server_certificate": ("Certificate",),
        "luodi.filing.numbers": (
            *("parse_icp", "parse_licence", "parse_public_security"),
            *("IcpNumber", "Licence", "PublicSecurityNumber", "NumberError"),
        ),
        "luodi.filing.facts": ("FilingSettings",),
        "luodi.filing.stage": ("stage", "Stage"),
        "luodi.filing.gate": ("publication", "Publication"),
        "luodi.filing.deadlines": ("deadlines", "Deadline"),
        "luodi.words": ("Words",),
        "luodi.rendering": (
            *("Renderer", "VirtualHost", "Static", "Spa", "Proxy", "Upstream", "MiniProgram"),
            *("Footer", "CertificateFiles", "Nginx", "RenderingError"),
        ),
    }
)
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


if not TYPE_CHECKING:  # else no name would be wrong to a type checker

    def __getattr__(name: str) -> Any:
        # Imported when asked for: a command of `luodi` needs no Pulumi, which takes seconds to import.
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
