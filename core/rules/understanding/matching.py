"""Phrases found in an utterance by looking their words up, the longest one first."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from core.rules.understanding.text import forms

T = TypeVar("T")


class Phrases(Generic[T]):
    """Of two phrases that are written alike the first one counts."""

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        found: dict[str, dict[tuple[str, ...], T]] = {}
        for phrase, meaning in phrases:
            first, *rest = forms(phrase)
            found.setdefault(first, {}).setdefault(tuple(rest), meaning)
        self._by_first: dict[str, list[tuple[int, tuple[str, ...], T]]] = {
            first: sorted(
                ((len(rest), rest, meaning) for rest, meaning in rests.items()),
                key=lambda entry: -entry[0],
            )
            for first, rests in found.items()
        }

    def longest(self, words: Sequence[str], at: int) -> tuple[int, T] | None:
        """How many words the longest phrase has that begins here, and what it means.

        `words` is a tuple, as `Text.forms` is.
        """
        for length, rest, meaning in self._by_first.get(words[at], ()):
            if not length or words[at + 1 : at + 1 + length] == rest:
                return 1 + length, meaning
        return None
