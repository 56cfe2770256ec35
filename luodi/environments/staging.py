"""A staging stack, made from another: what differs, and why. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from luodi import authorities
from luodi.environments.naming import Renaming
from luodi.environments.secret import (
    APP_SECRETS,
    HIDDEN,
    Path,
    Secret,
    hidden,
    pulumi_path,
    secrets_of,
)
from luodi.hosting import applications, image_family
from luodi.settings import CvmSettings, HostedSite, LighthouseSettings, Settings, readable
from luodi.settings.kinds import MiniProgramKeys
from luodi.words import Told, Words

TEAM = "team"
"""The user of a staging stack that is closed without a word of whom to."""

_TITLES = {"staging": "预发布", "dev": "开发", "test": "测试", "preview": "预览"}
_PREPAID = ("period", "renew-flag")
OF_A_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cvm": ("instance-type", "image", "charge-type", "elastic-ip", "network", "subnet", "disk", "bandwidth"),
        "lighthouse": ("bundle", "blueprint"),
    }
)
"""The keys of ``luodi:server`` that one kind of server has alone."""
_ENDPOINTS = ("request", "socket", "upload", "download")

_WHY_NAMES = Words("预发布用子域名；备案的是主域名，子域名随它备案", "under the filed apex, so under its filing")
_WHY_LEADS = Words("指向这个环境自己的域名", "leads to names of its own")
_WHY_TITLE = Words("一眼看出不是正式网站", "nobody takes it for the real one")
_WHY_NOINDEX = Words(
    "搜索引擎不收录（X-Robots-Tag 与 robots.txt）", "search engines leave it alone (X-Robots-Tag, robots.txt)"
)
_WHY_CLOSED = Words("只给团队看", "for the team alone")
_WHY_SHUT = Words("只给团队看；设置口令之前谁也进不去", "for the team alone; until a password is set, nobody gets in")
_WHY_LOCKED = Words("口令不照抄；设置自己的之前谁也进不去", "passwords are its own; until one is set, nobody gets in")
_WHY_PAID = Words(
    "按量计费：这台服务器自己不办备案", "pay-as-you-go (按量计费): this server carries no filing of its own"
)
_WHY_MONTH = Words(
    "最短购买时长：这台服务器自己不办备案", "the shortest term: this server carries no filing of its own"
)
_WHY_KIND = Words(
    "轻量应用服务器只有包年包月，云服务器可按量计费", "Lighthouse is prepaid alone; a CVM is paid by the hour"
)
_WHY_OTHER_KIND = Words("另一种服务器没有这一项", "the other kind of server has none")
_WHY_PREPAID = Words("只对包年包月有意义", "means something for a prepaid server alone")
_WHY_BANDWIDTH = Words("带宽包年包月要求服务器也是包年包月", "prepaid bandwidth needs a prepaid server")
_WHY_SIZE = Words("这个环境自己的规格", "a size of its own")
_WHY_IMAGE = Words("同一种系统，同一个 nginx", "the same system, so the same nginx")
_WHY_UNPROTECTED = Words("预发布可以随时删掉重来", "staging may be taken away and made again")
_WHY_UNTRUSTED = Words(
    "浏览器不信任它的证书，试多少次也不占正式额度", "no browser trusts it, and no limit is spent on trying"
)
_WHY_TRUSTED = Words(
    "主域名的 HSTS 含子域名，不受信任的证书打不开",
    "the apex's HSTS covers its subdomains, where browsers let nobody past an untrusted certificate",
)
_WHY_AUTHORITY = Words("这个环境自己的证书颁发机构", "an authority of its own")
_WHY_ORDERED = Words("它的域名要有自己的证书", "its names need a certificate of their own")
_WHY_NO_HSTS = Words(
    "记住 HSTS 的浏览器打不开不受信任的证书",
    "a browser that remembers HSTS lets nobody past an untrusted certificate",
)
_WHY_NO_ACCOUNT = Words("属于原来的颁发机构或证书", "belongs to the authority or the certificate of the other stack")
_WHY_ADOPTED = Words("域名解析由来源环境管理", "the zone is the other stack's")
_WHY_NOT_ITS_RECORDS = Words("接管的是来源环境的解析记录", "the records are those of the other stack's names")
_WHY_OPEN = Words("维护是一时的", "maintenance is for a while")
_WHY_ITS_SERVER = Words("说的是另一台服务器", "says something of the other server")
_WHY_NO_OVERRIDE = Words("越过备案要求的决定不照抄", "a decision to override the filing rules is not copied")
_WHY_SECRET = Words("密钥各用各的，要另外设置", "secrets are its own, and set apart")


class CannotStage(Told):
    """A stack of which no staging stack can be made as asked; `words` say why and what to do."""


@dataclass(frozen=True)
class Wishes:
    """What whoever makes a staging stack chooses.

    `label` is put before each zone. `size` is an instance type or a bundle, `authority` None for the one that fits.
    `users` are names and password hashes; without any, without `allow` and unless `public`, it is closed to all but
    TEAM, whose password is still to be set. `locked` is a hash whose password nobody knows.
    """

    stack: str
    label: str
    locked: str = field(repr=False)
    server: Literal["cvm", "lighthouse"] = "cvm"
    size: str | None = None
    authority: str | None = None
    allow: tuple[str, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    public: bool = False


@dataclass(frozen=True)
class Change:
    """One thing that differs: where, what stood there and what stands there now (None for nothing), and why."""

    path: Path
    before: Any
    after: Any
    why: Words

    @property
    def key(self) -> str:
        """The path as luodi's messages write it."""
        return pulumi_path(self.path)


@dataclass(frozen=True)
class Staging:
    """A staging stack: its configuration, what differs from the other's, and what is left to be done by hand."""

    config: Mapping[str, Any]
    changes: tuple[Change, ...]
    secrets: tuple[Secret, ...]
    remarks: tuple[Words, ...]


def staging(config: Mapping[str, Any], settings: Settings, wishes: Wishes) -> Staging:
    """The staging stack of a stack: `config` as its file has it, and `settings` as they were judged.

    Nothing secret is carried over. Raises CannotStage.
    """
    made = _Made(config)
    renaming = Renaming.of(wishes.label, settings.sites)
    taken = {renaming(name) for name in renaming.names} & renaming.names
    if taken:
        name = readable(min(taken))
        raise CannotStage(
            Words(
                f"{name} 已是来源环境的域名；用 --subdomain 另选一个",
                f"{name} is a name of the other stack already; choose another by --subdomain",
            )
        )
    authority, why = (wishes.authority, _WHY_AUTHORITY) if wishes.authority else fitting_authority(settings)
    for index, site in enumerate(settings.sites):
        base: Path = ("luodi:sites", index - 1) if index else ()
        _site(made, base, site, renaming, wishes, trusted=authorities.find(authority).trusted)
        _surroundings(made, base)
    _server(made, settings.server, wishes)
    _certificate(made, settings, authority, why)
    _secrets(made)
    needed = [*made.secrets, *_of_applications(settings, made.secrets)]
    return Staging(made.config, tuple(made.changes), tuple(needed), tuple(_remarks(settings, authority, wishes)))


class _Made:
    """A configuration that is being changed, and what was."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._before = config
        self.config: dict[str, Any] = copy.deepcopy(dict(config))
        self.changes: list[Change] = []
        self.secrets: list[Secret] = []

    def get(self, path: Path) -> Any:
        return _found(self.config, path)

    def put(self, path: Path, value: Any, why: Words, *, secret: bool = False) -> None:
        """Let `value` stand there, None for nothing; what stands there already is no change."""
        before = self.get(path)
        if before == value:
            return
        parent: Any = self.config
        for part in path[:-1]:
            if isinstance(parent, dict) and parent.get(part) is None:
                parent[part] = {}
            parent = parent[part]
        if value is None:
            del parent[path[-1]]
        else:
            parent[path[-1]] = value
        self.changes.append(Change(path, HIDDEN if secret else hidden(before), hidden(value), why))


def _found(there: Any, path: Path) -> Any:
    for part in path:
        if isinstance(there, Mapping):
            there = there.get(part)
        elif isinstance(there, list) and isinstance(part, int) and part < len(there):
            there = there[part]
        else:
            return None
    return there


# --- the sites -----------------------------------------------------------------------------------


def _site(made: _Made, base: Path, site: HostedSite, renaming: Renaming, wishes: Wishes, *, trusted: bool) -> None:
    there: Path = (*base, "site") if base else ("luodi:site",)
    said = site.site
    made.put((*there, "domain"), readable(renaming(said.domain)), _WHY_NAMES)
    title = f"{said.title}（{_TITLES.get(wishes.stack, wishes.stack)}）"
    made.put((*there, "title"), title, _WHY_TITLE)
    names = [readable(renaming(name)) for name in site.names]
    made.put((*there, "names"), names if len(names) > 1 else None, _WHY_NAMES)
    if isinstance(said, MiniProgramKeys):
        for purpose in _ENDPOINTS:
            if host := getattr(said, purpose).host:
                made.put((*there, purpose, "host"), readable(renaming(host)), _WHY_NAMES)
    for path, text in _texts(made.get(there), there):
        made.put(path, renaming.in_text(text), _WHY_LEADS)
    made.put((*there, "noindex"), True, _WHY_NOINDEX)
    _areas(made, (*there, "areas"), wishes)
    if not trusted:
        made.put((*there, "headers", "hsts"), None, _WHY_NO_HSTS)
    made.put((*there, "maintenance"), None, _WHY_OPEN)


def _texts(site: Any, there: Path) -> Iterator[tuple[Path, str]]:
    """What may hold an address of the site's own: targets of redirects, headers, variables of applications."""
    found: list[tuple[Path, Any]] = [((*there, "headers", "csp"), _found(site, ("headers", "csp")))]
    for index, _ in enumerate(_found(site, ("redirects",)) or ()):
        found.append(((*there, "redirects", index, "to"), _found(site, ("redirects", index, "to"))))
    places: list[Path] = [(), *(("paths", index) for index, _ in enumerate(_found(site, ("paths",)) or ()))]
    mappings: list[Path] = [("headers", "more")]
    mappings += [(*place, runner, "environment") for place in places for runner in ("app", "php")]
    for inner in mappings:
        for name, value in (_found(site, inner) or {}).items():
            found.append(((*there, *inner, name), value))
    yield from ((path, value) for path, value in found if isinstance(value, str))


def _areas(made: _Made, there: Path, wishes: Wishes) -> None:
    """Every password is another one, and the whole site is for the team alone."""
    areas = list(made.get(there) or ())
    whole = None
    for index, area in enumerate(areas):
        for name in area.get("users") or {}:
            path = (*there, index, "users", name)
            made.secrets.append(Secret(path, hashed=True))
            made.put(path, wishes.locked, _WHY_LOCKED)
        if not str(area["path"]).strip("/"):
            whole = index
    team = not (wishes.public or wishes.users or wishes.allow)
    users = {TEAM: wishes.locked} if team else dict(wishes.users)
    if whole is not None:
        for name, hashed in wishes.users.items():
            made.put((*there, whole, "users", name), hashed, _WHY_CLOSED)
            made.secrets = [one for one in made.secrets if one.path != (*there, whole, "users", name)]
        if wishes.allow:
            allow = [*(made.get((*there, whole, "allow")) or ()), *wishes.allow]
            made.put((*there, whole, "allow"), list(dict.fromkeys(allow)), _WHY_CLOSED)
    elif users or wishes.allow:
        area = {"path": "/", **({"users": users} if users else {})}
        area |= {"allow": list(wishes.allow)} if wishes.allow else {}
        made.put(there, [*(made.get(there) or ()), area], _WHY_SHUT if team else _WHY_CLOSED)
        if team:
            made.secrets.append(Secret((*there, len(areas), "users", TEAM), hashed=True))


def _surroundings(made: _Made, base: Path) -> None:
    """The zone and the filing of a site."""

    def section(name: str) -> Path:
        return (*base, name) if base else (f"luodi:{name}",)

    if made.get((*section("dns"), "manage")) == "create":
        made.put((*section("dns"), "manage"), "adopt", _WHY_ADOPTED)
    made.put((*section("dns"), "adopt"), None, _WHY_NOT_ITS_RECORDS)
    made.put((*section("filing"), "server-expires"), None, _WHY_ITS_SERVER)
    made.put((*section("filing"), "publish-without-filing"), None, _WHY_NO_OVERRIDE)


# --- the server and the certificate --------------------------------------------------------------


def _server(made: _Made, server: CvmSettings | LighthouseSettings, wishes: Wishes) -> None:
    there = "luodi:server"
    size = "instance-type" if wishes.server == "cvm" else "bundle"
    if server.kind != wishes.server:
        if wishes.server == "lighthouse" and wishes.size is None:
            raise CannotStage(
                Words(
                    "来源环境是云服务器；轻量应用服务器要用 --size 指定套餐，如 bundle_starter_mc_promo_med2_01",
                    "the other stack has a CVM; for Lighthouse name a bundle by --size, such as "
                    "bundle_starter_mc_promo_med2_01",
                )
            )
        made.put((there, "kind"), wishes.server, _WHY_KIND if wishes.server == "cvm" else _WHY_SIZE)
        for key in OF_A_KIND[server.kind]:
            made.put((there, key), None, _WHY_OTHER_KIND)
        if isinstance(server, LighthouseSettings) and (family := image_family(server)) not in (
            None,
            CvmSettings.model_fields["image"].default,
        ):
            made.put((there, "image"), family, _WHY_IMAGE)
    if wishes.size:
        made.put((there, size), wishes.size, _WHY_SIZE)
    if wishes.server == "cvm":
        made.put((there, "charge-type"), "POSTPAID_BY_HOUR", _WHY_PAID)
        for key in _PREPAID:
            made.put((there, key), None, _WHY_PREPAID)
        if isinstance(server, CvmSettings) and server.bandwidth.charge_type == "BANDWIDTH_PREPAID":
            made.put((there, "bandwidth", "charge-type"), "TRAFFIC_POSTPAID_BY_HOUR", _WHY_BANDWIDTH)
    else:
        made.put((there, "period"), 1, _WHY_MONTH)
    made.put((there, "protect"), None, _WHY_UNPROTECTED)


def fitting_authority(settings: Settings) -> tuple[str, Words]:
    """The authority for the staging stack of a stack where nobody chooses another, and why that one."""
    hsts = [site.site.headers.hsts for site in settings.sites]
    if any(one and one.subdomains for one in hsts):
        return "letsencrypt", _WHY_TRUSTED
    return "letsencrypt-staging", _WHY_UNTRUSTED


def _certificate(made: _Made, settings: Settings, authority: str, why: Words) -> None:
    there = "luodi:certificate"
    if settings.certificate.source != "acme":
        made.put((there, "source"), None, _WHY_ORDERED)
    made.put((there, "authority"), authority, why)
    for key in ("files", "eab-key-id", "roots", "upload"):
        made.put((there, key), None, _WHY_NO_ACCOUNT)
    if settings.certificate.profile not in (None, *authorities.find(authority).profiles):
        made.put((there, "profile"), None, _WHY_NO_ACCOUNT)


# --- secrets -------------------------------------------------------------------------------------


def _secrets(made: _Made) -> None:
    """Take every secret out. Those of the account and of the other certificate need none in their place."""
    # From the end, so that taking one item out of a list moves no other that is still to be taken.
    for path in reversed(list(secrets_of(made.config))):
        made.put(path, None, _WHY_SECRET, secret=True)
        key = str(path[0])
        if key == APP_SECRETS or not key.startswith(("luodi:", "tencentcloud:")):
            made.secrets.append(Secret(path))
    if not made.config.get(APP_SECRETS, True):
        del made.config[APP_SECRETS]


def _of_applications(settings: Settings, known: list[Secret]) -> Iterator[Secret]:
    """What the applications ask for by name and no one has listed yet."""
    there = {secret.path for secret in known}
    if (APP_SECRETS,) in there:
        return
    named = {
        key
        for site in settings.sites
        for application in applications(site)
        for key in application.settings.secrets.values()
    }
    yield from (Secret((APP_SECRETS, key)) for key in sorted(named) if (APP_SECRETS, key) not in there)


def _remarks(settings: Settings, authority: str, wishes: Wishes) -> Iterator[Words]:
    variables = {
        name
        for site in settings.sites
        for application in applications(site)
        for name in application.settings.environment
    }
    if variables:
        listed = ", ".join(sorted(variables))
        yield Words(
            f"应用的环境变量照抄了（{listed}）：确认没有指向正式环境的数据库或接口",
            f"the applications' variables are copied ({listed}): see that none leads to production's data",
        )
    programs = any(isinstance(site.site, MiniProgramKeys) for site in settings.sites)
    if programs and not authorities.find(authority).trusted:
        yield Words(
            "小程序真机不接受这种证书：开发者工具里勾选“不校验合法域名”，或用 --authority letsencrypt",
            "a mini-program on a phone takes no such certificate: tick 不校验合法域名 in the developer tools, or use "
            "--authority letsencrypt",
        )
    if wishes.public:
        yield Words("任何人都能打开它；--user 或 --allow 可以关上", "anybody can open it; --user or --allow closes it")
