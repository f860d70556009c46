"""Occurrences as short texts, for tables of cases."""

from datetime import date, datetime
from itertools import islice
from typing import Any

from core.rules.recurrence import Occurrence, Recurrence, occurrences
from core.rules.reminders import Due
from core.rules.rrule import parse


def due(start: str, zone: str = "UTC") -> Due:
    """`2030-01-31` is all day, `2030-01-31T09:00` has a time in the zone."""
    if "T" not in start:
        return Due(date.fromisoformat(start), None, None)
    at = datetime.fromisoformat(start)
    return Due(at.date(), at.time(), zone)


def expand(
    rrule: str, start: str, count: int, *, zone: str = "UTC", **more: Any
) -> list[Occurrence]:
    found = occurrences(Recurrence(parse(rrule), **more), due(start, zone), zone=zone)
    return list(islice(found, count))


def told(rrule: str, start: str, count: int, **more: Any) -> list[str]:
    """Local times, without their time where the start has none; what was noted after a space."""
    return [_told(each, timed="T" in start) for each in expand(rrule, start, count, **more)]


def _told(occurrence: Occurrence, *, timed: bool) -> str:
    local = f"{occurrence.local:%Y-%m-%dT%H:%M}" if timed else f"{occurrence.local:%Y-%m-%d}"
    return f"{local} {occurrence.note}" if occurrence.note else local
