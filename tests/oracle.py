"""RFC 5545 by definition, slowly: every day is walked, and each part of the rule is asked.

Nothing of the engine is used but the parsed rule, so that both cannot be wrong in one way.
SKIP (RFC 7529) is the one thing that is made and not asked: a day that does not exist cannot be
walked over.
"""

from calendar import isleap, monthrange
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from core.rules.rrule import Freq, Rule, Skip

DAY = timedelta(days=1)
BY_MONTH_OR_YEAR = {Freq.MONTHLY, Freq.YEARLY}


def expected(rule: Rule, start: datetime, end: datetime) -> list[datetime]:
    """Local times from the start, which is always the first one, up to `end`."""
    found = {start} | {at for at in _recurring(rule, start, end) if start <= at <= end}
    until = rule.until
    if isinstance(until, datetime):
        found = {at for at in found if at <= until}
    elif until is not None:
        found = {at for at in found if at.date() <= until}
    return sorted(found)[: rule.count]


def _recurring(rule: Rule, start: datetime, end: datetime) -> Iterator[datetime]:
    """What the rule names in every period; the outer ones are walked whole, for BYSETPOS."""
    periods: dict[int, set[datetime]] = defaultdict(set)
    first, last = date(start.year - 1, 1, 1), date(end.year + 1, 12, 31)
    if rule.freq not in BY_MONTH_OR_YEAR:
        first, last = start.date() - 7 * DAY, end.date() + 7 * DAY
    times = [*_times(rule, start)]
    for on in (first + n * DAY for n in range((last - first).days + 1)):
        for day, counts_for in _named(rule, start, on):
            for at in times:
                wall = datetime.combine(day, at)
                periods[_number(rule, wall, counts_for)].add(wall)
    begun = start.year if rule.freq is Freq.YEARLY else _number(rule, start, start.date())
    for number, walls in periods.items():
        if number >= begun and (number - begun) % rule.interval == 0:
            in_order = sorted(walls)
            for place in rule.bysetpos or range(1, len(in_order) + 1):
                index = place - 1 if place > 0 else len(in_order) + place
                if 0 <= index < len(in_order):
                    yield in_order[index]


def _named(rule: Rule, start: datetime, on: date) -> Iterator[tuple[date, date]]:
    """The days that are due to this one: itself, and those that SKIP makes of its period's end.

    Each with a day of the period that it counts for.
    """
    if _fits(rule, start, on):
        yield on, on
    if rule.skip is Skip.OMIT or rule.freq not in BY_MONTH_OR_YEAR or rule.byweekno:
        return
    if rule.byyearday:
        missing = [n for n in rule.byyearday if abs(n) == 366 and not isleap(on.year)]
        span, is_first = 365, (on.month, on.day) == (1, 1)
    else:
        span, is_first = monthrange(on.year, on.month)[1], on.day == 1
        missing = [n for n in _monthdays(rule, start) if abs(n) > span]
    if not is_first or (_months(rule, start) and on.month not in _months(rule, start)):
        return
    for number in missing:
        after = on + span * DAY if number > 0 else on
        moved = after if rule.skip is Skip.FORWARD else after - DAY
        if _weekday_fits(rule, moved):
            yield moved, on


def _fits(rule: Rule, start: datetime, on: date) -> bool:
    month_length = monthrange(on.year, on.month)[1]
    year_day, year_length = on.timetuple().tm_yday, 365 + isleap(on.year)
    week, weeks = _week(on, rule.wkst)
    months, monthdays = _months(rule, start), _monthdays(rule, start)
    return (
        (not months or on.month in months)
        and (not rule.byweekno or not {week, week - weeks - 1}.isdisjoint(rule.byweekno))
        and (
            not rule.byyearday
            or not {year_day, year_day - year_length - 1}.isdisjoint(rule.byyearday)
        )
        and (not monthdays or not {on.day, on.day - month_length - 1}.isdisjoint(monthdays))
        and _weekday_fits(rule, on)
        and (
            bool(rule.byday)
            or not (rule.freq is Freq.WEEKLY or (rule.byweekno and not _days_said(rule)))
            or on.weekday() == start.weekday()
        )
    )


def _weekday_fits(rule: Rule, on: date) -> bool:
    if not rule.byday:
        return True
    within_year = rule.freq is Freq.YEARLY and not rule.bymonth
    place = on.timetuple().tm_yday if within_year else on.day
    length = 365 + isleap(on.year) if within_year else monthrange(on.year, on.month)[1]
    nth, nth_last = (place + 6) // 7, (length - place) // 7 + 1
    return any(
        weekday == on.weekday() and ordinal in {None, nth, -nth_last}
        for ordinal, weekday in rule.byday
    )


def _days_said(rule: Rule) -> bool:
    return bool(rule.byday or rule.bymonthday or rule.byyearday)


def _monthdays(rule: Rule, start: datetime) -> tuple[int, ...]:
    from_start = rule.freq in BY_MONTH_OR_YEAR and not rule.byweekno and not _days_said(rule)
    return (start.day,) if from_start else rule.bymonthday


def _months(rule: Rule, start: datetime) -> tuple[int, ...]:
    from_start = rule.freq is Freq.YEARLY and not rule.byweekno and not _days_said(rule)
    return rule.bymonth or ((start.month,) if from_start else ())


def _week(on: date, wkst: int) -> tuple[int, int]:
    """The number of its week, and of how many: a week is in the year that has most of its days."""
    middle = on - timedelta(days=(on.weekday() - wkst) % 7) + 3 * DAY
    last = date(middle.year, 12, 28)  # always in the last week, as 4 January is in the first
    last_middle = last - timedelta(days=(last.weekday() - wkst) % 7) + 3 * DAY
    numbers = [(each.timetuple().tm_yday - 1) // 7 + 1 for each in (middle, last_middle)]
    return numbers[0], numbers[1]


def _times(rule: Rule, start: datetime) -> Iterator[time]:
    by_minute, by_hour = rule.freq is Freq.MINUTELY, rule.freq in {Freq.MINUTELY, Freq.HOURLY}
    for minute_of_day in range(1_440):
        hour, minute = divmod(minute_of_day, 60)
        hours = rule.byhour or (() if by_hour else (start.hour,))
        minutes = rule.byminute or (() if by_minute else (start.minute,))
        if (not hours or hour in hours) and (not minutes or minute in minutes):
            yield time(hour, minute, start.second)


def _number(rule: Rule, wall: datetime, on: date) -> int:
    """Which year, month, week, … since the calendar began."""
    minutes = wall.toordinal() * 1_440 + wall.hour * 60 + wall.minute
    match rule.freq:
        case Freq.YEARLY:
            middle = on - timedelta(days=(on.weekday() - rule.wkst) % 7) + 3 * DAY
            return middle.year if rule.byweekno else on.year
        case Freq.MONTHLY:
            return on.year * 12 + on.month
        case Freq.WEEKLY:
            return (on.toordinal() - 1 - rule.wkst) // 7
        case Freq.DAILY:
            return on.toordinal()
        case Freq.HOURLY:
            return minutes // 60
        case Freq.MINUTELY:
            return minutes
