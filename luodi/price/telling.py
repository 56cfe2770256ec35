"""How a price is told, and what of a stack has none."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from luodi.price.amounts import HOURS_PER_MONTH, Hourly, Item, Prepaid, Price
from luodi.settings import CvmSettings, Settings
from luodi.words import Words

KINDS = {
    "server": Words("服务器", "server"),
    "bandwidth": Words("公网带宽", "bandwidth"),
    "address": Words("弹性公网 IP", "elastic IP"),
}
BY_PERIOD = Words("预付 {months} 个月", "{months} months at once")
BY_HOUR = Words("按小时", "by the hour")

_PREPAID = Words("{months} 个月 {price} 元，每月 {monthly} 元", "{price} CNY for {months} months, {monthly} a month")
_MONTH = Words("1 个月 {price} 元", "{price} CNY for a month")
_HOURLY = Words(
    "每小时 {price} 元，每月 {monthly} 元（按 {hours} 小时计）",
    "{price} CNY an hour, {monthly} a month of {hours} hours",
)
_LISTED = Words("{told}（原价 {price} 元）", "{told} (list price {price})")
_NAMED = Words("{name}：{told}", "{name}: {told}")
_SIZED = Words("{name} {size}：{told}", "{name} {size}: {told}")
_TOGETHER = Words("合计每月 {monthly} 元", "together {monthly} CNY a month")

_TRAFFIC = Words(
    "流量：按使用量计费，流出每 GB {price} 元", "traffic: billed by use, {price} CNY for each GB that goes out"
)
_UNTOLD_TRAFFIC = Words("流量：按使用量计费", "traffic: billed by use")
_ADDRESS_TRAFFIC = Words("弹性公网 IP 的流量：按使用量计费", "the elastic IP's traffic: billed by use")
_ADDRESS_IDLE = Words(
    "弹性公网 IP：绑定服务器时不收 IP 资源费；未绑定时按小时收取",
    "the elastic IP itself: free while it is bound to the server, else billed by the hour",
)
_BUNDLE_TRAFFIC = Words(
    "流量：套餐内已含，超出部分按使用量计费", "traffic: the bundle has some in it; what goes beyond is billed by use"
)
_STEPS = Words(
    "按小时的价格随使用时长下降；首月之后每月 {monthly} 元",
    "the price by the hour falls with use; each month after the first costs {monthly} CNY",
)
_COS = Words(
    "对象存储（COS）：大文件经存储桶传送时按使用量计费",
    "COS: billed by use, when large content passes through a bucket",
)
_DNS = Words("域名解析（DNSPod）：免费版解析不收费", "DNS records: free in a zone of DNSPod's free plan (免费版)")
_FREE = Words("私有网络、防火墙、自动化助手（TAT）：不收费", "network, firewall, remote commands (TAT): free of charge")
_ALARMS = Words(
    "告警通知：超出免费额度的短信、电话按使用量计费",
    "alarms: text messages and calls beyond the free quota are billed by use",
)
_CERTIFICATES = {
    "acme": Words(
        "证书：由 ACME 机构签发，腾讯云不收费", "certificates: issued by ACME; Tencent Cloud charges nothing"
    ),
    "files": Words("证书：另行购买，价格不在此列", "certificates: bought elsewhere, at a price that isn't known here"),
    "tencent": Words("证书：腾讯云免费证书", "certificates: Tencent Cloud's free ones"),
}


def money(amount: Decimal) -> str:
    """An amount to the fen, its thousands apart; what is finer (by the hour) as it is."""
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{places}f}".replace(",", " ")


def unpriced(settings: Settings) -> tuple[Words, ...]:
    """What a stack declares that the price APIs don't price, and why; traffic of a CVM's own address apart."""
    return tuple(_unpriced(settings))


def _unpriced(settings: Settings) -> Iterator[Words]:
    server = settings.server
    if not isinstance(server, CvmSettings):
        yield _BUNDLE_TRAFFIC
    elif server.elastic_ip:
        if server.bandwidth.charge_type == "TRAFFIC_POSTPAID_BY_HOUR":
            yield _ADDRESS_TRAFFIC
        yield _ADDRESS_IDLE
    if settings.delivery.by != "tat":
        yield _COS
    yield _DNS
    yield _CERTIFICATES[settings.certificate.source]
    if server.alarms:
        yield _ALARMS
    yield _FREE


def traffic(gigabyte: Decimal | None) -> Words:
    """That what goes out is billed by the GB, and at which price where it is known."""
    return _UNTOLD_TRAFFIC if gigabyte is None else _TRAFFIC.fill(price=money(gigabyte))


def remarks(price: Price) -> tuple[Words, ...]:
    """All there is to remark of a price."""
    stepped = [item.cost for item in price.items if isinstance(item.cost, Hourly) and len(item.cost.steps) > 1]
    return (*(_STEPS.fill(monthly=money(cost.later_monthly)) for cost in stepped), *price.remarks)


def cost(item: Item) -> Words:
    """What an item costs, in a sentence's part."""
    paid = item.cost
    if isinstance(paid, Prepaid):
        text = _MONTH if paid.months == 1 else _PREPAID
        told = text.fill(months=paid.months, price=money(paid.price), monthly=money(paid.monthly))
        listed = paid.list_price
    else:
        first = paid.steps[0]
        told = _HOURLY.fill(price=money(first.price), monthly=money(paid.monthly), hours=HOURS_PER_MONTH)
        listed = first.list_price
    unequal = listed != (paid.price if isinstance(paid, Prepaid) else paid.steps[0].price)
    return _LISTED.fill(told=told, price=money(listed)) if unequal else told


def line(price: Price) -> Words:
    """A price in one line: ``server: 1 234.00 CNY for 12 months, 102.83 a month (list price 1 480.00)``."""
    first, *further = price.items
    parts = [_NAMED.fill(name=KINDS[first.kind], told=cost(first))]
    parts += [_SIZED.fill(name=KINDS[item.kind], size=item.size, told=cost(item)) for item in further]
    parts += [_TOGETHER.fill(monthly=money(price.monthly)) for _ in further[:1]]
    return Words("；".join(part.zh for part in parts), "; ".join(part.en for part in parts))
