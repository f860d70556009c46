"""The relay: outbox rows become workflows. Runs in every worker; rows are shared by leases.

1. Claim a batch. Its executions are recorded in the same statement, before anything starts.
2. Start each. The same id twice is one workflow, so a start whose answer was lost is repeated.
3. Settle: the row goes. A worker that dies between 2 and 3 leaves a lease that ends by itself.

When Temporal does not answer, the whole relay backs off and rows keep their place: that is not
their fault. A row that Temporal refuses is, and after some attempts it is a dead letter.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from core import clock, logs, metrics
from core.db import Database, Transaction
from core.models.outbox import OutboxAction
from core.services import executions, outbox
from core.services.outbox import Claimed
from workflows import dispatch, policies
from workflows.dispatch import ROUTES, Route, Undispatchable

log = logs.get(__name__)

BATCH = 100
CONCURRENT_STARTS = 50
MEASURE_EVERY = timedelta(seconds=5)
# Of everything else that Temporal may answer a repetition can come right.
_REFUSALS = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.OUT_OF_RANGE}


class TemporalAway(Exception):
    """Temporal does not answer, or not for now."""


@dataclass(slots=True)
class _Outcome:
    """What became of a batch's rows; what is in none of these was not tried."""

    done: list[Claimed] = field(default_factory=list)
    refused: list[tuple[Claimed, str]] = field(default_factory=list)
    away: BaseException | None = None


class Relay:
    """`db` works as `vt_worker`. The numbers are arguments for tests only."""

    def __init__(
        self,
        db: Database,
        client: Client,
        *,
        routes: Mapping[str, Route] = ROUTES,
        batch: int = BATCH,
        lease: timedelta = policies.OUTBOX_LEASE,
        attempts: int = policies.OUTBOX_ATTEMPTS,
    ) -> None:
        self._db = db
        self._client = client
        self._routes = routes
        self._batch = batch
        self._lease = lease
        self._attempts = attempts
        self._slots = asyncio.Semaphore(CONCURRENT_STARTS)

    async def run(self) -> None:
        """Relay until cancelled, whatever happens to Temporal and PostgreSQL meanwhile."""
        failures = 0
        measured = -MEASURE_EVERY.total_seconds()
        while True:
            full = False
            try:
                # While it is away one row is enough to find out.
                full = await self.step(limit=1 if failures else self._batch)
                if failures:
                    log.info("relay.back", attempts=failures)
                failures = 0
                now = asyncio.get_running_loop().time()
                if now - measured >= MEASURE_EVERY.total_seconds():
                    measured = now
                    await self.measure()
            except Exception as error:  # noqa: BLE001 - the relay outlives every single failure
                if failures == 0:
                    log.warning("relay.away", error=error.__cause__ or error)
                failures += 1
            if failures:
                await asyncio.sleep(_jitter(failures).total_seconds())
            elif not full:
                await asyncio.sleep(policies.OUTBOX_POLL.total_seconds())

    async def step(self, *, limit: int | None = None) -> bool:
        """Relay one batch and answer whether it was full. Raises `TemporalAway`, `Unavailable`."""
        limit = limit or self._batch
        async with self._db.transaction() as tx:
            rows = await outbox.claim(tx, limit=limit, lease=self._lease)
        if not rows:
            return False
        outcome = _Outcome()
        # A start and the cancellation that follows it keep their order; the rest has none.
        by_workflow: dict[str, list[Claimed]] = {}
        for row in rows:
            by_workflow.setdefault(row.workflow_id, []).append(row)
        groups = by_workflow.values()
        try:
            await asyncio.gather(*(self._relay_all(group, outcome) for group in groups))
        finally:  # when stopped as well: others need not wait for this lease to end
            await self._settle(rows, outcome)
        metrics.TEMPORAL_UP.set(0 if outcome.away else 1)
        if outcome.away is not None:
            raise TemporalAway from outcome.away
        return len(rows) == limit

    async def measure(self) -> None:
        async with self._db.transaction(read_only=True) as tx:
            depth = await outbox.depth(tx)
        metrics.OUTBOX_DEPTH.set(depth.waiting)
        metrics.OUTBOX_DEAD.set(depth.dead)
        metrics.OUTBOX_OLDEST_AGE.set(depth.oldest_s)

    async def _relay_all(self, rows: Sequence[Claimed], outcome: _Outcome) -> None:
        for row in sorted(rows, key=lambda row: row.created_at):
            async with self._slots:
                if outcome.away is None:
                    await self._relay(row, outcome)

    async def _relay(self, row: Claimed, outcome: _Outcome) -> None:
        try:
            # The SDK repeats a call for up to 10 s of its own accord; the lease does not wait.
            async with asyncio.timeout(policies.RPC_TIMEOUT.total_seconds() + 1):
                await self._call(row)
        except WorkflowAlreadyStartedError:
            outcome.done.append(row)
        except RPCError as error:
            if error.status in _REFUSALS:
                outcome.refused.append((row, error.status.name))
            else:
                outcome.away = error
        except (TimeoutError, RuntimeError) as error:
            outcome.away = error
        except Undispatchable as error:
            outcome.refused.append((row, str(error)))
        except Exception as error:  # noqa: BLE001 - one row must not hold up all others
            log.error("relay.row_failed", outbox_id=row.id, error=error)
            outcome.refused.append((row, type(error).__name__))
        else:
            outcome.done.append(row)

    async def _call(self, row: Claimed) -> None:
        if row.action == OutboxAction.START:
            if row.done:  # asked for once more after it had its effect
                return
            await dispatch.start(self._client, row, self._routes)
            metrics.WORKFLOWS_STARTED.labels(row.workflow_type).inc()
        elif row.action == OutboxAction.CANCEL:
            await self._cancel(row)
        else:
            raise Undispatchable(f"nothing is sent by {row.action} yet")

    async def _cancel(self, row: Claimed) -> None:
        try:
            handle = self._client.get_workflow_handle(row.workflow_id)
            await handle.cancel(rpc_timeout=policies.RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            async with self._db.transaction() as tx:
                if await outbox.starts_after_all(tx, row):
                    raise Undispatchable("its start is still to come") from error
                executions.close(tx, row.workflow_id, now=clock.now())

    async def _settle(self, rows: Sequence[Claimed], outcome: _Outcome) -> None:
        finished = {row.id for row in outcome.done} | {row.id for row, _ in outcome.refused}
        async with self._db.transaction() as tx:
            outbox.settle(tx, outcome.done)
            outbox.release(tx, [row for row in rows if row.id not in finished])
            for row, reason in outcome.refused:
                self._refuse(tx, row, reason)
        if outcome.done:
            log.info("outbox.settled", count=len(outcome.done))

    def _refuse(self, tx: Transaction, row: Claimed, reason: str) -> None:
        attempts = row.attempts + 1
        if attempts >= self._attempts:
            outbox.dead_letter(tx, row, reason=reason)
            log.error("outbox.dead", outbox_id=row.id, workflow_type=row.workflow_type)
            return
        wait = min(timedelta(seconds=2**attempts), policies.OUTBOX_LONGEST_WAIT)
        outbox.fail(tx, row, reason=reason, wait=wait)
        log.warning("outbox.refused", outbox_id=row.id, attempts=attempts, reason=reason)


def _jitter(failures: int) -> timedelta:
    doubled = policies.BACK_OFF_FIRST * float(1 << min(failures, 10))
    longest = min(doubled, policies.BACK_OFF_LONGEST)
    return longest * random.random()  # noqa: S311 (spreads load; nobody gains by guessing it)
