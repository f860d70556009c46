"""What is asked of the text door, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from core.crypto import Keyring
from core.db import Transaction
from core.models.memos import Quality
from core.rules.understanding.commands import Intent, Span
from core.rules.understanding.proposals import Proposal
from core.services import subject_keys
from core.services.memo_rows import MemoRow
from core.services.todo_rows import Todo
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Policy:
    """How sure one must be. From `act` on a command is carried out, below `ask` it is unclear."""

    act: float
    ask: float
    accept: int  # of a title, 0 to 100, with a `lead` before the next one
    lead: int
    offer: int

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        return cls(
            settings.voice_act_confidence,
            settings.voice_ask_confidence,
            settings.voice_match_accept,
            settings.voice_match_lead,
            settings.voice_match_ask,
        )


class Adviser(Protocol):
    """A language model. `third_party`: words of a person leave our machines for it."""

    @property
    def third_party(self) -> bool: ...

    async def propose(self, text: str, language: str) -> Proposal | None:
        """Soon, and without ever raising; null: nothing usable came."""


@dataclass(frozen=True, slots=True)
class Using:
    """What belongs to the installation: `voice_seals.ring_of(keys.ring)`, and the policy.

    Without an `adviser` nobody is asked; see `core.services.voice_advice`.
    """

    ring: Keyring
    policy: Policy
    adviser: Adviser | None = None

    async def of(self, tx: Transaction, user_id: UUID, *, seals: bool = True) -> "Using":
        """The same with the ring of this person, which without `seals` may only open."""
        ring_of = subject_keys.sealing if seals else subject_keys.opening
        return replace(self, ring=await ring_of(tx, self.ring, user_id))


@dataclass(frozen=True, slots=True)
class Asked:
    """`language` is a hint (a code, as in `GET /voice/languages`); `zone` null: the person's own.

    With `default` a text without a verb is that. `dry_run` writes nothing, and may understand the
    text as if it were another `moment` now.
    """

    language: str | None = None
    session_id: UUID | None = None
    zone: str | None = None
    default: Intent | None = None
    dry_run: bool = False
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Memo:
    """The recording that a text was heard in. One `command_id` (UUIDv7) per processing of it.

    The same `command_id` again answers what was made of it then. Another one (a reprocessing)
    leaves out the commands whose position was carried out before.
    """

    id: UUID
    command_id: UUID
    transcriber: str
    quality: Quality

    @classmethod
    def of(cls, row: MemoRow, command_id: UUID) -> "Memo":
        return cls(row.id, command_id, row.transcriber or "", Quality(row.quality or Quality.DEMO))


@dataclass(frozen=True, slots=True)
class Named:
    """A todo by its name."""

    id: UUID
    title: str


@dataclass(frozen=True, slots=True)
class Told:
    """One command as it is answered. `todo` is the one it is about; null: a new one, or several.

    `due` and `recurrence` among the fields are as in a todo.
    """

    intent: Intent
    confidence: float
    fields: Mapping[str, Any]
    filter: Mapping[str, Any] | None
    spans: Mapping[str, Span]
    todo: Named | None


@dataclass(frozen=True, slots=True)
class VoiceResult:
    """`commands` were carried out (with `dry_run`: would be), `proposed` wait for an answer.

    `undo_token` is the change set of all that was done; `todos` are those that were asked for.
    """

    id: UUID | None
    session_id: UUID | None
    memo_id: UUID | None
    transcript: str | None  # null once it is forgotten
    language: str
    confidence: float | None
    needs_confirmation: bool
    question: str | None
    candidates: list[Named]
    commands: list[Told]
    proposed: list[Told]
    undo_token: UUID | None
    executed: bool
    todos: list[Todo]
