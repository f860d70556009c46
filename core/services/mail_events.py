"""What the mail service tells of our e-mails afterwards: they left, arrived, came back, annoyed.

Each event is taken once, and the order in which they come does not matter. What proves that the
vendor has a message settles a delivery in doubt, so that it is not sent again. What says that an
address is no good keeps later mail from it, until its owner verifies it anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from core import logs
from core.db import Transaction
from core.events import Event
from core.models.users import Suppression
from core.rules.retries import Reason
from core.services import audits, notification_rows
from core.services.deliveries import Log, entry
from core.statements import Query, row

log = logs.get(__name__)

PROVIDER: Final = "sendgrid"


class Happening(StrEnum):
    PROCESSED = "processed"  # the vendor has it and will deliver it
    DEFERRED = "deferred"  # the other side asked to come back later
    DELIVERED = "delivered"  # the other side took it
    BLOCKED = "blocked"  # it turned this mail away; the next one may be taken
    BOUNCED = "bounced"
    DROPPED = "dropped"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class MailEvent:
    """`address` in lower case; ids are null where the vendor told none of ours."""

    id: str
    what: Happening
    at: datetime
    address: str
    delivery_id: UUID | None
    workspace_id: UUID | None


SUPPRESSES: Final = {
    Happening.BOUNCED: Suppression.BOUNCED,
    Happening.DROPPED: Suppression.DROPPED,
    Happening.COMPLAINED: Suppression.COMPLAINED,
    Happening.UNSUBSCRIBED: Suppression.UNSUBSCRIBED,
}
FAILURES: Final = {
    Happening.BLOCKED: Reason.TURNED_AWAY,
    Happening.BOUNCED: Reason.BOUNCED,
    Happening.DROPPED: Reason.DROPPED,
}
TITLES: Final = {
    Suppression.BOUNCED: "E-mails to your address come back: correct it, or verify it again",
    Suppression.DROPPED: "The mail service keeps our e-mails from you: verify your address again",
    Suppression.COMPLAINED: "You called an e-mail of ours spam, so we send no more: verify your"
    " address again if you want them",
    Suppression.UNSUBSCRIBED: "You turned off all e-mails of ours: verify your address again if"
    " you want them",
}

# In one order, as with all that locks several rows: two batches must not wait for each other.
_TAKE: Final = Query(
    b"""
    INSERT INTO inbound_events (provider, event_id, received_at)
    SELECT %(provider)s, id, %(now)s FROM unnest(%(ids)s::text[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING event_id
    """,
    row,
    {"provider": PROVIDER},
    writes=True,
)
# An event from before the address was verified is about its earlier troubles.
_SUPPRESS: Final = Query(
    b"""
    UPDATE users u SET email_suppressed = told.reason, email_verified_at = NULL,
        version = u.version + 1, updated_at = %(now)s
    FROM (SELECT u.id, x.reason, x.at, u.email_verified_at IS NOT NULL AS verified
          FROM users u JOIN jsonb_to_recordset(%(rows)s) AS x (address text, reason text,
              at timestamptz) ON u.email = x.address
          WHERE u.email = ANY (%(addresses)s::text[])
          ORDER BY u.id FOR NO KEY UPDATE OF u) told
    WHERE u.id = told.id AND u.email_suppressed IS NULL AND u.status = 'active'
      AND (u.email_verified_at IS NULL OR u.email_verified_at <= told.at)
    RETURNING u.id, told.reason, told.verified
    """,
    row,
    {},
    writes=True,
)
# Certain that it went out once: there was one attempt, or one of them in doubt and none since. The
# times of events are whole seconds, cut off: nothing is to look as if it had been sent early.
_SETTLE: Final = Query(
    b"""
    UPDATE deliveries d SET
        status = told.status,
        error = CASE WHEN told.status = 'failed' THEN coalesce(told.failure, d.error)
                     WHEN told.status = 'sent' THEN NULL ELSE d.error END,
        sent_at = CASE WHEN told.status = 'sent'
                       THEN coalesce(d.sent_at, greatest(told.at, d.due_at)) ELSE d.sent_at END,
        next_attempt_at = CASE WHEN told.status IN ('sent', 'failed') THEN NULL
                               ELSE d.next_attempt_at END,
        ambiguous = d.ambiguous AND NOT told.certain,
        log = d.log || CASE WHEN told.status <> d.status AND told.failure IS NULL
                              OR d.ambiguous AND told.certain
                       THEN %(confirmed)s ELSE '[]' END || told.log,
        updated_at = %(now)s
    FROM (
        SELECT d.workspace_id, d.id, x.failure, x.at, x.log,
               CASE WHEN x.failure IS NOT NULL AND d.status IN ('pending', 'sending', 'sent')
                        THEN 'failed'
                    WHEN x.failure IS NOT NULL AND d.status = 'failed' AND d.ambiguous
                        THEN 'failed'
                    WHEN d.status IN ('pending', 'sending') THEN 'sent'
                    WHEN d.status = 'failed' AND d.ambiguous THEN 'sent'
                    ELSE d.status END AS status,
               d.attempts = 1 OR d.status IN ('pending', 'failed') AND
                   (SELECT count(*) FROM jsonb_array_elements(d.log) l
                    WHERE l ->> 'what' = 'ambiguous') = 1 AS certain
        FROM deliveries d
        JOIN jsonb_to_recordset(%(rows)s) AS x (workspace_id uuid, id uuid, failure text,
            at timestamptz, log jsonb) ON x.workspace_id = d.workspace_id AND x.id = d.id
        WHERE d.workspace_id = ANY (%(workspaces)s::uuid[]) AND d.id = ANY (%(ids)s::uuid[])
          AND d.channel = 'email' AND d.attempts > 0
        ORDER BY d.workspace_id, d.id
        FOR NO KEY UPDATE OF d
    ) told
    WHERE d.workspace_id = told.workspace_id AND d.id = told.id
      AND d.workspace_id = ANY (%(workspaces)s::uuid[]) AND d.id = ANY (%(ids)s::uuid[])
      AND (told.status <> d.status OR d.ambiguous AND told.certain OR told.log <> '[]'
           OR told.failure IS NOT NULL AND d.error IS NULL)
    """,
    row,
    {},
    writes=True,
)


async def take(tx: Transaction, events: Sequence[MailEvent], *, now: datetime) -> int:
    """Write what these events change; the number of those that were not known yet."""
    if not events:
        return 0
    taken = await tx.all(_TAKE, ids=sorted({each.id for each in events}), now=now)
    fresh = {each[0]: None for each in taken}
    new = [each for each in {each.id: each for each in events}.values() if each.id in fresh]
    suppressed = await _suppress(tx, new, now=now)
    known = [
        (each, each.workspace_id, each.delivery_id)
        for each in new
        if each.workspace_id is not None and each.delivery_id is not None
    ]
    tx.act_in(sorted({workspace for _, workspace, _ in known} | set(suppressed)))
    _tell(tx, suppressed, now=now)
    if known:
        rows = _rows(known, now=now)
        tx.run(
            _SETTLE,
            rows=Jsonb(rows),
            workspaces=sorted({each["workspace_id"] for each in rows}),
            ids=sorted({each["id"] for each in rows}),
            confirmed=Jsonb([entry(now, "confirmed", "the mail service has it")]),
            now=now,
        )
    return len(new)


async def _suppress(
    tx: Transaction, events: Iterable[MailEvent], *, now: datetime
) -> dict[UUID, tuple[Suppression, bool]]:
    """By person: why their address gets no more mail, and whether it was verified until now."""
    bad: dict[str, dict[str, Any]] = {}
    for each in sorted(events, key=lambda each: each.at):
        if (reason := SUPPRESSES.get(each.what)) is not None and each.address:
            at = min(each.at, now)
            bad[each.address] = {"address": each.address, "reason": reason, "at": at}
    if not bad:
        return {}
    found = await tx.all(_SUPPRESS, rows=Jsonb(list(bad.values())), addresses=list(bad), now=now)
    return {user_id: (Suppression(reason), verified) for user_id, reason, verified in found}


def _tell(
    tx: Transaction, suppressed: dict[UUID, tuple[Suppression, bool]], *, now: datetime
) -> None:
    """Once, in the app: it is the one place that still reaches them."""
    rows = []
    for user_id, (reason, verified) in suppressed.items():
        log.info("email.suppressed", user_id=user_id, reason=reason)
        audits.record(tx, "email.suppressed", actor_id=None, subject_id=user_id)
        if verified:
            before = {"email_verified": True}
            tx.emit(Event(user_id, "user.updated", user_id, ["email_verified"], before))
        kind = "email_suppressed"
        key = uuid5(user_id, f"{kind}|{now.isoformat()}")
        rows.append(notification_rows.told(user_id, user_id, kind, TITLES[reason], key=key))
    notification_rows.add(tx, rows)


def _rows(events: Iterable[tuple[MailEvent, UUID, UUID]], *, now: datetime) -> list[dict[str, Any]]:
    """One for each delivery, whatever was told of it: a statement changes a row once."""
    told: dict[tuple[UUID, UUID], list[MailEvent]] = defaultdict(list)
    for each, workspace_id, delivery_id in events:
        told[workspace_id, delivery_id].append(each)
    rows = []
    for (workspace_id, delivery_id), several in told.items():
        several.sort(key=lambda each: (each.at, each.what))
        lines: Log = [
            entry(each.at, each.what) for each in several if each.what is not Happening.PROCESSED
        ]
        failures = [FAILURES[each.what] for each in several if each.what in FAILURES]
        rows.append(
            {
                "workspace_id": workspace_id,
                "id": delivery_id,
                "failure": failures[-1] if failures else None,
                "at": min(*(each.at for each in several), now),
                "log": lines,
            }
        )
    return rows
