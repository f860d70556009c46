"""Carrying out what was understood, through the verbs that every other door uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction
from core.errors import Conflict, NotFound
from core.models.todos import CreatedVia, Priority
from core.rules.reminders import Wish, due_instant
from core.rules.understanding import reading
from core.rules.understanding.commands import Intent
from core.services import (
    reminders,
    subject_keys,
    todo_writes,
    todos,
    voice_rows,
    voice_seals,
    voice_steps,
)
from core.services.reminders import ReminderDraft
from core.services.todo_rows import Spoken, Todo, TodoRow
from core.services.todos import TodoDraft
from core.services.voice_results import Named
from core.services.voice_steps import Step

AT_DUE: Final = ReminderDraft(Wish(None, None, None, timedelta(0)), None, urgent=False)


@dataclass(frozen=True, slots=True)
class Said:
    """The utterance whose steps are carried out; what it is the provenance of."""

    command_id: UUID
    memo_id: UUID | None
    transcript: str
    ring: Keyring
    workspace_id: UUID
    now: datetime
    wants_reminders: bool
    via: CreatedVia = CreatedVia.VOICE


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a step: the todos that it was about, as they are now where that is known."""

    about: list[Named]
    todos: list[Todo] = field(default_factory=list)


async def do(tx: Transaction, actor: Actor, step: Step, said: Said) -> Done:
    """Raises `Conflict` when a todo is no longer there, and what the verbs raise."""
    if step.told.intent is Intent.CREATE:
        return await _create(tx, actor, step, said)
    about, found = [], []
    for target in step.targets:
        try:
            todo = await _to_one(tx, actor, step, target, said)
        except NotFound as error:
            if step.everything:
                continue  # a subtask that went with its parent
            raise Conflict("this todo is no longer there") from error
        about.append(target if todo is None else Named(todo.id, todo.title))
        found += [] if todo is None else [todo]
    return Done(about, found)


async def _create(tx: Transaction, actor: Actor, step: Step, said: Said) -> Done:
    fields = step.told.fields
    due = voice_steps.due_of(fields["due"])
    reminded = step.remind and due is not None and due.at is not None and said.wants_reminders
    draft = TodoDraft(
        title=fields["title"],
        due=due,
        recurrence=voice_steps.recurrence_of(fields["recurrence"]),
        priority=fields["priority"],
        tags=fields["tags"],
        list_name=fields["list"],
        created_via=said.via,
        reminders=[AT_DUE] if reminded else [],
    )
    todo = await todos.create(tx, actor, draft, workspace_id=said.workspace_id, now=said.now)
    if said.via is CreatedVia.VOICE:
        ring = await subject_keys.sealing(tx, said.ring, actor.user_id)
        tx.run(
            voice_rows.ADD_VOICE,
            workspace_id=said.workspace_id,
            todo_id=todo.id,
            command_id=said.command_id,
            memo_id=said.memo_id,
            confidence=step.told.confidence,
            original_text=voice_seals.seal_words(ring, said.workspace_id, todo.id, said.transcript),
            spans=Jsonb(dict(step.told.spans)),
            resolver_version=reading.VERSION,
            now=said.now,
        )
        todo.voice = Spoken(said.memo_id, step.told.confidence, said.transcript)
    return Done([Named(todo.id, todo.title)], [todo])


async def _to_one(
    tx: Transaction, actor: Actor, step: Step, target: Named, said: Said
) -> Todo | None:
    match step.told.intent:
        case Intent.COMPLETE:
            return (await todos.complete(tx, actor, target.id, now=said.now))[0]
        case Intent.REOPEN:
            return await todos.reopen(tx, actor, target.id, now=said.now)
        case Intent.DELETE:
            await todos.delete(tx, actor, target.id, now=said.now)
            return None
        case Intent.SNOOZE:
            return await _snooze(tx, actor, step, target.id, said)
        case _:
            return await _update(tx, actor, step, target.id, said)


async def _update(tx: Transaction, actor: Actor, step: Step, todo_id: UUID, said: Said) -> Todo:
    row = await todo_writes.lock(tx, actor, todo_id)
    changes = _changes(step.told.fields, row)
    if changes.get("due") is not None:
        changes["due"] = voice_steps.with_the_rest(row.due, changes["due"], step.due_part)
    todo = await todos.edit(tx, actor, todo_id, changes, now=said.now)
    due = changes.get("due")
    wished = step.remind and due is not None and due.at is not None and said.wants_reminders
    if wished and not any(each.before == "PT0S" for each in todo.reminders):
        row = await todo_writes.lock(tx, actor, todo_id)
        todo.reminders.append(await reminders.add(tx, actor, row, AT_DUE, now=said.now))
    return todo


async def _snooze(
    tx: Transaction, actor: Actor, step: Step, todo_id: UUID, said: Said
) -> Todo | None:
    """Until a time: its reminder, where it has one, comes back then. Else it is due then."""
    row = await todo_writes.lock(tx, actor, todo_id)
    until = voice_steps.due_of(step.told.fields.get("due"))
    if until is None:
        raise Conflict("until when?")
    if not row.reminders or until.at is None:
        later = voice_steps.with_the_rest(row.due, until, "day" if until.at is None else None)
        return await todos.edit(tx, actor, todo_id, {"due": later}, now=said.now)
    at = due_instant(until, (await tx.person()).timezone)
    first = min(row.reminders, key=lambda each: each.next_fire_at or said.now)
    await reminders.snooze(tx, actor, first.id, at, now=said.now)
    return (await todo_writes.lock(tx, actor, todo_id)).answer()


def _changes(fields: Mapping[str, Any], row: TodoRow) -> dict[str, Any]:
    """As `todos.edit` takes them: null clears, tags are added."""
    changes: dict[str, Any] = {}
    for name, value in fields.items():
        match name:
            case "due":
                changes["due"] = voice_steps.due_of(value)
                if value is None and row.recurrence is not None:
                    changes["recurrence"] = None
            case "recurrence":
                changes["recurrence"] = voice_steps.recurrence_of(value)
            case "list" if value is None:
                changes["list_id"] = None
            case "list":
                changes["list_name"] = value
            case "tags":
                changes["tags"] = [*row.tags, *value] if value else []
            case "priority":
                changes["priority"] = value or Priority.NONE
            case "title" if value:
                changes["title"] = value
    return changes
