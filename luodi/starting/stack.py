"""A stack's configuration, and its file, of what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from luodi.environments.secret import Path
from luodi.filing.eligibility import findings
from luodi.settings import Settings, host_name, readable, registrable
from luodi.stacktext import stack_text
from luodi.starting.answers import Answers
from luodi.words import Language, Words

CONTENT, APP = "public", "app"
"""Folders of the project: the site's files, or the application's."""

APPLICATIONS = ("proxy", "mini-program")
"""Kinds of site that are an application."""

_HEAD = Words(
    "{stack}，由 `luodi new` 生成。每一项设置见 luodi 的 docs/settings.md。",
    "{stack}, as `luodi new` wrote it. Every key is in luodi's docs/settings.md.",
)
_APEX = Words("还有 www.{domain}", "with www.{domain}, as for every registered domain")
_UNDER = Words("随 {apex} 备案", "under the filing of {apex}")
_BESIDE: Mapping[tuple[str, str], Words] = MappingProxyType(
    {
        ("luodi:site", "title"): Words("网站名称，与备案一致", "as the filing has it (网站名称)"),
        ("luodi:site", "content"): Words("网站的文件", "the site's files"),
        ("luodi:site", "app"): Words(
            "luodi 在服务器上运行的程序，监听 HOST 和 PORT", "what luodi runs; it listens at HOST and PORT"
        ),
        ("luodi:server", "bundle"): Words("套餐", "what is bought (套餐)"),
        ("luodi:server", "instance-type"): Words("机型规格", "what is bought (机型规格)"),
        ("luodi:server", "period"): Words(
            "个月，包年包月；备案要求至少 3 个月", "months, prepaid (包年包月): a filing needs at least 3"
        ),
    }
)
_ALLOW = Words(
    "allow: [203.0.113.7/32]  # 备案下来之前谁能看：团队的地址",
    "allow: [203.0.113.7/32]  # who sees it until it is filed: the team's addresses",
)
_PROTECT = Words(
    "protect: true  # 上线后打开：`up` 和 `destroy` 都不会删掉这台服务器",
    "protect: true  # once it serves: neither `up` nor `destroy` takes this server away",
)
_TYPE = Words(
    "type: first  # 首次备案；提交之后写上，下一行也是", "type: first  # 首次备案; once it is submitted, as the next"
)
_SUBMITTED = Words('submitted: "2026-11-03"', 'submitted: "2026-11-03"')
_NUMBER = '{{number: {province}ICP备2026068982号-1, approved: "2026-11-18"}}'
_ICP = Words(
    f"icp: {_NUMBER}  # 备案号下发之后写上，再 `pulumi up`", f"icp: {_NUMBER}  # once it is issued; then `pulumi up`"
)
_DOMAIN_ICP = Words(
    f"domain: {{{{icp: {_NUMBER}}}}}  # 域名自己的网站备案，下发之后写上",
    f"domain: {{{{icp: {_NUMBER}}}}}  # the domain's own filing, as a website",
)
_COMMENTED_OUT: Mapping[str, tuple[Words, ...]] = MappingProxyType(
    {"luodi:site": (_ALLOW,), "luodi:server": (_PROTECT,), "luodi:filing": (_TYPE, _SUBMITTED)}
)
"""What most sites come to need, below the section that it belongs to."""

_PROVISIONAL = MappingProxyType(
    {
        "domain": "example.cn",
        "subject-kind": "enterprise",
        "subject-name": "主办者",
        "province": "粤",
        "title": "网站名称",
        "kind": "static",
        "server": "lighthouse",
        "region": "ap-guangzhou",
        "size": "bundle_starter_mc_promo_med2_01",
        "period": "12",
    }
)
"""Stand for what isn't answered yet, and are nothing that a filing objects to."""


def configuration(answers: Answers) -> dict[str, Any]:
    """The stack's configuration. `answers` has one to every question."""
    kind = answers["kind"]
    size = "bundle" if answers["server"] == "lighthouse" else "instance-type"
    subject = {"kind": answers["subject-kind"], "name": answers["subject-name"], "province": answers["province"]}
    service = {"service": "mini-program"} if kind == "mini-program" else {}
    return {
        "tencentcloud:region": answers["region"],
        "luodi:site": {"domain": answers["domain"], "title": answers["title"], "kind": kind, **_content(kind)},
        "luodi:server": {"kind": answers["server"], size: answers["size"], "period": int(answers["period"])},
        "luodi:filing": {**service, "subject": subject},
    }


def _content(kind: str) -> dict[str, Any]:
    if kind not in APPLICATIONS:
        return {"content": f"./{CONTENT}"}
    app = {"content": f"./{APP}", "command": ["node", "server.js"], "packages": ["nodejs"], "health": "/healthz"}
    return {"app": app}


def stack_file(answers: Answers, language: Language) -> str:
    """The text of the stack's file."""
    config = configuration(answers)
    domain = host_name(answers["domain"])
    apex = registrable(domain) or domain
    names = (_APEX if domain == apex else _UNDER).fill(domain=readable(domain), apex=readable(apex))
    beside: dict[Path, list[str]] = {("luodi:site", "domain"): [names.in_(language)]}
    beside |= {path: [words.in_(language)] for path, words in _BESIDE.items() if path[1] in config[path[0]]}
    below: dict[Path, list[str]] = {
        (section,): [words.in_(language) for words in said] for section, said in _COMMENTED_OUT.items()
    }
    number = _DOMAIN_ICP if answers["kind"] == "mini-program" else _ICP
    below["luodi:filing",].append(number.fill(province=answers["province"]).in_(language))
    head = _HEAD.fill(stack=answers["stack"]).in_(language)
    return stack_text(config, head=head, beside=beside, below=below)


def advice(answers: Answers) -> Iterator[tuple[str, Words]]:
    """What a filing may object to, with the question that it is about. `answers` may lack some."""
    settings = Settings.parse(configuration({**_PROVISIONAL, **answers}))
    for finding in findings(settings.declared(settings.main), settings.main.filing):
        about = finding.path.rpartition(".")[2]
        if about in answers:
            yield about, finding.words
