"""The domains of a mini-program (小程序), as the platforms' consoles want them listed."""

from __future__ import annotations

from collections.abc import Sequence

from luodi.rendering import Endpoint, MiniProgram


def domains(kind: MiniProgram, names: Sequence[str], apex: str) -> dict[str, dict[str, list[str]]]:
    """By platform, what is pasted into its console. `names` are the site's hosts, the canonical one first; `apex` is
    the registered domain.

    WeChat has a list for each purpose (开发设置 > 服务器域名), in which each host stands itself, with its scheme and
    without a port: https://developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html. Alipay has one
    list for all (开发设置 > 服务器域名白名单), matched by the registered domain: https://opendocs.alipay.com/mini/008gq6.
    """
    own = set(kind.hosts)
    shared = next((name for name in names if name not in own), names[0])

    def at(scheme: str, endpoint: Endpoint) -> list[str]:
        return [f"{scheme}://{endpoint.host or shared}"]

    wechat = {
        "request": at("https", kind.request),
        "socket": at("wss", kind.socket),
        "uploadFile": at("https", kind.upload),
        "downloadFile": at("https", kind.download),
    }
    return {"wechat": wechat, "alipay": {"domains": [apex]}}
