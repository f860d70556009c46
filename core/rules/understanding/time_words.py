"""`[time]` of a lexicon: what its words can mean, and how that is written down to be matched.

Every meaning is one letter, and an utterance becomes a string of letters: `every 2nd tuesday` is
`EOW`. A word with several meanings ("second" is 2nd and a unit) gets a letter of its own, and
`TimeWords.pattern` lets each letter of a pattern stand for all of those that include it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from unicodedata import combining, normalize

from core.rules.recurrence_todoist import DAYS as WEEKDAYS
from core.rules.understanding.lexicon import InvalidLexicon, Lexicon, listed
from core.rules.understanding.matching import Phrases
from core.rules.understanding.text import forms
from core.rules.understanding.time_parts import Parting

_LEAP_YEAR: Final = 2024
_UNITS: Final = (
    *("minute", "hour", "day", "week", "fortnight", "month", "quarter", "year"),
    *("weekend", "workday"),
)
# Days from now, and the part of the day.
_DAYS: Final = {
    "today": (0, None),
    "tomorrow": (1, None),
    "day_after_tomorrow": (2, None),
    "in_three_days": (3, None),
    "yesterday": (-1, None),
    "day_before_yesterday": (-2, None),
    "tomorrow_or_yesterday": (1, None),  # कल is both
    "two_days_away": (2, None),  # परसों
    "tonight": (0, "night"),
    "this_morning": (0, "morning"),
    "this_afternoon": (0, "afternoon"),  # vanmiddag
    "this_evening": (0, "evening"),  # stasera
    "tomorrow_morning": (1, "morning"),
    "tomorrow_afternoon": (1, "afternoon"),
    "tomorrow_evening": (1, "evening"),
    "tomorrow_night": (1, "night"),
}
_BOTH_WAYS: Final = {"tomorrow_or_yesterday", "two_days_away"}
PARTS: Final = ("early", "morning", "noon", "afternoon", "evening", "night", "midnight")
_REPEATS: Final = {
    "hourly": "hour",
    "daily": "day",
    "weekly": "week",
    "fortnightly": "2 week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "workdays": "workday",
    "weekends": "weekend",
    "other_day": "2 day",
}


def _number(name: str) -> float:
    value = float(name)
    return int(value) if value == int(value) else value


def _one_of(*names: str) -> Mapping[str, Any]:
    return {name: name for name in names}


# A table's letter, and what each of its names means; a function reads names that are values.
_TABLES: Final[Mapping[str, tuple[str, Any]]] = {
    "numbers": ("N", _number),  # 0.5 = a half, 2.5 = ढाई
    "ordinals": ("O", int),
    "weekdays": ("W", {name: n for n, name in enumerate(WEEKDAYS)}),
    "every_weekday": ("X", {name: n for n, name in enumerate(WEEKDAYS)}),  # mondays
    "months": ("M", int),
    "units": ("U", _one_of(*_UNITS)),
    "spans": ("S", int),  # minutes: 30 = half an hour
    "days": ("D", {name: (*meant, name in _BOTH_WAYS) for name, meant in _DAYS.items()}),
    "parts": ("P", _one_of(*PARTS)),
    "repeats": ("R", _REPEATS),
    "dates": ("Y", lambda name: date.fromisoformat(f"{_LEAP_YEAR}-{name}")),  # 12-25 = christmas
    "am_pm": ("m", {"am": "morning", "pm": "afternoon"}),
    # Before an hour: half past two, quarter to six, halb drei (half of the third hour).
    "before_hour": (
        "q",
        {"half_past": 30, "half_to": -30, "quarter_past": 15, "quarter_to": -15},
    ),
    # After an hour: dos y media, et quart, moins le quart.
    "after_hour": (
        "s",
        {"and_half": 30, "and_quarter": 15, "less_quarter": -15, "and_three_quarters": 45},
    ),
}
_LISTS: Final[Mapping[str, str]] = {
    "at": "a",  # before a time of the clock
    "hour_words": "c",  # after its hour: o'clock, Uhr, h
    "past": "p",  # ten past five
    "to": "t",  # ten to five; from Monday to Friday
    "less": "~",  # cinq heures moins dix
    "in": "i",  # in two weeks
    "later": "l",  # two weeks from now, 两周后
    "ago": "g",
    "after": "f",  # two weeks after Tuesday
    "one": "A",  # a week: articles that count, but not at the clock
    "every": "E",
    "other": "o",  # every other day
    "this": "v",
    "next": "n",
    "last": "L",
    "after_next": "z",
    "end": "e",
    "middle": "k",
    "beginning": "b",
    "until": "u",  # until, by, before
    "starting": "r",
    "for": "d",  # for two weeks
    "times": "x",  # three times
    "and": "&",
    "day_marks": "j",  # 15号, el día 15
    "month_marks": "J",  # 3月
    "after_done": "K",  # after completion
    "vague": "V",  # sometime
    "on": "G",  # before a day: on, by the, am
    "on_day": "H",  # before the number of a day: el 15
    "glue": "F",  # between parts of a time: of the, in the
    "trail": "B",  # after a time, belonging to it: को
    "every_behind": "h",  # after what repeats: 2주마다, 月曜日ごと
}
_AFFIXES: Final = ("prefixes", "suffixes")  # that words of time are written together with
# And `same_as`: what words stand for that say what others say; "gelecek hafta" = ["haftaya"].
# What these words say may have something taken off: cuma-ya, والـجمعة.
_STEMS: Final = frozenset({*"NOWXMUSDPRYmscjJ"})
_OPTIONAL: Final = {
    *("every_weekday", "dates", "spans", "am_pm", "less", "ago", "after", "one", "other"),
    *("after_next", "day_marks", "month_marks", "after_done", "vague", "on_day", "trail"),
    *("past", "to", "middle", "times", "starting", "later", "in", "before_hour", "after_hour"),
    *("ordinal_marks", "glue", "on", "beginning", "for", "repeats", "every_behind", "same_as"),
    *_AFFIXES,
}
_FLAGS: Final = frozenset({"bare_units", "compounds", "twelve_hours"})
_VALUES: Final = {
    "date_order": ("dmy", "mdy", "ymd"),
    "next_weekday": ("coming", "week"),  # the coming one, or that of next week
}
# Meanings of what is written in digits, alone and together.
_DIGITS: Final = ("N", "NZ", "NO", "OQ", "T", "C", "NOQ", "NT")
UNKNOWN: Final = "\0"
_FIRST_MIXED: Final = 0xE000
_SHORT: Final = 3  # shorter words are other words without their accents: às, as

Meanings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TimeWords:
    """`ordinal_marks` follow digits: 2nd, 15. ; `date_order` is that of 3/4."""

    phrases: Phrases[Meanings]
    letters: Mapping[frozenset[str], str]
    ordinal_marks: frozenset[str]
    date_order: str
    next_weekday: str
    twelve_hours: bool  # at 9 may be in the evening
    spaced: bool
    minutes_first: bool  # ten past five; else five and ten
    bare_units: bool  # a unit alone is one of it: через неделю
    parting: Parting

    def letter(self, meanings: Meanings) -> str:
        return self.letters[frozenset(meanings)]

    def pattern(self, pattern: str) -> re.Pattern[str]:
        """A regular expression of which each letter is a meaning."""
        return re.compile("".join(self._class(char) for char in pattern))

    def _class(self, char: str) -> str:
        if char not in LETTERS:
            return char
        fitting = (letter for meant, letter in self.letters.items() if char in meant)
        return f"[{''.join(sorted(fitting))}]"


LETTERS: Final = frozenset(
    {letter for letter, _ in _TABLES.values()} | set(_LISTS.values()) | set("".join(_DIGITS))
)


def compiled(lexicon: Lexicon) -> TimeWords:
    """Raises `InvalidLexicon`. Costly: to be kept by the caller."""
    wrong: list[str] = []
    meanings = _meanings(lexicon, wrong)
    parting = _parting(lexicon, meanings, wrong)
    for key, allowed in _VALUES.items():
        if lexicon.time.get(key) not in allowed:
            wrong.append(f"time.{key} is none of {', '.join(allowed)}")
    if wrong:
        raise InvalidLexicon(lexicon.code, wrong)
    kinds = {frozenset(meant) for meant in meanings.values()}
    kinds |= {frozenset(each) for each in _DIGITS} | {frozenset(letter) for letter in LETTERS}
    mixed = (kind for kind in sorted(map(sorted, kinds)) if len(kind) > 1)
    letters = {frozenset(letter): letter for letter in LETTERS}
    letters |= {frozenset(kind): chr(_FIRST_MIXED + n) for n, kind in enumerate(mixed)}
    return TimeWords(
        phrases=Phrases((" ".join(words), meant) for words, meant in meanings.items()),
        letters=letters,
        ordinal_marks=frozenset(lexicon.time.get("ordinal_marks", ())),
        date_order=lexicon.time["date_order"],
        next_weekday=lexicon.time["next_weekday"],
        spaced=lexicon.spaced,
        minutes_first="past" in lexicon.time,
        bare_units=lexicon.time.get("bare_units", False) is True,
        twelve_hours=lexicon.time.get("twelve_hours", False) is True,
        parting=parting,
    )


def _parting(
    lexicon: Lexicon, meanings: Mapping[tuple[str, ...], Meanings], wrong: list[str]
) -> Parting:
    given = {key: lexicon.time[key] for key in _AFFIXES if key in lexicon.time}
    affixes = {
        key: tuple(sorted({"".join(forms(each)) for each in phrases}, key=lambda one: -len(one)))
        for key, phrases in listed("time", given, wrong).items()
    }
    timely = [words for words, meant in meanings.items() if not _STEMS.isdisjoint(meant)]
    second: dict[str, set[str]] = {}
    for words in meanings:
        if len(words) > 1:
            second.setdefault(words[0], set()).add(words[1])
    same = [
        (said, forms(meant))
        for meant, every in listed("time.same_as", lexicon.time.get("same_as", {}), wrong).items()
        for said in every
    ]
    parting = Parting(
        used=bool(affixes or same),
        stems=frozenset(words[0] for words in timely if len(words) == 1),
        known=frozenset(word for words in meanings for word in words),
        prefixes=affixes.get("prefixes", ()),
        suffixes=affixes.get("suffixes", ()),
        same=Phrases(same),
        phrases=Phrases((" ".join(words), meant) for words, meant in meanings.items()),
        second={first: frozenset(following) for first, following in second.items()},
    )
    # Of phrases that take an ending as a whole, the last word: öğleden sonra-ya.
    more = {words[-1] for words in timely if not parting.parted(words[-1])}
    return replace(parting, stems=parting.stems | more)


def _meanings(lexicon: Lexicon, wrong: list[str]) -> dict[tuple[str, ...], dict[str, Any]]:
    meanings: dict[tuple[str, ...], dict[str, Any]] = {}
    for letter, value, phrase, key in _entries(lexicon, wrong):
        meant = meanings.setdefault(forms(phrase), {})
        if meant.get(letter, value) != value:
            wrong.append(f"time.{key}: {phrase!r} already means something else in this table")
        meant[letter] = value
    for words, meant in list(meanings.items()):
        bare = tuple(_bare(word) for word in words)
        if bare not in meanings and all(len(word) > _SHORT for word in bare):
            meanings[bare] = meant
    if lexicon.time.get("compounds"):
        _compound(meanings)
    return meanings


def _compound(meanings: dict[tuple[str, ...], dict[str, Any]]) -> None:
    """Freitagabend: a weekday and a part of the day in one word."""
    single = [(words[0], meant) for words, meant in meanings.items() if len(words) == 1]
    days = [(word, meant["W"]) for word, meant in single if "W" in meant]
    parts = [(word, meant["P"]) for word, meant in single if "P" in meant]
    for day, number in days:
        for part, name in parts:
            meanings.setdefault((day + part,), {"W": number, "P": name})


def _bare(word: str) -> str:
    """Without its accents, as many write it and some transcribers hear it."""
    if not "a" <= word[0] <= "ɏ":
        return word
    return "".join(char for char in normalize("NFD", word) if not combining(char))


def _entries(lexicon: Lexicon, wrong: list[str]) -> Iterator[tuple[str, Any, str, str]]:
    """Letter, value, phrase and key, of what is right."""
    known = {*_TABLES, *_LISTS, *_VALUES, *_FLAGS, *_AFFIXES, "ordinal_marks", "same_as"}
    wrong += [f"time.{key} is not known" for key in sorted(lexicon.time.keys() - known)]
    missing = known - _OPTIONAL - _FLAGS - lexicon.time.keys()
    wrong += [f"time.{key} is missing" for key in sorted(missing)]
    for key, (letter, names) in _TABLES.items():
        table = lexicon.time.get(key, {})
        if not isinstance(table, Mapping):
            wrong.append(f"time.{key} is not a table")
            continue
        for name, phrases in listed(f"time.{key}", table, wrong).items():
            try:
                value = names[name] if isinstance(names, Mapping) else names(name)
            except (KeyError, ValueError):
                wrong.append(f"time.{key}.{name} is not known")
                continue
            yield from ((letter, value, phrase, f"{key}.{name}") for phrase in phrases)
    lists = {key: lexicon.time[key] for key in _LISTS if key in lexicon.time}
    for key, phrases in listed("time", lists, wrong).items():
        yield from ((_LISTS[key], key, phrase, key) for phrase in phrases)
