"""The days that a rule names within one of its years, months or weeks (RFC 5545 §3.3.10).

Days are proleptic Gregorian ordinals (`date.toordinal()`): adding and comparing them costs
nothing.
"""

from calendar import isleap, monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

from core.rules.rrule import Freq, Rule, Skip, Weekday

Span = tuple[int, int]  # the first day and how many
Test = Callable[[Rule, date], bool]

MONTHS = range(1, 13)
DAYS_IN_FIRST_WEEK = 4  # week 1 is the first with at least four days in its year


@dataclass(frozen=True, slots=True)
class Days:
    """Sorted, without doubles; `moved` are those that SKIP put there."""

    ordinals: list[int]
    moved: frozenset[int] = frozenset()


def completed(rule: Rule, start: date) -> Rule:
    """The rule with the days that it leaves to its start: FREQ=MONTHLY is on the start's day."""
    named = rule.byday or rule.bymonthday or rule.byyearday
    if rule.freq is Freq.WEEKLY and not rule.byday:
        return replace(rule, byday=((None, Weekday(start.weekday())),))
    if rule.freq is Freq.MONTHLY and not named:
        return replace(rule, bymonthday=(start.day,))
    if rule.freq is Freq.YEARLY and not named:
        if rule.byweekno:
            return replace(rule, byday=((None, Weekday(start.weekday())),))
        return replace(rule, bymonth=rule.bymonth or (start.month,), bymonthday=(start.day,))
    return rule


def of_year(rule: Rule, year: int) -> Days:
    """Of a `completed` rule. Week 1 may begin in the year before, the last one end in the next."""
    if rule.byweekno:
        weeks = Days(sorted(_week_days(rule, year)))
        return _limited(rule, weeks, _in_month, _on_monthday, _on_yearday, _on_weekday)
    if rule.byyearday:
        named = _placed(rule, [_year(year)], rule.byyearday)
        return _limited(rule, named, _in_month, _on_monthday, _on_weekday)
    if rule.bymonthday:
        spans = [_month(year, month) for month in rule.bymonth or MONTHS]
        return _limited(rule, _placed(rule, spans, rule.bymonthday), _on_weekday)
    spans = [_month(year, month) for month in rule.bymonth] or [_year(year)]
    return Days([day for span in spans for day in _weekdays(rule, span)])


def of_month(rule: Rule, year: int, month: int) -> Days:
    """Of a `completed` rule; BYMONTH is the caller's to look at."""
    span = _month(year, month)
    if rule.bymonthday:
        return _limited(rule, _placed(rule, [span], rule.bymonthday), _on_weekday)
    return Days(_weekdays(rule, span))


def of_week(rule: Rule, first: int) -> Days:
    """Of a `completed` rule, in the week that begins on this day."""
    days = sorted(first + (weekday - rule.wkst) % 7 for _, weekday in rule.byday)
    return _limited(rule, Days(days), _in_month)


def allows(rule: Rule, on: date) -> bool:
    """Whether a rule of days, hours or minutes leaves this day in."""
    return (
        _in_month(rule, on)
        and _on_monthday(rule, on)
        and _on_yearday(rule, on)
        and (not rule.byday or any(weekday == on.weekday() for _, weekday in rule.byday))
    )


def week_start(on: date, wkst: int) -> int:
    return on.toordinal() - (on.weekday() - wkst) % 7


def _limited(rule: Rule, days: Days, *tests: Test) -> Days:
    def left_in(ordinal: int) -> bool:
        on = date.fromordinal(ordinal)
        return all(test(rule, on) for test in tests)

    return Days([*filter(left_in, days.ordinals)], days.moved)


def _in_month(rule: Rule, on: date) -> bool:
    return not rule.bymonth or on.month in rule.bymonth


def _on_monthday(rule: Rule, on: date) -> bool:
    if not rule.bymonthday:
        return True
    from_end = on.day - monthrange(on.year, on.month)[1] - 1
    return on.day in rule.bymonthday or from_end in rule.bymonthday


def _on_yearday(rule: Rule, on: date) -> bool:
    if not rule.byyearday:
        return True
    day = on.timetuple().tm_yday
    return day in rule.byyearday or day - 366 - isleap(on.year) in rule.byyearday


def _on_weekday(rule: Rule, on: date) -> bool:
    """Numbers count within the month where there are months, else within the year."""
    if not rule.byday:
        return True
    weekday = on.weekday()
    if all(ordinal is None for ordinal, _ in rule.byday):
        return any(day == weekday for _, day in rule.byday)
    if rule.freq is Freq.YEARLY and not rule.bymonth:
        day, length = on.timetuple().tm_yday, 365 + isleap(on.year)
    else:
        day, length = on.day, monthrange(on.year, on.month)[1]
    places = {None, (day - 1) // 7 + 1, -((length - day) // 7) - 1}
    return any(each == weekday and ordinal in places for ordinal, each in rule.byday)


def _weekdays(rule: Rule, span: Span) -> list[int]:
    """The weekdays of BYDAY in a month or year, their numbers counted within it."""
    first, length = span
    found: set[int] = set()
    for ordinal, weekday in rule.byday:
        place = first + (weekday + 1 - first) % 7  # ordinal 1 was a Monday
        every = range(place, first + length, 7)
        if ordinal is None:
            found.update(every)
        elif abs(ordinal) <= len(every):
            found.add(every[ordinal - 1 if ordinal > 0 else ordinal])
    return sorted(found)


def _month(year: int, month: int) -> Span:
    return date(year, month, 1).toordinal(), monthrange(year, month)[1]


def _year(year: int) -> Span:
    return date(year, 1, 1).toordinal(), 365 + isleap(year)


def _placed(rule: Rule, spans: Iterable[Span], numbers: tuple[int, ...]) -> Days:
    """Day `number` of each span, counted from its end when negative.

    A day that the span does not have is left out, or becomes the last day before the place where
    it would have been, or the first one after it.
    """
    found: set[int] = set()
    moved: set[int] = set()
    for (first, length), number in product(spans, numbers):
        place = number - 1 if number > 0 else length + number
        if 0 <= place < length:
            found.add(first + place)
        elif rule.skip is not Skip.OMIT:
            border = first + length if place > 0 else first
            moved.add(border - (rule.skip is Skip.BACKWARD))
    return Days(sorted(found | moved), frozenset(moved - found))


def _week_days(rule: Rule, year: int) -> Iterator[int]:
    first, following = _first_week(rule, year), _first_week(rule, year + 1)
    weeks = (following - first) // 7
    for number in {n if n > 0 else weeks + 1 + n for n in rule.byweekno}:
        if 1 <= number <= weeks:
            yield from range(first + 7 * number - 7, first + 7 * number)


def _first_week(rule: Rule, year: int) -> int:
    return week_start(date(year, 1, DAYS_IN_FIRST_WEEK), rule.wkst)
