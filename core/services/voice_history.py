"""What one said, what became of it, and where the values of a todo come from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction
from core.errors import NotFound
from core.rules.understanding.commands import Span
from core.services import subject_keys, voice_records, voice_rows
from core.services.voice_results import Told, VoiceResult
from core.services.voice_rows import CommandRow
from core.services.workspaces import Access, place
from core.statements import Query, row

# The event's name of a field, where it has another one.
_CALLED: Final = {"list": "list_id", "recurrence": "series_id"}


@dataclass(frozen=True, slots=True)
class VoiceCommand:
    """One line of the history. `transcript` is null once it is forgotten."""

    id: UUID
    session_id: UUID | None
    memo_id: UUID | None
    created_at: datetime
    transcript: str | None
    language: str
    intent: str | None
    outcome: str
    confidence: float | None
    stt_confidence: float | None
    transcriber: str | None
    latency_ms: float
    expires_at: datetime | None
    answered_at: datetime | None
    resolver_version: int


@dataclass(frozen=True, slots=True)
class FieldSource:
    """The words that a value was made of; `changed_since`: a person gave it another one."""

    field: str
    span: Span | None
    text: str | None
    changed_since: bool


@dataclass(frozen=True, slots=True)
class TodoSource:
    todo_id: UUID
    fields: list[FieldSource]


@dataclass(frozen=True, slots=True)
class VoiceCommandDetail:
    """With what was answered, and the source of each value that it gave."""

    command: VoiceCommand
    result: VoiceResult
    provenance: list[TodoSource]


# A person's changes since: not of the machine, nor of this utterance itself.
_CHANGED: Final = Query(
    b"""
    SELECT e.subject_id, array_agg(DISTINCT name)
    FROM events e, unnest(e.changed) name
    WHERE e.workspace_id = %(workspace_id)s AND e.subject_id = ANY (%(todos)s)
      AND e.seq > (SELECT min(own.seq) FROM events own
                   WHERE own.change_set_id = ANY (%(change_sets)s)
                     AND own.workspace_id = %(workspace_id)s)
      AND e.change_set_id <> ALL (%(change_sets)s) AND e.actor_id IS NOT NULL
    GROUP BY e.subject_id
    """,
    row,
    {},
    writes=False,
)


async def page(
    tx: Transaction,
    actor: Actor,
    *,
    workspace_id: UUID,
    session_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
    ring: Keyring,
) -> list[VoiceCommand]:
    """Up to `limit` + 1 of one's own, the newest first."""
    await place(tx, actor, workspace_id, Access.READ, now=tx.began_at)
    asked: dict[str, Any] = {} if session_id is None else {"session_id": session_id}
    if before is not None:
        asked["before"], asked["before_id"] = before
    rows = await tx.all(
        voice_rows.page(of_session=session_id is not None, continued=before is not None),
        user_id=actor.user_id,
        workspace_id=workspace_id,
        limit=limit + 1,
        **asked,
    )
    ring = await subject_keys.opening(tx, ring, actor.user_id)
    return [_line(each, voice_records.opened(each, ring)) for each in rows]


async def get(
    tx: Transaction, actor: Actor, command_id: UUID, *, ring: Keyring
) -> VoiceCommandDetail:
    found = await _mine(tx, actor, command_id)
    kept = voice_records.opened(found, await subject_keys.opening(tx, ring, actor.user_id))
    result = voice_records.result_of(found, kept)
    sources = await _sources(tx, found, result, kept)
    return VoiceCommandDetail(_line(found, kept), result, sources)


async def forget(tx: Transaction, actor: Actor, command_id: UUID) -> None:
    """The words go, here and in the todos made of them; that something was said still counts."""
    found = await _mine(tx, actor, command_id)
    await place(tx, actor, found.workspace_id, Access.WRITE, now=tx.began_at)
    tx.run(voice_rows.FORGET, workspace_id=found.workspace_id, id=found.id)
    tx.run(voice_rows.FORGET_WORDS, workspace_id=found.workspace_id, id=found.id)


async def _mine(tx: Transaction, actor: Actor, command_id: UUID) -> CommandRow:
    found = await tx.first(voice_rows.GET, user_id=actor.user_id, id=command_id)
    if found is None:
        raise NotFound("there is no such voice command of yours")
    return found


async def _sources(
    tx: Transaction, found: CommandRow, result: VoiceResult, kept: dict[str, Any] | None
) -> list[TodoSource]:
    about = [told for told in result.commands if told.todo is not None and told.fields]
    if not about or kept is None:
        return []
    change_sets = [UUID(each) for each in kept["change_sets"]]
    rows = await tx.all(
        _CHANGED,
        workspace_id=found.workspace_id,
        todos=[told.todo.id for told in about if told.todo],
        change_sets=change_sets,
    )
    changed = {subject: set(names) for subject, names in rows}
    return [
        TodoSource(told.todo.id, _fields(told, kept["transcript"], changed.get(told.todo.id)))
        for told in about
        if told.todo
    ]


def _fields(told: Told, transcript: str, changed: set[str] | None) -> list[FieldSource]:
    given = [name for name, value in told.fields.items() if value not in (None, [], "none")]
    sources = []
    for name in given:
        span = told.spans.get(name)
        text = transcript[span[0] : span[1]] if span else None
        since = _CALLED.get(name, name) in (changed or ())
        sources.append(FieldSource(name, span, text, since))
    return sources


def _line(found: CommandRow, kept: dict[str, Any] | None) -> VoiceCommand:
    return VoiceCommand(
        found.id,
        found.session_id,
        found.memo_id,
        found.created_at,
        kept["transcript"] if kept else None,
        found.language,
        found.intent,
        found.outcome,
        found.confidence,
        found.stt_confidence,
        found.transcriber,
        found.latency_ms,
        found.expires_at,
        found.answered_at,
        found.resolver_version,
    )
