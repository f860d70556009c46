"""What is known while a slice of a file is written, and what one row of it makes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import Actor
from core.db import Person, Transaction
from core.errors import Conflict, Invalid
from core.ids import uuid7
from core.models.imports import Outcome
from core.models.todos import CreatedVia, Status
from core.rules.importing.records import (
    MAX_EXCERPT,
    MAX_ROWS,
    Format,
    Item,
    ListRecord,
    Record,
    Repeats,
)
from core.services import import_rows, import_series, lists, reminders, todo_writes
from core.services.import_rows import ImportRow, Known, Line
from core.services.import_series import Stand
from core.services.reminder_series import Course
from core.services.reminders import ReminderDraft
from core.services.todo_rows import TodoRow
from core.services.workspaces import Place

SERIES: Final = "series of "  # before the ref of a series, among those of todos
DELETED: Final = "it came with an earlier import and was deleted since: it stays deleted"
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_IDS: Final = {"list_id", "assignee_id"}  # of another account: what stands for them is told apart


@dataclass(slots=True)
class Names:
    """The lists that the file itself names, by their ref; kept from slice to slice."""

    lists: dict[str, str] = field(default_factory=dict)

    def see(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, ListRecord):
                self.lists[item.ref] = item.name


@dataclass(slots=True)
class Slice:
    """What is known while a slice is written; `known` grows with it."""

    tx: Transaction
    actor: Actor
    row: ImportRow
    spot: Place
    person: Person
    names: Names
    known: dict[str, Known]
    refs: dict[UUID, UUID] = field(default_factory=dict)  # key -> todo
    list_ids: dict[str, UUID] = field(default_factory=dict)
    new_lists: dict[UUID, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    preferences: dict[str, Any] = field(default_factory=dict)
    again: bool = False

    def keep(self, lines: Sequence[Line]) -> None:
        keep(self.tx, self.row, lines)
        if self.refs:
            told = [{"id": key, "todo_id": todo_id} for key, todo_id in self.refs.items()]
            self.tx.run(
                import_rows.ADD_REFS,
                workspace_id=self.row.workspace_id,
                user_id=self.actor.user_id,
                rows=Jsonb(told),
            )

    async def named_list(self, item: ListRecord) -> tuple[str, ...]:
        _, lost = await self._list(item.name)
        return (*item.lost, *lost)

    async def record(self, n: int, item: Record) -> Line:
        known, name = self.known.get(item.ref), item.source_id or item.ref
        if known is not None:
            stands = known.stands
            return line_of(
                n,
                item.line,
                name,
                Outcome.EXISTED if stands else Outcome.SKIPPED,
                item.title,
                todo_id=known.todo_id,
                code=None if stands else "deleted",
                reason=None if stands else DELETED,
            )
        lost = [*item.lost]
        todo_id = await self._create(n, item, lost)
        return line_of(n, item.line, name, Outcome.CREATED, item.title, todo_id=todo_id, lost=lost)

    async def _create(self, n: int, item: Record, lost: list[str]) -> UUID:
        list_id = None
        if item.list_name is not None:
            list_id, why = await self._list(item.list_name)
            lost += why
        parent = self.known.get(item.parent_ref) if item.parent_ref else None
        if parent is not None and not parent.stands:
            lost.append("what it was a subtask of was deleted here: it stands by itself")
        self.again = self.again or (item.parent_ref is not None and parent is None)
        todo = self._row(n, item, list_id, parent.todo_id if parent else None)
        course = None
        if item.repeats is not None:
            todo, course = await self._repeating(todo, item, item.repeats, lost)
        elif item.series_ref is not None:
            todo = self._in_series(todo, SERIES + item.series_ref)
        todo = replace(todo, due_at=await todo_writes.due_at(self.tx, todo.due))
        todo_writes.add(self.tx, todo, created_by=self.actor.user_id)
        drafts = [
            ReminderDraft(each.wish, list(each.channels) if each.channels else None, each.urgent)
            for each in item.reminders
        ]
        await reminders.add_to(
            self.tx, self.actor, todo, drafts, course=course, past_too=True, now=self.spot.now
        )
        self._know(item.ref, todo)
        if item.repeats is not None and item.series_ref is not None:
            self._know(SERIES + item.series_ref, todo)
        return todo.id

    def _row(self, n: int, item: Record, list_id: UUID | None, parent_id: UUID | None) -> TodoRow:
        now = self.spot.now
        made_at = min(item.created_at or now, now)
        changed_at = min(item.updated_at or item.completed_at or made_at, now)
        # Todos are in the order of their ids: those of the file come in its order, before today's.
        stamp = item.created_at or self.row.created_at - (MAX_ROWS - n) * _MILLISECOND
        done = item.done or item.completed_at is not None
        position = self.row.created_at.timestamp() + n * 1e-5  # in the file's order
        return TodoRow(
            id=uuid7(max(_EARLIEST, min(stamp, self.row.created_at))),
            workspace_id=self.row.workspace_id,
            list_id=list_id,
            parent_id=parent_id,
            title=item.title,
            description=item.description,
            status=Status.COMPLETED if done else Status.PENDING,
            priority=item.priority,
            tags=list(dict.fromkeys(item.tags)),
            due_on=item.due.on if item.due else None,
            due_time=item.due.at if item.due else None,
            due_zone=item.due.zone if item.due else None,
            due_at=None,
            series_id=None,
            missed=item.missed,
            assignee_id=None,
            position=position if item.position is None else item.position,
            location=item.location,
            created_via=via(self.row.format),
            version=1,
            created_at=made_at,
            updated_at=changed_at,
            completed_at=min(item.completed_at or changed_at, now) if done else None,
            deleted_at=None,
            recurrence=None,
            reminders=[],
            voice=None,
        )

    async def _repeating(
        self, todo: TodoRow, item: Record, repeats: Repeats, lost: list[str]
    ) -> tuple[TodoRow, Course | None]:
        try:
            at = import_series.stand(repeats, item.due, self.person.timezone)
        except Invalid as error:
            lost.append(f"it does not repeat here: {error.detail}")
            return todo, None
        befores = [each.wish.before for each in item.reminders if each.wish.before is not None]
        series = import_series.begin(
            self.tx,
            self.actor,
            todo,
            repeats,
            at,
            self.person,
            restores=await self._restores(repeats),
            before_s=int(max(befores).total_seconds()) if befores else None,
            now=self.spot.now,
        )
        self.again = self.again or bool(repeats.history)
        return _due(todo, series.id, at), Course.of_series(series)

    async def _restores(self, repeats: Repeats) -> dict[str, Any]:
        """Ids of the account that it is from name nothing here; a list is found by its name."""
        kept = {name: value for name, value in repeats.restores.items() if name not in _IDS}
        if "list_id" in repeats.restores:
            name = self.names.lists.get(str(repeats.restores["list_id"]))
            found, _ = await self._list(name) if name else (None, ())
            kept["list_id"] = str(found) if found else None
        return kept

    def _in_series(self, todo: TodoRow, ref: str) -> TodoRow:
        newest = self.known.get(ref)
        if newest is None:
            self.again = True
        return replace(todo, series_id=newest.series_id) if newest else todo

    def _know(self, ref: str, todo: TodoRow) -> None:
        key = import_rows.key(self.actor.user_id, self.row.format or "", ref)
        self.known[ref] = Known(todo.id, todo.series_id, todo.parent_id)
        self.refs[key] = todo.id

    async def _list(self, name: str) -> tuple[UUID | None, tuple[str, ...]]:
        known = self.list_ids.get(name)
        if known is not None:
            return known, ()
        mark = len(self.tx.events)
        try:
            list_id = await lists.named(self.tx, self.spot, name)
        except Conflict as error:
            return None, (f"the list “{name}” is not made: {error.detail}",)
        if len(self.tx.events) > mark:
            self.new_lists[list_id] = name
        self.list_ids[name] = list_id
        return list_id, ()

    async def link(self, item: Record) -> None:
        """Of a todo that this import made: what it could not refer to when it was written."""
        mine = self.known.get(item.ref)
        if mine is None or mine.todo_id is None:
            return
        changes: dict[str, Any] = {}
        parent = self.known.get(item.parent_ref) if item.parent_ref else None
        if parent is not None and parent.stands and parent.todo_id != mine.parent_id:
            changes["parent_id"] = parent.todo_id
        newest = self.known.get(SERIES + item.series_ref) if item.series_ref else None
        if newest is not None and newest.series_id is not None and mine.series_id is None:
            changes["series_id"] = newest.series_id
        if changes:
            todo = await todo_writes.lock(self.tx, self.actor, mine.todo_id)
            await todo_writes.write(self.tx, todo, changes, now=self.spot.now)
        if item.repeats is not None and item.repeats.history and mine.series_id is not None:
            history = item.repeats.history
            there = (self.row.workspace_id, mine.series_id)
            import_series.past(self.tx, *there, history, self._todo_of)

    def _todo_of(self, ref: str) -> UUID | None:
        known = self.known.get(ref)
        return known.todo_id if known else None


def keep(tx: Transaction, row: ImportRow, lines: Sequence[Line]) -> None:
    """Queue writing down what became of rows."""
    if lines:
        told = [
            {name: getattr(line, name) for name in import_rows.WRITTEN} | {"id": uuid7()}
            for line in lines
        ]
        of = {"workspace_id": row.workspace_id, "import_id": row.id}
        tx.run(import_rows.ADD_LINES, **of, rows=Jsonb(told))


def via(format_name: str | None) -> CreatedVia:
    return CreatedVia.MIGRATION if format_name == Format.LOCALSTORAGE else CreatedVia.IMPORT


def _due(todo: TodoRow, series_id: UUID, at: Stand) -> TodoRow:
    """The todo in its series, due when that says."""
    return replace(
        todo,
        series_id=series_id,
        due_on=at.due.on,
        due_time=at.due.at,
        due_zone=at.due.zone,
    )


def line_of(
    n: int,
    line: int,
    ref: str | None,
    outcome: Outcome,
    excerpt: str,
    *,
    todo_id: UUID | None = None,
    code: str | None = None,
    reason: str | None = None,
    lost: Sequence[str] = (),
) -> Line:
    return Line(n, line, ref, outcome, todo_id, code, reason, excerpt[:MAX_EXCERPT], list(lost))
