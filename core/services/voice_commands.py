"""From words to todos: understood, decided, and carried out in the caller's transaction.

1. What is known is read: the session, names of lists and tags. One round trip, with who asks.
2. The rules read the text; which todo is meant is chosen among those that the person may see.
3. Each command acts, asks or is left out, by its confidence; what is destructive always asks.
4. All that acts is one change set, which `undo` takes back as a whole.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.errors import Forbidden
from core.ids import uuid7
from core.models.memos import Quality
from core.models.todos import CreatedVia
from core.models.voice import Outcome
from core.rules.understanding import languages
from core.rules.understanding.commands import Intent, Reading
from core.services import (
    changes,
    voice_advice,
    voice_doing,
    voice_listing,
    voice_records,
    voice_rows,
    voice_steps,
    voice_understanding,
)
from core.services.todo_rows import Todo
from core.services.voice_advice import Advice, Unsure
from core.services.voice_doing import Said
from core.services.voice_questions import nothing_to_undo, question
from core.services.voice_records import Heard
from core.services.voice_results import Asked, Memo, Named, Using, VoiceResult
from core.services.voice_steps import Step
from core.services.workspaces import Access, place

ANSWERED_WITHIN: Final = timedelta(minutes=10)
# Who recorded something need not be there when it is understood, minutes or a night later.
MEMO_ANSWERED_WITHIN: Final = timedelta(days=7)
MOST_MENTIONED: Final = 10


async def run(
    tx: Transaction,
    actor: Actor,
    text: str,
    asked: Asked,
    *,
    using: Using,
    workspace_id: UUID,
    now: datetime,
    memo: Memo | None = None,
    stt_confidence: float | None = None,
    advice: Advice | None = None,
    understood: Reading | None = None,
    via: CreatedVia = CreatedVia.VOICE,
) -> VoiceResult:
    """Understand an utterance and do what it says, as far as that is sure.

    `understood`: a door of another kind knows already what is wanted. `via` is that door.

    `tx` must know the person (`enter`, or `act_for` in a worker). Of a recording, running it twice
    with one `command_id` does nothing the second time and answers the same; with `dry_run` it is
    understood as if for the first time. Who may only look is told what they ask to be told, and
    nothing of that is kept; for anything else raises `Forbidden`. Raises `NotFound` for a foreign
    session, and what the verbs raise.
    Without `advice`, `Unsure` where `using.adviser` is to be asked; with it never.
    """
    began = perf_counter()
    using = await using.of(tx, actor.user_id, seals=not asked.dry_run)
    context = await voice_understanding.context_of(tx, actor, asked, workspace_id)
    access = Access.READ if memo is None or asked.dry_run else Access.WRITE
    spot = await place(tx, actor, workspace_id, access, now=now)
    moment = asked.moment or spot.now
    applied: set[int] = set()
    if memo is not None and not asked.dry_run:
        tx.run(voice_rows.LOCK_MEMO, memo_id=memo.id)
        known = await voice_records.find(tx, actor, memo.command_id, using.ring)
        if known is not None:
            return known
        rows = await tx.all(voice_rows.APPLIED, workspace_id=workspace_id, memo_id=memo.id)
        applied = {position for (position,) in rows}
    found = understood or await voice_understanding.read(tx, text, asked, context, moment=moment)

    async def steps_of(found: Reading, *, confirmed: bool) -> list[Step]:
        return await voice_understanding.steps_of(
            tx,
            actor,
            found,
            asked,
            context,
            using.policy,
            workspace_id=workspace_id,
            moment=moment,
            stt_confidence=stt_confidence,
            confirmed=confirmed,
        )

    steps = await steps_of(found, confirmed=memo is not None and memo.quality is Quality.DEMO)
    if using.adviser is not None:
        foreign = languages.foreign(text, asked.language)
        if advice is None:
            if voice_advice.is_wanted(
                found, steps, using.policy, foreign=foreign
            ) and await voice_advice.may_ask(tx, actor, using.adviser):
                raise Unsure(text, foreign or found.language)
        else:
            scene = await voice_understanding.scene(tx, asked, context, moment)
            advised = voice_advice.taken(advice, text, found, foreign, scene)
            if advised is not None:
                found, steps = advised, await steps_of(advised, confirmed=True)
    if not (asked.dry_run or spot.may_write or all(map(voice_understanding.only_looks, steps))):
        raise Forbidden
    heard = Heard(
        id=memo.command_id if memo else uuid7(),
        workspace_id=workspace_id,
        session_id=asked.session_id or context.session_id or uuid7(),
        memo=memo,
        transcript=text,
        language=found.language,
        stt_confidence=stt_confidence,
        at=tx.began_at,
        expires_at=now + (MEMO_ANSWERED_WITHIN if memo else ANSWERED_WITHIN),
    )
    said = Said(
        heard.id,
        memo.id if memo else None,
        text,
        using.ring,
        workspace_id,
        spot.now,
        context.wants_reminders,
        via,
    )
    left = [step for step in steps if step.position not in applied]
    return await _carried_out(
        tx,
        actor,
        left,
        heard,
        said,
        using,
        began=began,
        dry_run=asked.dry_run,
        keeps=spot.may_write and not asked.dry_run,
    )


async def failed(
    tx: Transaction, actor: Actor, text: str, asked: Asked, *, using: Using, workspace_id: UUID
) -> None:
    """Keep that an utterance was understood and then refused, when `run` has raised that.

    In a transaction of its own: that of `run` leaves no trace.
    """
    began = perf_counter()
    using = await using.of(tx, actor.user_id)
    context = await voice_understanding.context_of(tx, actor, asked, workspace_id)
    found = await voice_understanding.read(tx, text, asked, context, moment=tx.began_at)
    told = [voice_steps.step(nth, each).told for nth, each in enumerate(found.commands)]
    heard = Heard(
        id=uuid7(),
        workspace_id=workspace_id,
        session_id=asked.session_id or context.session_id or uuid7(),
        memo=None,
        transcript=text,
        language=found.language,
        stt_confidence=None,
        at=tx.began_at,
        expires_at=tx.began_at,
    )
    result = VoiceResult(
        id=heard.id,
        session_id=heard.session_id,
        memo_id=None,
        transcript=text,
        language=found.language,
        confidence=min((each.confidence for each in told), default=None),
        needs_confirmation=False,
        question=None,
        candidates=[],
        commands=told,
        proposed=[],
        undo_token=None,
        executed=False,
        todos=[],
    )
    voice_records.keep(
        tx,
        actor,
        heard,
        result,
        [],
        Outcome.FAILED,
        using.ring,
        mentioned=[],
        wants_reminders=context.wants_reminders,
        latency_s=perf_counter() - began,
    )


async def _carried_out(
    tx: Transaction,
    actor: Actor,
    steps: Sequence[Step],
    heard: Heard,
    said: Said,
    using: Using,
    *,
    began: float,
    dry_run: bool,
    keeps: bool,
) -> VoiceResult:
    acting = [step for step in steps if step.ask is None]
    waiting = [step for step in steps if step.ask is not None]
    before = len(tx.events)
    mentioned: list[UUID] = []
    shown: list[Todo] = []
    told = []
    failed = False
    for step in acting:
        about: list[Named] = []
        if step.told.intent is Intent.LIST:
            shown = await voice_listing.todos(tx, actor, step.filter, said)
            mentioned += [todo.id for todo in shown[:MOST_MENTIONED]]
        elif dry_run:
            pass
        elif step.told.intent is Intent.UNDO:
            undone = await undo_last(tx, actor, heard.workspace_id, heard.session_id, now=said.now)
            failed = failed or not undone
        else:
            about = (await voice_doing.do(tx, actor, step, said)).about
            voice_records.apply(tx, heard, step, about)
        mentioned += [each.id for each in about]
        told.append(replace(step.told, todo=about[0]) if len(about) == 1 else step.told)
    changed = len(tx.events) > before
    candidates = {each.id: each for step in waiting for each in step.offered or step.targets[:1]}
    asks = question(waiting, heard.language)
    if failed:
        asks = asks or nothing_to_undo(heard.language)
    sure = [step.told.confidence for step in steps]
    result = VoiceResult(
        id=heard.id if keeps else None,
        session_id=heard.session_id if keeps else None,
        memo_id=heard.memo.id if heard.memo else None,
        transcript=heard.transcript,
        language=heard.language,
        confidence=min(sure) if sure else None,
        needs_confirmation=bool(waiting),
        question=asks,
        candidates=list(candidates.values()),
        commands=told,
        proposed=[step.told for step in waiting],
        undo_token=tx.change_set_id if changed else None,
        executed=bool(told) and not dry_run and not failed,
        todos=shown,
    )
    if keeps:
        outcome = Outcome.FAILED if failed else _outcome(result)
        voice_records.keep(
            tx,
            actor,
            heard,
            result,
            waiting,
            outcome,
            using.ring,
            mentioned=mentioned or list(candidates),
            wants_reminders=said.wants_reminders,
            latency_s=perf_counter() - began,
        )
    return result


async def undo_last(
    tx: Transaction, actor: Actor, workspace_id: UUID, session_id: UUID | None, *, now: datetime
) -> bool:
    """Take back what voice did last, in this session if one goes on. Whether there was anything."""
    last = await tx.first(
        voice_rows.LAST_DONE,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        session_id=session_id,
        now=tx.began_at,
    )
    if last is None:
        return False
    [change_set] = last
    await changes.undo(tx, actor, change_set, now=now)
    voice_records.undone(tx, actor, change_set)
    return True


def _outcome(result: VoiceResult) -> Outcome:
    if result.proposed:
        return Outcome.ASKED
    return Outcome.DONE if result.commands else Outcome.NOTHING
