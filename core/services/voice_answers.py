"""Answers to what was asked back: what was proposed is done, once, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid, NotFound
from core.events import Event
from core.models.todos import CreatedVia
from core.models.voice import Outcome
from core.rules.understanding import answers, languages
from core.rules.understanding.answers import NO, YES
from core.rules.understanding.commands import Intent
from core.services import (
    memos,
    voice_commands,
    voice_doing,
    voice_listing,
    voice_records,
    voice_rows,
    voice_seals,
    voice_steps,
)
from core.services.todo_rows import Todo
from core.services.voice_doing import Said
from core.services.voice_results import Asked, Named, Using, VoiceResult
from core.services.voice_rows import CommandRow
from core.services.voice_steps import NEEDS_TARGET, Step
from core.services.workspaces import Access, place

POINTER: Final = "/choice"


async def confirm(
    tx: Transaction,
    actor: Actor,
    command_id: UUID,
    choice: str,
    *,
    using: Using,
    now: datetime,
    via: CreatedVia = CreatedVia.VOICE,
) -> VoiceResult:
    """`choice`: "yes", "no", the id of a todo, or the number of a candidate, from 1.

    The same answer again is answered the same; another one is a `Conflict`, as is one that comes
    too late, or about a todo that is gone. `Invalid` where a yes does not say which.
    """
    row = await tx.first(voice_rows.LOCK, id=command_id, user_id=actor.user_id)
    if row is None:
        raise NotFound("there is no such voice command of yours")
    using = await using.of(tx, actor.user_id)
    kept = voice_records.opened(row, using.ring)
    if kept is None:
        raise Conflict("what was said is forgotten: say it again")
    choice = _plainly(choice, kept)
    if row.answered_at is not None:
        if kept["choice"] != choice:
            raise Conflict("this was answered already, and differently")
        return voice_records.result_of(row, kept)
    if row.outcome != Outcome.ASKED:
        raise Conflict("nothing was asked")
    if row.expires_at is None or row.expires_at <= now:
        raise Conflict("this question has expired: say it again")
    spot = await place(tx, actor, row.workspace_id, Access.WRITE, now=now)
    steps = [voice_steps.read(each) for each in kept["proposed"]]
    chosen = [] if choice == NO else await _chosen(tx, actor, row, steps, choice)
    said = Said(
        row.id,
        row.memo_id,
        kept["transcript"],
        using.ring,
        row.workspace_id,
        spot.now,
        wants_reminders=kept["wants_reminders"],
        via=via,
    )
    return await _answered(tx, actor, row, kept, choice, chosen, said, now=now)


async def spoken(
    tx: Transaction,
    actor: Actor,
    text: str,
    asked: Asked,
    *,
    using: Using,
    workspace_id: UUID,
    now: datetime,
) -> VoiceResult | None:
    """The same by word: null where `text` is no answer, or no question stands in the session.

    One that does not say which is answered with the question, once more.
    """
    if asked.dry_run or not answers.may_be(text):
        return None
    row = await tx.first(
        voice_rows.STANDING,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        session_id=asked.session_id,
        now=tx.began_at,
    )
    if row is None:
        return None
    using = await using.of(tx, actor.user_id)
    kept = voice_records.opened(row, using.ring)
    if kept is None:
        return None
    answer = answers.read(text, row.language)
    if answer is None and (hinted := languages.tabled(asked.language)) is not None:
        answer = answers.read(text, hinted)
    if answer is None:
        return None
    try:
        choice = _by_place(answer, kept) if isinstance(answer, int) else answer
        return await confirm(tx, actor, row.id, choice, using=using, now=now)
    except Invalid as error:
        if error.pointer != POINTER:
            raise
        return voice_records.result_of(row, kept)


def _by_place(place: int, kept: Mapping[str, Any]) -> str:
    try:
        candidate: str = kept["asked"][place]["id"]
    except IndexError:
        raise Invalid("there are not so many", pointer=POINTER, code="choice") from None
    return candidate


async def _answered(
    tx: Transaction,
    actor: Actor,
    row: CommandRow,
    kept: Mapping[str, Any],
    choice: str,
    chosen: Sequence[Step],
    said: Said,
    *,
    now: datetime,
) -> VoiceResult:
    told = []
    shown: list[Todo] = []
    mentioned: list[UUID] = []
    undoable: set[Intent] = set()
    for step in chosen:
        done = voice_doing.Done([])
        if step.told.intent is Intent.LIST:
            shown = await voice_listing.todos(tx, actor, voice_steps.asked_for(step), said)
        elif step.told.intent is Intent.UNDO:
            await voice_commands.undo_last(
                tx, actor, row.workspace_id, row.session_id, now=said.now
            )
        else:
            done = await voice_doing.do(tx, actor, step, said)
            undoable.add(step.told.intent)
            await _applied(tx, row, step, done.about)
        mentioned += [each.id for each in done.about]
        one = done.about[0] if len(done.about) == 1 else step.told.todo
        told.append(replace(step.told, todo=one))
    outcome = Outcome.CONFIRMED if chosen else Outcome.DECLINED
    changed = bool(tx.events)
    tx.emit(Event(row.workspace_id, "voice_command.processed", row.id))
    token = str(tx.change_set_id) if changed else kept["undo_token"]
    after = {
        **kept,
        "commands": [*kept["commands"], *voice_records.plain(told)],
        "proposed": [],
        "declined": kept["proposed"] if choice == NO else [],
        "question": None,
        "candidates": [],
        "undo_token": token,
        "change_sets": [*kept["change_sets"], str(tx.change_set_id)],
        "executed": kept["executed"] or bool(chosen),
        "choice": choice,
    }
    tx.run(
        voice_rows.ANSWER,
        workspace_id=row.workspace_id,
        id=row.id,
        outcome=str(outcome),
        sealed=voice_seals.seal_result(said.ring, row.workspace_id, row.id, after),
        now=now,
        change_sets=[tx.change_set_id] if changed and undoable else [],
    )
    if row.memo_id is not None:
        await memos.answered(tx, row.workspace_id, row.memo_id, job_id=row.id, now=now)
    if row.session_id is not None:
        voice_records.mention(tx, actor, row, mentioned, confirmed=bool(chosen))
    voice_records.count(row.intent, row.language, outcome)
    return replace(voice_records.result_of(row, after), todos=shown)


async def _chosen(
    tx: Transaction, actor: Actor, row: CommandRow, steps: Sequence[Step], choice: str
) -> list[Step]:
    """The steps as they are to be done. Those that only want a yes are done with a choice, too."""
    if choice == YES:
        meant = [_sure(step) for step in steps]
    else:
        picked = UUID(choice)
        meant = [_picked(step, picked) for step in steps]
        if not any(picked in {each.id for each in step.targets} for step in meant):
            meant = [await _found(tx, actor, row, step, picked) for step in meant]
    if not all(step.is_whole for step in meant):
        raise Invalid("say which one is meant", pointer=POINTER, code="ambiguous")
    return meant


def _sure(step: Step) -> Step:
    if step.is_whole or len(step.offered) != 1:
        return step
    return step.about(step.offered[0])


def _picked(step: Step, picked: UUID) -> Step:
    offered = {each.id: each for each in (*step.offered, *step.targets)}
    return step.about(offered[picked]) if picked in offered else _sure(step)


async def _found(tx: Transaction, actor: Actor, row: CommandRow, step: Step, picked: UUID) -> Step:
    """Another todo than those offered, which the person named by its id."""
    if step.told.intent not in NEEDS_TARGET:
        return step
    found = await tx.all(
        voice_rows.THESE, workspace_id=row.workspace_id, user_id=actor.user_id, ids=[picked]
    )
    if not found:
        detail = "no candidate, and no todo that you can see"
        raise Invalid(detail, pointer=POINTER, code="unknown_reference")
    return step.about(Named(found[0].id, found[0].title))


async def _applied(tx: Transaction, row: CommandRow, step: Step, about: Sequence[Named]) -> None:
    if row.memo_id is None:
        return
    tx.run(voice_rows.LOCK_MEMO, memo_id=row.memo_id)
    known = await tx.all(voice_rows.APPLIED, workspace_id=row.workspace_id, memo_id=row.memo_id)
    if (step.position,) in known:
        raise Conflict("this part of the recording was carried out already")
    voice_records.applied(tx, row.workspace_id, row.memo_id, row.id, step, about)


def _plainly(choice: str, kept: Mapping[str, Any]) -> str:
    """`yes`, `no`, or an id as text."""
    said = choice.strip().casefold()
    if said in {YES, NO}:
        return said
    candidates = kept["asked"]
    if said.isascii() and said.isdecimal() and 1 <= int(said) <= len(candidates):
        return str(candidates[int(said) - 1]["id"])
    try:
        return str(UUID(said))
    except ValueError:
        detail = "`yes`, `no`, the id of a todo, or the number of a candidate"
        raise Invalid(detail, pointer=POINTER, code="choice") from None
