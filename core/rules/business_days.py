"""Days on which people work: no weekend and no public holiday of the calendar asked for.

A calendar is a country of ISO 3166-1, or one of its parts: `DE`, `DE-BE`, `US`. Its weekend is
its own (Friday and Saturday in Egypt); without a calendar it is Saturday and Sunday. Some
holidays are only known for some years ahead (India's lunar ones to 2035): later ones are missing.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from warnings import catch_warnings, simplefilter

import holidays

from core.rules.rrule import InvalidRule, Weekday

LONGEST_BREAK = timedelta(days=31)
Calendar = Callable[[date], bool]
_DAY = timedelta(days=1)
_WEEKEND = {Weekday.SA, Weekday.SU}


def before(on: date, works: Calendar) -> date:
    """This day, or the last one before it on which people work."""
    return _nearest(on, works, -_DAY)


def after(on: date, works: Calendar) -> date:
    """This day, or the first one after it on which people work."""
    return _nearest(on, works, _DAY)


def break_begin(on: date, works: Calendar) -> date:
    """The first of the free days that end just before this day; without any, this day."""
    day = on
    while not works(day - _DAY) and on - day < LONGEST_BREAK:
        day -= _DAY
    return day


@lru_cache(maxsize=32)  # each one keeps the years it was asked about: a few hundred KiB
def calendar(name: str | None) -> Calendar:
    """Whether people work on a day. Raises `InvalidRule` for a calendar that is not known."""
    if name is None:
        return lambda on: on.weekday() not in _WEEKEND
    country, _, part = name.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known or (part and part not in known[country]):
        raise InvalidRule("holidays", f"`{name[:40]}` is no calendar of public holidays we know")
    free = holidays.country_holidays(country, subdiv=part or None)

    def works(on: date) -> bool:
        if on.year in free.years:
            return on.weekday() not in free.weekend and on not in free
        with catch_warnings():  # it warns of years in which it does not know every holiday
            simplefilter("ignore")
            free.get(on)
        return works(on) if on.year in free.years else on.weekday() not in free.weekend

    return works


def _nearest(on: date, works: Calendar, step: timedelta) -> date:
    day = on
    while not works(day):
        day += step
        if abs(day - on) > LONGEST_BREAK:
            return on
    return day
