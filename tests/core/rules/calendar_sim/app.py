"""Our own side of the simulation: todos with versions, links, a feed, and a fence."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from core.rules import series as series_rules
from core.rules.calendar_events import Moment
from core.rules.calendar_plans import Act, Link, TodoWrite
from core.rules.calendar_snapshot import Standing, TodoView
from core.rules.recurrence import Recurrence


@dataclass(slots=True)
class Pair:
    """A link as a row; `link` changes with every version of it."""

    todo_id: UUID
    link: Link
    over: bool = False
    dirty: bool = False
    doubted: bool = False  # over, and yet listed
    gone: str | None = None
    waits: bool = False  # for a person


@dataclass(slots=True)
class App:
    rng: Random
    clock: Callable[[], datetime]
    wrote: Callable[[UUID], None]  # told of every write of the sync
    zone: str = "Europe/Berlin"
    todos: dict[UUID, TodoView] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    retired: set[str] = field(default_factory=set)  # events of theirs that a todo had before
    feed: list[UUID] = field(default_factory=list)
    seq: int = 0
    token: int | None = None
    fence: int = 0
    making: str = ""  # the event that a todo is being made of

    def new_id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128))

    def view(self, todo_id: UUID) -> TodoView | None:
        todo = self.todos.get(todo_id)
        return todo and replace(todo, zone=self.zone)

    def put(self, todo_id: UUID, **changes: Any) -> TodoView:
        """A new version; by people, too."""
        before = self.todos[todo_id]
        after = replace(before, version=before.version + 1, updated=self.clock(), **changes)
        self.todos[todo_id] = after
        self.feed.append(todo_id)
        return after

    def add(self, title: str, due: Moment | None) -> TodoView:
        todo = TodoView(self.new_id(), 1, title, "", due, False, False, self.clock(), self.zone)
        self.todos[todo.id] = todo
        self.feed.append(todo.id)
        return todo

    def apply(self, todo_id: UUID | None, write: TodoWrite) -> UUID:
        """What the sync wants of a todo."""
        if todo_id is None or write.act is Act.CREATE:
            todo_id = self.add(write.title or "", write.due).id
        elif self.todos[todo_id].version != write.version:
            raise AssertionError("a todo is written that was not read")
        self.wrote(todo_id)
        if write.act is Act.DELETE:
            self.put(todo_id, deleted=True)
            return todo_id
        changes = self._changes(self.todos[todo_id], write)
        if changes:
            self.put(todo_id, **changes)
        return todo_id

    def _changes(self, todo: TodoView, write: TodoWrite) -> dict[str, Any]:
        said = {"title": write.title, "done": write.done, "due": write.due}
        changes: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        series = todo.series
        if write.recurrence is not None and write.due is not None:
            title = write.title or todo.title
            changes["series"] = self.standing(write.recurrence, write.due, title)
        elif write.stops:
            changes["series"] = None
        elif write.title is not None and series is not None:
            changes["series"] = replace(series, title=write.title)
        return changes | ({"deleted": False} if write.act is Act.RESTORE else {})

    def standing(self, recurrence: Recurrence, due: Moment, title: str) -> Standing:
        return Standing(series_rules.Plan(recurrence, due, self.zone), due, title)

    def advance(self, todo_id: UUID) -> bool:
        """The todo of a series goes on to its next occurrence, as time does it: no edit."""
        todo = self.todos[todo_id]
        if todo.series is None:
            return False
        plan = todo.series.plan
        at = series_rules.instant(plan, todo.series.original)
        step = series_rules.following(plan, after=at + timedelta(seconds=1), nth=1)
        if step is None:
            return False
        self.put(todo_id, due=step.due, series=replace(todo.series, original=step.due))
        return True

    def of_event(self, event_id: str) -> Pair | None:
        return next((each for each in self.pairs if each.link.event_id == event_id), None)

    def of_todo(self, todo_id: UUID) -> Pair | None:
        return next((each for each in self.pairs if each.todo_id == todo_id), None)
