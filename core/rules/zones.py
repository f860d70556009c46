"""Wall time to instant: RFC 5545 §3.3.5 for times that do not exist or come twice."""

from datetime import UTC, date, datetime, time
from functools import cache
from importlib.metadata import version
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

ALL_DAY = time(0)


@cache
def tzdata_version() -> str:
    """The release of the zone rules in use; rows armed by another one are armed anew."""
    return version("tzdata")


@cache
def known() -> frozenset[str]:
    """Every IANA name we accept: places, and UTC."""
    return frozenset(
        name for name in available_timezones() if "/" in name or name in {"UTC", "GMT"}
    ) - {"posix/", "right/"}


@cache
def zone(name: str) -> ZoneInfo:
    """Raises `ValueError` for a name that is not an IANA zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"{name!r} is not an IANA time zone"
        raise ValueError(msg) from error


def instant(on: date, at: time, zone_name: str) -> datetime:
    """The UTC instant of this wall time.

    A time that does not exist is read with the offset before the gap (02:30 becomes 03:30);
    of a time that comes twice the first one is meant. `fold=0` of PEP 495 says both.
    """
    return datetime.combine(on, at, zone(zone_name)).astimezone(UTC)


def wall(at: datetime, zone_name: str) -> datetime:
    """The naive wall time of an instant; at the ends of the calendar, where none fits, UTC's."""
    try:
        return at.astimezone(zone(zone_name)).replace(tzinfo=None)
    except OverflowError:
        return at.astimezone(UTC).replace(tzinfo=None)


def today(now: datetime, zone_name: str) -> date:
    return now.astimezone(zone(zone_name)).date()
