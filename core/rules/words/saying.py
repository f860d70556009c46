"""The small pieces of a sentence: lists, dates, times, how often."""

from collections.abc import Sequence
from datetime import date, time
from typing import Final

from core.rules.reminders import Due
from core.rules.rrule import Freq, Rule
from core.rules.words.entries import Words

_UNITS: Final = tuple(Freq)
_MANY_DATES: Final = 50
_NOON: Final = 12


def every(rule: Rule, words: Words) -> str:
    unit = _UNITS.index(rule.freq)
    if rule.interval == 1:
        return words.every_one[unit]
    return words.every[unit].format(n=rule.interval)


def day_of_month(day: int, words: Words) -> str:
    return words.day_forms.get(day, words.day_form.format(d=day))


def date_named(on: date, words: Words) -> str:
    month = words.months[on.month - 1]
    return words.date.format(d=on.day, day=day_of_month(on.day, words), month=month, year=on.year)


def dates(pattern: str, days: Sequence[date], words: Words) -> str:
    if not days:
        return ""
    named = [words.date_listed.format(date=date_named(on, words)) for on in days[:_MANY_DATES]]
    return pattern.format(list=listed(named if len(days) <= _MANY_DATES else [*named, "…"], words))


def clock(at: time, words: Words) -> str:
    shape = words.time if at.minute or at.second else words.full_hour
    twelve = (at.hour + 11) % 12 + 1
    half = "AM" if at.hour < _NOON else "PM"
    minute = f"{at:%M:%S}" if at.second else f"{at:%M}"
    return shape.format(h=f"{at:%H}", hour=at.hour, m=minute, h12=twelve, half=half)


def in_zone(due: Due) -> str:
    return f" ({due.zone})" if due.zone else ""


def listed(items: Sequence[str], words: Words) -> str:
    *first, last = items
    return words.conjunction.join(filter(None, (", ".join(first), last)))
