"""What kinds that send messages share: begun under a lease, settled by attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from core.db import Transaction
from core.due import Claimed
from core.services import deliveries, parked_rows
from core.services.deliveries import Failed, Outcome, Send

ThenT = TypeVar("ThenT")


@dataclass(frozen=True, slots=True)
class Begun(Generic[ThenT]):
    """A due row whose messages are on their way; with nothing to send it is finished already."""

    claimed: Claimed
    sends: tuple[Send, ...]
    then: ThenT | None


@dataclass(frozen=True, slots=True)
class Done(Generic[ThenT]):
    """A begun row, what came of each of its sends, and what it waits for after that."""

    claimed: Claimed
    outcomes: tuple[Outcome, ...]
    then: ThenT | None = None


async def settle(tx: Transaction, done: Sequence[Done[ThenT]]) -> list[Done[ThenT]]:
    """Settle the deliveries; what failed for a passing reason gets its workflow, or is parked.

    Answers those that were still ours to settle: their rows are yet to be finished, and then the
    leases released (in this order: whoever claims locks a row before its lease).
    """
    tx.act_in(list({each.claimed.workspace_id for each in done}))
    outcomes = [outcome for each in done for outcome in each.outcomes]
    settled = await deliveries.settle(tx, outcomes)
    ours = [
        each
        for each in done
        if all(outcome.send.delivery_id in settled for outcome in each.outcomes)
    ]
    parking: list[tuple[Send, str, datetime]] = []
    for outcome in (outcome for each in ours for outcome in each.outcomes):
        if outcome.next_at is None:
            continue
        if isinstance(outcome.result, Failed) and outcome.result.parked:
            parking.append((outcome.send, outcome.result.parked, outcome.next_at))
        else:
            deliveries.ask_for_workflow(tx, outcome.send)
    parked_rows.add(tx, parking)
    return ours
