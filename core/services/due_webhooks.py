"""Endpoints that are due: the feed made into deliveries, a slice of these begun, and settled.

`begin` and `settle` are one transaction each. What makes a message arrive in spite of everything,
and under one id however often:
1. `begin` reads on in the feed and writes a row for each event, in the transaction that moves
   `seq`; the row's key refuses a second one for the same event;
2. it writes the bytes before they are sent: a worker that takes over sends the same;
3. `settle` counts an attempt only where none was counted since `begin`, so a worker that was taken
   for dead changes nothing any more; until then the row stays due.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
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
from core.services import (
    account_mails,
    notification_rows,
    webhook_deliveries,
    webhook_endpoints,
    webhook_payloads,
    webhook_secrets,
)
from core.services import webhook_rows as rows
from core.services.webhook_outcomes import Outcome, Post, Standing
from core.services.webhook_rows import DueRow, EndpointRow

SOURCE: Final = SOURCES[Kind.WEBHOOKS]
SLICE: Final = 50  # deliveries
READ_AT_ONCE: Final = 500  # events
UNTOLD: Final = "the message could not be made; this is our fault"
DISABLED: Final = "webhook_disabled"  # a kind of notification
_NOBODY: Final = UUID(int=0)  # services ask who acts, not in which session


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


async def begin(tx: Transaction, claimed: Claimed, *, ring: Keyring, now: datetime) -> Work | None:
    """What is to be sent to this endpoint now; null: nothing, and the lease is given up."""
    tx.act_in([claimed.workspace_id])
    where = _where(claimed)
    found = await tx.first(rows.FIND, **where)
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
    posts = await _posts(tx, claimed, found, await tx.all(rows.NEXT, **where, now=now, limit=SLICE))
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
        settled = Jsonb([each.row() for each in outcomes])
        tx.run(rows.SETTLE, workspace_id=claimed.workspace_id, rows=settled)
        tx.run(
            rows.STAND,
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
    tx.run(rows.REST, **_where(claimed))
    due.release(tx, SOURCE, [claimed])


async def _read_on(
    tx: Transaction, claimed: Claimed, endpoint: EndpointRow, *, now: datetime
) -> None:
    """A row for each event that its filter lets through."""
    events = await tx.all(
        rows.READ, workspace_id=claimed.workspace_id, seq=endpoint.seq, limit=READ_AT_ONCE
    )
    if not events:
        return
    wanted = [
        (seq, kind) for seq, kind, _ in events if webhook_endpoints.matches(endpoint.events, kind)
    ]
    if wanted:
        tx.run(
            rows.ADD,
            **_where(claimed),
            ids=sorted(uuid7() for _ in wanted),  # pages are in the order of ids
            seqs=[seq for seq, _ in wanted],
            types=[kind for _, kind in wanted],
            message_ids=[webhook_deliveries.message_id(claimed.id, seq) for seq, _ in wanted],
            now=now,
        )
    tx.run(rows.MOVE_ON, **_where(claimed), seq=events[-1][0])


async def _posts(
    tx: Transaction, claimed: Claimed, endpoint: EndpointRow, found: Sequence[DueRow]
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
        tx.run(rows.KEEP, workspace_id=workspace_id, ids=list(kept), bodies=list(kept.values()))
    if untold := [key for key, body in made.items() if body is None]:
        tx.run(rows.QUARANTINE, workspace_id=workspace_id, ids=untold, error=UNTOLD)
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
    title = _WHY[reason].format(url=work.url)
    told = notification_rows.told(claimed.workspace_id, work.user_id, DISABLED, title)
    notification_rows.add(tx, [told])
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


def _secrets(
    ring: Keyring, claimed: Claimed, endpoint: EndpointRow, *, now: datetime
) -> list[bytes]:
    live = [_unsealed(ring, claimed, "secret", endpoint.secret)]
    until = endpoint.previous_until
    if endpoint.secret_previous is not None and until is not None and until > now:
        live.append(_unsealed(ring, claimed, "secret_previous", endpoint.secret_previous))
    return live


def _unsealed(ring: Keyring, claimed: Claimed, column: str, sealed: bytes) -> bytes:
    return webhook_secrets.unseal(ring, column, claimed.id, claimed.workspace_id, sealed)


def _where(claimed: Claimed) -> dict[str, UUID]:
    return {"workspace_id": claimed.workspace_id, "endpoint_id": claimed.id}
