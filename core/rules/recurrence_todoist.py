"""Recurrences as Todoist's recurring dates, in English; `core.rules.todoist_reading` reads them.

What Todoist takes is said in prose: todoist.com/help/articles/introduction-to-recurring-dates.
Only what is shown there is written; its names of months and days are understood everywhere.
"""

from calendar import monthrange
from datetime import date, datetime, timedelta
from itertools import product
from typing import Final

from core.rules import zones
from core.rules.recurrence import Anchor, PileUp, Recurrence
from core.rules.recurrence_converted import PILE_UPS, Converted, dates_lost, shift_lost, start_lost
from core.rules.recurrence_spelling import (
    BY_THE_CLOCK,
    WORKING,
    missing_days,
    only,
    ordered,
    spelled_out,
)
from core.rules.reminders import Due
from core.rules.rrule import Freq, Rule, Skip

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
UNITS: Final = {
    Freq.HOURLY: "hour",
    Freq.DAILY: "day",
    Freq.WEEKLY: "week",
    Freq.MONTHLY: "month",
    Freq.YEARLY: "year",
}
_LAST: Final = -1
_MOST_WORKDAYS: Final = 23
_MOST_WEEKS: Final = 5
_LEAP_YEAR: Final = 2024
_MANY: Final = 12


def to_todoist(recurrence: Recurrence, due: Due) -> Converted:
    """The string to give to Todoist. It says where it starts, else Todoist starts today."""
    done = recurrence.anchor is Anchor.COMPLETION
    rule = spelled_out(recurrence.rule, due, done=done)
    lost = [*_left_out(recurrence, rule, due), *dates_lost(recurrence), *shift_lost(recurrence)]
    lost += start_lost(rule, due)
    core = _core(rule, due, done=done)
    if core is None:
        return Converted(None, ["the rule's days or times", *lost])
    parts = ["every!" if done else "every", core]
    if rule.freq is Freq.HOURLY:
        parts.append(f"starting at {due.at:%H:%M}")
    else:
        hour, minute = _clock(rule, due)
        parts += [f"at {hour:02}:{minute:02}"] if due.at else []
        parts.append(f"starting {_date(due.on)}")
    ending = last_day(rule, due)
    parts += [f"ending {_date(ending)}"] if ending else []
    return Converted(" ".join(parts), lost)


def _left_out(recurrence: Recurrence, rule: Rule, due: Due) -> list[str]:
    lost = []
    if recurrence.pile_up is not PileUp.KEEP:
        lost.append(f"{PILE_UPS[recurrence.pile_up]}: Todoist keeps it until it is done")
    if due.zone:
        lost.append(f"the time zone {due.zone}: Todoist has it beside the string")
    if due.at and due.at.second:
        lost.append("seconds")
    if rule.count:
        lost.append(f"the end after {rule.count} occurrences")
    if rule.freq is Freq.HOURLY:
        lost.append(f"the first day, {due.on}")
        if rule.until:
            lost.append("the end at a time of day")
    elif isinstance(rule.until, datetime) and rule.until.tzinfo and not due.zone:
        lost.append("the end at an instant: read as UTC")
    if missing_days(rule) and (rule.skip is not Skip.BACKWARD or rule.interval > 1):
        lost.append(
            "what becomes of months without that day"
            f" (here: {rule.skip}): Todoist takes their last day"
        )
    return lost


def _core(rule: Rule, due: Due, *, done: bool) -> str | None:
    if rule.freq is Freq.MINUTELY or len(rule.byhour) > 1 or len(rule.byminute) > 1:
        return None
    if rule.freq in BY_THE_CLOCK and (due.at is None or rule.byhour or rule.byminute):
        return None
    unit = UNITS[rule.freq]
    if rule.interval > 1:
        plain = only(rule) or (not done and _is_start(rule, due))
        return f"{rule.interval} {unit}s" if plain else None
    if only(rule):
        return unit
    items = _items(rule)
    return ", ".join(items) if items and len(items) <= _MANY else None


def _is_start(rule: Rule, due: Due) -> bool:
    """Whether the days are those of the start, which Todoist repeats by itself."""
    on = due.on
    match rule.freq:
        case Freq.WEEKLY:
            return only(rule, "byday") and [day for _, day in rule.byday] == [on.weekday()]
        case Freq.MONTHLY:
            return only(rule, "bymonthday") and rule.bymonthday == (on.day,)
        case Freq.YEARLY:
            named = (rule.bymonth, rule.bymonthday)
            return only(rule, "bymonth", "bymonthday") and named == ((on.month,), (on.day,))
        case _:
            return False


def _items(rule: Rule) -> list[str] | None:
    """The days of a rule whose interval is one."""
    if rule.freq is Freq.WEEKLY and only(rule, "byday"):
        return ["workday"] if rule.byday == WORKING else [DAYS[day] for _, day in rule.byday]
    if rule.freq not in {Freq.MONTHLY, Freq.YEARLY} or (
        rule.freq is Freq.YEARLY and not rule.bymonth
    ):
        return None
    months = [f" {MONTHS[month - 1]}" for month in rule.bymonth] or [""]
    if only(rule, "bymonth", "bymonthday"):
        return _monthdays(rule, months)
    if only(rule, "bymonth", "byday") and ordered(rule):
        return _weekdays(rule, months)
    workdays = only(rule, "byday", "bysetpos") and rule.byday == WORKING
    if workdays and all(_LAST <= place <= _MOST_WORKDAYS for place in rule.bysetpos):
        return [f"{nth(place)} workday" for place in rule.bysetpos]
    return None


def _weekdays(rule: Rule, months: list[str]) -> list[str] | None:
    places = [(ordinal or 0, day) for ordinal, day in rule.byday]
    if not all(_LAST <= place <= _MOST_WEEKS for place, _ in places):
        return None
    return [f"{nth(place)} {DAYS[day]}{month}" for month in months for place, day in places]


def _monthdays(rule: Rule, months: list[str]) -> list[str] | None:
    days = rule.bymonthday
    if rule.bymonth:
        leap = [monthrange(_LEAP_YEAR, month)[1] for month in rule.bymonth]
        dated = all(0 < day <= min(leap) for day in days)
        return [f"{d}{month}" for month, d in product(months, days)] if dated else None
    if any(day < _LAST for day in days):
        return None
    return [nth(day) if day > 0 else "last day" for day in sorted(days, key=lambda d: d % 40)]


def nth(number: int) -> str:
    """1st, 2nd, 3rd, 4th, … 11th, and last for -1."""
    if number == _LAST:
        return "last"
    teens = number in {11, 12, 13}
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _clock(rule: Rule, due: Due) -> tuple[int, int]:
    at = due.at or zones.ALL_DAY
    return (*rule.byhour, at.hour)[0], (*rule.byminute, at.minute)[0]


def last_day(rule: Rule, due: Due) -> date | None:
    """The last day with an occurrence before UNTIL."""
    until = rule.until
    if not isinstance(until, datetime):
        return until
    local = zones.wall(until, due.zone or "UTC") if until.tzinfo else until
    early = rule.freq not in BY_THE_CLOCK and (local.hour, local.minute) < _clock(rule, due)
    return max(local.date(), date(1, 1, 2)) - timedelta(days=int(early))


def _date(on: date) -> str:
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"
