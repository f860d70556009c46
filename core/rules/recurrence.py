"""When a recurring todo is due: RFC 5545 and RFC 7529 on wall time, the zone attached last.

Our own and not dateutil's, which gives local times that do not exist, refuses SKIP and walks
from the start. The order of what happens to a day:

1. The rule names it, SKIP moves a day that its month does not have, COUNT and UNTIL end it.
2. RDATE adds days, EXDATE takes some away.
3. `shift` moves it off weekends and holidays.
4. The zone makes it an instant: a time that does not exist is read with the offset before the
   gap, of one that comes twice the first is meant.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from heapq import heappop, heappush, merge
from itertools import chain, islice
from typing import Final

from core.rules import business_days, zones
from core.rules.recurrence_expand import LAST_YEAR, Steps, Wall, walls
from core.rules.reminders import Due
from core.rules.rrule import Freq, InvalidRule, Rule, Skip

LAST: Final = datetime(LAST_YEAR, 12, 31, 23, 59, 59)  # noqa: DTZ001 (wall time)
LONGEST_GAP: Final = timedelta(days=1)  # Samoa left out the whole of 30 December 2011
_BY_THE_CLOCK: Final = {Freq.HOURLY, Freq.MINUTELY}


class Anchor(StrEnum):
    """What the next occurrence counts from."""

    SCHEDULE = "schedule"
    COMPLETION = "completion"


class PileUp(StrEnum):
    """What becomes of an occurrence that passes undone."""

    ROLL = "roll"
    KEEP = "keep"
    ALL = "all"


class Shift(StrEnum):
    """Where an occurrence goes that falls on a weekend or holiday."""

    NONE = "none"
    BEFORE = "before"
    AFTER = "after"


class Note(StrEnum):
    """What was done to an occurrence last; where several things were, the last one is told."""

    GAP = "gap"
    FOLD = "fold"
    SKIP = "skip"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True)
class Recurrence:
    rule: Rule
    anchor: Anchor = Anchor.SCHEDULE
    pile_up: PileUp = PileUp.ROLL
    exdates: tuple[date, ...] = ()
    rdates: tuple[date, ...] = ()
    holidays: str | None = None
    shift: Shift = Shift.NONE

    @property
    def skip(self) -> Skip:
        return self.rule.skip


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`wall` is the rule's own local time, which names the occurrence (RECURRENCE-ID).

    `planned` is where days off move it, in any zone; `local` is what clocks show then, `at` the
    instant. Of an all-day one, both are at the beginning of its day.
    """

    wall: datetime
    planned: datetime
    local: datetime
    at: datetime
    note: Note | None


def check(recurrence: Recurrence, due: Due, *, zone: str) -> None:
    """Raises `InvalidRule` for what can never occur, or not with such a due time."""
    for _ in islice(occurrences(recurrence, due, zone=zone), 2):
        pass


def next_after(
    recurrence: Recurrence, due: Due, *, after: datetime, zone: str, steps: Steps | None = None
) -> Occurrence | None:
    """The first occurrence after this instant, in constant time but for COUNT; null at the end.

    `zone` is that of floating and all-day dues. Anchored at completion, `after` is when it was
    completed: the rule begins anew on that day (by the hour or minute, at that time), and COUNT
    is the caller's to count down.
    """
    if recurrence.anchor is Anchor.SCHEDULE:
        return next(occurrences(recurrence, due, zone=zone, after=after, steps=steps), None)
    rule = replace(recurrence.rule, count=None)
    done = after.astimezone(zones.zone(due.zone or zone)).replace(tzinfo=None)
    by_the_clock = rule.freq in _BY_THE_CLOCK
    clock = done.time().replace(microsecond=0) if by_the_clock else due.at
    begun = Due(done.date(), clock, due.zone)
    anew = replace(recurrence, rule=rule)
    following = occurrences(anew, begun, zone=zone, after=after, steps=steps)
    return next((each for each in following if by_the_clock or each.wall.date() > begun.on), None)


def occurrences(
    recurrence: Recurrence,
    due: Due,
    *,
    zone: str,
    after: datetime | None = None,
    steps: Steps | None = None,
) -> Iterator[Occurrence]:
    """All of them, or those after an instant; ascending, no instant twice, to the year 2199.

    `due` is the start (DTSTART) and the first occurrence, whether it fits the rule or not.
    Raises `InvalidRule`, also while iterating: for a rule that never occurs, and for one by the
    hour or minute with an all-day due.
    """
    due_zone = due.zone or zone
    start = datetime.combine(due.on, due.at or zones.ALL_DAY)
    low = start if after is None else max(start, _earliest(after, due_zone, recurrence))
    own = _of_rule(_fitting(recurrence.rule, due), start, low, due_zone, steps or Steps())
    added = (Wall(datetime.combine(on, start.time())) for on in sorted(recurrence.rdates))
    both = merge(own, added, key=lambda wall: wall.at)
    without = frozenset(recurrence.exdates)
    # What COUNT had to walk over is dropped here, before zones and holidays are looked at.
    kept = (wall for wall in both if wall.at >= low and wall.at.date() not in without)
    placed = _placed(_shifted(kept, recurrence), due_zone, all_day=due.at is None)
    return (each for each in placed if after is None or each.at > after)


def _earliest(after: datetime, zone: str, recurrence: Recurrence) -> datetime:
    """The first wall time that can still be an occurrence after this instant.

    A time in a gap is read with the offset before it, so a wall time may already be behind.
    """
    there = zones.zone(zone)
    before = (after - LONGEST_GAP).astimezone(there).replace(tzinfo=None) + LONGEST_GAP
    low = min(before, after.astimezone(there).replace(tzinfo=None))
    if recurrence.shift is not Shift.AFTER:
        return low
    works = business_days.calendar(recurrence.holidays)
    return datetime.combine(business_days.break_begin(low.date(), works), time())


def _fitting(rule: Rule, due: Due) -> Rule:
    """RFC 5545: hours and minutes are ignored where the start is a date."""
    if due.at is not None:
        return rule
    if rule.freq in _BY_THE_CLOCK:
        raise InvalidRule("time_missing", f"FREQ={rule.freq} needs a due time, not an all-day due")
    return replace(rule, byhour=(), byminute=())


def _of_rule(rule: Rule, start: datetime, low: datetime, zone: str, steps: Steps) -> Iterator[Wall]:
    first = start if rule.count else low  # what COUNT leaves over is known by counting only
    high, in_time = _end(rule, zone)
    found = walls(rule, start, low=first, high=high, steps=steps)
    following = _must_occur(found) if first == start and rule.until is None else found
    every = chain([Wall(start)], (wall for wall in following if wall.at > start))
    return islice(filter(in_time, every), rule.count)


def _must_occur(found: Iterator[Wall]) -> Iterator[Wall]:
    occurs = False
    for wall in found:
        occurs = True
        yield wall
    if not occurs:
        raise InvalidRule("never_occurs", "this rule never occurs")


def _end(rule: Rule, zone: str) -> tuple[datetime, Callable[[Wall], bool]]:
    """Where to stop looking, and what UNTIL allows.

    A date allows all of its day, also where dues have a time. Instants are compared as instants:
    on the days that clocks change, the order of wall times is another one.
    """
    until = rule.until
    if isinstance(until, datetime) and until.tzinfo is not None:
        high = min(zones.wall(until, zone), LAST) + LONGEST_GAP
        return high, lambda wall: zones.instant(wall.at.date(), wall.at.time(), zone) <= until
    if until is None:
        return LAST, lambda _: True
    last = until if isinstance(until, datetime) else datetime.combine(until, time.max)
    return last, lambda wall: wall.at <= last


def _shifted(found: Iterator[Wall], recurrence: Recurrence) -> Iterator[tuple[Wall, datetime]]:
    """Each with the local time it is moved to."""
    works = business_days.calendar(recurrence.holidays)  # refuses an unknown one in any case
    if recurrence.shift is Shift.NONE:
        return ((wall, wall.at) for wall in found)
    move = business_days.before if recurrence.shift is Shift.BEFORE else business_days.after
    return ((wall, datetime.combine(move(wall.at.date(), works), wall.at.time())) for wall in found)


def _placed(
    found: Iterator[tuple[Wall, datetime]], zone: str, *, all_day: bool
) -> Iterator[Occurrence]:
    """A time in a gap comes after later ones that exist: held back until none can be before it."""
    waiting: list[tuple[datetime, datetime, Occurrence]] = []
    last: datetime | None = None
    for wall, local in found:
        occurrence, none_before = _place(wall, local, zone, all_day=all_day)
        heappush(waiting, (occurrence.at, wall.at, occurrence))
        while waiting and waiting[0][0] <= none_before:
            ready = heappop(waiting)[2]
            if last is None or ready.at > last:
                last = ready.at
                yield ready
    while waiting:
        ready = heappop(waiting)[2]
        if last is None or ready.at > last:
            last = ready.at
            yield ready


def _place(wall: Wall, local: datetime, zone: str, *, all_day: bool) -> tuple[Occurrence, datetime]:
    """The occurrence, and the instant before which no later wall time can lie."""
    planned = local
    there = local.replace(tzinfo=zones.zone(zone))
    at = there.astimezone(UTC)
    second = there.replace(fold=1).astimezone(UTC)
    note = Note.SHIFT if local != wall.at else Note.SKIP if wall.moved else None
    if second < at:
        shown = at.astimezone(zones.zone(zone)).replace(tzinfo=None)
        if not all_day or shown.date() != local.date():
            note = Note.GAP
        local = shown
    elif second > at and not all_day:
        note = Note.FOLD
    return Occurrence(wall.at, planned, local, at, note), min(at, second)
