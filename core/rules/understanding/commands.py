"""What is understood of an utterance: the words that every part of understanding shares.

Places in a text are half-open ranges of code points of the text as it was given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from core.rules.recurrence import Recurrence
from core.rules.reminders import Due

Span = tuple[int, int]


class Intent(StrEnum):
    CREATE = "create"
    COMPLETE = "complete"
    REOPEN = "reopen"
    UPDATE = "update"
    DELETE = "delete"
    SNOOZE = "snooze"
    LIST = "list"
    UNDO = "undo"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Said:
    """A due time or a recurrence that was said.

    `due` of a recurrence is its first occurrence. `first` and `last` are the days that are meant
    where it asks for todos ("this week"). A `confidence` below 1 tells that it was half understood
    or that it was assumed ("at 5"). Of what has passed ("yesterday") only the days are known.
    `parts` says of each stretch whether it was a `day`, a `time` or a `rule`.
    """

    spans: tuple[Span, ...]
    due: Due | None
    recurrence: Recurrence | None
    first: date | None
    last: date | None
    confidence: float = 1.0
    parts: tuple[tuple[str, Span], ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which todos are asked for. `due_from` and `due_to` are days, both included."""

    due_from: date | None = None
    due_to: date | None = None
    list: str | None = None
    tag: str | None = None
    priority: str | None = None
    status: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Which todo is meant: by `text`, or by where it stood ("that" is 0, "the second one" is 1 in
    what was mentioned last; -1 is the last of it). `every` means all that fit.
    """

    text: str | None = None
    position: int | None = None
    every: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """`fields` has what was said: title, due, recurrence, priority, tags, list.

    A null value clears ("no due date any more"); a name that is not there was not spoken of. The
    `due` of a snooze is when it is to come back. `question` asks for what is missing in it; then
    it is not to be done as it stands.
    """

    intent: Intent
    confidence: float
    fields: Mapping[str, Any] = field(default_factory=dict)
    filter: Filter | None = None
    target: Reference | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """An utterance as it is understood. No commands: chatter, a negation, or nothing at all."""

    language: str
    commands: Sequence[Command]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A todo that may be meant. `rank` orders those that fit equally well, lower first."""

    id: UUID
    title: str
    rank: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of them it is: `accepted`, or else up to three to ask about; neither: none fits."""

    accepted: Candidate | None
    offered: Sequence[Candidate]
    confidence: float
