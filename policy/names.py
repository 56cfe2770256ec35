"""Host names in whatever form a program writes them."""

from __future__ import annotations

from luodi.settings import host_name, readable, registrable


def apex_of(name: str) -> str:
    """The registered domain, in A-labels, of a host name or a zone; the name itself where it is none."""
    try:
        name = host_name(name.removeprefix("*."))
    except ValueError:
        return name
    return registrable(name) or name


def shown(name: str) -> str:
    """A name as a person reads it, where it is a host's."""
    try:
        return readable(host_name(name))
    except ValueError:
        return name
