"""Endpoints and deliveries as the work on them reads them, and its statements."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from core.services.webhook_payloads import Happened
from core.statements import Query, row


@dataclass(frozen=True, slots=True)
class EndpointRow:
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
class DueRow:
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


FIND: Final = Query(
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
    EndpointRow.of_row,
    {},
    writes=False,
)
READ: Final = Query(
    b"""
    SELECT seq, type, at FROM events
    WHERE workspace_id = %(workspace_id)s AND seq > %(seq)s ORDER BY seq LIMIT %(limit)s
    """,
    row,
    {},
    writes=False,
)
ADD: Final = Query(
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
MOVE_ON: Final = Query(
    b"""
    UPDATE webhook_endpoints SET seq = %(seq)s
    WHERE workspace_id = %(workspace_id)s AND id = %(endpoint_id)s
    """,
    row,
    {},
    writes=True,
)
NEXT: Final = Query(
    b"""
    SELECT d.id, d.event_seq, d.event_type, d.message_id, d.body, d.attempts, d.tries,
           d.created_at, e.subject_id, e.actor_id, e.change_set_id, e.changed, e.at
    FROM webhook_deliveries d
    LEFT JOIN events e ON e.workspace_id = d.workspace_id AND e.seq = d.event_seq
    WHERE d.workspace_id = %(workspace_id)s AND d.endpoint_id = %(endpoint_id)s
      AND d.status = 'pending' AND d.next_at <= %(now)s
    ORDER BY d.next_at, d.event_seq LIMIT %(limit)s
    """,
    DueRow,
    {},
    writes=False,
)
KEEP: Final = Query(
    b"""
    UPDATE webhook_deliveries d SET body = x.body
    FROM unnest(%(ids)s::uuid[], %(bodies)s::bytea[]) AS x (id, body)
    WHERE d.workspace_id = %(workspace_id)s AND d.id = x.id
    """,
    row,
    {},
    writes=True,
)
QUARANTINE: Final = Query(
    b"""
    UPDATE webhook_deliveries SET status = 'failed', next_at = NULL, error = %(error)s
    WHERE workspace_id = %(workspace_id)s AND id = ANY (%(ids)s::uuid[])
    """,
    row,
    {},
    writes=True,
)
SETTLE: Final = Query(
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
STAND: Final = Query(
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
# Where the feed was not read to its end it stays due: looks wake for what was written just now.
REST: Final = Query(
    b"""
    UPDATE webhook_endpoints e SET next_at = (
        SELECT greatest(w.waits, e.hold_until)
        FROM (SELECT least(
            (SELECT min(d.next_at) FROM webhook_deliveries d
             WHERE d.workspace_id = e.workspace_id AND d.endpoint_id = e.id
               AND d.status = 'pending'),
            (SELECT e.next_at FROM feeds f
             WHERE f.workspace_id = e.workspace_id AND f.seq > e.seq)) AS waits) w
        WHERE e.status = 'active' AND w.waits IS NOT NULL)
    WHERE e.workspace_id = %(workspace_id)s AND e.id = %(endpoint_id)s
    """,
    row,
    {},
    writes=True,
)
