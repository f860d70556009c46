"""When a digest goes out, which period it is of, and what it holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Final, Self
from uuid import UUID, uuid5

from core.rules import zones
from core.rules.reminders import Due

JITTER_S: Final = 600
PER_SECTION: Final = 20
DAYS_AHEAD: Final = 7  # of "upcoming", after today
STREAK_DAYS: Final = 400  # no longer one is counted
SHORT_ITEMS: Final = 3  # of the variant for push and Slack
WEEK: Final = timedelta(days=7)
DAY: Final = timedelta(days=1)


class Frequency(StrEnum):
    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


class Weekday(StrEnum):
    """In the order of `date.weekday()`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEKDAYS: Final = tuple(Weekday)


class Section(StrEnum):
    OVERDUE = "overdue"
    TODAY = "today"
    UPCOMING = "upcoming"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Slot:
    """A period and when its digest goes out."""

    period: str  # a day (2026-03-29) or an ISO week (2026-W13), by the person's calendar
    on: date
    at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """How often, and when by the person's own clock; `weekday` counts for weekly ones only."""

    frequency: Frequency = Frequency.OFF
    at: time = time(7, 30)
    weekday: Weekday = Weekday.MONDAY

    @classmethod
    def of(cls, stored: object) -> Self:
        """As preferences hold it; what cannot be read is what it is by default."""
        if not isinstance(stored, Mapping):
            return cls()
        made = cls()
        try:
            return cls(
                Frequency(stored.get("frequency", made.frequency)),
                time.fromisoformat(stored.get("at", made.at.isoformat("minutes"))),
                Weekday(stored.get("weekday", made.weekday)),
            )
        except (TypeError, ValueError):
            return made

    @property
    def every(self) -> timedelta:
        return WEEK if self.frequency is Frequency.WEEKLY else DAY

    def slot(self, on: date, zone: str, person: UUID) -> Slot:
        """On this day: at the wall time (a gap moves it on, of a repeated one it is the first).

        Later by up to ten minutes, for a person always by as many: not all of a zone at once.
        """
        return Slot(self._period(on), on, zones.instant(on, self.at, zone) + jitter(person))

    def next(
        self, now: datetime, zone: str, person: UUID, *, after: date | None = None
    ) -> Slot | None:
        """The first one still to come, and of a later day than `after`; null: there is none."""
        if self.frequency is Frequency.OFF:
            return None
        on = zones.today(now, zone) - DAY  # its jitter may lead past midnight
        if after is not None:
            on = max(on, after + DAY)
        if self.frequency is Frequency.WEEKLY:
            on += timedelta(days=(WEEKDAYS.index(self.weekday) - on.weekday()) % 7)
        while (slot := self.slot(on, zone, person)).at <= now:
            on += self.every
        return slot

    def _period(self, on: date) -> str:
        if self.frequency is Frequency.WEEKLY:
            year, week, _ = on.isocalendar()
            return f"{year}-W{week:02d}"
        return on.isoformat()


@lru_cache(maxsize=4096)
def jitter(person: UUID) -> timedelta:
    return timedelta(seconds=int.from_bytes(sha256(person.bytes).digest()[:8]) % JITTER_S)


def delivery_id(person: UUID, period: str, channel: str, target: str = "") -> UUID:
    """The same for every attempt of a period's digest, whoever makes it."""
    return uuid5(person, f"digest|{period}|{channel}|{target}")


@dataclass(frozen=True, slots=True)
class Item:
    """A todo as a digest shows it."""

    id: UUID
    title: str
    due: Due | None


@dataclass(frozen=True, slots=True)
class Part:
    """A section with its first todos; `total` counts those that are left out, too."""

    section: Section
    items: tuple[Item, ...]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.items)


@dataclass(frozen=True, slots=True)
class DigestContent:
    """What a digest says, in the person's days. `parts` in the order of `Section`, none empty."""

    frequency: Frequency
    on: date
    zone: str
    parts: tuple[Part, ...]
    streak: int  # days in a row, up to today or yesterday, with something completed

    @property
    def is_empty(self) -> bool:
        return not self.parts

    def total(self, section: Section) -> int:
        return next((part.total for part in self.parts if part.section is section), 0)


@dataclass(frozen=True, slots=True)
class Span:
    """From one change of clocks to the next, a zone is so many seconds ahead of UTC."""

    start: datetime
    end: datetime
    seconds: int


@lru_cache(maxsize=1024)  # a zone's people share it for the day
def offsets(zone: str, today: date) -> tuple[Span, ...]:
    """Of the days that a streak may count, up to the end of today.

    So that PostgreSQL can tell on which of a person's days something was, by our zone rules and
    not by its own, which may be another release or not know the zone at all.
    """
    start = zones.instant(today - timedelta(days=STREAK_DAYS), time(0), zone)
    end = zones.instant(today + DAY, time(0), zone)
    place = zones.zone(zone)

    def ahead(at: datetime) -> int:
        return round((at.astimezone(place).utcoffset() or timedelta(0)).total_seconds())

    spans = []
    since, at = start, start
    while at < end:
        until = min(at + DAY, end)
        if ahead(until) != ahead(at):
            change = _change(at, until, ahead)
            spans.append(Span(since, change, ahead(at)))
            since = change
        at = until
    return (*spans, Span(since, end, ahead(since)))


def _change(before: datetime, after: datetime, ahead: Callable[[datetime], int]) -> datetime:
    """The second from which on it is as it is `after`."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds() / 2))
        if ahead(middle) == ahead(after):
            after = middle
        else:
            before = middle
    return after
