"""What every preview says of a site: whether it is published, why, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from luodi.filing.change import Standing
from luodi.filing.gate import Publication
from luodi.gate import Gate
from luodi.language import language
from luodi.settings import HostedSite, readable
from luodi.words import Language

_LET_IN: Mapping[Language, str] = {
    "en": "Let in meanwhile, with a hosts entry for the server's address: {} ({key}).",
    "zh": "在此期间，以下地址可访问（需在 hosts 中指向服务器地址）：{}（{key}）。",
}
_NOBODY: Mapping[Language, str] = {
    "en": "Nobody is let in meanwhile; name the team's addresses in {key} to see the site.",
    "zh": "在此期间不对任何人开放；如需团队内部查看，请在 {key} 中填写访问地址。",
}
_ADOPTED: Mapping[Language, str] = {
    "en": "Taken over as they are, and still leading where they led: {}. To switch them to this server, take {key} out "
    "of the stack file and run pulumi up.",
    "zh": "以下解析记录按原样接管，仍指向原来的地址：{}。要切换到本服务器，请从配置文件删去 {key}，再运行 pulumi up。",
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


def tell_adopted(site: HostedSite, resource: pulumi.Resource) -> None:
    """Say which of a site's records were taken over and are not switched to its server yet; nothing where none is."""
    if site.dns.adopt:
        names = ", ".join(map(readable, site.dns.adopt))
        pulumi.log.warn(_ADOPTED[language()].format(names, key=site.at("luodi:dns.adopt")), resource=resource)


def remember(name: str, site: HostedSite, said: Publication, opts: pulumi.ResourceOptions) -> Gate:
    """Keep in the state what the public can see, so that the next preview says before it is done what takes it away."""
    names, filing = tuple(map(readable, site.names)), site.filing.covering
    number = str(filing.number) if filing and not filing.revoked else None
    standing = Standing(names, said.public, number, str(said.stage))
    return Gate(name, standing, reason=said.reason.in_(language()), language=language(), opts=opts)
