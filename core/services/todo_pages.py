"""Reading todos: one, or a page of them filtered and sorted.

A page continues after the last row's sort key and id, so rows that move or appear meanwhile
neither hide nor repeat others, and page 1,000 costs what page 1 does.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, bindparam, literal_column, or_, tuple_

from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound
from core.models.todos import PRIORITY_RANK, Priority, Status, Todos
from core.services.todo_rows import Todo, answer_of, select_answers
from core.services.workspaces import Access, place, visible
from core.statements import Query, query


class Sort(StrEnum):
    DUE = "due"
    PRIORITY = "priority"
    CREATED = "created"
    POSITION = "position"


@dataclass(frozen=True, slots=True)
class Filters:
    """Null: not filtered by. `due_before` is exclusive, `due_after` inclusive."""

    status: str | None = None
    priority: str | None = None
    tag: str | None = None
    list_id: UUID | None = None
    parent_id: UUID | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    q: str | None = None
    assignee: UUID | None = None


@dataclass(frozen=True, slots=True)
class After:
    """Where the last page ended: its last row's sort key (null: no due time) and id."""

    key: datetime | float | int | None
    id: UUID


@dataclass(frozen=True, slots=True)
class TodoPage:
    data: list[Todo]
    next_cursor: str | None
    has_more: bool


_RANKS: Final = {Priority.HIGH: 0, Priority.MEDIUM: 1, Priority.LOW: 2, Priority.NONE: 3}
# Word for word as in its index.
_RANK: Final[ColumnElement[int]] = literal_column(PRIORITY_RANK, Integer())
_KEYS: Final[dict[Sort, Any]] = {
    Sort.DUE: Todos.due_at,
    Sort.PRIORITY: _RANK,
    Sort.POSITION: Todos.position,
}
_FILTERS: Final = tuple(each.name for each in fields(Filters))
# Values that an index is for stand in the statement: a plan for all values cannot use it.
_LITERAL: Final = frozenset({"status"})
_CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    **{f"status={each}": Todos.status == literal_column(f"'{each}'") for each in Status},
    "priority": Todos.priority == bindparam("priority"),
    "tag": bindparam("tag") == Todos.tags.any_(),
    "list_id": Todos.list_id == bindparam("list_id"),
    "parent_id": Todos.parent_id == bindparam("parent_id"),
    "due_before": Todos.due_at < bindparam("due_before"),
    "due_after": Todos.due_at >= bindparam("due_after"),
    "q": or_(
        Todos.title.icontains(bindparam("q"), autoescape=False),
        Todos.description.icontains(bindparam("q"), autoescape=False),
    ),
    "assignee": Todos.assignee_id == bindparam("assignee"),
}

_BEFORE_ALL: Final = UUID(int=0)

_GET = query(
    select_answers().where(
        visible(Todos.workspace_id), Todos.id == bindparam("id"), Todos.deleted_at.is_(None)
    ),
    answer_of,
)


async def get(tx: Transaction, actor: Actor, todo_id: UUID) -> Todo:
    found = await tx.first(_GET, id=todo_id, user_id=actor.user_id)
    if found is None:
        raise NotFound("there is no such todo that you can see")
    return found


async def page(
    tx: Transaction,
    actor: Actor,
    filters: Filters,
    *,
    workspace_id: UUID,
    sort: Sort,
    after: After | None,
    limit: int,
) -> list[Todo]:
    """Up to `limit` + 1 todos: the one too many says that there is a further page."""
    await place(tx, actor, workspace_id, Access.READ, now=tx.began_at)
    named = ((name, getattr(filters, name)) for name in _FILTERS)
    given = {name: value for name, value in named if value is not None}
    shape = frozenset(f"{n}={v}" if n in _LITERAL else n for n, v in given.items())
    asked = {name: value for name, value in given.items() if name not in _LITERAL}
    if "q" in asked:
        asked["q"] = literally(asked["q"])
    asked |= {"workspace_id": workspace_id, "user_id": actor.user_id}
    if after is None:
        return await tx.all(statement(shape, sort), limit=limit + 1, **asked)
    if sort is Sort.CREATED:
        continued = statement(shape, sort, continued=True)
        return await tx.all(continued, limit=limit + 1, **asked, after_id=after.id)
    found: list[Todo] = []
    last_id = after.id
    if after.key is not None:
        continued = statement(shape, sort, continued=True)
        from_there = {"after": after.key, "after_id": after.id}
        found = await tx.all(continued, limit=limit + 1, **asked, **from_there)
        last_id = _BEFORE_ALL
    if sort is Sort.DUE and len(found) <= limit and not given.keys() & {"due_before", "due_after"}:
        # Those without a due time come last: asked for by themselves, for no index serves an OR.
        undated = statement(shape, sort, undated=True)
        found += await tx.all(undated, limit=limit + 1 - len(found), **asked, after_id=last_id)
    return found


def position_of(todo: Todo, sort: Sort) -> After:
    """Where a page that ends with this todo is continued."""
    match sort:
        case Sort.DUE:
            return After(todo.due_at, todo.id)
        case Sort.PRIORITY:
            return After(_RANKS[Priority(todo.priority)], todo.id)
        case Sort.POSITION:
            return After(todo.position, todo.id)
        case Sort.CREATED:
            return After(None, todo.id)


@cache
def statement(
    filtered: frozenset[str], sort: Sort, *, continued: bool = False, undated: bool = False
) -> Query[Todo]:
    """One statement per shape; there are at most a few thousand, each compiled once."""
    page_of = (
        select_answers()
        .where(
            visible(Todos.workspace_id),
            Todos.workspace_id == bindparam("workspace_id"),
            Todos.deleted_at.is_(None),
            *(_CONDITIONS[name] for name in sorted(filtered)),
        )
        .limit(bindparam("limit"))
    )
    key = _KEYS.get(sort)
    if key is None:  # ids are in the order of creation
        if continued:
            page_of = page_of.where(Todos.id > bindparam("after_id"))
        return query(page_of.order_by(Todos.id), answer_of)
    if undated:
        page_of = page_of.where(key.is_(None), Todos.id > bindparam("after_id"))
    elif continued:
        later = tuple_(key, Todos.id) > tuple_(bindparam("after"), bindparam("after_id"))
        page_of = page_of.where(later)
    return query(page_of.order_by(key.asc(), Todos.id), answer_of)


def literally(text: str) -> str:
    """`%` and `_` as people mean them, and the wildcards around."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return text
