"""What several of these tests stand on."""

from __future__ import annotations

from tests.unit.nameserver import name_servers

__all__ = ["name_servers"]
