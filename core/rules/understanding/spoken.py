"""An utterance as patterns are compared with it: folded words, each time that was said one sign.

Letters lose case and accents, apostrophes and signs part words, digits of every script are ASCII.
A word ends with one space; in a language that writes none, words follow one another directly.
Every character knows where in the text it comes from, so that a title keeps the person's words.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.rules.understanding.commands import Span
from core.rules.understanding.han import SIMPLIFIED

WHEN: Final = "\x01"  # stands for a time that was said
_LATIN_ACCENTS: Final = range(0x300, 0x370)
# What people who type leave out: vowel signs of Arabic and Hebrew script, the dot of फ़.
_LEFT_OUT: Final = frozenset([*range(0x64B, 0x660), 0x670, 0x93C, 0x640])
# Letters of Arabic and Devanagari script that people type for one another: after, what they become.
_ALIKE: Final = str.maketrans("يىكہھۃةँ", "ییکههههं") | {
    ord("ß"): "ss",
    0x131: "i",  # of Turkish, whose capital letter is that of i elsewhere
}


@cache
def folded(char: str) -> str:
    """One character as it is compared; a space where it parts words, nothing where it is left out.

    Decomposed, so that text composed either way is the same.
    """
    out = ""
    for part in unicodedata.normalize("NFKD", char).casefold():
        kind = unicodedata.category(part)
        if ord(part) in _LATIN_ACCENTS or ord(part) in _LEFT_OUT or kind == "Cf":
            continue
        if kind == "Nd":
            out += str(unicodedata.decimal(part))
        elif kind[0] in "LNM":
            out += part.translate(_ALIKE).translate(SIMPLIFIED)
        else:
            out += " "
    return " " if out and not out.strip() else out.replace(" ", "")


def fold(text: str, *, spaced: bool = True) -> str:
    """A phrase as it is compared, without a space at its ends."""
    words = "".join(map(folded, text)).split()
    return (" " if spaced else "").join(words)


@dataclass(frozen=True, slots=True)
class Spoken:
    """`text` is what patterns see; its character i is raw[starts[i]:ends[i]]."""

    raw: str
    text: str
    starts: list[int]
    ends: list[int]
    spaced: bool

    def span(self, first: int, last: int) -> Span:
        """Where in the raw text that part of `text` stands, spaces at its ends aside."""
        while last > first and self.text[last - 1] == " ":
            last -= 1
        if last <= first:
            return (0, 0)
        return (self.starts[first], self.ends[last - 1])

    def part(self, first: int, last: int) -> "Spoken":
        return Spoken(
            self.raw,
            self.text[first:last],
            self.starts[first:last],
            self.ends[first:last],
            self.spaced,
        )


def spoken(raw: str, *, spaced: bool, holes: Iterable[Span] = ()) -> Spoken:
    """`holes` are where times were said. They do not overlap."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def put(char: str, start: int, end: int) -> None:
        text.append(char)
        starts.append(start)
        ends.append(end)

    def between(first: int, last: int) -> None:
        # Every utterance goes through here several times: no more calls than are needed.
        for index, char in enumerate(map(folded, raw[first:last]), first):
            if char == " ":
                part(index)
            elif len(char) == 1:
                text.append(char)
                starts.append(index)
                ends.append(index + 1)
            else:
                for each in char:
                    put(each, index, index + 1)

    def part(index: int) -> None:
        if spaced and text and text[-1] != " ":
            put(" ", index, index)

    done = 0
    for start, end in sorted(holes):
        between(done, start)
        part(start)
        put(WHEN, start, end)
        part(end)
        done = end
    between(done, len(raw))
    part(len(raw))
    return Spoken(raw, "".join(text), starts, ends, spaced)
