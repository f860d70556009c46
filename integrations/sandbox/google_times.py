"""Starts and ends as Google checks and shows them, and the instances of a recurring event."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from core.rules import recurrence_expand, rrule, zones
from integrations.sandbox.google_errors import Refused

FIRST: Final = datetime(1900, 1, 2, tzinfo=UTC)  # no event begins or ends outside of these
LAST: Final = datetime(2199, 12, 30, tzinfo=UTC)
DAY: Final = timedelta(days=1)
MOST_LINES: Final = 100
DATES: Final = re.compile(
    r"(?:EXDATE|RDATE)(?:;(?:VALUE=(?:DATE|DATE-TIME)|TZID=([^;:]+)))*"
    r":((?:\d{8}(?:T\d{6}Z?)?,?)+)",
    re.ASCII,
)
INSTANCE: Final = re.compile(r"([a-v0-9_]{5,1024})_(\d{8}(?:T\d{6}Z)?)")


@dataclass(frozen=True, slots=True)
class When:
    """Midnight of UTC without `zone`: the event is all day."""

    at: datetime  # UTC
    zone: str | None

    @property
    def local(self) -> datetime:
        """Naive."""
        return self.at.replace(tzinfo=None) if self.zone is None else zones.wall(self.at, self.zone)

    @property
    def key(self) -> str:
        """What stands behind the id of an instance."""
        return f"{self.at:%Y%m%d}" if self.zone is None else f"{self.at:%Y%m%dT%H%M%SZ}"

    def shown(self, calendar_zone: str) -> dict[str, str]:
        """With the offset of the calendar and the zone of the event."""
        if self.zone is None:
            return {"date": self.at.date().isoformat()}
        text = self.at.astimezone(zones.zone(calendar_zone)).isoformat(timespec="seconds")
        return {"dateTime": text.replace("+00:00", "Z"), "timeZone": self.zone}


def read(resource: Mapping[str, Any], calendar_zone: str) -> tuple[When, When]:
    """The start and the end of an event. Raises Refused as Google does."""
    recurs = bool(resource.get("recurrence"))
    start = moment(resource.get("start"), "start", calendar_zone, recurs=recurs)
    end = moment(resource.get("end"), "end", calendar_zone, recurs=recurs)
    if (start.zone is None) != (end.zone is None):
        says = "Start and end times must either both be date or both be dateTime."
        raise Refused(400, "invalid", says)
    if end.at < start.at or (start.zone is None and end.at == start.at):
        raise Refused(400, "timeRangeEmpty", "The specified time range is empty.")
    return start, end


def moment(value: object, name: str, calendar_zone: str, *, recurs: bool = False) -> When:
    given = value if isinstance(value, dict) else {}
    day, at, zone = given.get("date"), given.get("dateTime"), given.get("timeZone")
    if not day and not at:
        raise Refused(400, "required", f"Missing {name} time.")
    if day and at:
        raise Refused(400, "invalid", f"Invalid {name} time.")
    if zone is not None and not (isinstance(zone, str) and zone in zones.known()):
        raise Refused(400, "invalid", f"Invalid time zone definition for {name} time.")
    try:
        read = datetime.fromisoformat(str(at or date.fromisoformat(str(day))))
        read = read.replace(microsecond=0)
        if zone is None and at and (recurs or read.tzinfo is None):
            raise Refused(400, "required", f"Missing time zone definition for {name} time.")
        if read.tzinfo is None:
            read = zones.instant(read.date(), read.time(), str(zone) if at else "UTC")
        when = When(read.astimezone(UTC), (zone or calendar_zone) if at else None)
    except (ValueError, OverflowError) as error:
        raise Refused(400, "invalid", f"Invalid {name} time.") from error
    if not FIRST <= when.at <= LAST:
        raise Refused(400, "invalid", f"Invalid {name} time.")
    return when


def check_recurrence(lines: object) -> None:
    """Raises Refused for what Google would not expand."""
    if not isinstance(lines, list) or len(lines) > MOST_LINES or not all(map(_is_line, lines)):
        raise Refused(400, "invalid", "Invalid recurrence rule.")


def occurrences(master: Mapping[str, Any], since: datetime, until: datetime) -> Iterator[When]:
    """Starts from `since` up to and with `until`, ascending. The event's own start is one."""
    start = moment(master["start"], "start", "UTC")
    out, more = set[datetime](), {start.local}
    rules = []
    for line in master.get("recurrence", ()):
        if line.startswith("RRULE:"):
            rules.append(rrule.parse(line))
        else:
            (out if line.startswith("EXDATE") else more).update(_dates(line, start))
    found = set(more)
    low, high = (each.astimezone(UTC).replace(tzinfo=None) for each in (since - DAY, until + DAY))
    for rule in rules:
        found |= set(_of(rule, start, low, high))
    for local in sorted(found - out):
        at = local.replace(tzinfo=UTC)
        if start.zone is not None:
            at = zones.instant(local.date(), local.time(), start.zone)
        if since <= at <= until:
            yield When(at, start.zone)


def instance_of(event_id: str) -> tuple[str, When] | None:
    """The master's id and the instance's original start, whose zone is not in it."""
    found = INSTANCE.fullmatch(event_id)
    if found is None:
        return None
    try:
        at = datetime.strptime(found[2], "%Y%m%d" if len(found[2]) == 8 else "%Y%m%dT%H%M%SZ")  # noqa: PLR2004, DTZ007 - the length of a date; UTC is said in the next line
    except ValueError:
        return None
    return found[1], When(at.replace(tzinfo=UTC), None)


def _is_line(line: object) -> bool:
    if not isinstance(line, str):
        return False
    try:
        if line.startswith("RRULE:"):
            rrule.parse(line)
        else:
            list(_dates(line, When(FIRST, None)))
    except (ValueError, OverflowError):
        return False
    return line.startswith("RRULE:") or DATES.fullmatch(line) is not None


def _of(rule: rrule.Rule, start: When, low: datetime, high: datetime) -> Iterator[datetime]:
    """COUNT counts from the start, so those before `low` are walked; UNTIL may be a day or UTC."""
    left = rule.count
    steps = recurrence_expand.Steps()
    begin = start.local if left is not None else low
    try:
        for wall in recurrence_expand.walls(rule, start.local, low=begin, high=high, steps=steps):
            if _is_after(wall.at, rule.until, start.zone) or left == 0:
                return
            left = None if left is None else left - 1
            yield wall.at
    except rrule.InvalidRule:
        return  # it never occurs again


def _is_after(local: datetime, until: date | datetime | None, zone: str | None) -> bool:
    if until is None:
        return False
    if not isinstance(until, datetime):
        return local.date() > until
    if until.tzinfo is None or zone is None:
        return local > until.replace(tzinfo=None)
    return zones.instant(local.date(), local.time(), zone) > until


def _dates(line: str, start: When) -> Iterator[datetime]:
    """Wall times in the zone of the start."""
    found = DATES.fullmatch(line)
    for text in found[2].split(",") if found else ():
        if len(text) == 8:  # noqa: PLR2004 - a date
            yield datetime.strptime(text, "%Y%m%d").replace(  # noqa: DTZ007 - a wall time
                hour=start.local.hour, minute=start.local.minute
            )
        elif text.endswith("Z"):
            at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            yield zones.wall(at, start.zone or "UTC")
        else:
            at = datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - a wall time
            said = found[1] if found and found[1] else start.zone or "UTC"
            yield zones.wall(zones.instant(at.date(), at.time(), said), start.zone or "UTC")
