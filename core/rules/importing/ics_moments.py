"""Dates, times and durations of iCalendar (RFC 5545 §3.3), as other programs write them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from core.rules import zones
from core.rules.importing import moments, texts
from core.rules.importing.ics_lines import Property
from core.rules.reminders import Due

_MOMENT: Final = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:T(\d{2}):?(\d{2}):?(\d{2})?(?:[.,]\d+)?(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_DURATION: Final = re.compile(
    r"([+-]?)P(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)
_LEAP_SECOND: Final = 60


@dataclass(frozen=True, slots=True)
class Moment:
    """`at` null: the whole day. `zone` null: floating."""

    on: date
    at: time | None
    zone: str | None

    def due(self) -> Due:
        return Due(self.on, self.at, self.zone)

    def wall(self) -> datetime:
        return datetime.combine(self.on, self.at or time())

    def instant(self, zone: str) -> datetime:
        return zones.instant(self.on, self.at or time(), self.zone or zone)

    def text(self) -> tuple[str, str]:
        """Parameters and value, as our own reader takes them."""
        on = self.on.isoformat().replace("-", "")
        if self.at is None:
            return ";VALUE=DATE", on
        value = f"{on}T{self.at:%H%M%S}"
        if self.zone == "UTC":
            return "", f"{value}Z"
        return (f";TZID={self.zone}" if self.zone else ""), value


def wall_of(raw: str) -> datetime | None:
    """Of a time that is in no zone, or whose zone does not matter."""
    found = _read(raw)
    return None if found is None else datetime.combine(found[0], found[1] or time())


def read(
    prop: Property, raw: str, zone_of: Callable[[str], str | None], lost: list[str]
) -> Moment | None:
    """One value of a property; null where it is none, or out of our time."""
    found = _read(raw)
    if found is None or not moments.within(found[0]):
        lost.append(f"{prop.name} {texts.excerpt(raw)!r} was not understood")
        return None
    on, at, is_utc = found
    if at is None or prop.parameters.get("VALUE", "").upper() == "DATE":
        return Moment(on, None, None)
    tzid = prop.parameters.get("TZID")
    if is_utc:
        return Moment(on, at, "UTC")
    if tzid is None:
        return Moment(on, at, None)
    zone = zone_of(tzid)
    if zone is None:
        told = f"the time zone {texts.excerpt(tzid)!r} is unknown: {prop.name} has none here"
        if told not in lost:
            lost.append(told)
    return Moment(on, at, zone)


def instant(raw: str, zone: str) -> datetime | None:
    """Of CREATED and the like, which are in UTC; some write them as local times."""
    found = _read(raw)
    if found is None or not moments.within(found[0]):
        return None
    on, at, is_utc = found
    try:
        return zones.instant(on, at or time(), "UTC" if is_utc else zone)
    except OverflowError:
        return None


def _read(raw: str) -> tuple[date, time | None, bool] | None:
    match = _MOMENT.fullmatch(raw.strip().upper())
    if match is None:
        return None
    try:
        on = date(int(match[1]), int(match[2]), int(match[3]))
        if match[4] is None:
            return on, None, False
        second = int(match[6] or 0)
        at = time(int(match[4]), int(match[5]), 59 if second == _LEAP_SECOND else second)
    except ValueError:
        return None
    if match[7] in {None, "Z"}:
        return on, at, match[7] == "Z"
    # Not as iCalendar has it, yet it leaves nothing open.
    offset = f"{match[7][:3]}:{match[7][-2:]}"
    try:
        utc = datetime.fromisoformat(f"{on}T{at}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return utc.date(), utc.time(), True


def duration(raw: str) -> timedelta | None:
    match = _DURATION.fullmatch(raw.strip().upper())
    if match is None or not any(match.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in match.groups()[1:])
    try:
        found = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return None
    return -found if match[1] == "-" else found


def local(at: datetime, zone: str) -> Moment:
    """An instant on the clocks of a zone."""
    wall = zones.wall(at.astimezone(UTC), zone)
    return Moment(wall.date(), wall.time().replace(microsecond=0), zone)
