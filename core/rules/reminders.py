"""When a reminder fires: from its own wall time, or from the due time of its todo."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.rules import zones

ABANDONED_AFTER = timedelta(hours=24)  # later than this a reminder is `missed`: shown, not sent


@dataclass(frozen=True, slots=True)
class Due:
    """A due time: all day without `at`, floating without `zone`."""

    on: date
    at: time | None
    zone: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A reminder's own words: a wall time (`zone` null: floating), or so long before due."""

    on: date | None
    at: time | None
    zone: str | None
    before: timedelta | None


@dataclass(frozen=True, slots=True)
class Arming:
    """When it fires, and the zone that this was computed in."""

    at: datetime
    zone: str


def due_instant(due: Due, person_zone: str) -> datetime:
    """The instant of a due time; of an all-day one, its local midnight."""
    return zones.instant(due.on, due.at or zones.ALL_DAY, due.zone or person_zone)


def arming(wish: Wish, due: Due | None, *, person_zone: str, all_day_time: time) -> Arming | None:
    """Null when there is nothing to count from: `before` on a todo without a due time."""
    if wish.on is not None and wish.at is not None:
        zone = wish.zone or person_zone
        return Arming(zones.instant(wish.on, wish.at, zone), zone)
    if due is None or wish.before is None:
        return None
    zone = due.zone or person_zone
    return Arming(zones.instant(due.on, due.at or all_day_time, zone) - wish.before, zone)
