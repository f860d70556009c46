"""Words of time that are written together with others: "cumaya", "금요일까지", "والجمعة".

Where a language has `prefixes`, `suffixes` or `same_as`, they are taken apart before anything is
looked up. What is taken off and has a meaning of its own (까지, until) becomes a word; what has
none stays part of the word that it belongs to, so that it is no part of a title either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.rules.understanding.matching import Phrases
from core.rules.understanding.text import Text, Word

_MOST: Final = 3  # in one word: 다섯-시-까지
_MARKS: Final = frozenset({"'", "-"})


@dataclass(frozen=True, slots=True)
class Parting:
    """`used`: the language has any of it. `stems` may have something taken off, `known` are all
    words of time. Longest affixes first.

    `same` are words that others stand for: haftaya is gelecek hafta, the coming week. `phrases`
    are never taken apart; `second` has the second words of those that begin with a word.
    """

    used: bool
    stems: frozenset[str]
    known: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    same: Phrases[tuple[str, ...]]
    phrases: Phrases[Mapping[str, Any]]
    second: Mapping[str, frozenset[str]]

    def apart(self, text: Text) -> Text:
        """Every place stays that of the original."""
        if not self.used:
            return text
        words: list[Word] = []
        at = 0
        while at < len(text.words):
            word = text.words[at]
            same = self.same.longest(text.forms, at)
            if same:
                length, meant = same
                end = text.words[at + length - 1].end
                words += [
                    Word(each, word.start, end, " " if n else word.before)
                    for n, each in enumerate(meant)
                ]
                at += length
                continue
            if words and self._marked(word, words[-1]):
                last = words.pop()
                words.append(Word(last.text, last.start, word.end, last.before))
                at += 1
                continue
            length = self._kept(text, at)
            words += text.words[at : at + length] if length else self._words(word)
            at += length or 1
        return Text(text.original, tuple(words), tuple(word.text for word in words), text.tail)

    def parted(self, word: str) -> bool:
        return self._parts(word, _MOST) is not None

    def _kept(self, text: Text, at: int) -> int:
        """How many words from here are a phrase as it stands, or begin one: öğleden sonraya."""
        phrase = self.phrases.longest(text.forms, at)
        if phrase:
            return phrase[0]
        following = text.forms[at + 1] if at + 1 < len(text.forms) else ""
        second = self.second.get(text.forms[at], ())
        return int(any(following.startswith(each) for each in second))

    def _marked(self, word: Word, last: Word) -> bool:
        """Whether it is an ending behind an apostrophe: 31 Mart'a."""
        if word.before not in _MARKS or word.text in self.known:
            return False
        return word.text in self.suffixes and (last.text in self.known or last.text.isdigit())

    def _words(self, word: Word) -> Iterator[Word]:
        parts = self._parts(word.text, _MOST)
        if parts is None:
            yield word
            return
        exact = len(word.text) == word.end - word.start
        at, before = word.start, word.before
        for size, text in parts:
            end = at + size if exact else word.end
            yield Word(text, at if exact else word.start, end, before)
            at, before = end, ""

    def _parts(self, text: str, most: int) -> list[tuple[int, str]] | None:
        """The words in it, each with how much of it is said with them."""
        if text in self.stems:
            return [(len(text), text)]
        for affix, stem, behind in self._cuts(text) if most else ():
            parts = self._parts(stem, most - 1)
            if parts:
                return self._with(parts, affix, behind=behind)
        return None

    def _cuts(self, text: str) -> Iterator[tuple[str, str, bool]]:
        for suffix in self.suffixes:
            if text.endswith(suffix) and text != suffix:
                yield suffix, text.removesuffix(suffix), True
        for prefix in self.prefixes:
            if text.startswith(prefix) and text != prefix:
                yield prefix, text.removeprefix(prefix), False

    def _with(
        self, parts: list[tuple[int, str]], affix: str, *, behind: bool
    ) -> list[tuple[int, str]]:
        size = len(affix)
        if affix in self.known:
            return [*parts, (size, affix)] if behind else [(size, affix), *parts]
        at = -1 if behind else 0
        parts[at] = (parts[at][0] + size, parts[at][1])
        return parts
