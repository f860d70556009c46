"""A line typed to become a todo: the same understanding, and nothing but new todos."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction
from core.errors import Invalid
from core.ids import uuid7
from core.models.todos import CreatedVia
from core.rules.understanding.commands import Command, Intent, Span
from core.services import voice_doing, voice_steps, voice_understanding
from core.services.todo_rows import Todo
from core.services.voice_doing import Said
from core.services.voice_results import Asked, Named, Told
from core.services.workspaces import Access, place


@dataclass(frozen=True, slots=True)
class Quick:
    """`todo` where it is one, else `todos`; both null and empty with `dry_run`.

    `understood` has a command for each; `spans` are those of the first.
    """

    todo: Todo | None
    todos: list[Todo]
    understood: list[Told]
    spans: Mapping[str, Span]


async def add(
    tx: Transaction,
    actor: Actor,
    text: str,
    asked: Asked,
    *,
    ring: Keyring,
    workspace_id: UUID,
    now: datetime,
    via: CreatedVia = CreatedVia.QUICK,
) -> Quick:
    """What is not understood as a new todo becomes one of that title, up to its longest length.

    Raises `Invalid` where nothing of it can be seen.
    """
    asked = replace(asked, default=Intent.CREATE)
    context = await voice_understanding.context_of(tx, actor, asked, workspace_id)
    access = Access.READ if asked.dry_run else Access.WRITE
    spot = await place(tx, actor, workspace_id, access, now=now)
    found = await voice_understanding.read(
        tx, text, asked, context, moment=asked.moment or spot.now
    )
    steps = [voice_steps.step(n, command) for n, command in enumerate(found.commands)]
    if not steps or not all(s.told.intent is Intent.CREATE and s.is_whole for s in steps):
        whole = Command(Intent.CREATE, 1.0, {"title": text}, spans={"title": (0, len(text))})
        steps = [voice_steps.step(0, whole)]
    if not all(step.is_whole for step in steps):
        raise Invalid("nothing of this can be seen", pointer="/text", code="blank")
    told = [step.told for step in steps]
    if asked.dry_run:
        return Quick(None, [], told, told[0].spans)
    said = Said(
        uuid7(),
        None,
        text,
        ring,
        workspace_id,
        spot.now,
        context.wants_reminders,
        via=via,
    )
    made: list[Todo] = []
    for step in steps:
        made += (await voice_doing.do(tx, actor, step, said)).todos
    told = [
        replace(each, todo=Named(todo.id, todo.title))
        for each, todo in zip(told, made, strict=True)
    ]
    one = made[0] if len(made) == 1 else None
    return Quick(one, [] if one else made, told, told[0].spans)
