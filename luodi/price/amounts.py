"""Money: what is paid at once for months, what is paid by the hour, and both by the month. In CNY, never as a float."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from luodi.words import Words

HOURS_PER_MONTH = 730
"""Of a year's 8760 hours, a twelfth."""

Kind = Literal["server", "bandwidth", "address"]


@dataclass(frozen=True)
class Prepaid:
    """What is paid at once for a number of months (包年包月): the list price, and what is left of it to pay."""

    months: int
    list_price: Decimal
    price: Decimal

    @property
    def monthly(self) -> Decimal:
        """What is paid, by the month."""
        return fen(self.price / self.months)

    @property
    def list_monthly(self) -> Decimal:
        """The list price, by the month."""
        return fen(self.list_price / self.months)

    def json(self) -> dict[str, Any]:
        """For a program: amounts as text, as they are no binary fractions."""
        amounts = {"listPrice": str(fen(self.list_price)), "price": str(fen(self.price))}
        return {"by": "period", "months": self.months, **amounts}


@dataclass(frozen=True)
class Step:
    """A price by the hour, in force from so many hours of use on."""

    since: int
    list_price: Decimal
    price: Decimal


@dataclass(frozen=True)
class Hourly:
    """What is paid by the hour (按量计费), in one step, or in several that fall with use (阶梯价)."""

    steps: tuple[Step, ...]

    @property
    def monthly(self) -> Decimal:
        """What the first HOURS_PER_MONTH hours cost."""
        return fen(sum((step.price * hours for step, hours in self._hours()), Decimal()))

    @property
    def list_monthly(self) -> Decimal:
        """The same by the list price."""
        return fen(sum((step.list_price * hours for step, hours in self._hours()), Decimal()))

    @property
    def later_monthly(self) -> Decimal:
        """What any further month costs."""
        return fen(self.steps[-1].price * HOURS_PER_MONTH)

    def _hours(self) -> Iterable[tuple[Step, int]]:
        ends = [*(step.since for step in self.steps[1:]), HOURS_PER_MONTH]
        return [(step, end - step.since) for step, end in zip(self.steps, ends, strict=True)]

    def json(self) -> dict[str, Any]:
        """For a program."""
        steps = [
            {"sinceHour": step.since, "listPrice": str(step.list_price), "price": str(step.price)}
            for step in self.steps
        ]
        return {"by": "hour", "hoursPerMonth": HOURS_PER_MONTH, "steps": steps}


@dataclass(frozen=True)
class Item:
    """One thing that is paid for; `size` says how large, as the stack file does."""

    kind: Kind
    size: str
    cost: Prepaid | Hourly

    def json(self) -> dict[str, Any]:
        """For a program."""
        by_month = {"listMonthly": str(self.cost.list_monthly), "monthly": str(self.cost.monthly)}
        return {"kind": self.kind, "size": self.size, **self.cost.json(), **by_month}


@dataclass(frozen=True)
class Price:
    """What a stack's server costs; `remarks` name what is not in it, and why."""

    items: tuple[Item, ...]
    remarks: tuple[Words, ...]

    @property
    def monthly(self) -> Decimal:
        """By the month, each item rounded to the fen (分)."""
        return sum((item.cost.monthly for item in self.items), Decimal())

    @property
    def list_monthly(self) -> Decimal:
        """The same by the list price."""
        return sum((item.cost.list_monthly for item in self.items), Decimal())

    @property
    def at_once(self) -> Decimal:
        """What is paid in advance when the server is ordered."""
        return fen(sum((item.cost.price for item in self.items if isinstance(item.cost, Prepaid)), Decimal()))

    def json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "items": [item.json() for item in self.items],
            "listMonthly": str(self.list_monthly),
            "monthly": str(self.monthly),
            "atOnce": str(self.at_once),
            "notPriced": [remark.json() for remark in self.remarks],
        }


def fen(amount: Decimal) -> Decimal:
    """An amount to the hundredth, as it is billed."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
