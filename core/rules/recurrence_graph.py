"""Recurrences as Microsoft Graph's patternedRecurrence, the shape that Outlook and To Do take.

learn.microsoft.com/graph/api/resources/patternedrecurrence. It knows six patterns, of one day of
a month each; what is not one of them is not written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.rules.recurrence import Anchor, Recurrence
from core.rules.recurrence_converted import PILE_UPS, dates_lost, shift_lost, start_lost
from core.rules.recurrence_spelling import (
    missing_days,
    only,
    ordered,
    spelled_out,
)
from core.rules.recurrence_todoist import last_day
from core.rules.reminders import Due
from core.rules.rrule import Freq, Rule, Skip
from core.rules.words import en

_INDEXES: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_DAYS: Final = [name.lower() for name in en.WORDS.weekdays]
Pattern = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Patterned:
    """`recurrence` is null when no pattern has the rule's days; the time is not part of it."""

    recurrence: Pattern | None
    cannot_express: list[str]


def to_graph(recurrence: Recurrence, due: Due) -> Patterned:
    done = recurrence.anchor is Anchor.COMPLETION
    rule = spelled_out(recurrence.rule, due, done=done)
    lost = [PILE_UPS[recurrence.pile_up], *dates_lost(recurrence), *shift_lost(recurrence)]
    lost += start_lost(rule, due)
    if done:
        lost.append("counting from the completion")
    if missing_days(rule) and rule.skip is not Skip.BACKWARD:
        lost.append(f"months without that day (here: {rule.skip}): Outlook takes their last day")
    until = rule.until
    if isinstance(until, datetime) and until.tzinfo and not due.zone:
        lost.append("the end at an instant: read as UTC")
    pattern = None if done else _pattern(rule)
    if pattern is None:
        return Patterned(None, ["the rule's days or times", *lost])
    return Patterned({"pattern": pattern, "range": _range(rule, due)}, lost)


def _pattern(rule: Rule) -> Pattern | None:
    if len(rule.byhour) > 1 or len(rule.byminute) > 1:
        return None
    match rule.freq:
        case Freq.DAILY if only(rule):
            return {"type": "daily", "interval": rule.interval}
        case Freq.WEEKLY if only(rule, "byday"):
            return {
                "type": "weekly",
                "interval": rule.interval,
                "daysOfWeek": [_DAYS[day] for _, day in rule.byday],
                "firstDayOfWeek": _DAYS[rule.wkst],
            }
        case Freq.MONTHLY if not rule.bymonth:
            return _of_month(rule, "Monthly")
        case Freq.YEARLY if len(rule.bymonth) == 1:
            found = _of_month(rule, "Yearly")
            return found and {**found, "month": rule.bymonth[0]}
        case _:
            return None


def _of_month(rule: Rule, kind: str) -> Pattern | None:
    if only(rule, "bymonth", "bymonthday") and len(rule.bymonthday) == 1:
        day = rule.bymonthday[0]
        if day > 0:
            return {"type": f"absolute{kind}", "interval": rule.interval, "dayOfMonth": day}
        return _relative(rule, kind, day, list(_DAYS))
    if only(rule, "bymonth", "byday") and ordered(rule):
        places = {ordinal or 0 for ordinal, _ in rule.byday}
        if len(rule.byday) == 1:  # of several days Outlook takes one, ours are each meant
            return _relative(rule, kind, places.pop(), [_DAYS[rule.byday[0][1]]])
    chosen = only(rule, "bymonth", "byday", "bysetpos") and len(rule.bysetpos) == 1
    if chosen and all(ordinal is None for ordinal, _ in rule.byday):
        return _relative(rule, kind, rule.bysetpos[0], [_DAYS[day] for _, day in rule.byday])
    return None


def _relative(rule: Rule, kind: str, place: int, days: list[str]) -> Pattern | None:
    if place not in _INDEXES:
        return None
    return {
        "type": f"relative{kind}",
        "interval": rule.interval,
        "daysOfWeek": days,
        "index": _INDEXES[place],
    }


def _range(rule: Rule, due: Due) -> Pattern:
    start = {"startDate": due.on.isoformat(), **_zone(due)}
    ending = last_day(rule, due)
    if ending:
        return {"type": "endDate", "endDate": ending.isoformat(), **start}
    if rule.count:
        return {"type": "numbered", "numberOfOccurrences": rule.count, **start}
    return {"type": "noEnd", **start}


def _zone(due: Due) -> Pattern:
    return {"recurrenceTimeZone": due.zone} if due.zone else {}
