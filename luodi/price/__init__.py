"""What the server that a stack declares costs, as Tencent Cloud's own price APIs (询价) answer.

`monthly` asks; everything else here is pure: the questions, what is read from the answers, and how it is told.
"""

from __future__ import annotations

from luodi.price.amounts import HOURS_PER_MONTH, Hourly, Item, Prepaid, Price
from luodi.price.asking import monthly
from luodi.price.refusals import NotPriced

__all__ = ["HOURS_PER_MONTH", "Hourly", "Item", "NotPriced", "Prepaid", "Price", "monthly"]
