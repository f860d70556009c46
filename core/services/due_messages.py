"""What kinds that send messages share: begun under a lease, settled by attempt, or put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from core import due
from core.db import Transaction
from core.due import Claimed, Source
from core.services import deliveries
from core.services.deliveries import Outcome, Send

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
    """Settle the deliveries; one that failed for a passing reason gets its workflow.

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
    deliveries.ask_for_retries(
        tx, (outcome for each in ours for outcome in each.outcomes if outcome.next_at)
    )
    return ours


async def put_back(
    tx: Transaction, source: Source, done: Sequence[Done[ThenT]], *, wait: timedelta
) -> None:
    """Settle the failures of a batch that failed as a whole; a tick takes them again after `wait`.

    Their rows stay due, their deliveries pending, and no workflow is asked for.
    """
    tx.act_in(list({each.claimed.workspace_id for each in done}))
    await deliveries.settle(tx, [outcome for each in done for outcome in each.outcomes])
    due.rest(tx, source, [each.claimed for each in done], wait=wait)
