"""Todoist's recurring dates read: `every! 2 weeks`, `ev mon, fri at 9am ending 1 nov`.

What Todoist documents, and what people say beside it. English; `core.rules.todoist_translated`
brings other languages here. Never guesses: what is not understood is a `ValueError`.
"""

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Final

from core.rules.recurrence import Anchor, PileUp, Recurrence
from core.rules.recurrence_todoist import DAYS
from core.rules.rrule import Freq, Skip
from core.rules.todoist_days import WEEKDAYS, NoRuleError, month, rule_of, weekday

MAX_CHARS: Final = 200
UNDERSTOOD: Final = (
    "`every day at 9am`, `every mon, fri`, `every! 2 weeks`, `every 3rd friday`, `every 27th`, "
    "`every last day`, `every jan 15`, `every workday starting 1 nov ending 31 dec`"
)
_SINGLE: Final = {
    "hourly": "hour",
    "daily": "day",
    "everyday": "day",
    "weekly": "week",
    "biweekly": "2 weeks",
    "fortnightly": "2 weeks",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "annually": "year",
}
_HEAD: Final = re.compile(r"(?:on )?(?:every|ev|each)(!?)\s+(.+)")
# `mondays`, `on weekdays`, `on the 1st of every month`: every, without the word.
_PLURAL: Final = re.compile(rf"(?:on )?((?:{'|'.join(WEEKDAYS)}|weekday|workday|weekend)s\b.*)")
_OF_EVERY: Final = re.compile(r"(?:on )?(?:the )?(.+?) (?:of|in) (?:every|each) (month\b.*)")
_TIMES_OF_DAY: Final = {
    "morning": time(9),
    "noon": time(12),
    "afternoon": time(12),
    "evening": time(19),
    "night": time(22),
}
_TIME_OF_DAY: Final = re.compile(rf"(?:^|\s)(?:(?:in the|at) )?({'|'.join(_TIMES_OF_DAY)})s?$")
_CLOCK: Final = re.compile(
    r"\s(?:at\s+|@\s*)?(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.)(?![a-z])"
    r"|\s(?:at\s+|@\s*)?(\d{1,2}):(\d{2})\b"
    r"|\s(?:at\s+|@\s*)(\d{1,2}|noon|midnight)\b(?:\s+o'clock)?"
)
_BEGINS: Final = "starting|starts|start|beginning|from"
_ENDS: Final = "ending|ends|end|until|till|til"
_TAIL: Final = re.compile(rf"\s({_BEGINS}|{_ENDS}|for)(?:\s+on)?(?=\s|$)")
_DONE: Final = re.compile(r" after (?:completion|completing(?: it)?|it(?:'s| is) done)$")
_SPAN: Final = re.compile(
    rf"\b({'|'.join(DAYS)})([a-z]*)(?:\s*-\s*|\s+(?:to|through|thru)\s+)({'|'.join(DAYS)})([a-z]*)"
)
_PERIOD: Final = re.compile(r"(\d{1,3}) (day|week|month|year)s?")
_DATE: Final = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)? ([a-z]+)|([a-z]+) (\d{1,2})(?:st|nd|rd|th)?)(?:,? (\d{4}))?"
)
_NOON: Final = 12


@dataclass(frozen=True, slots=True)
class Read:
    """`starting` and `at` belong into the due time; `recurrence` is null when no rule says it."""

    recurrence: Recurrence | None
    starting: date | None
    at: time | None
    cannot_express: list[str]


def from_todoist(text: str, *, today: date) -> Read:
    """Raises `ValueError` with a sentence that names what is understood.

    `today` tells which year a date without one is in: the next such day. A day that a month does
    not have is its last one, and what passes undone stays, as with Todoist.
    """
    said = " ".join(text[:MAX_CHARS].lower().replace(",", ", ").split()).replace(" ,", ",")
    try:
        return _read(said if len(text) <= MAX_CHARS else "", today)
    except (ValueError, KeyError, OverflowError) as error:
        shown = f"{text[:80]!r} is not a recurring date I understand; these are: {UNDERSTOOD}"
        raise ValueError(shown) from error


def _read(said: str, today: date) -> Read:
    said, after = _DONE.subn("", said)
    done, rest = _head(said)
    rest, at = _clock(f" {rest}")
    core, *tail = _TAIL.split(rest)
    core, of_day = _time_of_day(core.strip())
    ends = dict(zip(tail[::2], (each.strip() for each in tail[1::2]), strict=True))
    begin, end = _one_of(ends, _BEGINS), _one_of(ends, _ENDS)
    starting = _date(begin, today) if begin else None
    until = _date(end, starting or today) if end else None
    if "for" in ends:
        until = _later(starting or today, ends["for"]) - timedelta(days=1)
    at = at or of_day
    try:
        rule = replace(rule_of(_SPAN.sub(_spelled, core or ("day" if at else ""))), until=until)
    except NoRuleError as error:
        return Read(None, starting, at, [str(error)])
    if rule.freq in {Freq.MONTHLY, Freq.YEARLY} and not rule.byday:
        rule = replace(rule, skip=Skip.BACKWARD)
    anchor = Anchor.COMPLETION if done or after else Anchor.SCHEDULE
    return Read(Recurrence(rule, anchor=anchor, pile_up=PileUp.KEEP), starting, at, [])


def _head(said: str) -> tuple[bool, str]:
    """Whether it counts from the completion, and what stands after `every`."""
    first, _, rest = said.partition(" ")
    if first.rstrip("!") in _SINGLE:
        return first.endswith("!"), f"{_SINGLE[first.rstrip('!')]} {rest}"
    if first == "after":
        return True, rest
    match = _HEAD.fullmatch(said)
    if match:
        return bool(match[1]), match[2]
    plural, of_every = _PLURAL.fullmatch(said), _OF_EVERY.fullmatch(said)
    if plural:
        return False, plural[1]
    if of_every is None:
        raise ValueError(said)
    return False, f"{of_every[1]} of the {of_every[2]}"


def _clock(rest: str) -> tuple[str, time | None]:
    """Takes the time out, wherever it stands."""
    match = _CLOCK.search(rest)
    if match is None:
        return rest, None
    without = f"{rest[: match.start()]} {rest[match.end() :]}".replace("  ", " ")
    if match[6] in {"noon", "midnight"}:
        at = time(_NOON if match[6] == "noon" else 0)
    elif match[3]:
        hour = int(match[1])
        if not 1 <= hour <= _NOON:
            raise ValueError(rest)
        at = time(hour % _NOON + (_NOON if match[3].startswith("p") else 0), int(match[2] or 0))
    else:
        at = time(int(match[4] or match[6]), int(match[5] or 0))
    if _CLOCK.search(without):
        raise ValueError(rest)
    return without, at


def _time_of_day(core: str) -> tuple[str, time | None]:
    """`monday morning`, `day in the evening`, `night`: taken off its end."""
    match = _TIME_OF_DAY.search(core)
    if match is None:
        return core, None
    return core[: match.start()].strip(), _TIMES_OF_DAY[match[1]]


def _one_of(ends: dict[str, str], names: str) -> str:
    """What follows the one of these words that was said."""
    found = [ends[name] for name in names.split("|") if name in ends]
    if len(found) > 1:
        raise ValueError(names)
    return "".join(found)


def _spelled(span: re.Match[str]) -> str:
    """Each day of `mon-fri`."""
    first, last = weekday(span[1] + span[2]), weekday(span[3] + span[4])
    return ", ".join(DAYS[(first + n) % 7] for n in range((last - first) % 7 + 1))


def _later(on: date, period: str) -> date:
    """Of a month that does not have the day, the last one."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise ValueError(period)
    count, unit = int(match[1]), match[2]
    if unit in {"day", "week"}:
        return on + timedelta(days=count * (7 if unit == "week" else 1))
    index = on.year * 12 + on.month - 1 + count * (12 if unit == "year" else 1)
    year, month_index = divmod(index, 12)
    return date(year, month_index + 1, min(on.day, monthrange(year, month_index + 1)[1]))


def _date(said: str, earliest: date) -> date:
    if said in {"today", "tomorrow"}:
        return earliest + timedelta(days=int(said == "tomorrow"))
    if said.startswith("in "):
        return _later(earliest, said.removeprefix("in "))
    day = said.removeprefix("next ")
    if day[:3] in DAYS:
        return earliest + timedelta(days=(weekday(day) - earliest.weekday() - 1) % 7 + 1)
    match = _DATE.fullmatch(said)
    if match is None:
        return date.fromisoformat(said)
    number, on = month(match[2] or match[3]), int(match[1] or match[4])
    if match[5]:
        return date(int(match[5]), number, on)
    this_year = date(earliest.year, number, on)
    return this_year if this_year >= earliest else date(earliest.year + 1, number, on)
