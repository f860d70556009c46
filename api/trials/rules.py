"""Asks the rules alone: no server, no database; what the text door does with them, in memory.

The door's own way (`bench/score.py --door`) is what counts where the two differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

from api.trials.cases import Case, Todo
from api.trials.seen import NONE, Act, Seen, Value, moment
from core.rules import rrule, zones
from core.rules.understanding import reading, targets
from core.rules.understanding.commands import Candidate, Command, Filter, Intent, Reference
from core.rules.understanding.text import forms

ACT: Final = 0.85  # as the settings have them
THRESHOLDS: Final = targets.Thresholds(88, 10, 70)
_ABOUT_ONE: Final = frozenset(
    {Intent.COMPLETE, Intent.REOPEN, Intent.UPDATE, Intent.DELETE, Intent.SNOOZE}
)


@dataclass(frozen=True, slots=True)
class Found:
    """Which todos a command is about, or which ones to ask about."""

    meant: Sequence[UUID] = ()
    offered: Sequence[UUID] = ()
    confidence: float = 1.0
    every: bool = False


@dataclass(slots=True)
class World:
    """Somebody's todos, and which of them were mentioned last."""

    case: Case
    hint: str | None
    todos: dict[UUID, Todo] = field(default_factory=dict)
    mentioned: list[UUID] = field(default_factory=list)
    language: str | None = None

    def hear(self, text: str) -> Seen:
        """Understand one utterance, and do what would be done without asking."""
        case = self.case
        found = reading.read(
            text,
            now=case.now,
            zone=case.zone,
            language=self.hint,
            default=Intent.CREATE if case.quick else None,
            lists=case.lists,
            tags=case.tags,
        )
        self.language = found.language
        acts: list[Act] = []
        proposed: list[Act] = []
        offered: list[UUID] = []
        asks = False
        mentioned: list[UUID] = []
        for command in found.commands:
            about = self._found(command)
            act = _act(command, [self.todos[each].title for each in about.meant])
            mentioned += about.meant or about.offered
            if self._acts(command, about):
                acts.append(act)
                mentioned += self._do(command, about.meant)
                continue
            asks = True
            offered += about.meant or about.offered
            if about.meant or command.intent is Intent.CREATE:
                proposed.append(act)
        self.mentioned = list(dict.fromkeys(mentioned)) or self.mentioned
        titles = [self.todos[each].title for each in dict.fromkeys(offered)]
        return Seen(acts, proposed, asks, titles)

    def _acts(self, command: Command, about: Found) -> bool:
        if command.intent is Intent.UNKNOWN or command.question is not None:
            return False
        if command.intent is Intent.DELETE or about.every:
            return False
        if command.intent in _ABOUT_ONE and not about.meant:
            return False
        return min(command.confidence, about.confidence) >= ACT

    def _found(self, command: Command) -> Found:
        if command.intent not in _ABOUT_ONE:
            return Found()
        meant = command.target or Reference(position=0)
        done = command.intent is Intent.REOPEN
        pool = {key: todo for key, todo in self.todos.items() if todo.done is done}
        if meant.every:
            asked = command.filter or Filter()
            fit = [key for key, todo in pool.items() if fits(todo, replace(asked, status=None))]
            return Found(fit, every=True)
        if meant.text is None:
            standing = [each for each in self.mentioned if each in self.todos]
            try:
                return Found([standing[meant.position or 0]])
            except IndexError:
                return Found(offered=standing[:3])
        candidates = [Candidate(key, todo.title, self._rank(todo)) for key, todo in pool.items()]
        choice = targets.choose(meant.text, candidates, THRESHOLDS, language=self.language)
        if choice.accepted is not None:
            return Found([choice.accepted.id], confidence=choice.confidence)
        return Found(offered=[each.id for each in choice.offered])

    def _rank(self, todo: Todo) -> tuple[int, ...]:
        today = self.case.now.astimezone(zones.zone(self.case.zone)).date().isoformat()
        due = (todo.due or "9999")[:10]
        return (0 if due == today else 1 if due < today else 2,)

    def _do(self, command: Command, meant: Sequence[UUID]) -> list[UUID]:
        if command.intent is Intent.CREATE:
            said = _fields(command.fields)
            key = uuid4()
            self.todos[key] = Todo(str(said["title"]), None, _text(said.get("list")))
            return [key]
        if command.intent is Intent.LIST:
            asked = command.filter or Filter()
            return [key for key, todo in self.todos.items() if fits(todo, asked)]
        for key in meant if command.intent in {Intent.COMPLETE, Intent.REOPEN} else ():
            self.todos[key] = replace(self.todos[key], done=command.intent is Intent.COMPLETE)
        return []


def hear(case: Case, *, hint: bool) -> Seen:
    """What comes of the case's last utterance; with the hint its language is told."""
    todos = {uuid4(): todo for todo in case.todos}
    world = World(case, case.language if hint else None, todos)
    for earlier in case.say[:-1]:
        world.hear(earlier)
    return world.hear(case.say[-1])


def fits(todo: Todo, asked: Filter) -> bool:
    due = date.fromisoformat(todo.due[:10]) if todo.due else None
    tags = {each.casefold() for each in todo.tags}
    status = "completed" if todo.done else "pending"
    misses = [
        asked.due_from is not None and (due is None or due < asked.due_from),
        asked.due_to is not None and (due is None or due > asked.due_to),
        asked.list is not None and (todo.list or "").casefold() != asked.list.casefold(),
        asked.tag is not None and asked.tag.casefold() not in tags,
        asked.priority is not None and todo.priority != asked.priority,
        asked.text is not None and not set(forms(asked.text)) <= set(forms(todo.title)),
        asked.status is not None and asked.status != status,
    ]
    return not any(misses)


def _act(command: Command, titles: Sequence[str]) -> Act:
    todo = titles[0] if len(titles) == 1 else None
    return Act(command.intent, todo, _fields(command.fields), _query(command.filter))


def _fields(said: Mapping[str, Any]) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for name in ("title", "due", "recurrence", "priority", "tags", "list"):
        if name not in said:
            continue
        value = said[name]
        if name == "due":
            fields["due"] = NONE if value is None else moment(value.on, value.at)
        elif name == "recurrence":
            fields["repeat"] = NONE if value is None else rrule.text(value.rule)
        elif name == "tags":
            fields["tags"] = tuple(value or ())
        else:
            fields[name] = NONE if value is None else str(value)
    return fields


def _query(asked: Filter | None) -> dict[str, Value]:
    if asked is None:
        return {}
    said = {
        "from": None if asked.due_from is None else asked.due_from.isoformat(),
        "to": None if asked.due_to is None else asked.due_to.isoformat(),
        "list": asked.list,
        "tag": asked.tag,
        "priority": asked.priority,
        "status": asked.status,
        "text": asked.text,
    }
    return {name: value for name, value in said.items() if value is not None}


def _text(value: Value | None) -> str | None:
    return value if isinstance(value, str) and value != NONE else None
