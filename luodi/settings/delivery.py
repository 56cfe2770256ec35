"""How releases reach the server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from luodi.section import Section, Text


class DeliverySettings(Section):
    """How releases reach the server, and how many stay on it."""

    by: Literal["auto", "tat", "cos"] = Field(
        "auto",
        description="`tat`: by commands of TAT (自动化助手) alone, 2.2 MB compressed at most. `cos`: what is large "
        "goes through a private COS bucket (对象存储) of the stack's own. `auto`: so where the content is over 1 MB "
        "or 40,000 files.",
    )
    keep: int = Field(default=5, ge=2, le=50, description="Releases that stay on the server, to go back to.")


class BuildSettings(Section):
    """A command that makes the site's files."""

    command: Text = Field(description="Run by `sh` in the project's folder, without the environment's secrets.")
    output: Text = Field(description="The folder that it writes, relative to the project: the site's content.")
    timeout: int = Field(default=15, ge=1, le=240, description="Minutes after which it is stopped.")
