"""What was sent to an endpoint, or is still to be sent: looked at, sent again, tried out."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Self
from uuid import UUID, uuid5

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, NotFound
from core.ids import uuid7
from core.models.webhooks import EndpointStatus, WebhookStatus
from core.services import webhook_endpoints
from core.statements import Query, row

TEST: Final = "webhook.test"  # a type of event that no feed holds


@dataclass(frozen=True, slots=True)
class Delivery:
    """`status_code` and `error` are of the last attempt; `next_at` of the one to come.

    `event_seq` is null of a test. Receivers know a repetition by its `message_id`.
    """

    id: UUID
    endpoint_id: UUID
    event_seq: int | None
    event_type: str
    message_id: str
    status: str
    attempts: int
    next_at: datetime | None
    status_code: int | None
    error: str | None
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """The newest first."""

    data: list[Delivery]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """`status_code` is null when no answer came; `error` says why, in a constant sentence."""

    nth: int
    at: datetime
    status_code: int | None
    error: str | None
    took_ms: int
    response_excerpt: str | None


@dataclass(frozen=True, slots=True)
class DeliveryDetail:
    """`body`: the text that was sent; null before it was, and 14 days after."""

    delivery: Delivery
    body: str | None
    attempts: list[Attempt]


@dataclass(frozen=True, slots=True)
class _Row:
    delivery: Delivery
    body: bytes | None

    @classmethod
    def of_row(cls, body: bytes | None, *values: Any) -> Self:
        return cls(Delivery(*values), body)


_COLUMNS: Final = b"""
    id, endpoint_id, event_seq, event_type, message_id, status, attempts, next_at, status_code,
    error, created_at, delivered_at
"""
_CONDITIONS: Final = {
    "before": b" AND id < %(before)s",
    "status": b" AND status = %(status)s",
    "event_type": b" AND event_type = %(event_type)s",
}
_GET: Final = Query(
    b"SELECT body,"
    + _COLUMNS
    + b"""
    FROM webhook_deliveries
    WHERE workspace_id = %(workspace_id)s AND endpoint_id = %(endpoint_id)s AND id = %(id)s
    """,
    _Row.of_row,
    {},
    writes=False,
)
_ATTEMPTS: Final = Query(
    b"""
    SELECT nth, at, status_code, error, took_ms, response_excerpt FROM webhook_attempts
    WHERE workspace_id = %(workspace_id)s AND delivery_id = %(id)s ORDER BY nth
    """,
    Attempt,
    {},
    writes=False,
)
_ADD_TEST: Final = Query(
    b"""
    INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_type, message_id, status,
        next_at, created_at)
    VALUES (%(workspace_id)s, %(id)s, %(endpoint_id)s, %(event_type)s, %(message_id)s, 'pending',
        %(now)s, %(now)s)
    RETURNING """
    + _COLUMNS,
    Delivery,
    {},
    writes=True,
)
# With a full number of tries, at once, and ahead of what waits: `attempts` counts on.
_AGAIN: Final = b"""
    UPDATE webhook_deliveries SET status = 'pending', tries = 0, next_at = %(now)s,
        delivered_at = NULL
    WHERE workspace_id = %(workspace_id)s AND endpoint_id = %(endpoint_id)s
"""
_REDELIVER: Final = Query(
    _AGAIN + b"AND id = %(id)s RETURNING " + _COLUMNS, Delivery, {}, writes=True
)
_REDELIVER_RANGE: Final = Query(
    b"WITH again AS ("
    + _AGAIN
    + b"""
        AND event_seq IS NOT NULL AND created_at >= %(since)s
        AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
        AND (%(status)s::text IS NULL OR status = %(status)s)
        RETURNING id
    ) SELECT count(*) FROM again
    """,
    row,
    {},
    writes=True,
)
# One that rests for its receiver's sake goes on resting: `hold_until` stays.
_WAKE: Final = Query(
    b"""
    UPDATE webhook_endpoints
    SET next_at = least(next_at, greatest(%(now)s, hold_until))
    WHERE workspace_id = %(workspace_id)s AND id = %(endpoint_id)s AND status = 'active'
    RETURNING id
    """,
    row,
    {},
    writes=True,
)


def message_id(endpoint_id: UUID, seq: int) -> str:
    """The same whoever makes it, and for every attempt."""
    return f"msg_{uuid5(endpoint_id, str(seq))}"


async def page(
    tx: Transaction,
    actor: Actor,
    endpoint_id: UUID,
    *,
    status: WebhookStatus | None = None,
    event_type: str | None = None,
    before: UUID | None,
    limit: int,
) -> list[Delivery]:
    """Up to `limit` + 1, the newest first; `before` continues after that one."""
    workspace_id = await webhook_endpoints.require(tx, actor, endpoint_id)
    asked = {"before": before, "status": status, "event_type": event_type}
    given = {name: value for name, value in asked.items() if value is not None}
    return await tx.all(
        _page(frozenset(given)),
        workspace_id=workspace_id,
        endpoint_id=endpoint_id,
        limit=limit + 1,
        **given,
    )


@cache
def _page(given: frozenset[str]) -> Query[Delivery]:
    """A statement for each shape: no plan for all of them begins where the last page ended."""
    sql = b"SELECT" + _COLUMNS + b"FROM webhook_deliveries"
    sql += b" WHERE workspace_id = %(workspace_id)s AND endpoint_id = %(endpoint_id)s"
    sql += b"".join(_CONDITIONS[name] for name in sorted(given))
    return Query(sql + b" ORDER BY id DESC LIMIT %(limit)s", Delivery, {}, writes=False)


async def get(
    tx: Transaction, actor: Actor, endpoint_id: UUID, delivery_id: UUID
) -> DeliveryDetail:
    """Raises `NotFound`."""
    workspace_id = await webhook_endpoints.require(tx, actor, endpoint_id)
    here = {"workspace_id": workspace_id, "id": delivery_id}
    found = await tx.first(_GET, **here, endpoint_id=endpoint_id)
    if found is None:
        raise NotFound("there is no such delivery of this endpoint")
    body = found.body.decode() if found.body is not None else None
    return DeliveryDetail(found.delivery, body, await tx.all(_ATTEMPTS, **here))


async def test(tx: Transaction, actor: Actor, endpoint_id: UUID, *, now: datetime) -> Delivery:
    """Queue a message that says it is a test. Raises `Conflict` where the endpoint is disabled."""
    where = await _awake(tx, actor, endpoint_id, now=now)
    delivery_id = uuid7()
    [made] = await tx.all(
        _ADD_TEST,
        **where,
        id=delivery_id,
        event_type=TEST,
        message_id=f"msg_{delivery_id}",
        now=now,
    )
    return made


async def redeliver(
    tx: Transaction, actor: Actor, endpoint_id: UUID, delivery_id: UUID, *, now: datetime
) -> Delivery:
    """Queue it once more, under its message id, whatever became of it before.

    The same text again, or, where that is forgotten, the resource as it is by then. Raises
    `NotFound`, and `Conflict` where the endpoint is disabled.
    """
    where = await _awake(tx, actor, endpoint_id, now=now)
    found = await tx.first(_REDELIVER, **where, id=delivery_id, now=now)
    if found is None:
        raise NotFound("there is no such delivery of this endpoint")
    return found


async def redeliver_range(
    tx: Transaction,
    actor: Actor,
    endpoint_id: UUID,
    *,
    since: datetime,
    until: datetime | None = None,
    status: WebhookStatus | None = WebhookStatus.FAILED,
    now: datetime,
) -> int:
    """Queue once more all that was made from `since` on and before `until`; how many that is.

    `status` null: of every status. They go out in the order of their events.
    """
    where = await _awake(tx, actor, endpoint_id, now=now)
    found = await tx.first(
        _REDELIVER_RANGE, **where, since=since, until=until, status=status, now=now
    )
    return found[0] if found else 0


async def _awake(
    tx: Transaction, actor: Actor, endpoint_id: UUID, *, now: datetime
) -> dict[str, UUID]:
    workspace_id = await webhook_endpoints.require(tx, actor, endpoint_id)
    where = {"workspace_id": workspace_id, "endpoint_id": endpoint_id}
    if await tx.first(_WAKE, **where, now=now) is None:
        raise Conflict(f"the endpoint is {EndpointStatus.DISABLED}: enable it first")
    return where
