"""What is kept of an utterance: its row, its session's figures, its event, its metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from core import logs, metrics
from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction
from core.events import Event
from core.models.voice import Outcome
from core.rules.understanding import languages, reading
from core.rules.understanding.commands import Intent
from core.services import subject_keys, voice_rows, voice_seals, voice_steps
from core.services.voice_results import Memo, Named, VoiceResult
from core.services.voice_rows import CommandRow
from core.services.voice_steps import Step

log = logs.get(__name__)
TEXT, AUDIO = "text", "audio"  # the doors, of the metrics
NOT_TO_UNDO: Final = frozenset({Intent.LIST, Intent.UNDO})


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance: where and when it was said, and by which recording."""

    id: UUID
    workspace_id: UUID
    session_id: UUID
    memo: Memo | None
    transcript: str
    language: str
    stt_confidence: float | None
    at: datetime
    expires_at: datetime


def keep(
    tx: Transaction,
    actor: Actor,
    heard: Heard,
    result: VoiceResult,
    waiting: Sequence[Step],
    outcome: Outcome,
    ring: Keyring,
    *,
    mentioned: Sequence[UUID],
    wants_reminders: bool,
    latency_s: float,
) -> None:
    """Queue it all: it travels with the commit."""
    intents = [told.intent for told in (*result.commands, *result.proposed)]
    undoable = result.undo_token is not None and not set(intents) <= NOT_TO_UNDO
    counted = result.confidence is not None
    tx.run(
        voice_rows.HEARD,
        workspace_id=heard.workspace_id,
        id=heard.session_id,
        user_id=actor.user_id,
        now=heard.at,
        total=1,
        successful=int(outcome is Outcome.DONE),
        failed=int(outcome is Outcome.FAILED),
        asked=int(outcome is Outcome.ASKED),
        sum=result.confidence or 0.0,
        count=int(counted),
        mentioned=list(dict.fromkeys(mentioned)),
    )
    tx.run(
        voice_rows.ADD,
        workspace_id=heard.workspace_id,
        id=heard.id,
        user_id=actor.user_id,
        session_id=heard.session_id,
        memo_id=heard.memo.id if heard.memo else None,
        now=heard.at,
        language=heard.language,
        intent=str(intents[0]) if intents else None,
        outcome=str(outcome),
        confidence=result.confidence,
        stt_confidence=heard.stt_confidence,
        transcriber=heard.memo.transcriber if heard.memo else None,
        latency_ms=round(latency_s * 1000, 2),
        change_sets=[result.undo_token] if undoable else [],
        sealed=voice_seals.seal_result(
            ring,
            heard.workspace_id,
            heard.id,
            _kept(result, waiting, wants_reminders=wants_reminders),
        ),
        expires_at=heard.expires_at if waiting else None,
        resolver_version=reading.VERSION,
    )
    tx.emit(Event(heard.workspace_id, "voice_command.processed", heard.id))
    count(intents[0] if intents else None, heard.language, outcome)
    metrics.VOICE_LATENCY.labels(AUDIO if heard.memo else TEXT).observe(latency_s)
    if result.confidence is not None:
        metrics.VOICE_CONFIDENCE.labels(languages.named(heard.language)).observe(result.confidence)


def count(intent: str | None, language: str, outcome: Outcome) -> None:
    name = languages.named(language)
    metrics.VOICE_COMMANDS.labels(intent or "none", name, outcome).inc()
    log.info("voice_command.processed", kind=intent or "none", name=name, outcome=outcome)


def apply(tx: Transaction, heard: Heard, step: Step, about: Sequence[Named]) -> None:
    """Queue that this command of a recording was carried out: no retry does it again."""
    if heard.memo is not None:
        applied(tx, heard.workspace_id, heard.memo.id, heard.id, step, about)


def applied(
    tx: Transaction,
    workspace_id: UUID,
    memo_id: UUID,
    command_id: UUID,
    step: Step,
    about: Sequence[Named],
) -> None:
    tx.run(
        voice_rows.APPLY,
        workspace_id=workspace_id,
        memo_id=memo_id,
        position=step.position,
        command_id=command_id,
        todo_id=about[0].id if about else None,
        change_set=tx.change_set_id,
    )


def undone(tx: Transaction, actor: Actor, change_set: UUID) -> None:
    """Queue that this was taken back: saying "undo" takes back what was done before it."""
    tx.run(voice_rows.UNDONE, user_id=actor.user_id, change_set=change_set, now=tx.began_at)


def mention(
    tx: Transaction, actor: Actor, row: CommandRow, mentioned: Sequence[UUID], *, confirmed: bool
) -> None:
    """Queue what an answer adds to its session: no command of its own."""
    tx.run(
        voice_rows.HEARD,
        workspace_id=row.workspace_id,
        id=row.session_id,
        user_id=actor.user_id,
        now=tx.began_at,
        total=0,
        successful=int(confirmed),
        failed=0,
        asked=0,
        sum=0.0,
        count=0,
        mentioned=list(dict.fromkeys(mentioned)),
    )


async def find(
    tx: Transaction, actor: Actor, command_id: UUID, ring: Keyring
) -> VoiceResult | None:
    """What was answered, without the todos that were listed."""
    row = await tx.first(voice_rows.GET, user_id=actor.user_id, id=command_id)
    if row is None:
        return None
    return result_of(row, opened(row, await subject_keys.opening(tx, ring, actor.user_id)))


def opened(row: CommandRow, ring: Keyring) -> dict[str, Any] | None:
    """Null once the words are forgotten."""
    return voice_seals.result(ring, row.workspace_id, row.id, row.sealed)


def result_of(row: CommandRow, kept: Mapping[str, Any] | None) -> VoiceResult:
    proposed = [] if kept is None else [step["told"] for step in kept["proposed"]]
    return VoiceResult(
        id=row.id,
        session_id=row.session_id,
        memo_id=row.memo_id,
        transcript=kept["transcript"] if kept else None,
        language=row.language,
        confidence=row.confidence,
        needs_confirmation=bool(proposed),
        question=kept["question"] if kept else None,
        candidates=[voice_steps.named(each) for each in (kept["candidates"] if kept else ())],
        commands=[voice_steps.told(each) for each in (kept["commands"] if kept else ())],
        proposed=[voice_steps.told(each) for each in proposed],
        undo_token=UUID(kept["undo_token"]) if kept and kept["undo_token"] else None,
        executed=bool(kept and kept["executed"]),
        todos=[],
    )


def _kept(result: VoiceResult, waiting: Sequence[Step], *, wants_reminders: bool) -> dict[str, Any]:
    return {
        "transcript": result.transcript,
        "commands": plain(result.commands),
        "proposed": [step.kept() for step in waiting],
        "question": result.question,
        "candidates": plain(result.candidates),
        "asked": plain(result.candidates),
        "wants_reminders": wants_reminders,
        "undo_token": result.undo_token and str(result.undo_token),
        "change_sets": [str(result.undo_token)] if result.undo_token else [],
        "executed": result.executed,
        "choice": None,
    }


def plain(rows: Sequence[Any]) -> Any:
    """As JSON."""
    return orjson.loads(orjson.dumps([asdict(each) for each in rows]))
