"""The certificate: who issues it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from luodi.section import Section
from luodi.settings.values import Directory, Email


class CertificateSettings(Section):
    """The ACME authority, and how long it may take."""

    authority: Literal["letsencrypt", "letsencrypt-staging"] = Field(
        "letsencrypt", description="The authority; the staging one is trusted by no browser."
    )
    directory: Directory | None = Field(None, description="The ACME directory of another authority.")
    email: Email | None = Field(None, description="Whom the authority may write to.")
    propagation_timeout: int = Field(180, ge=1, le=3600, description="Seconds to wait until every name server answers.")
