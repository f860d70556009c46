"""The work on due messages: ledger, vendors, ledger. Correct wherever it is killed.

1. `begin`: one transaction writes the deliveries of the whole batch as `sending`.
2. Every send that still has 6 s of its lease left goes out, many at a time.
3. What came of each is settled at once, some 20 ms together, so that a kill leaves few in doubt.
   What failed for a passing reason gets a workflow of its own; one of many is parked.
Killed between 1 and 3, a delivery stands as `sending`: whoever takes the lease over flags it as
ambiguous and sends it again under its key. Killed elsewhere, nothing is in doubt.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from activities.channels import Channels, observe_lateness
from activities.circuits import provider
from activities.shift import Hand
from core import clock, faults, logs, metrics
from core.db import Database, Transaction
from core.due import Claimed, Source
from core.errors import Unavailable
from core.models.deliveries import Channel, DeliveryStatus
from core.rules.retries import Reason
from core.services.deliveries import Failed, Outcome, Send
from core.services.due_ledger import Decided
from core.services.due_messages import Begun, Done

log = logs.get(__name__)
ThenT = TypeVar("ThenT")

GATHER_S: Final = 0.02
SETTLE_AT_A_TIME: Final = 200
TRANSACTIONS: Final = 2  # begins at a time; the pool also settles and retries
PATIENCE: Final = (0.1, 0.3, 1.0, 2.0)  # while PostgreSQL does not answer; less than a lease


class Work(Protocol[ThenT]):
    """What a kind does in the database; each in the transaction that it is given."""

    @property
    def source(self) -> Source: ...

    @property
    def noun(self) -> str:
        """Its name in the fault points that tests ask for."""

    def tidy(self, tx: Transaction) -> None:
        """As a `Handler`'s."""

    async def begin(
        self,
        tx: Transaction,
        batch: Sequence[Claimed],
        *,
        now: datetime,
        dev: bool,
        vendors: Collection[Channel],
        patience: timedelta,
    ) -> tuple[list[Begun[ThenT]], list[Decided]]:
        """Write what is to be sent as `sending`; finish what needs no sending."""

    async def finish(self, tx: Transaction, done: Sequence[Done[ThenT]]) -> None:
        """Settle what was sent, or failed; finish the rows, release the leases."""


class Messages(Generic[ThenT]):
    """The handler of a kind that sends messages. `app_db` works as `vt_app`."""

    def __init__(
        self,
        work: Work[ThenT],
        app_db: Database,
        channels: Channels,
        *,
        dev: bool,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._work = work
        self._db = app_db
        self._channels = channels
        self._dev = dev
        self._now = now
        self._begins = asyncio.Semaphore(TRANSACTIONS)
        self._settler = _Settler(app_db, work)

    @property
    def source(self) -> Source:
        return self._work.source

    def tidy(self, tx: Transaction) -> None:
        self._work.tidy(tx)

    async def work(self, batch: Sequence[Claimed], hand: Hand) -> None:
        begun = await self._begin(batch)
        faults.point(f"{self._work.noun}_after_begin")
        await asyncio.gather(*(self._send(each, hand) for each in begun))

    async def _begin(self, batch: Sequence[Claimed]) -> list[Begun[ThenT]]:
        begun: list[Begun[ThenT]] = []
        decided: list[Decided] = []

        async def write(tx: Transaction) -> None:
            nonlocal begun, decided
            begun, decided = await self._work.begin(
                tx,
                batch,
                now=self._now(),
                dev=self._dev,
                vendors=self._channels.names,
                patience=self._channels.patience,
            )

        async with self._begins:
            try:
                await self._persist(write)
            except Unavailable:
                raise
            except Exception as error:  # one row that the database refuses must not stop the rest
                if len(batch) == 1:
                    log.error(
                        "message.refused",
                        kind=self.source.kind,
                        subject_id=batch[0].id,
                        error=error,
                    )
                    raise
                half = len(batch) // 2
                parts = batch[:half], batch[half:]
            else:
                for each in decided:
                    _count(each, self._now())
                return begun
        found = await asyncio.gather(*map(self._begin, parts), return_exceptions=True)
        return [each for part in found if isinstance(part, list) for each in part]

    async def _send(self, begun: Begun[ThenT], hand: Hand) -> None:
        """Send all of one row, and settle it."""
        first, *others = begun.sends
        if others:
            attempts = (self._attempt(send, begun.claimed, hand) for send in begun.sends)
            outcomes = await asyncio.gather(*attempts)
        else:  # nearly always: it needs no task of its own
            outcomes = [await self._attempt(first, begun.claimed, hand)]
        await self._settler.settle(Done(begun.claimed, tuple(outcomes), begun.then))

    async def _attempt(self, send: Send, claimed: Claimed, hand: Hand) -> Outcome:
        async with self._channels.slot(send.channel):
            if not hand.is_safe(claimed):
                # Not the vendor's fault, and rarely alone.
                short = Failed(Reason.LEASE_RAN_SHORT, permanent=False, parked=provider(send))
                return Outcome(send, short, self._now())
            outcome = await self._channels.deliver(send)
        faults.point(f"{self._work.noun}_after_send")
        return outcome

    async def _persist(self, write: Callable[[Transaction], Awaitable[None]]) -> None:
        await _persist(self._db, write)


class _Settler(Generic[ThenT]):
    """Settles finished rows of all batches, those of some 20 ms in one transaction."""

    def __init__(self, db: Database, work: Work[ThenT]) -> None:
        self._db = db
        self._work = work
        self._waiting: list[tuple[Done[ThenT], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def settle(self, done: Done[ThenT]) -> None:
        """Returns when it stands in the database, or cannot be brought there."""
        settled = asyncio.get_running_loop().create_future()
        self._waiting.append((done, settled))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        await settled

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_S)
            some = self._waiting[:SETTLE_AT_A_TIME]
            del self._waiting[:SETTLE_AT_A_TIME]
            rows = [done for done, _ in some]
            try:
                await _persist(self._db, lambda tx, rows=rows: self._work.finish(tx, rows))  # type: ignore[misc]  # bound now, not late
            except Exception as error:  # noqa: BLE001 - they stay `sending`: flagged when taken over
                log.error(
                    "message.unsettled", kind=self._work.source.kind, count=len(rows), error=error
                )
            for _, settled in some:
                if not settled.done():
                    settled.set_result(None)


async def _persist(db: Database, write: Callable[[Transaction], Awaitable[None]]) -> None:
    """In one transaction; again, for a few seconds, while the database does not answer."""
    for patience in (*PATIENCE, None):
        try:
            async with db.transaction() as tx:
                await write(tx)
        except Unavailable:
            if patience is None:
                raise
            await asyncio.sleep(patience)
        else:
            return


def _count(decided: Decided, now: datetime) -> None:
    metrics.DELIVERIES.labels(decided.send.channel, decided.status).inc()
    if decided.status is DeliveryStatus.SENT:
        observe_lateness(decided.send, now)
