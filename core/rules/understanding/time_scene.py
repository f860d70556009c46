"""What was found in an utterance, and what it was read by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.rules.understanding.text import Text
from core.rules.understanding.time_moments import Clock, Days, Hour
from core.rules.understanding.time_tokens import Token
from core.rules.understanding.time_words import TimeWords


@dataclass(frozen=True, slots=True)
class Length:
    """So many units: minutes (also of hours), or days, weeks and so on."""

    count: float
    unit: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """A length from now on; negative: ago."""

    length: Length


@dataclass(frozen=True, slots=True)
class Count:
    number: int


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    this: bool


@dataclass(frozen=True, slots=True)
class AfterDone:
    """It counts from its completion."""


Meaning = AfterDone | Days | Hour | Part | Length | Ahead | Count


@dataclass(frozen=True, slots=True)
class Found:
    """`weak`: it may well be something else, unless it stands beside a day or a time.

    `number`: a day of the month that was only a number.
    """

    meaning: Meaning
    weak: bool = False
    number: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The tokens that a pattern fits, and what they have to be read by."""

    tokens: Sequence[Token]
    clock: Clock
    past: bool
    words: TimeWords
    text: Text

    def all(self, letter: str) -> list[Any]:
        return [token.meanings[letter] for token in self.tokens if letter in token.meanings]

    def one(self, letters: str) -> Any:
        """The meaning of the first token that has one of these letters, in their order."""
        for letter in letters:
            for token in self.tokens:
                if letter in token.meanings:
                    return token.meanings[letter]
        return None

    def glued(self, at: int) -> bool:
        """Whether words were left out before this token."""
        return at > 0 and self.tokens[at].first != self.tokens[at - 1].last + 1

    @property
    def short(self) -> bool:
        """Three letters, as `sun` and `mon` have: as likely another word."""
        first = self.text.words[self.tokens[0].first].text
        return len(first) <= len("sun") and first.isascii()

    @property
    def today(self) -> date:
        return self.clock.today


Reader = Callable[[Scene], Found | None]
