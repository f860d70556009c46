"""Parked deliveries whose time has come: another attempt each, as their workflow would make it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from core import due
from core.db import Transaction
from core.due import Claimed
from core.models.deliveries import Channel
from core.services import attempts, deliveries, parked_rows
from core.services.attempts import Over
from core.services.deliveries import Send
from core.services.due_messages import Begun, Done

SOURCE: Final = parked_rows.SOURCE


async def begin(
    tx: Transaction,
    claimed: Claimed,
    *,
    now: datetime,
    dev: bool,
    vendors: Collection[Channel],
    patience: timedelta,
) -> Begun[None] | None:
    """Write that another attempt begins. Null: there will be none, or not now; that is finished."""
    found = await attempts.begin(
        tx, claimed.workspace_id, claimed.id, now=now, dev=dev, vendors=vendors, patience=patience
    )
    if isinstance(found, Send):
        return Begun(claimed, (found,), None)
    tx.act_in([claimed.workspace_id])
    if isinstance(found, Over):
        parked_rows.remove(tx, [claimed])
    else:
        parked_rows.rest(tx, [(claimed, found.next_at)])
    return None


async def finish(tx: Transaction, done: Sequence[Done[None]]) -> None:
    """Settle the attempts and the leases; what failed for a passing reason waits on here."""
    tx.act_in(list({each.claimed.workspace_id for each in done}))
    outcomes = [outcome for each in done for outcome in each.outcomes]
    settled = await deliveries.settle(tx, outcomes)
    ours = [each for each in done if each.claimed.id in settled]
    again = [(each.claimed, each.outcomes[0].next_at) for each in ours]
    parked_rows.rest(tx, [(claimed, at) for claimed, at in again if at is not None])
    parked_rows.remove(tx, [claimed for claimed, at in again if at is None])
    due.release(tx, SOURCE, [each.claimed for each in done if each not in ours])
