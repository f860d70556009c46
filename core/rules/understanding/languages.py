"""Which languages are understood, which one an utterance is in, and what is asked back in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.rules.understanding import lexicon, words
from core.rules.understanding.spoken import spoken

DEFAULT: Final = "en"
_LOOKED_AT: Final = 400  # characters; a language shows sooner
_ENOUGH: Final = 3  # words; of fewer nobody can tell that they are of another language
_FEW: Final = 0.2  # words of ours that may stand in a text of another language
_OTHER_SCRIPTS: Final = "\u0250"  # Latin letters stand before
UNKNOWN: Final = "und"  # as BCP 47 calls a language that is none of ours
_CODE: Final = re.compile("[a-z]{2,3}")
# A script that one of our languages alone is written in decides without looking at words.
_SCRIPTS: Final[tuple[tuple[int, int, str], ...]] = (
    (0x3040, 0x30FF, "ja"),
    (0xAC00, 0xD7AF, "ko"),
    (0x0900, 0x097F, "hi"),
    (0x0600, 0x06FF, "ur"),
    (0x0750, 0x077F, "ur"),
    (0x0400, 0x04FF, "ru"),
    (0x4E00, 0x9FFF, "zh"),
)
# Letters that Urdu writes and Arabic does not.
_URDU: Final = frozenset("ٹڈڑیںےہکگچپژھۓ")


@dataclass(frozen=True, slots=True)
class Language:
    """`tier` 1 is measured, 2 is not. `name` is what its speakers call it."""

    code: str
    name: str
    english_name: str
    tier: int


@cache
def listed() -> tuple[Language, ...]:
    """Every language with a lexicon, best understood first."""
    every = [lexicon.load(code) for code in lexicon.codes()]
    return tuple(
        Language(each.code, each.name, each.english_name, each.tier)
        for each in sorted(every, key=lambda each: (each.tier, each.code != DEFAULT, each.code))
    )


def prepare() -> None:
    """Read what the first utterance would wait most of a second for. Safe in a thread."""
    for code in lexicon.codes():
        words.vocabulary(code)
    words.of(DEFAULT)


def tabled(tag: str | None) -> str | None:
    """The language of a BCP 47 tag, `pt-BR`, if there is a lexicon of it."""
    if not tag:
        return None
    code = tag.replace("_", "-").split("-")[0].lower()
    return code if code in lexicon.codes() else None


def language(text: str, hint: str | None = None) -> str:
    """The hint if there is a lexicon for it, else what script and words say.

    Words decide where one lexicon knows more of them than any other; what they leave open goes to
    the first of those that know as many, English before all.
    """
    code = tabled(hint)
    return code if code is not None else _detected(text[:_LOOKED_AT])


def foreign(text: str, hint: str | None = None) -> str | None:
    """The language, where we have no lexicon for it: `und` without a hint; null where we have.

    Only what a language model is asked depends on it. Without a hint it is a guess: one that our
    own words speak against is not made.
    """
    if hint:
        code = hint.replace("_", "-").split("-")[0].lower()
        return None if tabled(hint) or not _CODE.fullmatch(code) else code
    text = text[:_LOOKED_AT]
    said = set(spoken(text, spaced=True, holes=()).text.split())
    if not said or (len(said) < _ENOUGH and max(text) < _OTHER_SCRIPTS):
        return None
    known = max(
        len(said & words.vocabulary(code)) for code in lexicon.codes() if lexicon.load(code).spaced
    )
    if known > len(said) * _FEW or _script(text) is not None:
        return None
    return UNKNOWN


def named(code: str) -> str:
    """For figures: `other` stands for all languages without a lexicon, which anybody may name."""
    return code if code in lexicon.codes() else "other"


def _detected(text: str) -> str:
    script = _script(text)
    if script is not None:
        return script
    said = set(spoken(text, spaced=True, holes=()).text.split())
    scores = {
        code: len(said & words.vocabulary(code))
        for code in lexicon.codes()
        if lexicon.load(code).spaced
    }
    # The first of the best: the default stands before all others.
    return max(scores, key=lambda code: scores[code], default=DEFAULT)


def _script(text: str) -> str | None:
    counts: dict[str, int] = {}
    letters = 0
    for char in text:
        if char.isalpha():
            letters += 1
            for first, last, code in _SCRIPTS:
                if first <= ord(char) <= last:
                    counts[code] = counts.get(code, 0) + 1
                    break
    if not counts or letters > 2 * sum(counts.values()):
        return None
    code = "ja" if "ja" in counts else max(counts, key=lambda each: counts[each])
    if code == "ur" and "ar" in lexicon.codes() and not _URDU & set(text):
        code = "ar"
    return code if code in lexicon.codes() else None


def question(code: str, name: str, values: Mapping[str, str] | None = None) -> str:
    """`which`, `add`, `delete` … of `[words.questions]`, in English where the language lacks it.

    Braces are filled in, by name; values are never read as patterns.
    """
    own = words.of(code).questions if code in lexicon.codes() else {}
    text = own.get(name) or words.of(DEFAULT).questions[name]
    for key, value in (values or {}).items():
        text = text.replace("{" + key + "}", value)
    return text
