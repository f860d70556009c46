"""Phrases of a lexicon as patterns: `remind me to {title}`, `(mark|set) {target} as [being] done`.

`(a|b)` is either, `[a]` may be missing, `{name}` is a place that words of the person fill, once in
a phrase. `-ing` is any word that ends so, `ب-{title}` and `알려-(줘|주세요)` are written together.
Between any two words a time may have been said. What a pattern costs grows with the length of the
text and not with its square: every place but the long ones is bounded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from core.rules.understanding.pattern_parts import (
    BadPatternError,
    Part,
    Piece,
    either,
    group_of,
    in_a_row,
    options_of,
)
from core.rules.understanding.spoken import WHEN, fold

LONG: Final = frozenset({"title", "target", "new", "filter", "text"})
_INNER: Final = re.compile(r"([(\[])([^()\[\]]*)[)\]]")
_FILLED: Final = re.compile(r"\(\?P<(\w+)>")
_WORD: Final = rf"[^\s{WHEN}]+"
_ANY: Final[frozenset[str | None]] = frozenset({None})


def every(phrases: Iterable[str]) -> Iterator[str]:
    """What phrases with `(a|b)` and `[a]` in them stand for, each once."""
    return iter(dict.fromkeys(each for phrase in phrases for each in _spelled(phrase)))


def _spelled(phrase: str) -> Iterator[str]:
    match = _INNER.search(phrase)
    if match is None:
        yield phrase
        return
    options = match[2].split("|") + ([""] if match[1] == "[" else [])
    for option in options:
        text = phrase[: match.start()] + option + phrase[match.end() :]
        yield from (" ".join(each.split()) for each in _spelled(text))


_ATTACHED: Final = re.compile(r"([^\s()\[\]{}|]+)-\(([^()\[\]{}]*)\)")


def joined(phrase: str) -> str:
    """`알려-(줘|주세요)` as `(알려줘|알려주세요)`."""
    return _ATTACHED.sub(
        lambda each: f"({'|'.join(each[1] + end for end in each[2].split('|'))})", phrase
    )


@dataclass(frozen=True, slots=True)
class Pattern:
    """`firsts` are the words it may begin with, `lasts` end with; null: any word."""

    source: str
    name: str
    order: int
    firsts: frozenset[str] | None
    lasts: frozenset[str] | None

    @property
    def regex(self) -> re.Pattern[str]:
        """Compiled when it is first compared: most of a language's hundreds never are."""
        return _compiled(self.source)


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)


@dataclass(frozen=True, slots=True)
class Index:
    """Patterns by the words that they begin or end with, so that few are compared."""

    by_first: Mapping[str, Sequence[Pattern]]
    by_last: Mapping[str, Sequence[Pattern]]
    anywhere: Sequence[Pattern]
    spaced: bool

    def possible(self, text: str) -> list[Pattern]:
        if not text.strip(f"{WHEN} "):
            return []
        if self.spaced:
            first, last = text.split(" ", 1)[0], text.rstrip(f"{WHEN} ").rsplit(" ", 1)[-1]
        else:
            first, last = text[0], text.rstrip(WHEN)[-1]
        found = [*self.by_first.get(first, ()), *self.by_last.get(last, ()), *self.anywhere]
        if text.endswith(WHEN + (" " if self.spaced else "")):
            found += self.by_last.get(WHEN, ())
        return found


def indexed(patterns: Iterable[Pattern], *, spaced: bool) -> Index:
    by_first: dict[str, list[Pattern]] = {}
    by_last: dict[str, list[Pattern]] = {}
    anywhere: list[Pattern] = []
    for pattern in patterns:
        if pattern.firsts is not None:
            for word in pattern.firsts:
                by_first.setdefault(word, []).append(pattern)
        elif pattern.lasts is not None:
            for word in pattern.lasts:
                by_last.setdefault(word, []).append(pattern)
        else:
            anywhere.append(pattern)
    return Index(by_first, by_last, anywhere, spaced)


class Compiler:
    """Makes patterns of one language.

    `choices` are the places that only certain words fill, `no_name` words that no name of a list
    has, `items` what stands between several names, `infinitives` verbs that end a `{task}`,
    `list_suffixes` ends of names that mean a list.
    """

    def __init__(
        self,
        *,
        spaced: bool,
        choices: Mapping[str, Sequence[str]],
        no_name: Iterable[str] = (),
        items: Iterable[str] = (),
        infinitives: Iterable[str] = (),
        list_suffixes: Iterable[str] = (),
    ) -> None:
        self._spaced = spaced
        self._gap = rf"(?:{WHEN} )*" if spaced else f"{WHEN}*"
        self._suffixes = [fold(suffix, spaced=spaced) for suffix in list_suffixes]
        self._edge = r"(?<!\S)" if spaced else ""
        self._places = self._bounded(no_name, items)
        # A title of which the last word is a verb: "दूध खरीदना", before "है".
        self._places["task"] = f"(?P<title>.*?(?:{self.any_of(infinitives)}))"
        self._made: dict[str, Part] = {}  # by phrase
        self._said: dict[str, tuple[Part, ...]] = {}  # by words
        self._edges: dict[str, tuple[frozenset[str | None], frozenset[str | None]]] = {}
        for name, phrases in choices.items():
            self._places[name] = f"(?P<{name}>{self.any_of(phrases)})"
            words = [fold(phrase, spaced=spaced) for phrase in phrases]
            parted = [word.split() if spaced else word for word in words if word]
            self._edges[name] = (
                frozenset(word[0] for word in parted),
                frozenset(word[-1] for word in parted),
            )

    def pattern(self, phrase: str, *, name: str, order: int) -> Pattern:
        part = self._either(phrase)
        filled = _FILLED.findall(part.whole)
        if len(filled) != len(set(filled)):  # one place twice
            raise BadPatternError(phrase)
        return Pattern(
            self._gap + part.whole + "$",
            name,
            order,
            _known(part.firsts),
            _known(part.lasts),
        )

    def behind(self, phrase: str) -> re.Pattern[str]:
        """For `search`: the phrase where it ends the text."""
        return re.compile(self._edge + self._either(phrase).whole + "$")

    def before(self, phrase: str) -> re.Pattern[str]:
        """For `match`: the phrase where the text begins."""
        return re.compile(self._gap + self._either(phrase).whole)

    def before_any(self, phrases: Iterable[str]) -> re.Pattern[str]:
        """For `match`: any of the phrases, as often as they come; times between them stay."""
        return re.compile(f"(?:{self.any_of(phrases)})+")

    def behind_any(self, phrases: Iterable[str]) -> re.Pattern[str]:
        return re.compile(f"{self._edge}(?:{self.any_of(phrases)})$")

    def anywhere(self, phrases: Iterable[str]) -> re.Pattern[str]:
        """`~이랑` is the end of any word, and not all of it."""
        phrases = tuple(phrases)
        ends = [fold(phrase) for phrase in phrases if phrase[:1] == "~"]
        whole = self.any_of(phrase for phrase in phrases if phrase[:1] != "~")
        end = "".join(rf"|(?<=\S){re.escape(each)} " for each in ends)
        return re.compile(f"{self._edge}(?:{whole}){end}")

    def any_of(self, phrases: Iterable[str]) -> str:
        """An expression for any of the phrases, longest first; one that never fits for none.

        `-ing` is any word that ends so, `و-` any that begins so.
        """
        phrases = tuple(phrases)
        begins: dict[str, str] = {}
        for phrase in phrases:
            before = _WORD if phrase[:1] == "-" else ""
            said = begins.setdefault(fold(phrase, spaced=self._spaced), before)
            if said != before:  # as a word of its own, and as the end of one
                begins[fold(phrase, spaced=self._spaced)] = _WORD[:-1] + "*"
        folded = sorted(begins, key=len, reverse=True)
        joined = {fold(each, spaced=self._spaced) for each in phrases if each[-1:] == "-"}
        if self._spaced:
            plain = [each for each in folded if each and not begins[each] and each not in joined]
            other = [each for each in folded if begins[each] or each in joined]
        else:
            plain, other = [], folded
        options = [
            begins[each] + re.escape(each) + (" " if self._spaced and each not in joined else "")
            for each in other
        ]
        return "|".join([*_branches(plain), *options]) or r"(?!)"

    def _bounded(self, no_name: Iterable[str], items: Iterable[str]) -> dict[str, str]:
        several = self.any_of(items)
        word = rf"[^\s{WHEN}]+ " if self._spaced else rf"[^{WHEN}]"
        most = 4 if self._spaced else 10
        named = f"(?!(?:{self.any_of(no_name)}))" + word
        suffixes = "|".join(map(re.escape, self._suffixes)) or "(?!)"
        when = f"{WHEN} " if self._spaced else WHEN
        long = "(?P<{}>.+?)" if not self._spaced else "(?P<{}>.+? )"
        return {
            "when": f"(?P<when>{when})",
            "list": f"(?P<list>(?:{named}){{1,{most}}})",
            "known": f"(?P<known>(?:{word}){{1,{most}}})",
            # "Einkaufsliste": a list's name with the word for list at its end.
            "listword": rf"(?P<list>[^\s{WHEN}]+(?:{suffixes}){' ' if self._spaced else ''})",
            # Several of "home and errands".
            "tag": f"(?P<tag>(?:{named}){{1,{most}}}?(?:(?:{several}){named}){{0,3}})",
            "number": r"(?P<number>\d{1,4} ?)",
        } | {
            # As short as can be: the words of the phrase behind are not its own.
            name: long.format(name)
            for name in LONG
        }

    def _either(self, phrase: str) -> Part:
        """Phrases share most of their groups: each is made once."""
        made = self._made.get(phrase)
        if made is None:
            made = either([self._sequence(pieces) for pieces in options_of(phrase)])
            self._made[phrase] = made
        return made

    def _sequence(self, pieces: Iterable[Piece]) -> Part:
        parts: list[Part] = []
        for place, group, literal in pieces:
            if place:
                if place not in self._places:
                    raise BadPatternError(place)
                firsts, lasts = self._edges.get(place, (_ANY, _ANY))
                parts.append(Part(self._places[place], self._gap, firsts, lasts, empty=False))
            elif group:
                parts.append(group_of(self._either(group[1:-1]), optional=group[0] == "["))
            else:
                if literal not in self._said:
                    self._said[literal] = tuple(self._words(literal))
                parts.extend(self._said[literal])
        return in_a_row(parts)

    def _words(self, literal: str) -> Iterable[Part]:
        words = fold(literal, spaced=self._spaced)
        if self._spaced:
            whole = words.split()
            last = whole.pop() if whole and literal[-1:] == "-" else ""
            if whole and literal.lstrip()[:1] == "-":  # any word that ends so: {text} -지 마
                ending = re.escape(whole.pop(0))
                yield Part(f"{_WORD}{ending} ", self._gap, _ANY, _ANY, empty=False)
            for word in whole:
                only: frozenset[str | None] = frozenset({word})
                yield Part(re.escape(word) + " ", self._gap, only, only, empty=False)
            if last:  # what follows is written together with it: ب-{title}
                yield Part(re.escape(last), "", _ANY, _ANY, empty=False)
        elif words:
            yield Part(
                re.escape(words),
                self._gap,
                frozenset({words[0]}),
                frozenset({words[-1]}),
                empty=False,
            )


def _branches(phrases: Iterable[str]) -> list[str]:
    """Phrases that begin alike share that: of hundreds only a few are compared."""
    tree: dict[str, Any] = {}
    for phrase in phrases:
        node = tree
        for word in phrase.split():
            node = node.setdefault(word, {})
        node[""] = {}
    return _grown(tree)


def _grown(node: Mapping[str, Any]) -> list[str]:
    branches = []
    for word, inner in node.items():
        if not word:
            continue
        rest = "|".join(_grown(inner))
        ends = "?" if "" in inner else ""  # the longest phrase counts
        branches.append(f"{re.escape(word)} " + (f"(?:{rest}){ends}" if rest else ""))
    return branches


def _known(words: frozenset[str | None]) -> frozenset[str] | None:
    return None if None in words else frozenset(word for word in words if word is not None)
