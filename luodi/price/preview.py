"""What a preview says of a server that it would make: what it costs."""

from __future__ import annotations

import asyncio

import pulumi

from luodi.api import Account
from luodi.language import language
from luodi.price import monthly
from luodi.price.telling import line
from luodi.settings import Settings
from luodi.words import Words

_UNKNOWN = Words("价格未能查询：{why}", "the price can't be told: {why}")


def tell(
    settings: Settings, account: Account, server: pulumi.Output[str], resource: pulumi.Resource
) -> pulumi.Output[str | None]:
    """In a preview, say what the server costs, where it would be made: its id, `server`, is then not known yet.

    It is asked while the engine goes on with the rest; no failure of it is one of the preview. Gives what was said.
    """

    async def told() -> str | None:
        if not pulumi.runtime.is_dry_run() or await server.is_known():
            return None
        text = await asyncio.to_thread(said, settings, account)
        pulumi.log.info(text, resource=resource)
        return text

    telling: pulumi.Output[str | None] = pulumi.Output.from_input(told())
    return telling


def said(settings: Settings, account: Account) -> str:
    """The line: the price, or why there is none. Raises nothing."""
    try:
        words = line(monthly(settings, account))
    except Exception as error:  # whatever it is, the preview is about something else
        words = _UNKNOWN.fill(why=error)
    return words.in_(language())
