"""What came of an utterance, in one shape whichever way it was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Final

from core.rules.understanding.commands import Intent

NONE: Final = "none"  # a field that is said to be empty
_READS: Final = frozenset({Intent.LIST, Intent.UNKNOWN})
Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """One command. `todo` is the title of the one it is about.

    Of the fields those are there that were said: a title, a `due` as `moment` writes it, an RRULE
    as `repeat`, a priority, tags, a list. `query` is what a list command asks for.
    """

    intent: Intent
    todo: str | None
    fields: Mapping[str, Value]
    query: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Seen:
    """`acts` are carried out without asking, `proposed` wait for an answer.

    `offered` are the titles that the question names.
    """

    acts: Sequence[Act] = ()
    proposed: Sequence[Act] = ()
    asks: bool = False
    offered: Sequence[str] = ()

    @property
    def writes(self) -> bool:
        """Whether anything changes before a person was asked."""
        return any(act.intent not in _READS for act in self.acts)


def moment(on: date, at: time | None) -> str:
    """As cases spell it: `2026-03-02`, or `2026-03-02 10:00`."""
    return f"{on.isoformat()} {at:%H:%M}" if at else on.isoformat()
