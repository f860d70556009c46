"""No instant twice and none lost: every IANA zone, every clock change from 2000 to 2037 (f18).

What is right is found by walking: which wall time each instant shows, five by five minutes.
A wall time that is shown is the first instant that shows it; one that never is, is read with the
offset before the change. The engine and its `zones.instant` are not asked for that.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from bench.chaos.report import Report
from core.rules import zones
from core.rules.recurrence import Recurrence, next_after, occurrences
from core.rules.reminders import Due
from core.rules.rrule import Freq, parse

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)  # offsets are in quarters of an hour
DAY = timedelta(days=1)
NEAR = timedelta(hours=5)  # to ask from each occurrence for the next is what costs
AROUND = timedelta(hours=27)  # more than the longest gap, Samoa's of a day
# By day inside and around the change, by the clock, and over it in steps that fall anywhere.
RULES = tuple(
    Recurrence(parse(rule))
    for rule in (
        "FREQ=DAILY;BYHOUR=0,1,2,3,23;BYMINUTE=0,20,30,50",
        "FREQ=HOURLY",
        "FREQ=MINUTELY;INTERVAL=50",
    )
)


@dataclass(frozen=True, slots=True)
class Change:
    """The first minute with another offset than the one before."""

    zone: str
    at: datetime


def changes(zone: str) -> Iterator[Change]:
    there = ZoneInfo(zone)
    day = FIRST
    while day < LAST:
        if day.astimezone(there).utcoffset() != (day + DAY).astimezone(there).utcoffset():
            yield Change(zone, _first_of(there, day))
        day += DAY


def problems(change: Change) -> list[str]:
    """What of the rules does not hold around this change: as sentences, none when all is well."""
    there = ZoneInfo(change.zone)
    shown = _walk(there, change.at)
    before = (change.at - STEP).astimezone(there).utcoffset() or timedelta()
    begin = (change.at - AROUND + 2 * STEP).astimezone(there).replace(tzinfo=None)
    begin = begin.replace(minute=begin.minute // 5 * 5)
    due = Due(begin.date(), begin.time(), change.zone)
    end = change.at + AROUND - 2 * STEP
    found: list[str] = []
    for recurrence in RULES:
        all_of_them = occurrences(recurrence, due, zone="UTC")
        inside = [*takewhile(lambda each: each.at < end, all_of_them)]
        at = [each.at for each in inside]
        named = f"{change.zone} {change.at:%Y-%m-%d %H:%M}Z"
        if any(earlier >= later for earlier, later in pairwise(at)):
            found.append(f"{named}: twice, or out of order")
        wrong = [
            each
            for each in inside
            if each.at != shown.get(each.wall, (each.wall - before).replace(tzinfo=UTC))
        ]
        if wrong:
            found.append(f"{named}: {wrong[0].wall} at {wrong[0].at}")
        walls = {each.wall for each in inside}
        lost = [wall for wall in _named(recurrence, begin, shown) if wall not in walls]
        if any(shown[wall] not in at and shown[wall] < end for wall in lost):
            found.append(f"{named}: {lost[0]} is lost")
        found += [
            f"{named}: from {after} comes another than {later.wall}"
            for earlier, later in pairwise(
                each for each in inside if abs(each.at - change.at) < NEAR
            )
            for after in (earlier.at, earlier.at + (later.at - earlier.at) / 2)
            if next_after(recurrence, due, after=after, zone="UTC") != later
        ]
    return found


def everywhere(processes: int = 2) -> Report:
    """Every zone that we accept; some minutes."""
    report = Report("F18")
    with ProcessPoolExecutor(processes) as pool:
        for count, found in pool.map(_of_zone, sorted(zones.known()), chunksize=8):
            report.operations += count
            report.lost += sum("lost" in each for each in found)
            report.duplicates += sum("twice" in each for each in found)
            report.violations += found[:3]
    told = f"every clock change of {len(zones.known())} zones, 2000 to 2037"
    report.figure = f"{told}, tzdata {zones.tzdata_version()}"
    report.demand(report.operations > 0, "no zone has ever changed its clocks")
    return report


def _of_zone(zone: str) -> tuple[int, Sequence[str]]:
    every = [*changes(zone)]
    return len(every), [each for change in every for each in problems(change)]


def _first_of(there: ZoneInfo, day: datetime) -> datetime:
    """The change within this day, to the minute."""
    low, high, offset = 0, 1_440, day.astimezone(there).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        at = day + timedelta(minutes=middle)
        low, high = (middle, high) if at.astimezone(there).utcoffset() == offset else (low, middle)
    return day + timedelta(minutes=high)


def _walk(there: ZoneInfo, at: datetime) -> dict[datetime, datetime]:
    """The first instant of each wall time that is shown around this one."""
    shown: dict[datetime, datetime] = {}
    instant = at - AROUND
    instant -= timedelta(minutes=instant.minute % 5)
    while instant <= at + AROUND:
        shown.setdefault(instant.astimezone(there).replace(tzinfo=None), instant)
        instant += STEP
    return shown


def _named(recurrence: Recurrence, begin: datetime, shown: Iterable[datetime]) -> list[datetime]:
    """The wall times that were shown and that the rule names, by its definition."""
    rule = recurrence.rule
    if rule.byhour:
        times = {(hour, minute) for hour in rule.byhour for minute in rule.byminute}
        return [w for w in shown if w >= begin and (w.hour, w.minute) in times]
    step = timedelta(minutes=60 if rule.freq is Freq.HOURLY else rule.interval)
    return [w for w in shown if w >= begin and (w - begin) % step == timedelta()]
