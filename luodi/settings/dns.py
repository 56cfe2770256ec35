"""The zone at DNSPod."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from luodi.section import Section
from luodi.settings.values import HostName

RecordId = Annotated[int, Field(ge=1)]
"""DNSPod's number of a record."""


class DnsSettings(Section):
    """The zone at DNSPod and the site's records in it."""

    zone: HostName | None = Field(
        None, description="The zone that holds the records; by default the registered domain."
    )
    manage: Literal["adopt", "create"] = Field(
        "adopt",
        description="adopt: the zone is at DNSPod already and stays there; create: it is the stack's own.",
    )
    ttl: int = Field(600, ge=1, le=604800, description="Seconds; DNSPod's free plan needs 600 or more.")
    adopt: dict[HostName, RecordId] = Field(
        {},
        description="A records that are there already and lead elsewhere, to be taken over: host name to RecordId. "
        "They stay as they are while this is set; once it is taken out, the next `up` switches them, in place.",
    )
