"""Endpoints that are due: the feed made into deliveries, a slice of these begun, and settled.

`begin` and `settle` are one transaction each. What makes a message arrive in spite of everything,
and under one id however often:
1. `begin` reads on in the feed and writes a row for each event, in the transaction that moves
   `seq`; the row's key refuses a second one for the same event;
2. it writes the bytes before they are sent: a worker that takes over sends the same;
3. `settle` counts an attempt only where none was counted since `begin`, so a worker that was taken
   for dead changes nothing any more; until then the row stays due.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from psycopg.types.json import Jsonb

from core import due
from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.ids import uuid7
from core.messages import Kind
from core.models.deliveries import DeliveryKind
from core.models.webhooks import DisabledReason, EndpointStatus
from core.rules import webhook_retries
from core.services import (
    account_mails,
    deliveries,
    webhook_deliveries,
    webhook_endpoints,
    webhook_payloads,
    webhook_secrets,
)
from core.services.webhook_payloads import Happened
from core.statements import Query, row

SOURCE: Final = SOURCES[Kind.WEBHOOKS]
SLICE: Final = 50  # deliveries
READ_AT_ONCE: Final = 500  # events
UNTOLD: Final = "the message could not be made; this is our fault"
DISABLED: Final = "webhook_disabled"  # a kind of notification
_NOBODY: Final = UUID(int=0)  # services ask who acts, not in which session


@dataclass(frozen=True, slots=True)
class Post:
    """A message to be sent now; `attempt` and `tries` count this one."""

    id: UUID
    seq: int | None
    message_id: str
    event_type: str
    body: bytes = field(repr=False)
    attempt: int
    tries: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Work:
    """One endpoint's slice, in the order in which it is sent. `secrets`: the newest first."""

    claimed: Claimed
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    seed: bytes = field(repr=False)
    user_id: UUID
    failures: int
    failing_since: datetime | None
    last_failure_at: datetime | None
    posts: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one attempt. `status_code` is null when no answer came; `wait` is the receiver's wish."""

    post: Post
    status_code: int | None
    error: str | None
    at: datetime
    took: timedelta
    excerpt: str | None = None
    wait: timedelta | None = None

    @property
    def delivered(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300  # noqa: PLR2004 - HTTP

    @property
    def next_at(self) -> datetime | None:
        """Of the next try, if there is one."""
        if self.delivered:
            return None
        waits = webhook_retries.wait(self.post.id, self.post.tries, self.wait)
        return None if waits is None else self.at + waits


@dataclass(frozen=True, slots=True)
class Standing:
    """How a receiver does, attempt by attempt."""

    failures: int
    failing_since: datetime | None
    last_failure_at: datetime | None
    last_success_at: datetime | None = None
    hold_until: datetime | None = None
    disabled: DisabledReason | None = None

    @property
    def goes_on(self) -> bool:
        """It may be sent the next message now."""
        return self.hold_until is None and self.disabled is None

    def after(self, outcome: Outcome) -> "Standing":
        if outcome.delivered:
            return Standing(0, None, self.last_failure_at, outcome.at)
        since = webhook_retries.failing_since(
            self.failing_since, self.last_failure_at, now=outcome.at
        )
        failures = self.failures + webhook_retries.is_down(outcome.status_code)
        rest = outcome.wait or timedelta(0)
        if webhook_retries.is_down(outcome.status_code):
            rest = max(rest, webhook_retries.rest(failures))
        disabled = None
        if outcome.status_code == webhook_retries.GONE:
            disabled = DisabledReason.GONE
        elif outcome.at - since >= webhook_retries.DISABLE_AFTER:
            disabled = DisabledReason.FAILING
        return Standing(
            failures,
            since,
            outcome.at,
            self.last_success_at,
            outcome.at + rest if rest else None,
            disabled,
        )


@dataclass(frozen=True, slots=True)
class _Endpoint:
    user_id: UUID
    url: str
    events: list[str]
    payload: str
    status: str
    secret: bytes = field(repr=False)
    secret_previous: bytes | None = field(repr=False)
    previous_until: datetime | None
    signing_key: bytes = field(repr=False)
    seq: int
    hold_until: datetime | None
    failures: int
    failing_since: datetime | None
    last_failure_at: datetime | None
    owner_may: bool

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        return cls(*values)


@dataclass(frozen=True, slots=True)
class _Due:
    id: UUID
    seq: int | None
    event_type: str
    message_id: str
    body: bytes | None = field(repr=False)
    attempts: int
    tries: int
    created_at: datetime
    subject_id: UUID | None
    actor_id: UUID | None
    change_set_id: UUID | None
    changed: list[str] | None
    at: datetime | None

    def happened(self, workspace_id: UUID) -> Happened | None:
        told = (self.seq, self.subject_id, self.change_set_id, self.at)
        match told:
            case (int(seq), UUID() as subject_id, UUID() as change_set_id, datetime() as at):
                return Happened(
                    workspace_id,
                    seq,
                    self.event_type,
                    subject_id,
                    self.actor_id,
                    change_set_id,
                    self.changed or [],
                    at,
                )
        return None


_FIND: Final = Query(
    b"""
    SELECT e.user_id, e.url, e.events, e.payload, e.status, e.secret, e.secret_previous,
           e.previous_until, e.signing_key, e.seq, e.hold_until, e.failures, e.failing_since,
           e.last_failure_at,
           EXISTS (SELECT FROM memberships m JOIN users u ON u.id = m.user_id
                   WHERE m.workspace_id = e.workspace_id AND m.user_id = e.user_id
                     AND m.role <> 'viewer' AND u.status = 'active')
    FROM webhook_endpoints e
    WHERE e.workspace_id = %(workspace_id)s AND e.id = %(endpoint_id)s
    FOR NO KEY UPDATE OF e
    """,
    _Endpoint.of_row,
    {},
    writes=False,
)
_READ: Final = Query(
    b"""
    SELECT seq, type, at FROM events
    WHERE workspace_id = %(workspace_id)s AND seq > %(seq)s ORDER BY seq LIMIT %(limit)s
    """,
    row,
    {},
    writes=False,
)
_ADD: Final = Query(
    b"""
    INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_seq, event_type,
        message_id, status, next_at, created_at)
    SELECT %(workspace_id)s, x.id, %(endpoint_id)s, x.seq, x.type, x.message_id, 'pending',
        %(now)s, %(now)s
    FROM unnest(%(ids)s::uuid[], %(seqs)s::bigint[], %(types)s::text[], %(message_ids)s::text[])
        AS x (id, seq, type, message_id)
    ON CONFLICT (workspace_id, endpoint_id, event_seq) DO NOTHING
    """,
    row,
    {},
    writes=True,
)
_MOVE_ON: Final = Query(
    b"""
    UPDATE webhook_endpoints SET seq = %(seq)s
    WHERE workspace_id = %(workspace_id)s AND id = %(endpoint_id)s
    """,
    row,
    {},
    writes=True,
)
_NEXT: Final = Query(
    b"""
    SELECT d.id, d.event_seq, d.event_type, d.message_id, d.body, d.attempts, d.tries,
           d.created_at, e.subject_id, e.actor_id, e.change_set_id, e.changed, e.at
    FROM webhook_deliveries d
    LEFT JOIN events e ON e.workspace_id = d.workspace_id AND e.seq = d.event_seq
    WHERE d.workspace_id = %(workspace_id)s AND d.endpoint_id = %(endpoint_id)s
      AND d.status = 'pending' AND d.next_at <= %(now)s
    ORDER BY d.next_at, d.event_seq LIMIT %(limit)s
    """,
    _Due,
    {},
    writes=False,
)
_KEEP: Final = Query(
    b"""
    UPDATE webhook_deliveries d SET body = x.body
    FROM unnest(%(ids)s::uuid[], %(bodies)s::bytea[]) AS x (id, body)
    WHERE d.workspace_id = %(workspace_id)s AND d.id = x.id
    """,
    row,
    {},
    writes=True,
)
_QUARANTINE: Final = Query(
    b"""
    UPDATE webhook_deliveries SET status = 'failed', next_at = NULL, error = %(error)s
    WHERE workspace_id = %(workspace_id)s AND id = ANY (%(ids)s::uuid[])
    """,
    row,
    {},
    writes=True,
)
_SETTLE: Final = Query(
    b"""
    WITH x AS (
        SELECT * FROM jsonb_to_recordset(%(rows)s) AS x (id uuid, attempt int, tries int,
            status text, status_code int, error text, next_at timestamptz, at timestamptz,
            took_ms int, excerpt text, delivered_at timestamptz)
    ), settled AS (
        UPDATE webhook_deliveries d SET status = x.status, attempts = x.attempt, tries = x.tries,
            status_code = x.status_code, error = x.error, next_at = x.next_at,
            delivered_at = x.delivered_at
        FROM x WHERE d.workspace_id = %(workspace_id)s AND d.id = x.id
          AND d.attempts = x.attempt - 1 AND d.status = 'pending'
        RETURNING d.id
    )
    INSERT INTO webhook_attempts (workspace_id, delivery_id, nth, at, status_code, error, took_ms,
        response_excerpt)
    SELECT %(workspace_id)s, x.id, x.attempt, x.at, x.status_code, x.error, x.took_ms, x.excerpt
    FROM x JOIN settled ON settled.id = x.id
    """,
    row,
    {},
    writes=True,
)
_STAND: Final = Query(
    b"""
    UPDATE webhook_endpoints SET failures = %(failures)s, failing_since = %(failing_since)s,
        last_failure_at = %(last_failure_at)s, hold_until = %(hold_until)s,
        last_success_at = coalesce(%(last_success_at)s, last_success_at)
    WHERE workspace_id = %(workspace_id)s AND id = %(endpoint_id)s
    """,
    row,
    {},
    writes=True,
)
# Told by what waits, and not by what this worker knows: more may have been asked for meanwhile.
_REST: Final = Query(
    b"""
    UPDATE webhook_endpoints e SET next_at = CASE WHEN e.status = 'active' THEN greatest(
        (SELECT min(d.next_at) FROM webhook_deliveries d
         WHERE d.workspace_id = e.workspace_id AND d.endpoint_id = e.id AND d.status = 'pending'),
        CASE WHEN EXISTS (
            SELECT FROM webhook_deliveries d
            WHERE d.workspace_id = e.workspace_id AND d.endpoint_id = e.id
              AND d.status = 'pending') THEN e.hold_until END) END
    WHERE e.workspace_id = %(workspace_id)s AND e.id = %(endpoint_id)s
    """,
    row,
    {},
    writes=True,
)


async def begin(tx: Transaction, claimed: Claimed, *, ring: Keyring, now: datetime) -> Work | None:
    """What is to be sent to this endpoint now; null: nothing, and the lease is given up."""
    tx.act_in([claimed.workspace_id])
    where = _where(claimed)
    found = await tx.first(_FIND, **where)
    if found is None or found.status != EndpointStatus.ACTIVE:
        rest(tx, claimed)
        return None
    if not found.owner_may:
        here = claimed.workspace_id, claimed.id
        await webhook_endpoints.disable(tx, *here, DisabledReason.OWNER_LEFT, now=now)
        rest(tx, claimed)
        return None
    await _read_on(tx, claimed, found, now=now)
    if found.hold_until is not None and found.hold_until > now:
        rest(tx, claimed)
        return None
    tx.act_in([claimed.workspace_id], found.user_id)  # what is read for it, the owner may see
    posts = await _posts(tx, claimed, found, await tx.all(_NEXT, **where, now=now, limit=SLICE))
    if not posts:
        rest(tx, claimed)
        return None
    return Work(
        claimed,
        found.url,
        tuple(_secrets(ring, claimed, found, now=now)),
        _unsealed(ring, claimed, "signing_key", found.signing_key),
        found.user_id,
        found.failures,
        found.failing_since,
        found.last_failure_at,
        tuple(posts),
    )


async def settle(
    tx: Transaction,
    work: Work,
    outcomes: Sequence[Outcome],
    standing: Standing,
    *,
    over: bool,
    now: datetime,
) -> None:
    """Write what came of attempts. `over`: the lease is given up, and the row due when more is."""
    claimed = work.claimed
    tx.act_in([claimed.workspace_id, work.user_id])  # a mail to its owner stands among their own
    if outcomes:
        rows = Jsonb([_settled(each) for each in outcomes])
        tx.run(_SETTLE, workspace_id=claimed.workspace_id, rows=rows)
        tx.run(
            _STAND,
            **_where(claimed),
            failures=standing.failures,
            failing_since=standing.failing_since,
            last_failure_at=standing.last_failure_at,
            last_success_at=standing.last_success_at,
            hold_until=standing.hold_until,
        )
    if standing.disabled is not None:
        await _disable(tx, work, standing.disabled, now=now)
    if over:
        rest(tx, claimed)


def rest(tx: Transaction, claimed: Claimed) -> None:
    """Queue giving up the lease; the row is due again when a delivery is."""
    tx.run(_REST, **_where(claimed))
    due.release(tx, SOURCE, [claimed])


async def _read_on(
    tx: Transaction, claimed: Claimed, endpoint: _Endpoint, *, now: datetime
) -> None:
    """A row for each event that its filter lets through."""
    events = await tx.all(
        _READ, workspace_id=claimed.workspace_id, seq=endpoint.seq, limit=READ_AT_ONCE
    )
    if not events:
        return
    wanted = [
        (seq, kind) for seq, kind, _ in events if webhook_endpoints.matches(endpoint.events, kind)
    ]
    if wanted:
        tx.run(
            _ADD,
            **_where(claimed),
            ids=sorted(uuid7() for _ in wanted),  # pages are in the order of ids
            seqs=[seq for seq, _ in wanted],
            types=[kind for _, kind in wanted],
            message_ids=[webhook_deliveries.message_id(claimed.id, seq) for seq, _ in wanted],
            now=now,
        )
    tx.run(_MOVE_ON, **_where(claimed), seq=events[-1][0])


async def _posts(
    tx: Transaction, claimed: Claimed, endpoint: _Endpoint, found: Sequence[_Due]
) -> list[Post]:
    """Those with a body as it is, the others with one that is written down first."""
    workspace_id = claimed.workspace_id
    made: dict[UUID, bytes | None] = {each.id: each.body for each in found}
    lacking = [each for each in found if each.body is None]
    told = {each.id: event for each in lacking if (event := each.happened(workspace_id))}
    if told:
        owner = Actor(endpoint.user_id, _NOBODY)
        bodies = await webhook_payloads.bodies(tx, owner, endpoint.payload, list(told.values()))
        made |= {key: bodies[event.seq] for key, event in told.items()}
    for each in lacking:
        if each.seq is None:
            made[each.id] = webhook_payloads.trial(
                workspace_id, each.id, each.event_type, at=each.created_at
            )
    kept = {each.id: made[each.id] for each in lacking if made[each.id] is not None}
    if kept:
        tx.run(_KEEP, workspace_id=workspace_id, ids=list(kept), bodies=list(kept.values()))
    if untold := [key for key, body in made.items() if body is None]:
        tx.run(_QUARANTINE, workspace_id=workspace_id, ids=untold, error=UNTOLD)
    return [
        Post(
            each.id,
            each.seq,
            each.message_id,
            each.event_type,
            body,
            each.attempts + 1,
            each.tries + 1,
            each.at or each.created_at,
        )
        for each in found
        if (body := made[each.id]) is not None
    ]


async def _disable(tx: Transaction, work: Work, reason: DisabledReason, *, now: datetime) -> None:
    """And tell its owner, once: whoever finds it disabled already tells nobody."""
    claimed = work.claimed
    if not await webhook_endpoints.disable(tx, claimed.workspace_id, claimed.id, reason, now=now):
        return
    told: Mapping[str, Any] = {
        "workspace_id": claimed.workspace_id,
        "id": uuid7(),
        "user_id": work.user_id,
        "kind": DISABLED,
        "todo_id": None,
        "title": _WHY[reason].format(url=work.url),
        "due_at": None,
    }
    tx.run(deliveries.NOTIFY, rows=Jsonb([told]))
    await account_mails.send(
        tx,
        work.user_id,
        DeliveryKind.WEBHOOK_DISABLED,
        claimed.id,
        about=f"{claimed.id}|{now.isoformat()}",
        now=now,
    )


_WHY: Final = {
    DisabledReason.FAILING: "Nothing could be delivered to {url} for five days: it was disabled",
    DisabledReason.GONE: "{url} says that it is gone: it was disabled",
}


def _settled(outcome: Outcome) -> dict[str, Any]:
    next_at = outcome.next_at
    pending = next_at is not None
    return {
        "id": outcome.post.id,
        "attempt": outcome.post.attempt,
        "tries": outcome.post.tries,
        "status": "delivered" if outcome.delivered else "pending" if pending else "failed",
        "status_code": outcome.status_code,
        "error": outcome.error,
        "next_at": next_at,
        "at": outcome.at,
        "took_ms": round(outcome.took.total_seconds() * 1000),
        "excerpt": outcome.excerpt,
        "delivered_at": outcome.at if outcome.delivered else None,
    }


def _secrets(ring: Keyring, claimed: Claimed, endpoint: _Endpoint, *, now: datetime) -> list[bytes]:
    live = [_unsealed(ring, claimed, "secret", endpoint.secret)]
    until = endpoint.previous_until
    if endpoint.secret_previous is not None and until is not None and until > now:
        live.append(_unsealed(ring, claimed, "secret_previous", endpoint.secret_previous))
    return live


def _unsealed(ring: Keyring, claimed: Claimed, column: str, sealed: bytes) -> bytes:
    return webhook_secrets.unseal(ring, column, claimed.id, claimed.workspace_id, sealed)


def _where(claimed: Claimed) -> dict[str, UUID]:
    return {"workspace_id": claimed.workspace_id, "endpoint_id": claimed.id}
