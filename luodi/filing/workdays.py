"""Working days in mainland China, by the ``holidays`` library.

It knows the days that the law makes holidays, and, year by year, the State Council's order (国务院办公厅关于部分节假日
安排的通知) that moves weekends around them. That order comes out in November of the year before; for a year whose order
the installed library doesn't have yet, the legal holidays are known and the moved weekends are not, so a date that is
counted through such a year is provisional.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import holidays


@dataclass(frozen=True)
class Counted:
    """A day that was counted to; `provisional` when a year on the way has no order yet."""

    day: date
    provisional: bool


@cache
def _calendar() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


@cache
def ordered(year: int) -> bool:
    """Whether the State Council's order for the year is known; every one makes some weekend a working day."""
    return any(day.year == year for day in _calendar().weekend_workdays)


def after(start: date, count: int) -> Counted:
    """The last of `count` working days after `start`, which itself is not counted.

    That the first day isn't counted is 民法典 (Civil Code) 第二百零一条.
    """
    day, left = start, count
    while left:
        day += timedelta(days=1)
        left -= _calendar().is_working_day(day)
    years = range(start.year, day.year + 1)
    return Counted(day, not all(ordered(year) for year in years))
