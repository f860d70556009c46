"""Wall times of a rule in their order, beginning anywhere: nothing is walked to get there.

The period that an instant lies in is found by division, with INTERVAL too, so a rule from 1990
is as quick in 2037 as one from this year. Every period looked at is a step, and steps are
limited: a rule that never occurs ends in an error.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from core.rules import recurrence_days as days
from core.rules.rrule import Freq, InvalidRule, Rule

LAST_YEAR: Final = 2199  # the last one that a todo may be due in
MINUTES_PER_DAY: Final = 1_440
_COST: Final = {Freq.YEARLY: 10, Freq.MONTHLY: 2}  # what one period costs, in days looked at


@dataclass(slots=True)
class Steps:
    """How long one may look: some 20 ms of days, and a little more for whatever is found."""

    allowed: int = 20_000
    per_find: int = 200
    taken: int = 0

    def spend(self, count: int) -> None:
        self.taken += count
        if self.taken > self.allowed:
            raise InvalidRule("never_occurs", "this rule never occurs, or hardly ever")

    def found(self) -> None:
        self.allowed += self.per_find


@dataclass(frozen=True, slots=True)
class Wall:
    """A local time of the rule; `moved` when SKIP put it on another day."""

    at: datetime
    moved: bool = False


def walls(
    rule: Rule, start: datetime, *, low: datetime, high: datetime, steps: Steps
) -> Iterator[Wall]:
    """Local times from `low`, and never before `start`, up to `high`; each once, ascending.

    UNTIL, COUNT and the start's own place in the set are the caller's.
    """
    whole = days.completed(rule, start.date())
    low = max(low, start)
    high = min(high, datetime(LAST_YEAR, 12, 31, 23, 59, 59))  # noqa: DTZ001 (wall time)
    last: datetime | None = None
    for wall in _in_order(_PERIODS[rule.freq](whole, start, low, high, steps)):
        if wall.at > high:
            return
        if wall.at >= low and (last is None or wall.at > last):
            last = wall.at
            steps.found()
            yield wall


def _in_order(found: Iterator[Wall]) -> Iterator[Wall]:
    """SKIP=FORWARD puts the end of a period on the next one's first day, among that one's own."""
    held: deque[Wall] = deque()
    for wall in found:
        while held and held[0].at <= wall.at:
            yield held.popleft()
        if wall.moved:
            held.append(wall)
        else:
            yield wall
    yield from held


def _yearly(
    rule: Rule, start: datetime, low: datetime, high: datetime, steps: Steps
) -> Iterator[Wall]:
    # One year early: its last week may reach into the next.
    behind = max(0, (low.year - 1 - start.year) // rule.interval)
    for year in range(start.year + behind * rule.interval, high.year + 2, rule.interval):
        steps.spend(_COST[Freq.YEARLY])
        yield from _timed(rule, start, low, days.of_year(rule, year))


def _monthly(
    rule: Rule, start: datetime, low: datetime, high: datetime, steps: Steps
) -> Iterator[Wall]:
    first = _month_index(start.date())
    # One month early: SKIP may move its last day into the next.
    behind = max(0, (_month_index(low.date()) - 1 - first) // rule.interval)
    last = _month_index(high.date())
    for index in range(first + behind * rule.interval, last + 1, rule.interval):
        steps.spend(_COST[Freq.MONTHLY])
        year, month = index // 12, index % 12 + 1
        if not rule.bymonth or month in rule.bymonth:
            yield from _timed(rule, start, low, days.of_month(rule, year, month))


def _weekly(
    rule: Rule, start: datetime, low: datetime, high: datetime, steps: Steps
) -> Iterator[Wall]:
    first, stride = days.week_start(start.date(), rule.wkst), 7 * rule.interval
    behind = max(0, (low.toordinal() - first) // stride)
    for week in range(first + behind * stride, high.toordinal() + 1, stride):
        steps.spend(1)
        yield from _timed(rule, start, low, days.of_week(rule, week))


def _daily(
    rule: Rule, start: datetime, low: datetime, high: datetime, steps: Steps
) -> Iterator[Wall]:
    first = start.toordinal()
    ordinal = _aligned(low.toordinal(), first, rule.interval)
    while ordinal <= high.toordinal():
        steps.spend(1)
        on = date.fromordinal(ordinal)
        if days.allows(rule, on):
            yield from _timed(rule, start, low, days.Days([ordinal]))
        ordinal = _aligned(_next_day(rule, on), first, rule.interval)


def _by_the_clock(
    rule: Rule, start: datetime, low: datetime, high: datetime, steps: Steps
) -> Iterator[Wall]:
    """HOURLY and MINUTELY: one number counts the hours or minutes since the year 1."""
    size = 60 if rule.freq is Freq.HOURLY else 1
    first = _minute_index(start) // size
    index = _aligned(_minute_index(low) // size, first, rule.interval)
    end = _minute_index(high) // size
    looked_at = None
    while index <= end:
        steps.spend(1)
        day, minute = divmod(index * size, MINUTES_PER_DAY)
        on = date.fromordinal(day)
        if on != looked_at and not days.allows(rule, on):
            target = _next_day(rule, on) * MINUTES_PER_DAY
        else:
            looked_at = on
            target = index * size + _to_next(rule, size, minute)
            if target == index * size:
                yield from _of_moment(rule, start, day, minute, size)
                target += size
        index = _aligned(-(-target // size), first, rule.interval)


_Periods = Callable[[Rule, datetime, datetime, datetime, Steps], Iterator[Wall]]
_PERIODS: Final[dict[Freq, _Periods]] = {
    Freq.YEARLY: _yearly,
    Freq.MONTHLY: _monthly,
    Freq.WEEKLY: _weekly,
    Freq.DAILY: _daily,
    Freq.HOURLY: _by_the_clock,
    Freq.MINUTELY: _by_the_clock,
}


def _to_next(rule: Rule, size: int, minute: int) -> int:
    """Minutes to wait for an hour, and with MINUTELY a minute, that the rule names; 0 for now."""
    hour, past = divmod(minute, 60)
    if rule.byhour and hour not in rule.byhour:
        return 60 * _ahead(rule.byhour, hour, 24) - past
    if size == 1 and rule.byminute and past not in rule.byminute:
        return _ahead(rule.byminute, past, 60)
    return 0


def _ahead(numbers: tuple[int, ...], now: int, size: int) -> int:
    place = bisect_right(numbers, now)
    return numbers[place] - now if place < len(numbers) else size - now + numbers[0]


def _of_moment(rule: Rule, start: datetime, day: int, minute: int, size: int) -> Iterator[Wall]:
    midnight = datetime.combine(date.fromordinal(day), time(0, 0, start.second))
    minutes = [minute]
    if size > 1:
        minutes = [minute + past for past in rule.byminute or (start.minute,)]
    return (
        Wall(midnight + timedelta(minutes=minutes[place])) for place in _chosen(rule, len(minutes))
    )


def _timed(rule: Rule, start: datetime, low: datetime, found: days.Days) -> Iterator[Wall]:
    """The days of one period, each at every time of the rule; those before `low` are left out.

    One by one: a year of every day and every minute has half a million.
    """
    times = [start.time()]
    if rule.byhour or rule.byminute:
        hours, minutes = rule.byhour or (start.hour,), rule.byminute or (start.minute,)
        times = [time(hour, minute, start.second) for hour in hours for minute in minutes]
    ordinals, size = found.ordinals, len(found.ordinals) * len(times)
    first = bisect_left(ordinals, low.toordinal()) * len(times)
    for place in _chosen(rule, size) if rule.bysetpos else range(first, size):
        day, at = divmod(place, len(times))
        ordinal = ordinals[day]
        on = datetime.combine(date.fromordinal(ordinal), times[at])
        yield Wall(on, ordinal in found.moved)


def _chosen(rule: Rule, size: int) -> Iterable[int]:
    """The places of BYSETPOS in a set of this size; all, when it is not given."""
    if not rule.bysetpos:
        return range(size)
    places = {n - 1 if n > 0 else size + n for n in rule.bysetpos}
    return sorted(place for place in places if 0 <= place < size)


def _next_day(rule: Rule, on: date) -> int:
    """The day after this one; where BYMONTH leaves out the month, its end."""
    if not rule.bymonth or on.month in rule.bymonth:
        return on.toordinal() + 1
    index = _month_index(on) + _ahead(rule.bymonth, on.month, 12)
    return date(index // 12, index % 12 + 1, 1).toordinal()


def _aligned(at_least: int, first: int, interval: int) -> int:
    """The first of `first`, `first + interval`, … that is not before `at_least`."""
    return first + max(0, -(-(at_least - first) // interval)) * interval


def _month_index(on: date) -> int:
    return on.year * 12 + on.month - 1


def _minute_index(at: datetime) -> int:
    return at.toordinal() * MINUTES_PER_DAY + at.hour * 60 + at.minute
