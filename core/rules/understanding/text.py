"""An utterance as words that can be compared, each with its place in what was really said.

A word is a run of letters or a run of digits; of Chinese and Japanese, each character is one.
What stands between words (blanks, hyphens, apostrophes, signs) is kept beside them: `après-demain`
and `après demain` are the same two words. Phrases of a lexicon go through here too, so both sides
of every comparison are written alike.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from core.rules.understanding.commands import Span
from core.rules.understanding.han import SIMPLIFIED

_LONGEST_CLUSTER: Final = 16  # canonical ordering of marks is quadratic
_WORD: Final = re.compile("w+|d+|c")
_CACHED: Final = 8_192

# Letters that keyboards and transcribers use for one another.
_ALIKE: Final = str.maketrans(
    "يىكهةۃۂۓأإıँ‘’ʼ′´`。、،؟۔।–—−",  # noqa: RUF001 (these are what is replaced)
    "ییکہہہہےااiं''''''.,,?..---",  # noqa: RUF001 (and this is what by)
    "ـ़\u0307",
)
_VOWEL_SIGNS: Final = range(
    0x064B, 0x0660
)  # of Arabic script: written or not, the word is the same


@dataclass(frozen=True, slots=True)
class Word:
    """`text` is normalised; `start` and `end` are code points of the original.

    `before` is what stands between it and the word before, normalised, not stripped.
    """

    text: str
    start: int
    end: int
    before: str


@dataclass(frozen=True, slots=True)
class Text:
    """`forms` are the texts of `words`; `tail` is what follows the last of them."""

    original: str
    words: tuple[Word, ...]
    forms: tuple[str, ...]
    tail: str

    def within(self, start: int, end: int) -> "Text":
        """The words that lie within these code points; places stay those of the original."""
        return self._only([word for word in self.words if start <= word.start and word.end <= end])

    def without(self, spans: Iterable[Span]) -> "Text":
        """Without the words that touch one of these spans; places stay those of the original.

        What stood next to such a word does not become neighbours of one another.
        """
        left: list[Word] = []
        cut = False
        spans = tuple(spans)
        for word in self.words:
            if any(start < word.end and word.start < end for start, end in spans):
                cut = True
                continue
            left.append(Word(word.text, word.start, word.end, ";" if cut else word.before))
            cut = False
        return self._only(left)

    def _only(self, words: Sequence[Word]) -> "Text":
        whole = bool(words) and bool(self.words) and words[-1] is self.words[-1]
        forms = tuple(word.text for word in words)
        return Text(self.original, tuple(words), forms, self.tail if whole else "")


def normalise(text: str) -> Text:
    """Never raises, whatever the text; linear in its length."""
    if text.isascii():
        plain = text.lower()
        starts: Sequence[int] = range(len(plain))
        ends: Sequence[int] = range(1, len(plain) + 1)
    else:
        plain, starts, ends = _folded(text)
    kinds = "".join(map(_kind, plain))
    words = []
    last = 0
    for found in _WORD.finditer(kinds):
        low, high = found.span()
        words.append(Word(plain[low:high], starts[low], ends[high - 1], plain[last:low]))
        last = high
    return Text(text, tuple(words), tuple(word.text for word in words), plain[last:])


def forms(phrase: str) -> tuple[str, ...]:
    """The words of a phrase, as they are compared."""
    return normalise(phrase).forms


def _folded(text: str) -> tuple[str, list[int], list[int]]:
    """With where each character of it begins and ends in the original."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    begin = 0
    for at in range(1, len(text) + 1):
        joins = at < len(text) and _joins(text[at]) and at - begin < _LONGEST_CLUSTER
        if joins:
            continue
        piece = _fold(text[begin:at])
        pieces.append(piece)
        starts += [begin] * len(piece)
        ends += [at] * len(piece)
        begin = at
    return "".join(pieces), starts, ends


@lru_cache(_CACHED)
def _fold(cluster: str) -> str:
    folded = unicodedata.normalize("NFKC", cluster).casefold()
    folded = unicodedata.normalize("NFKC", folded).translate(_ALIKE).translate(SIMPLIFIED)
    return "".join(
        str(unicodedata.decimal(char, char))
        for char in folded
        if ord(char) not in _VOWEL_SIGNS and unicodedata.category(char) != "Cf"
    )


@lru_cache(_CACHED)
def _joins(char: str) -> bool:
    """Whether it may change the character before it: marks, and the parts of Korean syllables."""
    return unicodedata.category(char)[0] == "M" or "\u1160" <= char <= "\u11ff"


@lru_cache(_CACHED)
def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return "d"
    if category[0] not in "LM":
        return "s"
    name = unicodedata.name(char, "")
    return "c" if name.startswith(("CJK", "HIRAGANA", "KATAKANA")) else "w"
