"""What a todo and its event are compared by: the same few fields, in the same spelling.

A todo is read as its event would show it: floating times in its person's zone, times that a gap
leaves out after it. So a field that nobody touched is equal on both sides, and what was floating
stays floating: a todo is written only what differs from what was last agreed on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from json import dumps
from typing import Any, Final, Self
from uuid import UUID

from core.rules import calendar_recurrence as repeating
from core.rules.calendar_events import Moment, RemoteEvent, shown
from core.rules.calendar_recurrence import Repeats
from core.rules.series import Plan

MARK: Final = "✓"
UNTITLED: Final = "(No title)"
OPAQUE: Final = "opaque"  # somebody with it is busy
MAX_TITLE: Final = 500
MINUTES_LONG: Final = timedelta(minutes=30)
DAY: Final = timedelta(days=1)
FIELDS: Final = ("title", "when", "done")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+|\s+")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a series stands: the occurrence that its newest todo is for.

    `title` is that of the following occurrences, where this one alone was renamed. `original` is
    the rule's own place of this occurrence, not where it was moved.
    """

    plan: Plan
    original: Moment
    title: str


@dataclass(frozen=True, slots=True)
class TodoView:
    """A todo as the sync sees it; of a series, the newest. `zone` is of the calendar's person.

    `ended`: it was the last occurrence of a series, and is done.
    """

    id: UUID
    version: int
    title: str
    notes: str
    due: Moment | None
    done: bool
    deleted: bool
    updated: datetime
    zone: str
    series: Standing | None = None
    ended: bool = False

    @property
    def repeats(self) -> Repeats | None:
        """How its series is written, or why it cannot be; null when it does not recur."""
        if self.series is None:
            return None
        plan = self.series.plan
        return repeating.to_event(plan.recurrence, _placed(plan.start, self.zone))


@dataclass(frozen=True, slots=True)
class When:
    """`start` is null when there is nothing to show; with `rules` it is where these begin."""

    start: Moment | None
    rules: tuple[str, ...] = ()

    def says(self, other: Self) -> bool:
        """Whether both mean the same instants on the same clocks, however they are spelled."""
        if self == other:
            return True
        if self.start is None or other.start is None or bool(self.rules) != bool(other.rules):
            return False
        if self.rules:
            return repeating.same(self.rules, self.start, other.rules, other.start)
        return _alike(self.start, other.start)


@dataclass(frozen=True, slots=True)
class Turn:
    """The occurrence that a series stands at: `due` null when it is left out.

    `title` is null when it has that of all the others.
    """

    original: Moment
    title: str | None
    due: Moment | None
    done: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`title`, `when` and `done` are compared and merged; the others are carried along.

    `lasts`, `color` and `transparency` are the event's. `updated` is when that side was written,
    by its own clock. `hashes` tell our last write that is known to have arrived.
    """

    title: str
    when: When
    done: bool
    turn: Turn | None = None
    lasts: timedelta | None = field(default=None, compare=False)
    color: str | None = field(default=None, compare=False)
    transparency: str = field(default=OPAQUE, compare=False)
    updated: datetime | None = field(default=None, compare=False)
    hashes: Mapping[str, str] = field(default_factory=dict, compare=False)

    def same(self, other: Self, name: str) -> bool:
        """Whether this one of FIELDS is equal."""
        if name == "when":
            return self.when.says(other.when)
        return bool(getattr(self, name) == getattr(other, name))


def of_todo(view: TodoView) -> Snapshot:
    """As the event of this todo is to be."""
    repeats = view.repeats
    due = view.due and _placed(view.due, view.zone)
    title = clean(view.title)
    if view.series is None or repeats is None or repeats.reasons:
        return Snapshot(title, When(due), view.done, updated=view.updated)
    start = _placed(view.series.plan.start, view.zone)
    return Snapshot(
        clean(view.series.title),
        When(start, repeats.lines),
        done=False,
        turn=Turn(
            _placed(view.series.original, view.zone),
            title if title != clean(view.series.title) else None,
            due,
            view.done,
        ),
        updated=view.updated,
    )


def of_event(event: RemoteEvent) -> Snapshot:
    """Of an event that is not cancelled."""
    start = event.start
    if start is None or event.end is None:
        raise ValueError("a cancelled event says nothing")
    done, title = unmarked(event.summary)
    return Snapshot(
        title,
        When(start, repeating.canonical(event.recurrence, start)),
        done,
        lasts=_between(start, event.end),
        color=event.color_id,
        transparency=event.transparency,
        updated=event.updated,
    )


def digest(snapshot: Snapshot) -> dict[str, str]:
    """Of each of FIELDS, short: that it fits says that nobody else has written the field."""
    values = _json(snapshot)
    each = {name: dumps(values[name], sort_keys=True, ensure_ascii=True) for name in FIELDS}
    return {name: sha256(text.encode()).hexdigest()[:12] for name, text in each.items()}


def marked(title: str, *, done: bool) -> str:
    return f"{MARK} {title}" if done else title


def unmarked(summary: str) -> tuple[bool, str]:
    """Whether it is marked as done, and the title without that."""
    return _spaced(summary).startswith(MARK), clean(summary)


def clean(title: str) -> str:
    """As both sides can keep it. A title's own check mark would read as done: it is left out."""
    text = _spaced(title)
    while text.startswith(MARK):
        text = text[len(MARK) :].lstrip(" \ufe0f")
    return text[:MAX_TITLE].rstrip() or UNTITLED


def lasting(before: Snapshot | None, start: Moment) -> timedelta:
    """How long an event at `start` is: as people made it, unless it turns into an all-day one."""
    default = DAY if start.at is None else MINUTES_LONG
    if before is None or before.lasts is None or before.when.start is None:
        return default
    kind_kept = (before.when.start.at is None) == (start.at is None)
    return before.lasts if kind_kept else default


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """Plain JSON; `from_json` of it gives it back."""
    return _json(snapshot) | {
        "turn": snapshot.turn
        and {
            "original": _moment_json(snapshot.turn.original),
            "title": snapshot.turn.title,
            "due": _moment_json(snapshot.turn.due),
            "done": snapshot.turn.done,
        },
        "lasts": None if snapshot.lasts is None else snapshot.lasts.total_seconds(),
        "color": snapshot.color,
        "transparency": snapshot.transparency,
        "updated": snapshot.updated and snapshot.updated.isoformat(),
        "hashes": dict(snapshot.hashes),
    }


def from_json(value: Mapping[str, Any]) -> Snapshot:
    turn = value["turn"]
    start, rules = value["when"]
    return Snapshot(
        value["title"],
        When(_moment(start), tuple(rules)),
        value["done"],
        turn=turn and _turn(turn),
        lasts=None if value["lasts"] is None else timedelta(seconds=value["lasts"]),
        color=value["color"],
        transparency=value["transparency"],
        updated=value["updated"] and datetime.fromisoformat(value["updated"]),
        hashes=value["hashes"],
    )


def for_todo(moment: Moment, before: Moment | None, zone: str) -> Moment:
    """What a todo is to be due at: one that floated goes on floating in its person's zone."""
    floated = before is not None and before.at is not None and before.zone is None
    return replace(moment, zone=None) if floated and moment.zone == zone else moment


def _placed(due: Moment, zone: str) -> Moment:
    return shown(replace(due, zone=due.zone or zone) if due.at is not None else due)


def _alike(one: Moment, other: Moment) -> bool:
    """The same clock and the same instant: zones have several names."""
    if (one.on, one.at) != (other.on, other.at):
        return False
    return one.at is None or repeating.instant(one) == repeating.instant(other)


def _between(start: Moment, end: Moment) -> timedelta:
    return max(repeating.instant(end) - repeating.instant(start), timedelta())


def _spaced(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()


def _json(snapshot: Snapshot) -> dict[str, Any]:
    when = snapshot.when
    return {
        "title": snapshot.title,
        "when": [_moment_json(when.start), list(when.rules)],
        "done": snapshot.done,
    }


def _moment_json(moment: Moment | None) -> list[str | None] | None:
    if moment is None:
        return None
    return [moment.on.isoformat(), moment.at.isoformat() if moment.at else None, moment.zone]


def _moment(value: list[str | None] | None) -> Moment | None:
    if value is None:
        return None
    on, at, zone = value
    return Moment(date.fromisoformat(on or ""), time.fromisoformat(at) if at else None, zone)


def _turn(value: Mapping[str, Any]) -> Turn:
    original = _moment(value["original"])
    if original is None:
        raise ValueError("an occurrence has a place")
    return Turn(original, value["title"], _moment(value["due"]), value["done"])
