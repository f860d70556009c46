"""Dates as products put them into files: `7. März 2026 9:00`, `Mar 7`, `7 de mar`, `5 days ago`.

With a month's name or not at all: which of two numbers is the month, nobody can know.
"""

import re
from datetime import date, time, timedelta
from functools import cache
from typing import Final
from unicodedata import combining, normalize

from core.rules.importing import moments
from core.rules.reminders import Due

# The beginnings that tell months apart, without accents, in Todoist's languages that have names.
_MONTHS: Final = {
    "cs": "led uno brez|bre dub kve cervna|cvn|cerven cervence|cvc|cervenec srp zar rij lis pro",
    "da": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "de": "jan|jaen feb mar|maer|mrz apr mai jun jul aug sep okt nov dez",
    "en": "jan feb mar apr may jun jul aug sep oct nov dec",
    "es": "ene feb mar abr may jun jul ago sep|set oct nov dic",
    "fi": "tam hel maa huh tou kes hei elo syy lok mar jou",
    "fr": "jan fev mar avr mai juin juil aou sep oct nov dec",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "nb": "jan feb mar apr mai jun jul aug sep okt nov des",
    "nl": "jan feb maa|mrt apr mei jun jul aug sep okt nov dec",
    "pl": "sty lut mar kwi maj cze lip sie wrz paz lis gru",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "ru": "янв фев мар апр мая|маи июн июл авг сен окт ноя дек",
    "sv": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "tr": "oca sub mar nis may haz tem agu eyl eki kas ara",
}
_CLOCK: Final = (
    r"(?:,? (?:(?:at|um|a las|as|a|alle|om|kl|o|klo|в|@) )?(\d{1,2})(?:[:.h](\d{2}))? ?(am|pm)?)?"
)
# Another word before it may be "every": only an English weekday may do without a sign.
_WEEKDAY: Final = r"(?:(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|[^\W\d]+[.,]) )?"
_DAY_FIRST: Final = re.compile(
    rf"{_WEEKDAY}(\d{{1,2}})(?:\.|st|nd|rd|th|er)? ?(?:de )?([^\W\d]{{3,}})\.?,?"
    rf"(?: (?:de )?(\d{{4}}))?{_CLOCK}"
)
_MONTH_FIRST: Final = re.compile(
    rf"{_WEEKDAY}([^\W\d]{{3,}})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?{_CLOCK}"
)
_AGO: Final = re.compile(r"(?:\+ ?|in )?(\d{1,4}) (day|week)s?( ago)?")
_NOON: Final = 12


def read(said: str, scene_today: date, *, zone: str | None, language: str) -> Due | None:
    """In this language; null for what is not such a date. Without a year: the next such day."""
    plain = _plain(said)
    if language == "en" and (near := _near(plain, scene_today)) is not None:
        return Due(near, None, None)
    for pattern, day_at, month_at in ((_DAY_FIRST, 1, 2), (_MONTH_FIRST, 2, 1)):
        match = pattern.fullmatch(plain)
        month = _month(match[month_at], language) if match else None
        if match is None or month is None:
            continue
        at = _at(match[4], match[5], match[6])
        on = _on(match[3], month, int(match[day_at]), scene_today)
        timed = match[4] is not None
        if on is not None and moments.within(on) and (at is not None or not timed):
            return Due(on, at, zone if timed else None)
    return None


def _near(plain: str, today: date) -> date | None:
    """What Todoist's relative dates say of days that are over, and of those that come."""
    if plain == "yesterday":
        return today - timedelta(days=1)
    match = _AGO.fullmatch(plain)
    if match is None:
        return None
    days = int(match[1]) * (7 if match[2] == "week" else 1)
    return today + timedelta(days=-days if match[3] else days)


def _on(year: str | None, month: int, day: int, today: date) -> date | None:
    try:
        if year is not None:
            return date(int(year), month, day)
        found = date(today.year, month, day)
        return found if found >= today else date(today.year + 1, month, day)
    except ValueError:
        return None


def _at(hours: str | None, minutes: str | None, half: str | None) -> time | None:
    """Null also for a number that is no time of day."""
    if hours is None or (minutes is None and half is None):
        return None
    hour = int(hours)
    if half is not None:
        hour = hour % _NOON + (_NOON if half == "pm" else 0)
    try:
        return time(hour, int(minutes or 0))
    except ValueError:
        return None


def _month(word: str, language: str) -> int | None:
    for nth, beginnings in enumerate(_beginnings(language), 1):
        if word.startswith(beginnings):
            return nth
    return None


@cache
def _beginnings(language: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(each.split("|")) for each in _MONTHS.get(language, "").split())


def _plain(said: str) -> str:
    """Small letters without accents."""
    parted = normalize("NFKD", said.casefold())
    return " ".join("".join(char for char in parted if not combining(char)).split())
