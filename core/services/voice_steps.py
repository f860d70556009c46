"""One command of an utterance on its way: what it says, which todos it means, what is still asked.

A step is plain JSON between the question and its answer, so that what a person says yes to is
what they were told, whatever a newer resolver would read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, time
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson

from core.models.todos import Priority
from core.rules import rrule
from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.reminders import Due
from core.rules.rrule import Skip
from core.rules.understanding.commands import Command, Filter, Intent
from core.services.series_rows import RecurrenceDraft
from core.services.todo_rows import clock_text
from core.services.voice_results import Named, Told

LONGEST_TITLE: Final = 500
LONGEST_LIST: Final = 100
LONGEST_TAG: Final = 50
MOST_TAGS: Final = 50
NEW: Final = {"title": None, "due": None, "recurrence": None, "priority": Priority.NONE}
NEEDS_TARGET: Final = frozenset(
    {Intent.COMPLETE, Intent.REOPEN, Intent.UPDATE, Intent.DELETE, Intent.SNOOZE}
)


class Ask(StrEnum):
    """Why a step waits."""

    SURE = "sure"  # yes or no
    UNCLEAR = "unclear"  # hardly understood
    WHICH = "which"  # several todos fit
    NOT_FOUND = "not_found"
    MISSING = "missing"  # something was not said


@dataclass(frozen=True, slots=True)
class Step:
    """`targets` are what it is done to, several only of a command that means all that fit.

    `offered` are those to choose from; `reference` is how the todo was called.
    """

    position: int
    told: Told
    remind: bool = False
    due_part: str | None = None  # `day` or `time`, where only that was said
    targets: Sequence[Named] = ()
    offered: Sequence[Named] = ()
    reference: str | None = None
    ask: Ask | None = None
    question: str | None = None
    everything: bool = False
    filter: Filter | None = field(default=None)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing: a yes would be enough."""
        told = self.told
        if told.intent in NEEDS_TARGET and not self.targets:
            return False
        match told.intent:
            case Intent.UNKNOWN:
                return False
            case Intent.CREATE:
                return bool(told.fields["title"])
            case Intent.UPDATE:
                return bool(told.fields)
            case Intent.SNOOZE:
                return told.fields.get("due") is not None
        return True

    def about(self, target: Named) -> "Step":
        """The same, of this todo."""
        return replace(self, targets=(target,), told=replace(self.told, todo=target))

    def due_with(self, so_far: Due | None) -> "Step":
        """Telling the whole due that an update leads to, from that of its todo."""
        due = due_of(self.told.fields.get("due"))
        if due is None or self.due_part is None:
            return self
        whole = _due(with_the_rest(so_far, due, self.due_part))
        return replace(self, told=replace(self.told, fields={**self.told.fields, "due": whole}))

    def kept(self) -> dict[str, Any]:
        """As JSON, to be sealed."""
        plain: dict[str, Any] = orjson.loads(orjson.dumps(asdict(self)))
        return plain


def step(position: int, command: Command) -> Step:
    told = Told(
        intent=command.intent,
        confidence=round(command.confidence, 4),
        fields=_told_fields(command),
        filter=None if command.filter is None else asdict(command.filter),
        spans=dict(command.spans),
        todo=None,
    )
    return Step(
        position,
        told,
        remind=bool(command.fields.get("remind")),
        due_part=command.fields.get("due_part"),
        reference=command.target.text if command.target else None,
        everything=bool(command.target and command.target.every),
        filter=command.filter,
    )


def read(kept: Mapping[str, Any]) -> Step:
    """What `Step.kept` wrote."""
    return Step(
        position=kept["position"],
        told=told(kept["told"]),
        remind=kept["remind"],
        due_part=kept["due_part"],
        targets=tuple(map(named, kept["targets"])),
        offered=tuple(map(named, kept["offered"])),
        reference=kept["reference"],
        ask=Ask(kept["ask"]) if kept["ask"] else None,
        question=kept["question"],
        everything=kept["everything"],
    )


def told(kept: Mapping[str, Any]) -> Told:
    return Told(
        Intent(kept["intent"]),
        kept["confidence"],
        kept["fields"],
        kept["filter"],
        {name: (start, end) for name, (start, end) in kept["spans"].items()},
        named(kept["todo"]) if kept["todo"] else None,
    )


def asked_for(step: Step) -> Filter | None:
    """Of a step that was kept: its filter is told as JSON."""
    kept = step.told.filter
    if kept is None:
        return None
    days = {name: date.fromisoformat(kept[name]) for name in ("due_from", "due_to") if kept[name]}
    return Filter(**{**kept, **days})


def named(kept: Mapping[str, Any]) -> Named:
    return Named(UUID(kept["id"]), kept["title"])


def due_of(said: Mapping[str, Any] | None) -> Due | None:
    if said is None:
        return None
    at = time.fromisoformat(said["time"]) if said["time"] else None
    return Due(date.fromisoformat(said["date"]), at, said["timezone"])


def with_the_rest(so_far: Due | None, due: Due, said: str | None) -> Due:
    """Where a `day` alone was said the time stays, and the other way round."""
    if so_far is not None and so_far.at is not None and said == "day":
        return Due(due.on, so_far.at, so_far.zone)
    if so_far is not None and said == "time":
        return Due(so_far.on, due.at, due.zone or so_far.zone)
    return due


def recurrence_of(said: Mapping[str, Any] | None) -> RecurrenceDraft | None:
    if said is None:
        return None
    rule = replace(rrule.parse(said["rrule"]), skip=Skip(said["skip"]))
    return RecurrenceDraft(
        said["rrule"],
        Recurrence(
            rule,
            Anchor(said["anchor"]),
            PileUp(said["pile_up"]),
            tuple(map(date.fromisoformat, said["exdates"])),
            tuple(map(date.fromisoformat, said["rdates"])),
            said["holidays"],
            Shift(said["shift"]),
        ),
    )


def _told_fields(command: Command) -> dict[str, Any]:
    """By the API's names and in its shapes; of a new todo all of them."""
    said = command.fields
    fields: dict[str, Any] = {}
    if command.intent is Intent.CREATE:
        fields = {**NEW, "tags": [], "list": None}
    for name, read_one in _READ.items():
        if name in said and not (said[name] is None and name in fields):
            fields[name] = None if said[name] is None else read_one(said[name])
    return fields


def _line(longest: int) -> Any:
    """One line that a todo can hold: dictation has breaks and no end."""

    def cut(words: str) -> str:
        printable = "".join(c if c.isprintable() else " " for c in words)
        return " ".join(printable.split())[:longest].rstrip()

    return cut


def _due(due: Due) -> dict[str, Any]:
    return {
        "date": due.on.isoformat(),
        "time": clock_text(due.at) if due.at else None,
        "timezone": due.zone,
    }


def _recurrence(found: Recurrence) -> dict[str, Any]:
    """SKIP is told beside the rule, as conversions do."""
    return {
        "rrule": rrule.text(replace(found.rule, skip=Skip.OMIT)),
        "anchor": str(found.anchor),
        "skip": str(found.skip),
        "pile_up": str(found.pile_up),
        "exdates": [day.isoformat() for day in found.exdates],
        "rdates": [day.isoformat() for day in found.rdates],
        "holidays": found.holidays,
        "shift": str(found.shift),
    }


def _tags(names: Sequence[str]) -> list[str]:
    cut = _line(LONGEST_TAG)
    return [each for each in dict.fromkeys(map(cut, names)) if each][:MOST_TAGS]


_READ: Final[dict[str, Any]] = {
    "title": _line(LONGEST_TITLE),
    "due": _due,
    "recurrence": _recurrence,
    "priority": str,
    "tags": _tags,
    "list": _line(LONGEST_LIST),
}
