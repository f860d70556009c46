"""Until when a reminder is put off, in the words of people and of programs.

`for`: ISO 8601 (`PT10M`, `P1D`), `10m`, `2h30m`, `2d`. `until`: an instant of RFC 3339, a local
time (`2030-05-04T09:00`), the next time of a clock (`18:30`). Both: `tonight`, `tomorrow`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from core.rules import cli_times, durations, zones

LONGEST: Final = timedelta(days=366)
UNDERSTOOD_FOR: Final = "`PT10M`, `10m`, `2h30m`, `2d`, `tonight`, `tomorrow`"
UNDERSTOOD_UNTIL: Final = (
    "`2030-05-04T09:00:00Z`, `2030-05-04T09:00`, `18:30`, `tonight`, `tomorrow`"
)
TONIGHT: Final = time(20)
EVENING: Final = time(19)  # from here on, 20:00 is too soon to be what was meant
LAST_YEAR: Final = 2199  # as far as todos go

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)
_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(z|[+-]\d{2}:\d{2})?", re.ASCII
)


class Word(StrEnum):
    TONIGHT = "tonight"  # 20:00; once it is evening, in an hour
    TOMORROW = "tomorrow"  # at the person's time for all-day reminders


@dataclass(frozen=True, slots=True)
class Span:
    """Days are counted on the wall (the same time, whatever the clocks do), the rest is elapsed."""

    days: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Local:
    """A wall time; without a day the next one."""

    on: date | None
    at: time


Snooze = Word | Span | Local | datetime  # an instant has its zone


def read_for(text: str) -> Snooze:
    """Raises `ValueError` with a sentence that names what is understood."""
    words = text.strip().lower()
    try:
        if words in set(Word):
            return Word(words)
        iso = words.startswith("p")
        span = Span(*(durations.read(words.upper()) if iso else cli_times.span(words)))
        if timedelta(0) < timedelta(days=span.days, seconds=span.seconds) <= LONGEST:
            return span
    except (ValueError, OverflowError) as error:
        raise ValueError(f"not a time I understand; these are: {UNDERSTOOD_FOR}") from error
    raise ValueError("a snooze takes more than nothing and at most 366 days")


def read_until(text: str) -> Snooze:
    """Raises `ValueError` with a sentence that names what is understood."""
    words = text.strip().lower()
    try:
        if words in set(Word):
            return Word(words)
        if _CLOCK.fullmatch(words):
            return Local(None, time.fromisoformat(words))
        if _MOMENT.fullmatch(words):
            return _moment(datetime.fromisoformat(words.upper()))
    except ValueError as error:
        raise ValueError(f"not a time I understand; these are: {UNDERSTOOD_UNTIL}") from error
    raise ValueError(f"not a time I understand; these are: {UNDERSTOOD_UNTIL}")


def ends_at(wish: Snooze, *, now: datetime, zone: str, all_day_time: time) -> datetime:
    """The instant; in the past only for a moment with a day of its own."""
    if isinstance(wish, datetime):
        return wish.astimezone(UTC)
    local = now.astimezone(zones.zone(zone))
    today, tomorrow = local.date(), local.date() + timedelta(days=1)
    match wish:
        case Span(days, seconds):
            there = (
                zones.instant(today + timedelta(days), local.time().replace(fold=0), zone)
                if days
                else now
            )
            return there + timedelta(seconds=seconds)
        case Word.TONIGHT if local.time() >= EVENING:
            return now + timedelta(hours=1)
        case Word.TONIGHT:
            on, at = today, TONIGHT
        case Word.TOMORROW:
            on, at = tomorrow, all_day_time
        case Local(None, at):
            on = today if zones.instant(today, at, zone) > now else tomorrow
        case Local(date() as on, at):
            pass
    return zones.instant(on, at, zone)


def _moment(at: datetime) -> Snooze:
    if not 1970 <= at.year <= LAST_YEAR:  # noqa: PLR2004 - the years of every other time
        raise ValueError(at)
    return at if at.tzinfo is not None else Local(at.date(), at.time())
