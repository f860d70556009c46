"""Todos, lists and series of an archive: as `todos.schema.json` says, and as other programs do.

Of a shared workspace its lists are told, and of each todo what its person wrote or is asked to do;
of the others only that they are there. Who the others are is told of none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, Final
from uuid import UUID

from core.db import Transaction
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
    return await tx.all(part.query, me=scope.user_id, spaces=list(scope.workspaces), **at)


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
        "reminders": [_reminder(each) for each in found["reminders"] or ()],
        "assignee": scope.named(found["assignee_id"]),
        "created_by": scope.named(found["created_by"]),
        "position": found["position"],
        "location": None if redacted else found["location"],
        "created_via": found["created_via"],
        "voice": _voice(found, scope, seals),
        **_some(found, "version", "created_at", "updated_at", "completed_at", "deleted_at"),
    }


def _list(found: Row, _: Scope, __: Seals) -> dict[str, Any]:
    return found


def _series(found: Row, scope: Scope, _: Seals) -> dict[str, Any]:
    mine = found["workspace_id"] in scope.alone or found["created_by"] == scope.user_id
    planned = Due(found["planned_on"], found["planned_time"], _zone(found, "planned_time"))
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


def _voice(found: Row, scope: Scope, seals: Seals) -> dict[str, Any] | None:
    """What a person said themselves: an utterance of somebody else is nobody's to take away."""
    said = found["voice"]
    if said is None or said["user_id"] != str(scope.user_id):
        return None
    sealed = said["original_text"]
    words = None
    if sealed is not None:
        at = {
            "todo_id": found["id"],
            "workspace_id": found["workspace_id"],
            "original_text": bytes.fromhex(sealed),
        }
        words = seals.opened("todo_voice", "original_text", at)
    told = _some(said, "command_id", "memo_id", "confidence")
    return {**told, "original_text": words, **_some(said, "spans", "created_at")}


def _reminder(found: Row) -> dict[str, Any]:
    at, before = None, found["before_s"]
    if found["at_on"] is not None:
        clock = clock_text(time.fromisoformat(found["at_time"]))
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


def _zone(found: Row, at: str) -> str | None:
    return found["start_zone"] if found[at] is not None else None


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
    beside: Mapping[str, str],
    joined: str = "",
) -> Part:
    """Columns of the table of this name, and what stands beside them, by the name it is given."""
    types = {"turn": "int", "recurrence_id": "text"}
    names = (*columns, *beside)
    told_columns = ", ".join([*(f"t.{each}" for each in columns), *beside.values()])
    at = ", ".join(f"t.{each}" for each in key)
    after = ", ".join(f"%(after_{each})s::{types.get(each, 'uuid')}" for each in key)
    sql = (
        f"SELECT {told_columns} FROM {name} t {joined}"  # noqa: S608 - names of ours, no values
        f" WHERE t.workspace_id = ANY (%(spaces)s) AND ({at}) > ({after})"
        f" ORDER BY {at} LIMIT {PAGE}"
    )

    def into(*values: Any) -> Row:
        return dict(zip(names, values, strict=True))

    return Part(name, Query(sql.encode(), into, {}, writes=False), tuple(key), told)


_ID: Final = ("workspace_id", "id")
_REMINDERS: Final = """(
    SELECT json_agg(json_build_object('id', r.id, 'at_on', r.at_on, 'at_time', r.at_time,
      'at_zone', r.at_zone, 'before_s', r.before_s, 'channels', r.channels, 'urgent', r.urgent,
      'next_at', r.next_at, 'version', r.version, 'created_at', r.created_at) ORDER BY r.id)
    FROM reminders r
    WHERE r.workspace_id = t.workspace_id AND r.todo_id = t.id AND r.user_id = %(me)s)"""
_VOICE: Final = """(
    SELECT json_build_object('user_id', c.user_id, 'command_id', v.command_id,
      'memo_id', v.memo_id, 'confidence', v.confidence, 'spans', v.spans,
      'original_text', encode(v.original_text, 'hex'), 'created_at', v.created_at)
    FROM todo_voice v
    JOIN voice_commands c ON c.workspace_id = v.workspace_id AND c.id = v.command_id
    WHERE v.workspace_id = t.workspace_id AND v.todo_id = t.id)"""
_RULE: Final = """(
    SELECT row_to_json(s) FROM series s
    WHERE s.workspace_id = t.workspace_id AND s.id = t.series_id)"""

LISTS: Final = _part(
    "lists",
    _list,
    _ID,
    (
        *("id", "workspace_id", "name", "position", "version"),
        *("created_at", "updated_at", "deleted_at"),
    ),
    {},
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
    {},
)
OCCURRENCES: Final = _part(
    "occurrences",
    _occurrence,
    ("workspace_id", "series_id", "turn", "recurrence_id"),
    (
        *("series_id", "workspace_id", "turn", "recurrence_id", "status", "todo_id"),
        *("planned_on", "planned_time", "due_at", "settled_at"),
    ),
    {},
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
    {
        "reminders": _REMINDERS,
        "voice": _VOICE,
        "rule": _RULE,
        "list_name": "l.name",
        "workspace": "w.name",
    },
    "JOIN workspaces w ON w.id = t.workspace_id"
    " LEFT JOIN lists l ON l.workspace_id = t.workspace_id AND l.id = t.list_id",
)
PARTS: Final = (LISTS, SERIES, OCCURRENCES, TODOS)
