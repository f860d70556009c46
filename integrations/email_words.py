"""The languages of our e-mails: a catalogue for each, and moments as a person of it says them."""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from core.rules import zones
from core.rules.recurrence_words import DEFAULT, LANGUAGES, REGIONS
from core.rules.reminders import Due, due_instant
from core.rules.words import saying
from core.rules.words.entries import Words

TEMPLATES: Final = Path(__file__).parent / "email_templates"
TITLE_CHARS: Final = 120  # of a title in a subject; all of it is in the body

_NEAR: Final = {timedelta(0): "today", timedelta(1): "tomorrow", timedelta(-1): "yesterday"}
# They turn the direction of what follows, beyond the end of the title (Unicode TR9, 2.1 to 2.4).
_TURNS: Final = dict.fromkeys(
    [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF]
)
_JOINS: Final = frozenset({"\u200d", "\ufe0e", "\ufe0f"})  # what belongs to the one before
_TONES: Final = range(0x1F3FB, 0x1F400)


@dataclass(frozen=True, slots=True)
class Language:
    """`tag` is that of HTML's `lang`. `texts[kind][entry]` as the catalogue has it."""

    locale: str
    tag: str
    texts: Mapping[str, Mapping[str, Any]]
    words: Words

    def when(self, at: datetime, zone: str, now: datetime, *, all_day: bool = False) -> str:
        """`today at 09:00 (UTC)`, `tomorrow …`, else `on Monday, 3 August 2026 at 09:00 (UTC)`."""
        return self.on_day(at, zone, zones.today(now, zone), all_day=all_day)

    def due(self, due: Due, zone: str, now: datetime) -> str:
        """The same of a due time, in the person's zone."""
        return _due(self.locale, due, zone, zones.today(now, zone))

    def listed(self, due: Due, zone: str, today: date) -> str:
        """In a list: of today the time alone, of another day that too; a zone is not said."""
        local = due_instant(due, zone).astimezone(zones.zone(zone))
        clock = "" if due.at is None else saying.clock(_to_the_minute(local.time()), self.words)
        if local.date() == today:
            return clock
        moments = self.texts["moments"]
        weekday = self.words.weekdays[local.weekday()]
        day: str = moments["listed"].format(weekday=weekday, date=self.day(local.date()))
        return moments["listed_at"].format(day=day, time=clock) if clock else day

    def day(self, on: date) -> str:
        """`3 August 2026`, `3. August 2026`, `August 3, 2026`."""
        return saying.date_named(on, self.words)

    def on_day(self, at: datetime, zone: str, today: date, *, all_day: bool = False) -> str:
        """As `when`; `today` in that zone."""
        moments = self.texts["moments"]
        local = at.astimezone(zones.zone(zone))
        on = local.date()
        near = _NEAR.get(on - today)
        if near:
            day: str = moments[near]
        else:
            weekday = self.words.weekdays[on.weekday()]
            day = moments["on"].format(weekday=weekday, date=self.day(on))
        if all_day:
            return day
        clock = saying.clock(_to_the_minute(local.time()), self.words)
        said: str = moments["at"].format(day=day, time=clock, zone=zone)
        return said


def _load() -> dict[str, Mapping[str, Mapping[str, Any]]]:
    return {path.stem: tomllib.loads(path.read_text("utf-8")) for path in TEMPLATES.glob("*.toml")}


CATALOGUES: Final = _load()


@lru_cache(maxsize=256)
def language(locale: str) -> Language:
    """The one of this locale, `de` for `de_AT`; English for one that we do not have."""
    wanted = locale.replace("_", "-")
    tag = wanted.partition("-")[0].lower()
    if tag not in CATALOGUES:
        wanted = tag = DEFAULT
    return Language(wanted, tag, CATALOGUES[tag], REGIONS.get(wanted.upper(), LANGUAGES[tag]))


@lru_cache(maxsize=1024)  # many are due at nine o'clock
def _due(locale: str, due: Due, zone: str, today: date) -> str:
    at = due_instant(due, zone)
    return language(locale).on_day(at, zone, today, all_day=due.at is None)


def _to_the_minute(at: time) -> time:
    return at.replace(second=0, microsecond=0)


def one_line(text: str) -> str:
    """No line breaks, no controls, nothing that turns the direction of the text after it."""
    if text.isascii() and text.isprintable():  # nearly all
        return " ".join(text.split())
    kept = "".join(
        each if unicodedata.category(each) not in {"Cc", "Cs"} else " "
        for each in text.translate(_TURNS)
    )
    return " ".join(kept.split())


def shortened(line: str, *, most: int = TITLE_CHARS) -> str:
    """At most so many characters, cut between what a reader sees as characters."""
    if len(line) <= most:
        return line
    end = most - 1
    while end > 0 and (_clings(line[end]) or line[end - 1] == "\u200d"):
        end -= 1
    return line[:end].rstrip() + "…"


def _clings(each: str) -> bool:
    return bool(unicodedata.combining(each)) or each in _JOINS or ord(each) in _TONES
