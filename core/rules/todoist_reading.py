"""Todoist's recurring dates read: `every! 2 weeks`, `ev mon, fri at 9am ending 1 nov`.

English only, as Todoist documents it. Never guesses: what is not understood is a `ValueError`.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Final

from core.rules.recurrence import Anchor, PileUp, Recurrence
from core.rules.recurrence_spelling import WORKING
from core.rules.recurrence_todoist import DAYS, MONTHS, UNITS
from core.rules.rrule import Freq, Rule, Skip, Weekday
from core.rules.words import en

UNDERSTOOD: Final = (
    "`every day at 9am`, `every mon, fri`, `every! 2 weeks`, `every 3rd friday`, `every 27th`, "
    "`every last day`, `every jan 15`, `every workday starting 1 nov ending 31 dec`"
)
_HEAD: Final = re.compile(r"(?:every|ev|each)(!?)\s+(.+)")
_SINGLE: Final = {
    "hourly": "hour",
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "annually": "year",
}
_TIMES_OF_DAY: Final = {
    "morning": time(9),
    "afternoon": time(12),
    "evening": time(19),
    "night": time(22),
}
_CLOCK: Final = re.compile(
    r"\s(?:at\s+|@\s*)?(\d{1,2})(?::(\d{2}))?\s*(am|pm)\b|\s(?:at\s+|@\s*)?(\d{1,2}):(\d{2})\b"
    r"|\s(?:at\s+|@\s*)(\d{1,2}|noon|midnight)\b"
)
_TAIL: Final = re.compile(r"\s(starting|from|ending|until|for)(?=\s|$)")
_PERIOD: Final = re.compile(r"(\d{1,3}) (day|week)s?")
_INTERVAL: Final = re.compile(
    r"(?:(\d{1,7}|other|two|three|four|five|six) )?(hour|day|week|month|quarter|year)s?"
    r"(?: on (?:the )?(.+))?"
)
_WORDS: Final = {"other": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_SO_MANY: Final = re.compile(r"\d+ (?:workday|weekday)s")
_COUNTED: Final = re.compile(r"\d+ [a-z]+")
_NUMBER: Final = r"(?:(\d{1,2})(?:st|nd|rd|th)?|(last|first|second|third|fourth|fifth))"
_ORDINALS: Final = {"last": -1, "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_ITEM: Final = re.compile(rf"(?:the )?{_NUMBER}(?: ([a-z]+))?(?: (?:of )?([a-z]+))?")
_MONTH_FIRST: Final = re.compile(rf"([a-z]+) {_NUMBER}")
_DATE: Final = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)? ([a-z]+)|([a-z]+) (\d{1,2})(?:st|nd|rd|th)?)(?:,? (\d{4}))?"
)
_WORK: Final = {"weekday", "weekdays", "workday", "workdays"}
_QUARTER: Final = 3
_NOON: Final = 12


@dataclass(frozen=True, slots=True)
class Read:
    """`starting` and `at` belong into the due time; `recurrence` is null when no rule says it."""

    recurrence: Recurrence | None
    starting: date | None
    at: time | None
    cannot_express: list[str]


class _NoRuleError(Exception):
    """Understood, and more than one RRULE can say."""


def from_todoist(text: str, *, today: date) -> Read:
    """Raises `ValueError` with a sentence that names what is understood.

    `today` tells which year a date without one is in: the next such day. A day that a month does
    not have is its last one, and what passes undone stays, as with Todoist.
    """
    said = " ".join(text.lower().replace(",", ", ").split()).replace(" ,", ",")
    try:
        return _read(said, today)
    except (ValueError, KeyError) as error:
        shown = f"{text[:80]!r} is not a recurring date I understand; these are: {UNDERSTOOD}"
        raise ValueError(shown) from error


def _read(said: str, today: date) -> Read:
    done, rest = _head(said)
    rest, at = _clock(f" {rest}")
    core, *tail = _TAIL.split(rest)
    core = core.strip()
    if core in _TIMES_OF_DAY:
        at = at or _TIMES_OF_DAY[core]
        core = "day"
    ends = dict(zip(tail[::2], tail[1::2], strict=True))
    begin, end = ends.get("starting") or ends.get("from"), ends.get("ending") or ends.get("until")
    starting = _date(begin, today) if begin and begin.strip() else None
    until = _date(end, starting or today) if end else None
    if "for" in ends:
        period = _PERIOD.fullmatch(ends["for"].strip())
        if period is None:
            raise ValueError(said)
        days = int(period[1]) * (7 if period[2] == "week" else 1)
        until = (starting or today) + timedelta(days=days - 1)
    try:
        rule = replace(_rule(core), until=until)
    except _NoRuleError as error:
        return Read(None, starting, at, [str(error)])
    if rule.freq in {Freq.MONTHLY, Freq.YEARLY} and not rule.byday:
        rule = replace(rule, skip=Skip.BACKWARD)
    anchor = Anchor.COMPLETION if done else Anchor.SCHEDULE
    return Read(Recurrence(rule, anchor=anchor, pile_up=PileUp.KEEP), starting, at, [])


def _head(said: str) -> tuple[bool, str]:
    """Whether it counts from the completion, and what stands after `every`."""
    first, _, rest = said.partition(" ")
    if first.rstrip("!") in _SINGLE:
        return first.endswith("!"), f"{_SINGLE[first.rstrip('!')]} {rest}"
    if first == "after":
        return True, rest
    match = _HEAD.fullmatch(said)
    if match is None:
        raise ValueError(said)
    return bool(match[1]), match[2]


def _clock(rest: str) -> tuple[str, time | None]:
    """Takes the time out, wherever it stands."""
    match = _CLOCK.search(rest)
    if match is None:
        return rest, None
    without = f"{rest[: match.start()]} {rest[match.end() :]}".replace("  ", " ")
    if match[6] in {"noon", "midnight"}:
        at = time(_NOON if match[6] == "noon" else 0)
    elif match[3]:
        hour = int(match[1])
        if not 1 <= hour <= _NOON:
            raise ValueError(rest)
        at = time(hour % _NOON + (_NOON if match[3] == "pm" else 0), int(match[2] or 0))
    else:
        at = time(int(match[4] or match[6]), int(match[5] or 0))
    if _CLOCK.search(without):
        raise ValueError(rest)
    return without, at


def _rule(core: str) -> Rule:
    match = _INTERVAL.fullmatch(core)
    if match is None:
        if core.startswith("other "):
            days = _list(core.removeprefix("other "))
            if days.freq is not Freq.WEEKLY:
                raise ValueError(core)
            return replace(days, interval=2)
        return _list(core)
    interval = int(_WORDS.get(match[1], match[1] or 1))
    unit, days_of = match[2], match[3]
    if unit == "quarter":
        interval, unit = interval * _QUARTER, "month"
    freq = next(freq for freq, name in UNITS.items() if name == unit)
    if interval < 1:
        raise ValueError(core)
    if days_of is None:
        return Rule(freq, interval)
    listed = _list(days_of)
    if listed.freq is not freq:
        raise ValueError(core)
    return replace(listed, interval=interval)


def _list(core: str) -> Rule:
    items = [item.strip() for item in re.split(r", and |, | and ", core)]
    if set(items) <= _WORK:
        return Rule(Freq.WEEKLY, byday=WORKING)
    if items == ["weekend"]:
        return Rule(Freq.WEEKLY, byday=((None, Weekday.SA),))  # as Todoist has it
    rules = [_item(item) for item in items]
    found = rules[0]
    for rule in rules[1:]:
        found = _and(found, rule)
    # One rule has all its days in all its months; fewer are several rules.
    said = {(m, d) for r in rules for m in r.bymonth or (0,) for d in (*r.bymonthday, *r.byday)}
    meant = (len(found.bymonth) or 1) * len((*found.bymonthday, *found.byday))
    if not found.bysetpos and len(said) != meant:
        raise _NoRuleError("different days in different months")
    return found


def _and(one: Rule, other: Rule) -> Rule:
    alike = [bool(one.bymonthday), bool(one.bymonth), bool(one.bysetpos), one.freq]
    if alike != [bool(other.bymonthday), bool(other.bymonth), bool(other.bysetpos), other.freq]:
        raise _NoRuleError("days of different kinds")
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
        return Rule(Freq.WEEKLY, byday=((None, _weekday(item)),))
    first = _MONTH_FIRST.fullmatch(item)
    if first:
        return _dated(_month(first[1]), _number(first[2], first[3]))
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(item)
    number, kind, month = _number(match[1], match[2]), match[3], match[4]
    if kind is None or (kind == "day" and number == -1 and month is None):
        _within(number, 31)
        return Rule(Freq.MONTHLY, bymonthday=(number,))
    if _SO_MANY.fullmatch(item):
        raise _NoRuleError("counting working days")
    if _COUNTED.fullmatch(item) and kind[:3] not in MONTHS:
        raise ValueError(item)  # `3 fri`: the third Friday, or each third one?
    return _kind(number, kind, month)


def _kind(number: int, kind: str, month: str | None) -> Rule:
    if kind in _WORK and month is None:
        _within(number, 23)
        return Rule(Freq.MONTHLY, byday=WORKING, bysetpos=(number,))
    if kind[:3] in MONTHS and month is None:
        return _dated(_month(kind), number)
    _within(number, 5)
    byday = ((number, _weekday(kind)),)
    if month is None:
        return Rule(Freq.MONTHLY, byday=byday)
    return Rule(Freq.YEARLY, byday=byday, bymonth=(_month(month),))


def _dated(month: int, day: int) -> Rule:
    if day > 0:
        date(2024, month, day)  # a year with all days
    return Rule(Freq.YEARLY, bymonth=(month,), bymonthday=(day,))


def _number(digits: str | None, word: str | None) -> int:
    return int(digits) if digits else _ORDINALS[word or ""]


def _within(number: int, most: int) -> None:
    if number != -1 and not 1 <= number <= most:
        raise ValueError(number)


def _weekday(word: str) -> Weekday:
    return Weekday(
        _named(
            word,
            DAYS,
            ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        )
    )


def _month(word: str) -> int:
    return 1 + _named(word, MONTHS, en.WORDS.months)


def _named(word: str, short: tuple[str, ...], full: tuple[str, ...]) -> int:
    """Any beginning from three letters on: `tue`, `tues`, `tuesday`."""
    number = short.index(word[:3])
    if not full[number].lower().startswith(word):
        raise ValueError(word)
    return number


def _date(said: str, earliest: date) -> date:
    said = said.strip()
    if said in {"today", "tomorrow"}:
        return earliest + timedelta(days=int(said == "tomorrow"))
    match = _DATE.fullmatch(said)
    if match is None:
        return date.fromisoformat(said)
    month, day = _month(match[2] or match[3]), int(match[1] or match[4])
    if match[5]:
        return date(int(match[5]), month, day)
    this_year = date(earliest.year, month, day)
    return this_year if this_year >= earliest else date(earliest.year + 1, month, day)
