"""What is said of an event: thin, or full with the resource as the API shows it to the owner.

As it is when it is first sent, which may be later than the event: receivers get no stale state, and
tell by `seq` which of two messages is the newer one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select

from core import logs
from core.actor import Actor
from core.db import Transaction
from core.errors import NotFound, Unavailable
from core.models.reminders import Reminders
from core.models.todos import Lists, Todos
from core.models.webhooks import Payload
from core.services import jobs, series_pages
from core.services.lists import TodoList
from core.services.todo_rows import REMINDER_COLUMNS, Reminder, answer_of, select_answers
from core.services.workspaces import visible
from core.statements import Query, query

log = logs.get(__name__)

MAX_BYTES: Final = 64 * 1024  # a slice of the longest is 3 MB


@dataclass(frozen=True, slots=True)
class Happened:
    """An event that is to be told of."""

    workspace_id: UUID
    seq: int
    type: str
    subject_id: UUID
    actor_id: UUID | None
    change_set_id: UUID
    changed: list[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class ThinData:
    id: UUID


@dataclass(frozen=True, slots=True)
class FullData:
    """`object` is the resource as the API shows it to the endpoint's owner when this is first sent.

    Null where there is none to show: deleted, not the owner's own (reminders, jobs), or of a kind
    that is read in the API only (recordings, what was said, accounts). `truncated`: it would have
    made the message longer than 64 KiB. `changed` names the fields that the event changed.
    """

    id: UUID
    object: Any
    truncated: bool
    changed: list[str]
    actor_id: UUID | None
    change_set_id: UUID


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `timestamp` is when it happened; `seq` orders the events of a workspace."""

    type: str
    timestamp: datetime
    workspace_id: UUID
    seq: int | None  # null of a test
    data: ThinData | FullData


_MESSAGE: Final = TypeAdapter(Message)
_UNREADABLE: Final = object()  # of no kind that could be dumped

_TODOS: Final = query(
    select_answers().where(
        visible(Todos.workspace_id),
        Todos.workspace_id == bindparam("workspace_id"),
        Todos.id == bindparam("ids").any_(),
        Todos.deleted_at.is_(None),
    ),
    answer_of,
)
_LISTS: Final = query(
    select(
        Lists.id,
        Lists.workspace_id,
        Lists.name,
        Lists.position,
        Lists.version,
        Lists.created_at,
        Lists.updated_at,
    ).where(
        visible(Lists.workspace_id),
        Lists.workspace_id == bindparam("workspace_id"),
        Lists.id == bindparam("ids").any_(),
        Lists.deleted_at.is_(None),
    ),
    TodoList,
)
_REMINDERS: Final = query(
    select(*REMINDER_COLUMNS).where(
        Reminders.workspace_id == bindparam("workspace_id"),
        Reminders.user_id == bindparam("user_id"),
        Reminders.id == bindparam("ids").any_(),
    ),
    Reminder.of_row,
)
_TOGETHER: Final[Mapping[str, Query[Any]]] = {
    "todo": _TODOS,
    "list": _LISTS,
    "reminder": _REMINDERS,
}
_ONE_BY_ONE: Final[Mapping[str, Callable[[Transaction, Actor, UUID], Awaitable[Any]]]] = {
    "recurrence": series_pages.get,
    "job": jobs.get,
}


async def bodies(
    tx: Transaction, owner: Actor, payload: str, events: Sequence[Happened]
) -> dict[int, bytes | None]:
    """By `seq`, the bytes to send; null where they could not be made, which is our fault.

    `tx` acts in the workspace of these events, for the owner. The number of queries does not grow
    with the number of todos, lists and reminders.
    """
    found = {} if payload == Payload.THIN else await _read(tx, owner, events)
    made: dict[int, bytes | None] = {}
    for each in events:
        try:
            made[each.seq] = _body(each, payload, found.get(each.subject_id))
        except Exception as error:  # noqa: BLE001 - one that cannot be told must not hold up others
            log.error("webhook.payload_failed", subject_id=each.subject_id, error=error)
            made[each.seq] = None
    return made


def trial(workspace_id: UUID, delivery_id: UUID, event_type: str, *, at: datetime) -> bytes:
    """What a test says: nothing but that it is one."""
    return _MESSAGE.dump_json(Message(event_type, at, workspace_id, None, ThinData(delivery_id)))


def _body(event: Happened, payload: str, resource: object) -> bytes:
    if payload == Payload.THIN:
        return _dumped(event, ThinData(event.subject_id))
    about = (event.changed, event.actor_id, event.change_set_id)
    whole = _dumped(event, FullData(event.subject_id, resource, False, *about))
    if len(whole) <= MAX_BYTES:
        return whole
    return _dumped(event, FullData(event.subject_id, None, True, *about))


def _dumped(event: Happened, data: ThinData | FullData) -> bytes:
    return _MESSAGE.dump_json(Message(event.type, event.at, event.workspace_id, event.seq, data))


async def _read(tx: Transaction, owner: Actor, events: Sequence[Happened]) -> dict[UUID, Any]:
    wanted: dict[str, dict[UUID, None]] = {}
    for each in events:
        wanted.setdefault(each.type.partition(".")[0], {})[each.subject_id] = None
    found: dict[UUID, Any] = {}
    for noun, ids in wanted.items():
        if noun in _TOGETHER:
            found |= await _together(tx, owner, events[0].workspace_id, noun, list(ids))
        elif noun in _ONE_BY_ONE:
            for subject_id in ids:
                with suppress(NotFound):
                    found[subject_id] = await _ONE_BY_ONE[noun](tx, owner, subject_id)
    return found


async def _together(
    tx: Transaction, owner: Actor, workspace_id: UUID, noun: str, ids: list[UUID]
) -> dict[UUID, Any]:
    about = {"workspace_id": workspace_id, "user_id": owner.user_id}
    try:
        return {each.id: each for each in await tx.all(_TOGETHER[noun], **about, ids=ids)}
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - a row that cannot be read: which one is it?
        if len(ids) == 1:
            log.error("webhook.resource_unreadable", subject_id=ids[0], error=error)
            return {ids[0]: _UNREADABLE}
    found: dict[UUID, Any] = {}
    for each in ids:
        found |= await _together(tx, owner, workspace_id, noun, [each])
    return found
