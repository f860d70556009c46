"""Where a word for a time is part of a name: "the weekly report", "Friday Night Lights"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.rules.understanding.commands import Span
from core.rules.understanding.spoken import Spoken, fold, spoken
from core.rules.understanding.words import Words

_WORD: Final = re.compile(r"[^\W\d_]+")
_CASED: Final = 2  # words that begin small: with fewer, capital letters tell nothing
_NEAR: Final = 60  # characters


@dataclass(frozen=True, slots=True)
class Names:
    """`sure` hold no time; whether those that `may` be names hold one is asked."""

    sure: Sequence[Span]
    may: Sequence[Span]


def names(raw: str, words: Words) -> Names:
    if not words.spaced:
        return Names((), ())
    sure = list(_adjectives(raw, words)) if words.sets["adjectives"] else []
    may: list[Span] = []
    if words.sets["small"]:
        for run in _capitals(raw):
            _judged(raw, run, words, sure, may)
    return Names(sure, may)


def _adjectives(raw: str, words: Words) -> Iterator[Span]:
    said = spoken(raw, spaced=True)
    for match in words.finders["adjectives"].finditer(said.text):
        if _describes(said, match, words):
            yield said.span(*match.span())


def _describes(  # noqa: PLR0911 (a ladder: the first that fits is meant)
    said: Spoken, match: re.Match[str], words: Words
) -> bool:
    """Whether a thing is named behind it, and not a task that is to be done so often."""
    text = said.text
    behind = text[match.end() : match.end() + _NEAR]
    after = behind.split(" ", 1)[0]
    if not after or _parted(said, match.end()) or after in words.sets["joins"]:
        return False
    if after[0].isdigit() or after in words.days or after in words.numbers:
        return False
    if words.tail.fullmatch(behind) or words.finders["priority"].match(behind):
        return False
    if words.finders["verbs"].match(behind) is None:
        return True
    # "Finish the weekly report due on Friday", and not "weekly call Tom".
    object_ = behind.split()[1:2]
    if not object_ or object_[0] in words.sets["joins"] | words.days or object_[0].isdigit():
        return True
    before = text[max(0, match.start() - _NEAR) : match.start()].split()
    if not before or _parted(said, match.start()):
        return False
    return before[-1] in words.sets["naming"] | words.sets["verbs"]


def _parted(said: Spoken, at: int) -> bool:
    """Whether a sign stands before this place."""
    return bool(said.raw[said.ends[at - 2] : said.starts[at]].strip()) if at > 1 else False


def _capitals(raw: str) -> Iterator[list[re.Match[str]]]:
    """Words with a capital letter that follow one another, in a text that also has small ones."""
    found = list(_WORD.finditer(raw))
    small = sum(word[0][0].islower() for word in found)
    if not small or (small < _CASED and found[0][0][0].isupper()):
        return
    run: list[re.Match[str]] = []
    for word in found[1:]:
        if run and (raw[run[-1].end() : word.start()] != " " or not word[0][0].isupper()):
            yield run
            run = []
        if word[0][0].isupper():
            run.append(word)
    if run:
        yield run


def _judged(
    raw: str, run: Sequence[re.Match[str]], words: Words, sure: list[Span], may: list[Span]
) -> None:
    small = [fold(word[0]) in words.sets["small"] for word in run]
    timely = [each or fold(word[0]) in words.days for each, word in zip(small, run, strict=True)]
    if not any(timely):
        return
    span = run[0].start(), run[-1].end()
    named_after = not all(timely[timely.index(True) :])
    articled = fold(run[0][0]) in words.sets["articles"] and len(run) > 1
    if (named_after and any(small)) or (articled and any(small[1:])):
        sure.append(span)
    elif any(small) or named_after or (len(run) > 1 and _goes_on(raw[span[1] :], words)):
        may.append(span)


def _goes_on(behind: str, words: Words) -> bool:
    """Whether a thing is named behind it: "a Ruby Tuesday gift card"."""
    word = _WORD.match(behind, 1) if behind.startswith(" ") else None
    said = fold(word[0]) if word else ""
    return bool(said) and said not in (
        words.sets["joins"] | words.sets["small"] | words.days | words.numbers
    )
