"""What resources that live on a server share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luodi import dynamic
from luodi.api import ApiError
from luodi.delivery import tat


class ServerProvider(dynamic.CloudProvider):
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
