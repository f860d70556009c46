"""One attempt of one delivery, for the workflow that repeats it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from temporalio import activity

from activities import errors
from activities.channels import Channels
from activities.heartbeats import beating
from core import clock, faults
from core.db import Database
from core.errors import Error
from core.messages import DeliveryMessage
from core.models.deliveries import Channel
from core.rules.retries import Reason
from core.services import attempts
from core.services.attempts import NotYet, Over
from core.services.deliveries import Failed, Outcome


class Verdict(StrEnum):
    OVER = "over"  # sent, or not to be sent any more: nothing is left to do
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Step:
    """What came of it. `wait_ms` counts from now: the clocks of servers need not agree."""

    verdict: Verdict
    attempts: int
    channel: Channel | None
    reason: Reason | None
    wait_ms: int


class Deliveries:
    """`app_db` works as `vt_app`; in the `dev` profile unverified addresses get mail."""

    def __init__(
        self,
        app_db: Database,
        channels: Channels,
        *,
        dev: bool,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = app_db
        self._channels = channels
        self._dev = dev
        self._now = now

    @activity.defn(name="attempt_delivery")
    async def attempt(self, message: DeliveryMessage) -> Step:
        """Send it if it is time, still wanted and still useful; how long to wait otherwise.

        Run twice, the second finds what the first wrote: it is over, or not yet time again; or
        the first was killed while sending, which is flagged ambiguous, and sent under its key.
        """
        try:
            async with beating():
                return await self._attempt(message)
        except Error as error:
            raise errors.translate(error) from error

    async def _attempt(self, message: DeliveryMessage) -> Step:
        # Taken before the ledger says that it is under way. Older messages do not say by what.
        channel = Channel(message.queue) if message.queue else Channel.EMAIL
        async with self._channels.slot(channel):
            async with self._db.transaction() as tx:
                found = await attempts.begin(
                    tx,
                    message.workspace_id,
                    message.delivery_id,
                    now=self._now(),
                    dev=self._dev,
                    vendors=self._channels.names,
                    patience=self._channels.patience,
                )
            if isinstance(found, Over):
                return Step(Verdict.OVER, found.attempts, found.channel, found.reason, 0)
            if isinstance(found, NotYet):
                wait = _ms(found.next_at - self._now())
                return Step(Verdict.AGAIN, found.attempts, found.channel, found.reason, wait)
            faults.point("delivery_before_send")
            outcome = await self._channels.deliver(found)
        faults.point("delivery_after_send")
        async with self._db.transaction() as tx:
            await attempts.finish(tx, outcome)
        return self._step(outcome)

    def _step(self, outcome: Outcome) -> Step:
        send, result, next_at = outcome.send, outcome.result, outcome.next_at
        reason = result.reason if isinstance(result, Failed) else None
        if next_at is None:
            return Step(Verdict.OVER, send.attempt, send.channel, reason, 0)
        return Step(Verdict.AGAIN, send.attempt, send.channel, reason, _ms(next_at - self._now()))


def _ms(wait: timedelta) -> int:
    return max(ceil(wait.total_seconds() * 1000), 0)
