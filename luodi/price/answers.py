"""What the price APIs answer, as amounts. What the stack file says decides how an answer is to be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from luodi.price.amounts import Hourly, Item, Prepaid, Step
from luodi.price.refusals import NotPriced
from luodi.price.telling import traffic
from luodi.settings import CvmSettings, LighthouseSettings
from luodi.words import Words

_STEPS = ((0, ""), (96, "SecondStep"), (360, "ThirdStep"))
"""From how many hours of use on a step is in force, and what its fields end in: structure ItemPrice,
https://cloud.tencent.com/document/api/213/15753."""


def of_cvm(server: CvmSettings, answer: Mapping[str, Any]) -> tuple[list[Item], list[Words]]:
    """What InquiryPriceRunInstances priced, and what it can't. Raises NotPriced where no price is in it."""
    price = _mapping(answer, "Price")
    size = f"{server.instance_type}, {server.disk.type} {server.disk.size} GB"
    items = [Item("server", size, _cost(_mapping(price, "InstancePrice"), server.period if server.prepaid else None))]
    own = server.own_bandwidth
    if own is None:
        return items, []
    if own.charge_type == "TRAFFIC_POSTPAID_BY_HOUR":
        return items, [traffic(_gigabyte(price))]
    months = server.period if server.prepaid and own.prepaid else None
    cost = _cost(_mapping(price, "BandwidthPrice"), months)
    return [*items, Item("bandwidth", f"{own.mbps} Mbit/s", cost)], []


def of_elastic_ip(server: CvmSettings, answer: Mapping[str, Any]) -> Item:
    """What InquiryPriceAllocateAddresses priced. Raises NotPriced where no price is in it."""
    price, size = _mapping(answer, "Price"), f"{server.bandwidth.mbps} Mbit/s"
    if not server.bandwidth.prepaid:
        address = _mapping(price, "AddressPrice")
        unit, discounted = _amount(address, "UnitPrice"), _amount(address, "DiscountPrice", "UnitPrice")
        return Item("address", size, Hourly((Step(0, unit, discounted),)))
    # The sums have been answered since 2025-11-12; before, there was the address's own price alone.
    whole = price if price.get("OriginalPrice") is not None else _mapping(price, "AddressPrice")
    return Item("address", size, _cost(whole, server.period))


def of_lighthouse(server: LighthouseSettings, answer: Mapping[str, Any]) -> Item:
    """What InquirePriceCreateInstances priced. Raises NotPriced where no price in CNY is in it."""
    price = _mapping(_mapping(answer, "Price"), "InstancePrice")
    if price.get("Currency") not in (None, "CNY"):
        raise NotPriced(f"luodi:server: the price is in {price['Currency']}, not in CNY; use a mainland account's key")
    return Item("server", server.bundle, _cost(price, server.period))


def _gigabyte(price: Mapping[str, Any]) -> Decimal | None:
    """What a GB of traffic costs, where that is answered: the server has its price without it."""
    try:
        return _amount(_mapping(price, "BandwidthPrice"), "UnitPriceDiscount", "UnitPrice")
    except NotPriced:
        return None


def _cost(price: Mapping[str, Any], months: int | None) -> Prepaid | Hourly:
    """A structure ItemPrice: for months at once, or by the hour."""
    if months is None:
        return Hourly(tuple(_steps(price)))
    return Prepaid(months, _amount(price, "OriginalPrice"), _amount(price, "DiscountPrice", "OriginalPrice"))


def _steps(price: Mapping[str, Any]) -> Iterator[Step]:
    for since, ending in _STEPS:
        listed, discounted = f"UnitPrice{ending}", f"UnitPriceDiscount{ending}"
        if not since or price.get(listed) is not None:
            yield Step(since, _amount(price, listed), _amount(price, discounted, listed))


def _mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = values.get(name)
    if not isinstance(value, Mapping):
        raise _no_price(name)
    return value


def _amount(values: Mapping[str, Any], *names: str) -> Decimal:
    """The first of the amounts that is there."""
    value = next((values[name] for name in names if values.get(name) is not None), None)
    if value is None:
        raise _no_price(names[0])
    try:
        amount = Decimal(str(value))  # by its shortest text: 0.1 is meant, not the binary fraction
    except InvalidOperation:
        raise _no_price(names[0]) from None
    if not amount.is_finite():
        raise _no_price(names[0])
    return amount


def _no_price(name: str) -> NotPriced:
    return NotPriced(
        f"luodi:server: Tencent Cloud's answer has no {name}, so this server has no price that could be told; see "
        "https://buy.cloud.tencent.com/"
    )
