"""Todos that were asked for: "what is due this week", "my shopping list"."""

from datetime import time, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, Text, bindparam, func, select

from core.actor import Actor
from core.db import Transaction
from core.models.todos import Lists, Status, Todos
from core.rules import zones
from core.rules.understanding.commands import Filter
from core.services.todo_pages import literally
from core.services.todo_rows import Todo, answer_of, select_answers
from core.services.voice_doing import Said
from core.services.workspaces import visible
from core.statements import Query, query

MOST: Final = 50
_LISTS: Any = select(Lists.id).where(
    Lists.workspace_id == Todos.workspace_id,
    Lists.deleted_at.is_(None),
    func.lower(Lists.name) == func.lower(bindparam("list", type_=Text())),
)
_TAG: Any = func.unnest(Todos.tags).column_valued("tag")
_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    "status": Todos.status == bindparam("status"),
    "priority": Todos.priority == bindparam("priority"),
    "tag": func.lower(bindparam("tag", type_=Text()))
    == select(func.lower(_TAG)).scalar_subquery().any_(),
    "list": Todos.list_id.in_(_LISTS),
    "text": Todos.title.icontains(bindparam("text", type_=Text()), autoescape=False),
    "due_from": Todos.due_on >= bindparam("due_from", type_=Date()),
    "due_to": Todos.due_on <= bindparam("due_to", type_=Date()),
    "done_from": Todos.completed_at >= bindparam("done_from"),
    "done_before": Todos.completed_at < bindparam("done_before"),
}


async def todos(tx: Transaction, actor: Actor, asked: Filter | None, said: Said) -> list[Todo]:
    """The first of them by due time; open ones unless completed ones are asked for.

    Days of completed todos are those on which they were completed, in the person's zone.
    """
    asked = asked or Filter()
    status = asked.status or Status.PENDING
    given: dict[str, Any] = {
        "status": status,
        "priority": asked.priority,
        "tag": asked.tag,
        "list": asked.list,
        "text": asked.text and literally(asked.text),
    }
    if status == Status.COMPLETED:
        zone = (await tx.person()).timezone
        if asked.due_from is not None:
            given["done_from"] = zones.instant(asked.due_from, time(), zone)
        if asked.due_to is not None:
            given["done_before"] = zones.instant(asked.due_to + timedelta(days=1), time(), zone)
    else:
        given |= {"due_from": asked.due_from, "due_to": asked.due_to}
    named = {name: value for name, value in given.items() if value is not None}
    return await tx.all(
        _statement(frozenset(named)),
        workspace_id=said.workspace_id,
        user_id=actor.user_id,
        **named,
    )


@cache
def _statement(filtered: frozenset[str]) -> Query[Todo]:
    return query(
        select_answers()
        .where(
            visible(Todos.workspace_id),
            Todos.workspace_id == bindparam("workspace_id"),
            Todos.deleted_at.is_(None),
            *(_CONDITIONS[name] for name in sorted(filtered)),
        )
        .order_by(Todos.due_at.asc(), Todos.id)
        .limit(MOST),
        answer_of,
    )
