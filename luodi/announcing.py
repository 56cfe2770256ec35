"""What every preview says of a site: whether it is published, why, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from luodi.filing.change import Standing
from luodi.filing.gate import Publication
from luodi.filing.words import Language
from luodi.gate import Gate
from luodi.language import language
from luodi.settings import HostedSite, readable

_LET_IN: Mapping[Language, str] = {
    "en": "Let in meanwhile, with a hosts entry for the server's address: {} ({key}).",
    "zh": "在此期间，以下地址可访问（需在 hosts 中指向服务器地址）：{}（{key}）。",
}
_NOBODY: Mapping[Language, str] = {
    "en": "Nobody is let in meanwhile; name the team's addresses in {key} to see the site.",
    "zh": "在此期间不对任何人开放；如需团队内部查看，请在 {key} 中填写访问地址。",
}


def tell(site: HostedSite, said: Publication, resource: pulumi.Resource) -> None:
    """Say whether the site is published; in a warning, where that is not the usual."""
    known = language()
    allowed = ", ".join(site.site.allow)
    lines = [said.text(known)]
    if not said.public:
        text = _LET_IN[known] if allowed else _NOBODY[known]
        lines.append(text.format(allowed, key=site.at("luodi:site.allow")))
    quiet = said.public and not said.override and not said.warnings
    (pulumi.log.info if quiet else pulumi.log.warn)("\n".join(lines), resource=resource)


def remember(name: str, site: HostedSite, said: Publication, opts: pulumi.ResourceOptions) -> Gate:
    """Keep in the state what the public can see, so that the next preview says before it is done what takes it away."""
    names, filing = tuple(map(readable, site.names)), site.filing.covering
    number = str(filing.number) if filing and not filing.revoked else None
    standing = Standing(names, said.public, number, str(said.stage))
    return Gate(name, standing, reason=said.reason.in_(language()), language=language(), opts=opts)
