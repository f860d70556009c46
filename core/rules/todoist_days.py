"""The days of Todoist's recurring dates: what stands after `every`, without times and dates."""

import re
from dataclasses import replace
from datetime import date
from typing import Final

from core.rules.recurrence_spelling import WORKING
from core.rules.recurrence_todoist import DAYS, MONTHS, UNITS
from core.rules.rrule import Freq, Rule, Weekday
from core.rules.words import en

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COUNTED_FROM_TWO: Final = (
    *("two", "three", "four", "five", "six", "seven"),
    *("eight", "nine", "ten", "eleven", "twelve"),
)
_COUNTS: Final = {
    "other": 2,
    **{word: n for n, word in enumerate(_COUNTED_FROM_TWO, 2)},
}
_ORDINALS: Final = {
    "last": -1,
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
}
_NUMBER: Final = rf"(?:(\d{{1,2}})(?:st|nd|rd|th)?|({'|'.join(_ORDINALS)}))"
_UNIT: Final = r"(minute|min|hour|day|week|fortnight|month|quarter|year)s?"
_INTERVAL: Final = re.compile(
    rf"(?:(\d{{1,7}}|{'|'.join(_COUNTS)}) )?{_UNIT}(?: on (?:the )?(.+))?"
)
# `every 3rd day` is every third one; only months have a first and a last day.
_EACH_NTH: Final = re.compile(rf"{_NUMBER} {_UNIT}(?: on (?:the )?(.+))?")
_SO_MANY: Final = re.compile(r"\d+ (?:workday|weekday)s")
_COUNTED: Final = re.compile(r"\d+ [a-z]+")
_ITEM: Final = re.compile(rf"(?:the )?{_NUMBER}(?: (?!of |in )([a-z]+))?(?: (?:of |in )?([a-z]+))?")
_MONTH_FIRST: Final = re.compile(rf"([a-z]+) {_NUMBER}")
_OF_MONTHS: Final = re.compile(r" (?:of|in) (?:the|a|every|each) month(?=,| and |$)")
_WORK: Final = {"weekday", "weekdays", "workday", "workdays"}
_OTHER_UNITS: Final = {"min": "minute", "fortnight": "week", "quarter": "month"}
_SIZES: Final = {"fortnight": 2, "quarter": 3}
_LEAP_YEAR: Final = 2024


class NoRuleError(Exception):
    """Understood, and more than one RRULE can say."""


def rule_of(core: str) -> Rule:
    """Raises `ValueError` or `KeyError` for what is not understood, `NoRuleError` for the rest."""
    core, in_months = _OF_MONTHS.subn("", core)
    match = None if in_months else _INTERVAL.fullmatch(core)
    if match:
        return _interval(int(_COUNTS.get(match[1], match[1] or 1)), match[2], match[3])
    nth = None if in_months else _EACH_NTH.fullmatch(core)
    number = _number(nth[1], nth[2]) if nth else 0
    if nth and number > 1:
        return _interval(number, nth[3], nth[4])
    if core.startswith("other "):
        if core.removeprefix("other ") in _WORK:
            raise NoRuleError("counting working days")
        days = _list(core.removeprefix("other "))
        if days.freq is not Freq.WEEKLY:
            raise ValueError(core)
        return replace(days, interval=2)
    return _list(core)


def _interval(count: int, unit: str, days_of: str | None) -> Rule:
    count *= _SIZES.get(unit, 1)
    unit = _OTHER_UNITS.get(unit, unit)
    freqs = {name: freq for freq, name in UNITS.items()} | {"minute": Freq.MINUTELY}
    if count < 1:
        raise ValueError(count)
    if days_of is None:
        return Rule(freqs[unit], count)
    listed = _list(days_of)
    if listed.freq is not freqs[unit]:
        raise ValueError(days_of)
    return replace(listed, interval=count)


def _list(core: str) -> Rule:
    items = [item.strip() for item in re.split(r", and |, | and ", core)]
    if set(items) <= _WORK:
        return Rule(Freq.WEEKLY, byday=WORKING)
    if items in (["weekend"], ["weekends"]):
        return Rule(Freq.WEEKLY, byday=((None, Weekday.SA),))  # as Todoist has it
    rules = [_item(item) for item in items]
    found = rules[0]
    for rule in rules[1:]:
        found = _and(found, rule)
    # One rule has all its days in all its months; fewer are several rules.
    said = {(m, d) for r in rules for m in r.bymonth or (0,) for d in (*r.bymonthday, *r.byday)}
    meant = (len(found.bymonth) or 1) * len((*found.bymonthday, *found.byday))
    if not found.bysetpos and len(said) != meant:
        raise NoRuleError("different days in different months")
    return found


def _and(one: Rule, other: Rule) -> Rule:
    alike = [bool(one.bymonthday), bool(one.bymonth), bool(one.bysetpos), one.freq]
    if alike != [bool(other.bymonthday), bool(other.bymonth), bool(other.bysetpos), other.freq]:
        raise NoRuleError("days of different kinds")
    return replace(
        one,
        byday=tuple(sorted({*one.byday, *other.byday}, key=lambda day: (day[0] or 0, day[1]))),
        bymonthday=tuple(sorted({*one.bymonthday, *other.bymonthday})),
        bymonth=tuple(sorted({*one.bymonth, *other.bymonth})),
        bysetpos=tuple(sorted({*one.bysetpos, *other.bysetpos})),
    )


def _item(item: str) -> Rule:
    """One of the days that a comma keeps apart."""
    if item[:3] in DAYS and " " not in item:
        return Rule(Freq.WEEKLY, byday=((None, weekday(item)),))
    first = _MONTH_FIRST.fullmatch(item)
    if first:
        return _dated(month(first[1]), _number(first[2], first[3]))
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(item)
    number, kind, month_name = _number(match[1], match[2]), match[3], match[4]
    if kind in {None, "day"} and month_name is not None:
        return _dated(month(month_name), number)
    if kind is None or kind == "day":
        _within(number, 31)
        return Rule(Freq.MONTHLY, bymonthday=(number,))
    if _SO_MANY.fullmatch(item):
        raise NoRuleError("counting working days")
    if _COUNTED.fullmatch(item) and kind[:3] not in MONTHS:
        raise ValueError(item)  # `3 fri`: the third Friday, or each third one?
    return _kind(number, kind, month_name)


def _kind(number: int, kind: str, month_name: str | None) -> Rule:
    if kind in _WORK and month_name is None:
        _within(number, 23)
        return Rule(Freq.MONTHLY, byday=WORKING, bysetpos=(number,))
    if kind[:3] in MONTHS and month_name is None:
        return _dated(month(kind), number)
    _within(number, 5)
    byday = ((number, weekday(kind)),)
    if month_name is None:
        return Rule(Freq.MONTHLY, byday=byday)
    return Rule(Freq.YEARLY, byday=byday, bymonth=(month(month_name),))


def _dated(number: int, day: int) -> Rule:
    if day > 0:
        date(_LEAP_YEAR, number, day)
    return Rule(Freq.YEARLY, bymonth=(number,), bymonthday=(day,))


def _number(digits: str | None, word: str | None) -> int:
    return int(digits) if digits else _ORDINALS[word or ""]


def _within(number: int, most: int) -> None:
    if number != -1 and not 1 <= number <= most:
        raise ValueError(number)


def weekday(word: str) -> Weekday:
    return Weekday(
        _named(word.removesuffix("s") if word.endswith("days") else word, DAYS, WEEKDAYS)
    )


def month(word: str) -> int:
    return 1 + _named(word, MONTHS, en.WORDS.months)


def _named(word: str, short: tuple[str, ...], full: tuple[str, ...]) -> int:
    """Any beginning from three letters on: `tue`, `tues`, `tuesday`."""
    number = short.index(word[:3])
    if not full[number].lower().startswith(word):
        raise ValueError(word)
    return number
