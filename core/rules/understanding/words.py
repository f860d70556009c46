"""`[words]` of a lexicon, ready to be compared.

frames.*      phrases around what is told: remind create add add_list to_list timed maybe complete
              done done_noun finish reopen search
              delete rename move set_priority clear_priority clear_due tag move_list snooze list
              untag (what is asked about), whole (all of it is the title)
              undo nothing (what is said without being meant as a command)
phrases.*     what may stand behind a title: priority tag list known; priority_first before it
priority.*    words for high medium low none; priority_word.* the same where "priority" is said too
status.*      pending completed overdue
done.<verb>   past forms of it, "called" of `call`
positions.<n> "the second one" is 1, "that" is 0, "the last one" is -1
every.*       `all`: a whole phrase that means every todo; `filtered`: with a filter
target.plain  what stands around the words of a target without telling which
questions.*   what is asked back
infinitives   what the title of a `{task}` ends with, `-ing` being any word that ends so
short.*       lists that other phrases name: of `give = ["do", "dein"]`, `<give>` is `(do|dein)`

fillers, weak_fillers (between commas only), lead, tail, tail_asked (where a lead is), corrections,
weak_corrections, withdrawn,
and, items, pairs, articles, stop, joins, dangling, dangling_first, particles (of verbs), verbs,
verbs_last, statements, title_first (before a title and no part of it), finite, chatter, nouns,
filter_words, list_names, endings (of the cases of a name) and common are plain lists, in which
`(a|b)` and `[a]` may stand as well.
With doubtful anywhere in it, doubtful_first before it or doubtful_last behind it a title is asked
about: it still holds what was only there to give the command; with doubtful_bare only where no
phrase around it tells that it is a title. adjectives ("weekly") before a noun
belong to it; small are words for times that have a capital letter only in names. Beside a word
of_morning ("breakfast") or of_evening 7 o'clock is that of it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.rules.understanding import lexicon
from core.rules.understanding.patterns import Compiler, Index, Pattern, every, indexed, joined
from core.rules.understanding.spoken import fold, spoken

VALUES: Final = ("high", "medium", "low", "none")


@dataclass(frozen=True, slots=True)
class Words:
    """Everything but `questions` is folded as `spoken` does; patterns are those of `patterns`.

    `spelled` are the words of `done` as they are written.
    """

    code: str
    spaced: bool
    frames: Index
    chatter: Index
    behind: dict[str, list[re.Pattern[str]]]
    before: list[re.Pattern[str]]
    plain_target: list[Pattern]
    every_all: list[Pattern]
    every_filtered: list[Pattern]
    lead: re.Pattern[str]
    tail: re.Pattern[str]
    tail_asked: re.Pattern[str]
    dangling: re.Pattern[str]
    dangling_first: re.Pattern[str]
    title_first: re.Pattern[str]
    doubtful_first: re.Pattern[str]
    doubtful_last: re.Pattern[str]
    priority: dict[str, str]
    status: dict[str, re.Pattern[str]]
    done: dict[str, str]
    spelled: dict[str, str]
    positions: dict[str, int]
    sets: dict[str, frozenset[str]]
    finders: dict[str, re.Pattern[str]]
    questions: dict[str, str]
    days: frozenset[str]
    numbers: frozenset[str]


_FINDERS: Final = (
    "fillers", "weak_fillers", "corrections", "weak_corrections", "withdrawn", "and", "items",
    "pairs", "nouns", "filter_words", "statements", "verbs", "verbs_last", "finite", "motion",
    "back", "asks_done", "lasting", "doubtful", "doubtful_bare", "adjectives", "of_morning",
    "of_evening",
)  # fmt: skip
_SETS: Final = (
    "from_words",
    "naming",
    "list_words",
    "list_suffixes",
    "drop_articles",
    "articles",
    "stop",
    "joins",
    "list_names",
    "particles",
    "endings",
    "verbs",
    "adjectives",
    "small",
    "until_words",
)


@cache
def of(code: str) -> Words:
    """Raises `KeyError` for a language without a lexicon."""
    read = lexicon.load(code)
    given = _spelled_out(read.words)
    spaced = read.spaced

    def under(table: str) -> dict[str, tuple[str, ...]]:
        start = f"{table}."
        return {key[len(start) :]: value for key, value in given.items() if key.startswith(start)}

    priority, weak = under("priority"), under("priority_word")
    done = under("done")
    compiler = Compiler(
        spaced=spaced,
        no_name=given.get("no_name", ()),
        items=given.get("items", ()),
        infinitives=given.get("infinitives", ()),
        list_suffixes=given.get("list_suffixes", ()),
        choices={
            "priority": [phrase for phrases in priority.values() for phrase in phrases],
            "priority_word": [phrase for phrases in weak.values() for phrase in phrases],
            "ref": [phrase for phrases in under("positions").values() for phrase in phrases],
            "every": given.get("every.whole", ()),
            "done": [phrase for phrases in done.values() for phrase in phrases],
        },
    )

    def compiled(name: str, phrases: Iterable[str]) -> list[Pattern]:
        return [
            compiler.pattern(phrase, name=name, order=order) for order, phrase in enumerate(phrases)
        ]

    def folded(phrases: Iterable[str]) -> frozenset[str]:
        return frozenset(fold(phrase, spaced=spaced) for phrase in phrases)

    frames = [
        pattern for name, phrases in under("frames").items() for pattern in compiled(name, phrases)
    ]
    return Words(
        code=code,
        spaced=spaced,
        frames=indexed(frames, spaced=spaced),
        chatter=indexed(compiled("chatter", given.get("chatter", ())), spaced=spaced),
        behind={
            name: [compiler.behind(phrase) for phrase in given.get(f"phrases.{name}", ())]
            for name in ("priority", "tag", "list", "known")
        },
        before=[compiler.before(phrase) for phrase in given.get("phrases.priority_first", ())],
        plain_target=compiled("plain", given.get("target.plain", ())),
        every_all=compiled("all", given.get("every.all", ())),
        every_filtered=compiled("filtered", given.get("every.filtered", ())),
        lead=compiler.before_any(given.get("lead", ())),
        tail=compiler.behind_any(given.get("tail", ())),
        tail_asked=compiler.behind_any(given.get("tail_asked", ())),
        dangling=compiler.behind_any(given.get("dangling", ())),
        dangling_first=compiler.before_any(given.get("dangling_first", ())),
        title_first=compiler.before_any(given.get("title_first", ())),
        doubtful_first=compiler.before_any(given.get("doubtful_first", ())),
        doubtful_last=compiler.behind_any(given.get("doubtful_last", ())),
        priority={
            fold(phrase, spaced=spaced): value
            for table in (weak, priority)
            for value in VALUES
            for phrase in table.get(value, ())
        },
        status={name: compiler.anywhere(phrases) for name, phrases in under("status").items()},
        done={
            fold(phrase, spaced=spaced): verb
            for verb, phrases in done.items()
            for phrase in phrases
        },
        spelled={
            fold(phrase, spaced=spaced): phrase for phrases in done.values() for phrase in phrases
        },
        positions={
            fold(phrase, spaced=spaced): int(number)
            for number, phrases in under("positions").items()
            for phrase in phrases
        },
        sets={name: folded(given.get(name, ())) for name in _SETS},
        finders={
            **{name: compiler.anywhere(given.get(name, ())) for name in _FINDERS},
            "whole": compiler.anywhere(given.get("every.whole", ())),
            "priority": compiler.anywhere(
                phrase for phrases in priority.values() for phrase in phrases
            ),
            "refs": compiler.anywhere(
                phrase for phrases in under("positions").values() for phrase in phrases
            ),
        },
        questions={name: phrases[0] for name, phrases in under("questions").items() if phrases},
        days=_day_words(read),
        numbers=_number_words(read),
    )


_STEM: Final = 3  # letters that a word keeps without its ending


def stemmed(word: str, endings: frozenset[str]) -> str:
    """Without the longest ending that leaves enough of it: zakupów are Zakupy."""
    fitting = (end for end in endings if word.endswith(end) and len(word) - len(end) >= _STEM)
    return word.removesuffix(max(fitting, key=len, default=""))


# The tables of `[time]` whose words say on which day, as others say at what time of it.
_OF_DAYS: Final = ("weekdays", "every_weekday", "months", "days", "dates", "repeats", "every")
_NO_DAYS: Final = ("at", "on", "to", "in", "for", "and", "until", "glue", "one")
_DAY_UNITS: Final = ("day", "week", "month", "year", "weekend", "workday", "fortnight")


def _day_words(read: lexicon.Lexicon) -> frozenset[str]:
    words: set[str] = set()
    for table in _OF_DAYS:
        _gather(read.time.get(table, ()), words, _MAX_DEPTH)
    units = read.time.get("units", {})
    for unit in _DAY_UNITS:
        _gather(units.get(unit, ()), words, _MAX_DEPTH)
    if read.spaced:  # "at" of "at weekends" says no day
        small: set[str] = set()
        for table in _NO_DAYS:
            _gather(read.time.get(table, ()), small, 1)
        words -= small
    # As they stand before their case and particles: cumaya, 금요일에.
    behind, before = (read.time.get(key, ()) for key in ("suffixes", "prefixes"))
    ends, starts = (["", *map(fold, each)] for each in (behind, before))
    return frozenset(f"{start}{word}{end}" for start in starts for word in words for end in ends)


def _number_words(read: lexicon.Lexicon) -> frozenset[str]:
    phrases = (each for listed in read.time.get("numbers", {}).values() for each in listed)
    return frozenset(fold(each, spaced=read.spaced) for each in phrases if " " not in each)


def names_day(text: str, words: Words) -> bool:
    """Whether what was said of a time says a day."""
    if words.spaced:
        return any(word in words.days for word in spoken(text, spaced=True).text.split())
    folded = fold(text, spaced=False)
    return any(day in folded for day in words.days)


_SHORT: Final = re.compile(r"<(\w+)>")


def _spelled_out(given: lexicon.Listed) -> dict[str, tuple[str, ...]]:
    """With each `<name>` replaced by the list of that name; one may name another before it."""
    short: dict[str, str] = {}

    def long(phrase: str) -> str:
        return joined(_SHORT.sub(lambda name: short.get(name[1], name[0]), phrase))

    for key, phrases in given.items():
        if key.startswith("short."):
            short[key.removeprefix("short.")] = f"({'|'.join(map(long, phrases))})"
    spelled = {key: tuple(map(long, phrases)) for key, phrases in given.items()}
    return {
        key: phrases if "." in key or key == "chatter" else tuple(every(phrases))
        for key, phrases in spelled.items()
    }


_NAMED: Final = re.compile(r"\{\w+\}")
_MAX_DEPTH: Final = 4


@cache
def vocabulary(code: str) -> frozenset[str]:
    """Every word of the lexicon: what tells this language from others.

    Raises `KeyError` for a language without a lexicon.
    """
    read = lexicon.load(code)
    words: set[str] = set()
    for key, phrases in _spelled_out(read.words).items():
        if not key.startswith("questions.") and key != "list_names":
            for phrase in phrases:
                words.update(fold(_NAMED.sub(" ", phrase)).split())
    _gather(read.time, words, _MAX_DEPTH)
    return frozenset(word for word in words if not word.isdigit())


def _gather(value: object, words: set[str], depth: int) -> None:
    if isinstance(value, str):
        words.update(fold(_NAMED.sub(" ", value)).split())
    elif depth and isinstance(value, dict):
        for each in value.values():
            _gather(each, words, depth - 1)
    elif depth and isinstance(value, list):
        for each in value:
            _gather(each, words, depth - 1)
