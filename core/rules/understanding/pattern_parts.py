"""Parts of patterns, and how they are put together: one behind another, or either of some."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final

_PIECE: Final = re.compile(r"\{(\w+)\}|([()\[\]|])|([^{}()\[\]|]+)")
_CLOSED_BY: Final = {"(": ")", "[": "]"}
Piece = tuple[str, str, str]  # a place, a group or words; the others are empty


class BadPatternError(ValueError):
    """A phrase of a lexicon that cannot be read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a pattern: its expression, its first and last words, whether it may be empty.

    `tail` is its end where options may have that in common, which is then written once: a group, or
    the place for a time. The longest expressions of Hindi become a fifth as long.
    """

    regex: str
    tail: str
    firsts: frozenset[str | None]
    lasts: frozenset[str | None]
    empty: bool

    @property
    def whole(self) -> str:
        return self.regex + self.tail


def options_of(phrase: str) -> list[list[Piece]]:
    """What stands between the `|` of a phrase; a group is one piece, with its brackets."""
    options: list[list[Piece]] = [[]]
    opened: list[re.Match[str]] = []
    for piece in _PIECE.finditer(phrase):
        place, sign, literal = piece.groups()
        if sign and sign in _CLOSED_BY:
            opened.append(piece)
        elif sign and sign != "|":
            if not opened or _CLOSED_BY[opened[-1][0]] != sign:
                raise BadPatternError(phrase)
            begin = opened.pop().start()
            if not opened:
                options[-1].append(("", phrase[begin : piece.end()], ""))
        elif not opened:
            if sign:
                options.append([])
            else:
                options[-1].append((place, "", literal))
    if opened:
        raise BadPatternError(phrase)
    return options


def group_of(part: Part, *, optional: bool) -> Part:
    """All of it is what other options may end in as well."""
    regex = f"(?:{part.whole})?" if optional else part.whole
    return Part("", regex, part.firsts, part.lasts, part.empty or optional)


def in_a_row(parts: Sequence[Part]) -> Part:
    return Part(
        "".join(part.whole for part in parts[:-1]) + (parts[-1].regex if parts else ""),
        parts[-1].tail if parts else "",
        _edge([(part.firsts, part.empty) for part in parts]),
        _edge([(part.lasts, part.empty) for part in reversed(parts)]),
        all(part.empty for part in parts),
    )


def either(options: Sequence[Part]) -> Part:
    runs = [
        (_either_of([option.regex for option in run]), tail)
        for tail, run in groupby(options, key=attrgetter("tail"))
    ]
    regex, tail = runs[0]
    if len(runs) > 1:
        regex, tail = _either_of([head + end for head, end in runs]), ""
    return Part(
        regex,
        tail,
        frozenset().union(*(option.firsts for option in options)),
        frozenset().union(*(option.lasts for option in options)),
        any(option.empty for option in options),
    )


def _either_of(regexes: Sequence[str]) -> str:
    return regexes[0] if len(regexes) == 1 else f"(?:{'|'.join(regexes)})"


def _edge(parts: Iterable[tuple[frozenset[str | None], bool]]) -> frozenset[str | None]:
    words: frozenset[str | None] = frozenset()
    for part, empty in parts:
        words |= part
        if not empty:
            return words
    return words | {None}
