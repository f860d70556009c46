"""Days and times of the clock as they were said, and which moment they are from now on."""

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from core.rules import zones

PART_TIMES: Final = {
    "early": time(6),
    "morning": time(9),
    "noon": time(12),
    "afternoon": time(15),
    "evening": time(18),
    "night": time(20),
    "midnight": time(0),
}
_PART_ENDS: Final = {"morning": 12, "afternoon": 18, "evening": 21, "night": 23}
_WAKING: Final = (time(7), time(21))
_NOON: Final = 12
_EARLIEST_AFTERNOON: Final = 5  # noon and night reach to there
_DAY: Final = timedelta(days=1)
_WEEK: Final = 7
_FRIDAY: Final = 4
_SATURDAY: Final = 5
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_DAYS: Final = {"day": 1, "week": 7, "fortnight": 14, "weekend": 7, "workday": 1}
MINUTES: Final = {"minute": 1, "hour": 60}


@dataclass(frozen=True, slots=True)
class Clock:
    """When and where it is said. `now` is aware; `due_zone` fixes due times to a zone."""

    now: datetime
    zone: str
    due_zone: str | None = None

    @property
    def wall(self) -> datetime:
        return zones.wall(self.now, self.zone)

    @property
    def today(self) -> date:
        return self.wall.date()


@dataclass(frozen=True, slots=True)
class Days:
    """`first` to `last` where it asks for todos; `due` where it is a deadline, null in the past."""

    due: date | None
    first: date
    last: date
    part: str | None = None
    weekday: int | None = None  # said alone, by name
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Hour:
    """A time of the clock. `sure`: of its day, and not one of two that are twelve hours apart."""

    hour: int
    minute: int = 0
    sure: bool = False
    part: str | None = None


def one_day(on: date, today: date) -> Days:
    return Days(on if on >= today else None, on, on)


def later(on: date, count: int, unit: str) -> date:
    """Of a month that does not have the day, its last. Raises `OverflowError`, `ValueError`."""
    if unit in _DAYS:
        return on + timedelta(days=count * _DAYS[unit])
    year, month = divmod(on.year * 12 + on.month - 1 + count * _MONTHS[unit], 12)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))


def period(on: date, unit: str) -> tuple[date, date]:
    """The first and last day of the week, weekend, month, quarter or year that this day is in."""
    if unit in {"week", "fortnight"}:
        first = on - timedelta(days=on.weekday())
        return first, first + timedelta(days=_DAYS[unit] - 1)
    if unit == "weekend":
        first = on + timedelta(days=_SATURDAY - on.weekday())
        return first, first + _DAY
    if unit in {"day", "workday"}:
        return on, on
    size = _MONTHS[unit]
    first = date(on.year, (on.month - 1) // size * size + 1, 1)
    return first, later(first, size, "month") - _DAY


def this(unit: str, today: date) -> Days:
    first, last = period(today, unit)
    return Days(_end_due(first, last, unit, today), first, last)


def following(unit: str, count: int, today: date) -> Days:
    """Next week is due at its beginning; last week has passed."""
    first, last = period(later(period(today, unit)[0], count, unit), unit)
    return Days(first if count > 0 else None, first, last)


def edge(which: str, first: date, last: date, unit: str, today: date) -> Days:
    """The beginning, the middle or the end of these days."""
    if which == "end":
        due = _end_due(first, last, unit, today)
    elif which == "middle":
        due = first + (last - first) // 2
    else:
        due = first
    if due < today:
        return Days(None, due, due)
    return Days(due, due, last if which == "end" else due)


def _end_due(first: date, last: date, unit: str, today: date) -> date:
    """A week is over on Friday, while it is not over yet; a weekend begins on Saturday."""
    if unit == "weekend":
        return max(first, today)
    friday = first + timedelta(days=_FRIDAY)
    if unit == "week" and today <= friday:
        return friday
    return last


def weekday(number: int, today: date, *, past: bool) -> date:
    """The next one after today; asked for the past, the last one before."""
    if past:
        return today - timedelta(days=(today.weekday() - number - 1) % _WEEK + 1)
    return today + timedelta(days=(number - today.weekday() - 1) % _WEEK + 1)


def dated(month: int, day: int, year: int | None, today: date, *, past: bool) -> date | None:
    """The next such date; null for one that no year has."""
    if year is not None:
        return _date(year, month, day)
    steps = range(0, -9, -1) if past else range(9)  # a leap day may be eight years away
    found = (_date(today.year + step, month, day) for step in steps)
    return next((on for on in found if on and (on <= today if past else on >= today)), None)


def day_of_month(day: int, today: date, *, past: bool) -> date | None:
    steps = range(0, -3, -1) if past else range(3)
    firsts = (later(today.replace(day=1), step, "month") for step in steps)
    found = (_date(first.year, first.month, day) for first in firsts)
    return next((on for on in found if on and (on <= today if past else on >= today)), None)


def nth_weekday(nth: int, number: int, first: date, last: date) -> date | None:
    """The second Tuesday of these days; -1 is the last one."""
    if nth < 0:
        return last - timedelta(days=(last.weekday() - number) % _WEEK)
    on = first + timedelta(days=(number - first.weekday()) % _WEEK + (nth - 1) * _WEEK)
    return on if nth and on <= last else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def in_part(said: Hour, part: str) -> Hour:
    """`8` in the evening: sure."""
    hour = said.hour
    if said.sure and hour > _NOON:
        return replace(said, part=part)
    if part in {"early", "morning", "midnight"}:
        hour %= _NOON
    elif part == "night":
        hour = hour if hour < _EARLIEST_AFTERNOON else hour % _NOON + _NOON
        hour += 24 if said.hour in {0, _NOON} or hour < _EARLIEST_AFTERNOON else 0
        hour = hour - _NOON if said.hour == _NOON else hour
    elif part == "noon":
        hour += _NOON if hour < _EARLIEST_AFTERNOON else 0
    elif hour != _NOON:
        hour = hour % _NOON + _NOON
    elif part == "evening":
        hour = 24
    return replace(said, hour=hour, sure=True, part=part)


def usual(said: Hour) -> time:
    """As a time of any day: of a recurrence."""
    return min(_possible(said), key=lambda at: not _WAKING[0] <= at <= _WAKING[1])


def _possible(said: Hour) -> list[time]:
    if said.sure:
        return [time(said.hour % 24, said.minute)]
    low = time(said.hour % 12, said.minute)
    return [low, time(said.hour % 12 + 12, said.minute)]


def on_day(said: Hour, on: date, clock: Clock) -> tuple[datetime, bool]:
    """The wall time on that day, and whether it is still to come."""
    if said.sure:
        at = datetime.combine(on, time()) + timedelta(hours=said.hour, minutes=said.minute)
        return at, _to_come(at, clock)
    found = [datetime.combine(on, at) for at in _possible(said)]
    found = [at for at in found if _to_come(at, clock)] or found
    waking = [at for at in found if _WAKING[0] <= at.time() <= _WAKING[1]]
    at = (waking or found)[0]
    return at, _to_come(at, clock)


def next_time(said: Hour, clock: Clock) -> datetime:
    """Today, or else tomorrow; not certain whether of the morning, between 7 and 21 o'clock."""
    days = (clock.today, clock.today + _DAY)
    if said.sure:
        found = (on_day(said, on, clock) for on in days)
        return next((at for at, to_come in found if to_come), on_day(said, days[1], clock)[0])
    strikes = [datetime.combine(on, at) for on in days for at in _possible(said)]
    to_come = [at for at in strikes if _to_come(at, clock)]
    return next((at for at in to_come if _WAKING[0] <= at.time() <= _WAKING[1]), to_come[0])


def part_of(part: str, on: date, clock: Clock) -> tuple[datetime, bool]:
    """The conventional time of it; while it lasts, the next full hour."""
    at = datetime.combine(on, PART_TIMES[part]) + (_DAY if part == "midnight" else timedelta())
    if _to_come(at, clock):
        return at, True
    hour = clock.wall.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    lasts = on == clock.today == hour.date() and hour.hour <= _PART_ENDS.get(part, 0)
    return (hour, True) if lasts else (at, False)


def after(minutes: float, clock: Clock) -> datetime:
    """The wall time so many minutes from now, to the nearest minute that is to come."""
    at = clock.now.astimezone(UTC) + timedelta(minutes=minutes, seconds=30)
    return zones.wall(at.replace(second=0, microsecond=0), clock.zone)


def _to_come(at: datetime, clock: Clock) -> bool:
    return zones.instant(at.date(), at.time(), clock.zone) > clock.now
