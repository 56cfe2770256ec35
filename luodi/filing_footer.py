"""A site's footer: what its filing says and its settings ask for, as what is rendered."""

from __future__ import annotations

from pathlib import Path

from luodi.rendering import Footer, RenderingError
from luodi.rendering.icon import read_icon
from luodi.settings import HostedSite


def footer(site: HostedSite) -> Footer:
    """The footer of a site's pages. Raises RenderingError, with the key, for an icon that can't be used."""
    filing, asked = site.filing, site.site.footer
    try:
        icon = read_icon(Path(asked.icon)) if asked.icon else None
    except RenderingError as error:
        raise RenderingError(f"{site.at('luodi:site.footer.icon')}: {error}") from None
    return Footer(
        icp=filing.page_number,
        public_security=filing.public_security.number if filing.public_security else None,
        owner=filing.subject.name if filing.subject else None,
        licence=filing.licence,
        language=asked.language,
        icon=icon,
    )
