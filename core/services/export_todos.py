"""Todos, lists and series of an archive: as `todos.schema.json` says, and as other programs do.

Of a shared workspace its lists are told, and of each todo what its person wrote or is asked to do;
of the others only that they are there. Who the others are is told of none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from core.db import Transaction
from core.models.todos import CreatedVia
from core.rules.durations import iso
from core.rules.reminders import Due
from core.services.export_seals import Seals
from core.services.export_tables import PAGE, Scope
from core.services.todo_rows import clock_text
from core.statements import Query, row

Row = dict[str, Any]
FIRST: Final[Mapping[str, Any]] = {"turn": -1, "recurrence_id": ""}  # others: the least id
NOWHERE: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Part:
    """An array of `todos.json`; pages are read by `key`."""

    name: str
    query: Query[Row]
    key: tuple[str, ...]
    told: Callable[[Row, Scope, Seals], dict[str, Any]]


def named(columns: Sequence[str]) -> Callable[..., Row]:
    """What makes a row of values in this order."""

    def into(*values: Any) -> Row:
        return dict(zip(columns, values, strict=True))

    return into


_SPACES: Final = Query(
    b"SELECT workspace_id FROM memberships WHERE user_id = %(me)s", row, {}, writes=False
)
_ROOMS: Final = Query(
    b"""
    SELECT w.id, w.kind, w.name, m.role, w.clock_at, w.created_at, m.created_at,
      NOT EXISTS (SELECT FROM memberships o
                  WHERE o.workspace_id = w.id AND o.user_id <> m.user_id)
    FROM memberships m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = %(me)s ORDER BY w.id
    """,
    row,
    {},
    writes=False,
)
_ZONES: Final = Query(
    b"""
    SELECT due_zone FROM todos WHERE workspace_id = ANY (%(spaces)s) AND due_zone IS NOT NULL
    UNION SELECT start_zone FROM series
    WHERE workspace_id = ANY (%(spaces)s) AND start_zone IS NOT NULL
    UNION SELECT at_zone FROM reminders
    WHERE workspace_id = ANY (%(spaces)s) AND user_id = %(me)s AND at_zone IS NOT NULL
    """,
    row,
    {},
    writes=False,
)
_COUNT: Final = Query(
    b"SELECT count(*) FROM todos WHERE workspace_id = ANY (%(spaces)s)", row, {}, writes=False
)


async def spaces(tx: Transaction, user_id: UUID) -> list[UUID]:
    """Where the person is a member. `tx` acts for them and needs to know of no workspace."""
    return [each for (each,) in await tx.all(_SPACES, me=user_id)]


async def rooms(tx: Transaction, user_id: UUID) -> tuple[Scope, list[dict[str, Any]]]:
    """Whose archive it is, and `workspaces` of `todos.json`."""
    names = ("id", "kind", "name", "role", "clock_at", "created_at", "member_since")
    found = await tx.all(_ROOMS, me=user_id)
    alone = frozenset(key for key, *_, by_oneself in found if by_oneself)
    told = [dict(zip(names, values[:-1], strict=True)) for values in found]
    return Scope(user_id, tuple(each["id"] for each in told), alone), told


async def zones_of(tx: Transaction, scope: Scope) -> list[str]:
    """All that its todos and reminders are due in."""
    found = await tx.all(_ZONES, me=scope.user_id, spaces=list(scope.workspaces))
    return [zone for (zone,) in found]


async def count(tx: Transaction, scope: Scope) -> int:
    found = await tx.first(_COUNT, spaces=list(scope.workspaces))
    return found[0] if found else 0


async def page(tx: Transaction, scope: Scope, part: Part, after: Row | None) -> list[Row]:
    """The next rows as they are stored, in the order of their key."""
    at = {f"after_{name}": after[name] if after else FIRST.get(name, NOWHERE) for name in part.key}
    return await tx.all(part.query, spaces=list(scope.workspaces), **at)


# By lists of ids and not joined: PostgreSQL knows nothing yet of tables that an import has just
# filled, and then looks through all rows of a workspace for each of its todos.
_REMINDERS_OF: Final = (
    *("todo_id", "id", "at_on", "at_time", "at_zone", "before_s", "channels"),
    *("urgent", "next_at", "version", "created_at"),
)
_REMINDERS: Final = Query(
    f"SELECT {', '.join(_REMINDERS_OF)} FROM reminders"  # noqa: S608 - names of ours, no values
    " WHERE todo_id = ANY (%(ids)s) AND user_id = %(me)s ORDER BY id".encode(),
    named(_REMINDERS_OF),
    {},
    writes=False,
)
_VOICE_OF: Final = (
    *("todo_id", "workspace_id", "command_id", "memo_id", "confidence"),
    *("original_text", "spans", "created_at"),
)
_VOICES: Final = Query(
    f"SELECT {', '.join(_VOICE_OF)} FROM todo_voice"  # noqa: S608 - names of ours, no values
    " WHERE workspace_id = ANY (%(spaces)s) AND todo_id = ANY (%(ids)s)".encode(),
    named(_VOICE_OF),
    {},
    writes=False,
)
_SPOKEN_BY: Final = Query(
    b"""
    SELECT id FROM voice_commands
    WHERE workspace_id = ANY (%(spaces)s) AND id = ANY (%(ids)s) AND user_id = ANY (%(people)s)
    """,
    row,
    {},
    writes=False,
)


async def with_reminders(tx: Transaction, scope: Scope, todos: Sequence[Row]) -> None:
    """Adds `reminders`, the person's own, to these."""
    by_id = {each["id"]: each for each in todos}
    for each in todos:
        each["reminders"] = []
    for found in await tx.all(_REMINDERS, ids=list(by_id), me=scope.user_id):
        by_id[found["todo_id"]]["reminders"].append(found)


async def with_voices(tx: Transaction, scope: Scope, todos: Sequence[Row]) -> None:
    """Adds `voice` to these: where they come from, if the person said them."""
    by_id = {each["id"]: each for each in todos}
    for each in todos:
        each["voice"] = None
    spoken = [each["id"] for each in todos if each["created_via"] == CreatedVia.VOICE]
    if not spoken:
        return
    spaces = list(scope.workspaces)
    voices = await tx.all(_VOICES, spaces=spaces, ids=spoken)
    spaces += scope.linked  # a todo moved, what was said stayed
    of = {"spaces": spaces, "people": [scope.user_id, *scope.linked]}
    said = [each["command_id"] for each in voices]
    own = {each for (each,) in await tx.all(_SPOKEN_BY, ids=said, **of)}
    for each in voices:
        if each["command_id"] in own:
            by_id[each["todo_id"]]["voice"] = each


def mine(found: Row, scope: Scope) -> bool:
    """Whether a todo is told whole: nobody else is there, or it is by or for this person."""
    people = (found["created_by"], found["assignee_id"])
    return found["workspace_id"] in scope.alone or scope.user_id in people


def _todo(found: Row, scope: Scope, seals: Seals) -> dict[str, Any]:
    redacted = not mine(found, scope)
    return {
        **_some(found, "id", "workspace_id", "list_id", "parent_id"),
        "title": None if redacted else found["title"],
        "description": None if redacted else found["description"],
        "redacted": redacted,
        **_some(found, "status", "priority"),
        "tags": [] if redacted else found["tags"],
        "due": _moment(due(found, "due_on", "due_time", "due_zone")),
        **_some(found, "due_at", "series_id", "missed"),
        "reminders": [_reminder(each) for each in found["reminders"]],
        "assignee": scope.named(found["assignee_id"]),
        "created_by": scope.named(found["created_by"]),
        "position": found["position"],
        "location": None if redacted else found["location"],
        "created_via": found["created_via"],
        "voice": _voice(found["voice"], seals),
        **_some(found, "version", "created_at", "updated_at", "completed_at", "deleted_at"),
    }


def _list(found: Row, _: Scope, __: Seals) -> dict[str, Any]:
    return found


def _series(found: Row, scope: Scope, _: Seals) -> dict[str, Any]:
    mine = found["workspace_id"] in scope.alone or found["created_by"] == scope.user_id
    zone = found["start_zone"] if found["planned_time"] is not None else None
    planned = Due(found["planned_on"], found["planned_time"], zone)
    return {
        **_some(found, "id", "workspace_id", "todo_id"),
        "created_by": scope.named(found["created_by"]),
        **_some(found, "status", "rrule", "anchor", "skip", "pile_up"),
        **_some(found, "exdates", "rdates", "holidays", "shift"),
        "start": _moment(due(found, "start_on", "start_time", "start_zone")),
        **_some(found, "turn", "nth", "recurrence_id"),
        "planned": _moment(planned),
        "left_out": found["left_out"],
        "restores": found["restores"] if mine else {},
        **_some(found, "next_at", "version", "created_at", "updated_at"),
    }


def _occurrence(found: Row, _: Scope, __: Seals) -> dict[str, Any]:
    at = found["planned_time"]
    return {**found, "planned_time": clock_text(at) if at else None}


def _voice(said: Row | None, seals: Seals) -> dict[str, Any] | None:
    if said is None:
        return None
    words = None
    if said["original_text"] is not None:
        words = seals.opened("todo_voice", "original_text", said)
    told = _some(said, "command_id", "memo_id", "confidence")
    return {**told, "original_text": words, **_some(said, "spans", "created_at")}


def _reminder(found: Row) -> dict[str, Any]:
    at, before = None, found["before_s"]
    if found["at_on"] is not None:
        clock = clock_text(found["at_time"])
        at = {"date": found["at_on"], "time": clock, "timezone": found["at_zone"]}
    return {
        "id": found["id"],
        "at": at,
        "before": None if before is None else iso(before),
        **_some(found, "channels", "urgent"),
        "next_fire_at": found["next_at"],
        **_some(found, "version", "created_at"),
    }


def due(found: Row, on: str, at: str, zone: str) -> Due | None:
    return None if found[on] is None else Due(found[on], found[at], found[zone])


def _moment(due: Due | None) -> dict[str, Any] | None:
    if due is None:
        return None
    return {
        "date": due.on,
        "time": None if due.at is None else clock_text(due.at),
        "timezone": due.zone,
    }


def _some(found: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: found[name] for name in names}


def _part(
    name: str,
    told: Callable[[Row, Scope, Seals], dict[str, Any]],
    key: Sequence[str],
    columns: Sequence[str],
) -> Part:
    """Columns of the table of this name."""
    types = {"turn": "int", "recurrence_id": "text"}
    after = ", ".join(f"%(after_{each})s::{types.get(each, 'uuid')}" for each in key)
    sql = (
        f"SELECT {', '.join(columns)} FROM {name}"  # noqa: S608 - names of ours, no values
        f" WHERE workspace_id = ANY (%(spaces)s) AND ({', '.join(key)}) > ({after})"
        f" ORDER BY {', '.join(key)} LIMIT {PAGE}"
    )
    return Part(name, Query(sql.encode(), named(columns), {}, writes=False), tuple(key), told)


_ID: Final = ("workspace_id", "id")
LISTS: Final = _part(
    "lists",
    _list,
    _ID,
    (
        *("id", "workspace_id", "name", "position", "version"),
        *("created_at", "updated_at", "deleted_at"),
    ),
)
SERIES: Final = _part(
    "series",
    _series,
    _ID,
    (
        *("id", "workspace_id", "todo_id", "created_by", "status", "rrule", "anchor", "skip"),
        *("pile_up", "exdates", "rdates", "holidays", "shift"),
        *("start_on", "start_time", "start_zone", "turn", "nth", "recurrence_id"),
        *("planned_on", "planned_time", "left_out", "restores", "next_at", "version"),
        *("created_at", "updated_at"),
    ),
)
OCCURRENCES: Final = _part(
    "occurrences",
    _occurrence,
    ("workspace_id", "series_id", "turn", "recurrence_id"),
    (
        *("series_id", "workspace_id", "turn", "recurrence_id", "status", "todo_id"),
        *("planned_on", "planned_time", "due_at", "settled_at"),
    ),
)
TODOS: Final = _part(
    "todos",
    _todo,
    _ID,
    (
        *("id", "workspace_id", "list_id", "parent_id", "title", "description", "status"),
        *("priority", "tags", "due_on", "due_time", "due_zone", "due_at", "series_id", "missed"),
        *("assignee_id", "created_by", "position", "location", "created_via", "version"),
        *("created_at", "updated_at", "completed_at", "deleted_at"),
    ),
)
PARTS: Final = (LISTS, SERIES, OCCURRENCES, TODOS)
