"""luodi (落地): land a site on a mainland China server with `pulumi up`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luodi.settings import Settings
    from luodi.site import Site

__all__ = ["Settings", "Site"]

_HOMES = {"Settings": "luodi.settings", "Site": "luodi.site"}


def __getattr__(name: str) -> Any:
    # Imported when asked for: a command of `luodi` needs no Pulumi, which takes seconds to import.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
