"""Whether what is said answers a question: yes, no, or one of those that were offered.

Only a whole utterance does; "yes and buy milk" is more than an answer. The words for yes and no
are in `answers.toml`, and English ones stand in for a language that has none there; those for "the
second one" are in the language's lexicon.
"""

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from core.rules.understanding import languages, lexicon
from core.rules.understanding.spoken import fold

YES, NO = "yes", "no"
_PLACE: Final = files("core.rules.understanding") / "answers.toml"
_LONGEST: Final = 60  # characters; whoever says more says something else

# Of several that were offered one by its place, from 0; -1 is the last.
Answer = str | int


def may_be(text: str) -> bool:
    """Whether it is an answer in any language: else nobody need look for a question."""
    return any(read(text, code) is not None for code in lexicon.codes())


def read(text: str, code: str) -> Answer | None:
    """What it answers in this language; null: it is something else."""
    if len(text) > _LONGEST or code not in lexicon.codes():
        return None
    return _answers(code).get(fold(text, spaced=lexicon.load(code).spaced))


@cache
def _answers(code: str) -> dict[str, Answer]:
    words = lexicon.load(code)
    found: dict[str, Answer] = {}

    def put(phrases: Iterable[str], answer: Answer) -> None:
        for phrase in phrases:
            found.setdefault(fold(phrase, spaced=words.spaced), answer)

    told = _told().get(code) or _told()[languages.DEFAULT]
    put(told.get(YES, ()), YES)
    put(told.get(NO, ()), NO)
    for place in (1, 2, 3, 4, -1):
        put(words.words.get(f"positions.{place}", ()), place)
    put(_first(words), 0)
    return found


def _first(words: lexicon.Lexicon) -> Iterator[str]:
    """Such as "the first one"; not "that": which one that is was just what was asked."""
    firsts = [
        fold(each, spaced=words.spaced) for each in words.time.get("ordinals", {}).get("1", ())
    ]
    for phrase in words.words.get("positions.0", ()):
        if any(first in fold(phrase, spaced=words.spaced) for first in firsts):
            yield phrase


@cache
def _told() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(_PLACE.read_text("utf-8"))
