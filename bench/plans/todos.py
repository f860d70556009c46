"""Pages of todos: every order and filter, from the beginning and from the middle on."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from bench.plans.cases import PAGE, Case, Who
from core import clock
from core.db import Transaction
from core.models.todos import PRIORITY_RANK
from core.services import todo_pages
from core.services.todo_pages import After, Filters, Sort

# No index for words or arrays is read under row-level security: their operators are not leak-proof.
LOOKED_THROUGH: Final = "the todos of a workspace are looked through until a page is full"
MINE: Final = "FROM todos WHERE workspace_id = {home} AND deleted_at IS NULL"
MIDDLES: Final = {
    Sort.DUE: f"SELECT due_at, id {MINE} AND due_at IS NOT NULL ORDER BY due_at, id",
    Sort.PRIORITY: f"SELECT {PRIORITY_RANK}, id {MINE} ORDER BY 1, 2",
    Sort.CREATED: f"SELECT NULL::int, id {MINE} ORDER BY id",
    Sort.POSITION: f"SELECT position, id {MINE} ORDER BY position, id",
}
ORDERS: Final = {
    Sort.DUE: "ix_todos_workspace_id_due_at",
    Sort.PRIORITY: "ix_todos_workspace_id_priority",
    Sort.CREATED: "pk_todos",
    Sort.POSITION: "ix_todos_workspace_id_position",
}
UNDATED: Final = f"SELECT NULL::timestamptz, id {MINE} AND due_at IS NULL ORDER BY id"
LAST_DATED: Final = (
    f"(SELECT due_at, id {MINE} AND due_at IS NOT NULL ORDER BY due_at DESC, id DESC LIMIT 9)"
)
SPAN: Final = timedelta(days=3)


def _case(
    name: str,
    index: str,
    sort: Sort,
    filters: Callable[[Who], Filters],
    *,
    middle: str = "",
    because: str = "",
) -> Case:
    def ask(tx: Transaction, who: Who) -> Awaitable[object]:
        after = After(*who.middle(middle)) if middle else None
        home = who.home
        return todo_pages.page(
            tx, who.actor, filters(who), workspace_id=home, sort=sort, after=after, limit=PAGE
        )

    return Case(name, index, ask, "/todos", because=because)


def _ordered(name: str, index: str, filters: Filters, sort: Sort, because: str = "") -> list[Case]:
    return [
        _case(
            f"{name} by {sort}, {page}",
            index,
            sort,
            lambda _: filters,
            middle=middle,
            because=because,
        )
        for page, middle in (("first page", ""), ("the middle", MIDDLES[sort]))
    ]


def all_of() -> list[Case]:
    cases = []
    for sort, order in ORDERS.items():
        cases += _ordered("todos", order, Filters(), sort)
        because = "" if sort is Sort.DUE else "the open ones of a workspace are sorted"
        pending = Filters(status="pending")
        cases += _ordered("pending todos", "ix_todos_pending", pending, sort, because)
    due, position = ORDERS[Sort.DUE], ORDERS[Sort.POSITION]
    nothing = Filters()
    cases += [
        _case("todos by due, undated ones", due, Sort.DUE, lambda _: nothing, middle=UNDATED),
        _case("todos by due, where dates end", due, Sort.DUE, lambda _: nothing, middle=LAST_DATED),
        _case(
            "todos due these days",
            due,
            Sort.DUE,
            lambda _: Filters(due_after=clock.now() - SPAN, due_before=clock.now() + SPAN),
        ),
        _case(
            "todos of a list",
            "ix_todos_workspace_id_list_id",
            Sort.POSITION,
            lambda who: Filters(list_id=who.first("lists")),
            because="a list's todos are sorted",
        ),
        _case(
            "todos below another",
            "ix_todos_workspace_id_parent_id",
            Sort.POSITION,
            lambda who: Filters(parent_id=who.first("todos")),
            because="a todo's subtasks are sorted",
        ),
        _case(
            "todos of high priority",
            ORDERS[Sort.PRIORITY],
            Sort.PRIORITY,
            lambda _: Filters(priority="high"),
        ),
        _case(
            "todos assigned to me",
            "ix_todos_assignee_id",
            Sort.POSITION,
            lambda who: Filters(assignee=who.home),
            because="a person's todos are sorted",
        ),
    ]
    words = {
        "a frequent tag": Filters(tag="home"),
        "a rare tag": Filters(tag="rare"),
        "a word": Filters(q="number 77"),
        "a word that is not there": Filters(q="xyzzy"),
    }
    return cases + [
        _case(
            f"todos with {name}",
            position,
            Sort.POSITION,
            lambda _, filters=filters: filters,  # type: ignore[misc]  # bound now
            because=LOOKED_THROUGH,
        )
        for name, filters in words.items()
    ]
