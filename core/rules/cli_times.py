"""Times as the command line reads them: a small grammar that never guesses.

A moment is one of: `in 90s`, `in 1h 30m`, `in 3d`, `today 15:30`, `tomorrow`, `tomorrow 9:00`,
`fri`, `fri 9:00`, `2026-12-24`, `2026-12-24 18:00`. A duration is `90s`, `15m`, `1h30m`, `2d`,
`1w`, or with the units in full: `1 minute`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.rules import zones

UNDERSTOOD = (
    "`in 90s`, `in 2h`, `in 3d`, `today 15:30`, `tomorrow`, `tomorrow 9:00`, `fri 9:00`, "
    "`2026-12-24`, `2026-12-24 18:00`"
)
UNDERSTOOD_DURATIONS = "`90s`, `15m`, `1h30m`, `2d`, `1w`"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DAYS = {"d": 1, "w": 7}
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
}
_SPAN = re.compile(r"(\d{1,6})\s*([a-z]+)\s*", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """Wall time. Without `at` all day; `zone` is set where the words name one instant (`in 5m`)."""

    on: date
    at: time | None
    zone: str | None


def moment(text: str, *, now: datetime, zone: str) -> Moment:
    """Read `text` in `zone`. Raises `ValueError` with a sentence that names what is understood.

    `in …` counts days and weeks on the wall (the same time, whatever the clocks do meanwhile) and
    hours and less on the stopwatch. A weekday is the next one whose moment is still to come.
    """
    words = text.lower().split()
    try:
        if words[:1] == ["in"]:
            return _from_now(*span(" ".join(words[1:])), now=now, zone=zone)
        day, clock = words if len(words) > 1 else (*words, "")
        at = _clock(clock) if clock else None
        return Moment(_day(day, at, now.astimezone(zones.zone(zone))), at, None)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time I understand; these are: {UNDERSTOOD}") from error


def duration(text: str) -> timedelta:
    """Raises `ValueError` with a sentence that names what is understood."""
    try:
        days, seconds = span(text.lower().strip())
    except ValueError as error:
        understood = UNDERSTOOD_DURATIONS
        raise ValueError(f"{text!r} is not a duration I understand; try {understood}") from error
    return timedelta(days=days, seconds=seconds)


def span(text: str) -> tuple[int, int]:
    """Days and seconds of `1h 30m`; each unit at most once. Raises `ValueError`."""
    found: dict[str, int] = {}
    end = 0
    while match := _SPAN.match(text, end):
        unit = _UNITS.get(match[2])
        if unit is None or unit in found:
            raise ValueError(text)
        found[unit] = int(match[1])
        end = match.end()
    if not found or end != len(text):
        raise ValueError(text)
    days = sum(size * found.get(unit, 0) for unit, size in _DAYS.items())
    return days, sum(size * found.get(unit, 0) for unit, size in _SECONDS.items())


def _from_now(days: int, seconds: int, *, now: datetime, zone: str) -> Moment:
    start = now
    if days:
        local = now.astimezone(zones.zone(zone))
        start = zones.instant(local.date() + timedelta(days), local.time(), zone)
    wanted = start + timedelta(seconds=seconds)
    if wanted.microsecond:  # never earlier than asked for
        wanted += timedelta(microseconds=1_000_000 - wanted.microsecond)
    local = wanted.astimezone(zones.zone(zone))
    on, at = local.date(), local.time()
    if zones.instant(on, at, zone) == wanted:
        return Moment(on, at, zone)
    wanted = wanted.astimezone(UTC)  # the wall shows this time twice, and the second one is meant
    return Moment(wanted.date(), wanted.time(), "UTC")


def _clock(text: str) -> time:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return time(int(match[1]), int(match[2]), int(match[3] or 0))


def _day(word: str, at: time | None, local: datetime) -> date:
    today = local.date()
    if word in {"today", "tomorrow"}:
        return today + timedelta(days=int(word == "tomorrow"))
    if _DATE.fullmatch(word):
        return date.fromisoformat(word)
    for number, name in enumerate(_WEEKDAYS):
        if word in {name, name[:3]}:
            ahead = (number - today.weekday()) % 7
            if ahead == 0 and (at is None or at <= local.time()):
                ahead = 7
            return today + timedelta(days=ahead)
    raise ValueError(word)
