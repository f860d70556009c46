"""Microsoft Graph's patternedRecurrence read, as Outlook and To Do write it.

learn.microsoft.com/graph/api/resources/patternedrecurrence. A pattern has no time of day.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from core.rules import zones
from core.rules.recurrence import LAST, Recurrence
from core.rules.recurrence_expand import Steps, walls
from core.rules.reminders import Due
from core.rules.rrule import MAX_COUNT, MAX_INTERVAL, ByDay, Freq, InvalidRule, Rule, Skip, Weekday


class Kind(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    ABSOLUTE_MONTHLY = "absoluteMonthly"
    RELATIVE_MONTHLY = "relativeMonthly"
    ABSOLUTE_YEARLY = "absoluteYearly"
    RELATIVE_YEARLY = "relativeYearly"


class Place(StrEnum):
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"
    LAST = "last"


class Ending(StrEnum):
    NO_END = "noEnd"
    END_DATE = "endDate"
    NUMBERED = "numbered"


_PLACES: Final = {place: number for number, place in enumerate(Place, 1)} | {Place.LAST: -1}
_FREQS: Final = {Kind.DAILY: Freq.DAILY, Kind.WEEKLY: Freq.WEEKLY}
_SHORTEST_MONTH: Final = 28
_LONGEST_MONTH: Final = 31
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a kind does not use is whatever Graph fills it with, and not looked at."""

    kind: Kind
    interval: int
    days: frozenset[Weekday]
    week_begins: Weekday
    place: Place
    day_of_month: int
    month: int


@dataclass(frozen=True, slots=True)
class Range:
    ending: Ending
    start: date
    end: date | None
    count: int
    zone: str | None


@dataclass(frozen=True, slots=True)
class FromGraph:
    recurrence: Recurrence
    due: Due
    cannot_express: list[str]


def from_graph(pattern: Pattern, span: Range) -> FromGraph:
    """Raises `InvalidRule` for a pattern that misses what its kind needs.

    Due is its first day from the start of the range on, which need not be one itself.
    """
    rule = _rule(pattern)
    start = datetime.combine(span.start, zones.ALL_DAY)
    first = next(walls(rule, start, low=start, high=LAST, steps=Steps()), None)
    if first is None:
        raise InvalidRule("never_occurs", "this pattern never occurs")
    lost = [f"the time zone {span.zone}: a pattern has no time of day"] if span.zone else []
    return FromGraph(Recurrence(_ended(rule, span)), Due(first.at.date(), None, None), lost)


def _rule(pattern: Pattern) -> Rule:
    if not 1 <= pattern.interval <= MAX_INTERVAL:
        told = f"`interval` is a whole number from 1 to {MAX_INTERVAL}"
        raise InvalidRule("out_of_range", told)
    match pattern.kind:
        case Kind.DAILY:
            return Rule(Freq.DAILY, pattern.interval)
        case Kind.WEEKLY:
            return Rule(
                Freq.WEEKLY, pattern.interval, byday=_byday(pattern), wkst=pattern.week_begins
            )
        case Kind.ABSOLUTE_MONTHLY:
            return _on_day(pattern, Rule(Freq.MONTHLY, pattern.interval))
        case Kind.RELATIVE_MONTHLY:
            return _on_weekday(pattern, Rule(Freq.MONTHLY, pattern.interval))
        case Kind.ABSOLUTE_YEARLY:
            return _on_day(pattern, _in_month(pattern))
        case Kind.RELATIVE_YEARLY:
            return _on_weekday(pattern, _in_month(pattern))


def _in_month(pattern: Pattern) -> Rule:
    if not 1 <= pattern.month <= _MONTHS:
        raise InvalidRule("out_of_range", "`month` is a whole number from 1 to 12")
    return Rule(Freq.YEARLY, pattern.interval, bymonth=(pattern.month,))


def _on_day(pattern: Pattern, rule: Rule) -> Rule:
    """Of a month without that day, Outlook takes the last one."""
    day = pattern.day_of_month
    if not 1 <= day <= _LONGEST_MONTH:
        raise InvalidRule("out_of_range", "`dayOfMonth` is a whole number from 1 to 31")
    skip = Skip.BACKWARD if day > _SHORTEST_MONTH else Skip.OMIT
    return replace(rule, bymonthday=(day,), skip=skip)


def _on_weekday(pattern: Pattern, rule: Rule) -> Rule:
    """Of several days, the first, second, … or last one in its month is meant."""
    byday, place = _byday(pattern), _PLACES[pattern.place]
    if len(byday) == len(Weekday):
        return replace(rule, bymonthday=(place,))
    if len(byday) == 1:
        return replace(rule, byday=((place, byday[0][1]),))
    return replace(rule, byday=byday, bysetpos=(place,))


def _byday(pattern: Pattern) -> tuple[ByDay, ...]:
    if not pattern.days:
        raise InvalidRule("out_of_range", "`daysOfWeek` names at least one day")
    return tuple((None, day) for day in sorted(pattern.days))


def _ended(rule: Rule, span: Range) -> Rule:
    match span.ending:
        case Ending.NO_END:
            return rule
        case Ending.END_DATE:
            if span.end is None:
                raise InvalidRule("out_of_range", "an `endDate` range has an `endDate`")
            return replace(rule, until=span.end)
        case Ending.NUMBERED:
            if not 1 <= span.count <= MAX_COUNT:
                told = f"`numberOfOccurrences` is a whole number from 1 to {MAX_COUNT}"
                raise InvalidRule("out_of_range", told)
            return replace(rule, count=span.count)
