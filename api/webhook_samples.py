"""What deliveries look like, for the document: a todo that repeats, and what belongs to it."""

from typing import Any, Final

WORKSPACE: Final = "019a1f2e-6c00-7000-8000-000000000001"
PERSON: Final = WORKSPACE  # one's personal workspace has one's own id
TODO: Final = "019a1f2e-6c00-7000-8000-000000000002"
LIST: Final = "019a1f2e-6c00-7000-8000-000000000003"
SERIES: Final = "019a1f2e-6c00-7000-8000-000000000004"
REMINDER: Final = "019a1f2e-6c00-7000-8000-000000000005"
OTHER: Final = "019a1f2e-6c00-7000-8000-000000000006"
CHANGE_SET: Final = "019a1f2e-6c00-7000-8000-000000000007"
AT: Final = "2027-03-26T08:00:00Z"

_DUE: Final = {"date": "2027-03-29", "time": "09:00", "timezone": "Europe/Berlin"}
_RULE: Final[dict[str, Any]] = {
    "rrule": "FREQ=WEEKLY;BYDAY=MO",
    "anchor": "schedule",
    "skip": "omit",
    "pile_up": "roll",
    "exdates": [],
    "rdates": [],
    "holidays": None,
    "shift": "none",
}
_REMINDER: Final = {
    "id": REMINDER,
    "todo_id": TODO,
    "at": None,
    "before": "PT15M",
    "channels": ["push"],
    "next_fire_at": "2027-03-29T06:45:00Z",
    "urgent": False,
}
# By noun, as the API shows them. Of other nouns only the id is told.
RESOURCES: Final[dict[str, dict[str, Any]]] = {
    "todo": {
        "id": TODO,
        "workspace_id": WORKSPACE,
        "list_id": LIST,
        "parent_id": None,
        "title": "Water the plants",
        "description": "",
        "status": "pending",
        "priority": "medium",
        "tags": ["home"],
        "due": _DUE,
        "due_at": "2027-03-29T07:00:00Z",
        "recurrence": _RULE,
        "series_id": SERIES,
        "missed": 0,
        "reminders": [_REMINDER],
        "assignee_id": None,
        "position": 1806048000.0,
        "location": None,
        "created_via": "api",
        "voice": None,
        "version": 3,
        "created_at": "2027-03-20T17:12:05Z",
        "updated_at": AT,
        "completed_at": None,
    },
    "list": {
        "id": LIST,
        "workspace_id": WORKSPACE,
        "name": "Home",
        "position": 1806048000.0,
        "version": 1,
        "created_at": "2027-03-20T17:12:05Z",
        "updated_at": AT,
    },
    "reminder": _REMINDER,
    "recurrence": {
        "id": SERIES,
        "workspace_id": WORKSPACE,
        "todo_id": TODO,
        "status": "active",
        "recurrence": _RULE,
        "start": _DUE,
        "recurrence_id": "2027-03-29T09:00:00",
        "planned": _DUE,
        "next_at": "2027-04-05T07:00:00Z",
        "left_out": 0,
        "version": 2,
        "created_at": "2027-03-20T17:12:05Z",
        "updated_at": AT,
    },
    "job": {
        "id": OTHER,
        "workspace_id": WORKSPACE,
        "kind": "voice_memo",
        "status": "succeeded",
        "progress": 1.0,
        "result": {"memo_id": OTHER},
        "error": None,
        "created_at": AT,
        "updated_at": AT,
    },
}
# What differs from these in the resource of an event, and the fields that it changed.
_MORE: Final[dict[str, tuple[dict[str, Any], list[str]]]] = {
    "todo.updated": ({}, ["title", "tags"]),
    "todo.completed": ({"status": "completed", "completed_at": AT}, ["status"]),
    "todo.reopened": ({}, ["status"]),
    "todo.restored": ({}, ["deleted"]),
    "list.updated": ({}, ["name"]),
    "list.restored": ({}, ["deleted"]),
    "recurrence.updated": ({}, ["rrule"]),
    "reminder.updated": ({}, ["before"]),
    "reminder.snoozed": ({"next_fire_at": "2027-03-29T07:10:00Z"}, ["next_fire_at"]),
    "reminder.armed": ({}, ["next_at"]),
    "job.created": ({"status": "queued", "progress": 0.0}, []),
    "job.failed": ({"status": "failed", "progress": 0.4, "error": "It was given up."}, []),
    "job.cancelled": ({"status": "cancelled", "progress": 0.4}, []),
    "user.updated": ({}, ["timezone"]),
}


def full(kind: str) -> dict[str, Any]:
    """A message with the resource, as the endpoint's owner would see it."""
    noun, _, what = kind.partition(".")
    differs, changed = _MORE.get(kind, ({}, ["deleted"] if what == "deleted" else []))
    resource = RESOURCES.get(noun)
    gone = resource is None or what == "deleted"
    data = {
        "id": _id(kind),
        "object": None if gone else {**(resource or {}), **differs},
        "truncated": False,
        "changed": changed,
        "actor_id": PERSON,
        "change_set_id": CHANGE_SET,
    }
    return {**_around(kind), "seq": 1042, "data": data}


def thin(kind: str, *, seq: int | None = 1042) -> dict[str, Any]:
    """A message with the id alone."""
    return {**_around(kind), "seq": seq, "data": {"id": _id(kind)}}


def _around(kind: str) -> dict[str, Any]:
    return {"type": kind, "timestamp": AT, "workspace_id": WORKSPACE}


def _id(kind: str) -> str:
    noun = kind.partition(".")[0]
    if noun == "user":
        return PERSON
    return str(RESOURCES[noun]["id"]) if noun in RESOURCES else OTHER
