"""What a stack declares, in a few words: its server, and who issues its certificates. Pure."""

from __future__ import annotations

from luodi import authorities
from luodi.hosting import memory
from luodi.settings import CertificateSettings, CvmSettings, LighthouseSettings, Region, Settings
from luodi.words import Words

_CVM, _LIGHTHOUSE = Words("云服务器 CVM", "CVM"), Words("轻量应用服务器", "Lighthouse")
_BOUGHT, _FREE = Words("自行购买（{chain}）", "bought ({chain})"), Words("腾讯云免费证书", "Tencent Cloud (free)")
_THEN = Words("（备用：{others}）", " (else {others})")


def server_kind(server: CvmSettings | LighthouseSettings) -> Words:
    """What the provider calls it."""
    return _CVM if isinstance(server, CvmSettings) else _LIGHTHOUSE


def server_size(server: CvmSettings | LighthouseSettings) -> str:
    """Its instance type or bundle."""
    return server.instance_type if isinstance(server, CvmSettings) else server.bundle


def server_words(settings: Settings) -> Words:
    """The server's kind, where it stands, and its memory as far as its size tells."""
    kind, region = server_kind(settings.server), region_name(settings.region)
    gigabytes = memory(settings.server) // 1024
    return Words(f"{kind.zh} · {region.zh} · {gigabytes} GB", f"{kind.en} · {region.en} · {gigabytes} GB")


def region_name(region: Region) -> Words:
    """Where it stands; the data has both languages: Guangzhou (广州)."""
    english, _, chinese = region.name.removesuffix(")").partition(" (")
    return Words(chinese or english, english)


def issuer(certificate: CertificateSettings, stack: str) -> Words:
    """Who is asked for the certificates of a stack of that name."""
    if certificate.source == "files":
        return _BOUGHT.fill(chain=certificate.files.chain if certificate.files else "")
    if certificate.source == "tencent":
        return _FREE
    first, *others = (str(authorities.find(name)) for name in certificate.authorities(stack))
    if not others:
        return Words(first, first)
    then = _THEN.fill(others=", ".join(others))
    return Words(f"{first}{then.zh}", f"{first}{then.en}")
