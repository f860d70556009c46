"""Dates and instants as JSON and CSV files write them."""

import re
from datetime import UTC, date, datetime, time
from typing import Final

from core.rules import zones
from core.rules.recurrence_expand import LAST_YEAR
from core.rules.reminders import Due

FIRST_YEAR: Final = 1970
_MILLISECONDS: Final = 1e11  # more seconds than that are in no year of ours
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIMED: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:[.,]\d{1,9})?\s*([Zz]|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


def within(on: date) -> bool:
    """Whether a todo can be due then."""
    return FIRST_YEAR <= on.year <= LAST_YEAR


def instant(raw: object, zone: str) -> datetime | None:
    """Of ISO 8601 (without an offset in this zone), or of seconds or milliseconds since 1970.

    Null for anything else, and outside of the years that we keep.
    """
    if isinstance(raw, bool):
        return None
    found = _counted(raw) if isinstance(raw, int | float) else _written(raw, zone)
    return found if found is not None and within(found) else None


def _counted(raw: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(raw / 1000 if abs(raw) >= _MILLISECONDS else raw, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _written(raw: object, zone: str) -> datetime | None:
    if not isinstance(raw, str):
        return None
    if raw.strip().isascii() and raw.strip().isdigit() and len(raw) < 17:  # noqa: PLR2004 (what fits a float)
        return _counted(int(raw))
    due_ = due(raw, None)
    if due_ is None:
        return None
    try:
        return zones.instant(due_.on, due_.at or zones.ALL_DAY, due_.zone or zone)
    except OverflowError:
        return None


def due(raw: str, zone: str | None) -> Due | None:
    """A date alone is all day; with an offset it is that instant, on the clocks of this zone."""
    raw = raw.strip()
    try:
        if _DATE.fullmatch(raw):
            return _kept(Due(date.fromisoformat(raw), None, None))
        match = _TIMED.fullmatch(raw)
        if match is None:
            return None
        on, at = date.fromisoformat(match[1]), time.fromisoformat(match[2])
        if match[3] is None:
            return _kept(Due(on, at, zone))
        offset = match[3].upper().replace("Z", "+00:00")
        aware = datetime.fromisoformat(f"{on}T{at}{offset}").astimezone(UTC)
        wall = zones.wall(aware, zone or "UTC")
    except (ValueError, OverflowError):
        return None
    return _kept(Due(wall.date(), wall.time(), zone or "UTC"))


def _kept(due_: Due) -> Due | None:
    return due_ if within(due_.on) else None
