"""The sweep: what PostgreSQL says should run is compared with what Temporal knows, once a minute.

Schedules that are missing are made again, open executions that Temporal has forgotten go back into
the outbox, and those that ended without saying so are closed. So Temporal's data may be lost.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client, Schedule, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from core import clock, logs, metrics
from core.db import Database
from core.services import executions
from core.services.executions import Execution
from integrations.temporal import ensure_schedules
from workflows import policies

log = logs.get(__name__)

BATCH = 200
CONCURRENT_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep mended."""

    schedules: int
    requeued: int
    closed: int


class Sweep:
    """`db` works as `vt_worker`. `every` and `age` are arguments for tests only."""

    def __init__(
        self,
        db: Database,
        client: Client,
        schedules: Mapping[str, Schedule],
        *,
        every: timedelta = policies.SWEEP_EVERY,
        age: timedelta = policies.SWEEP_AGE,
    ) -> None:
        self._db = db
        self._client = client
        self._schedules = schedules
        self._every = every
        self._age = age
        self._slots = asyncio.Semaphore(CONCURRENT_LOOKS)

    async def run(self) -> None:
        """Sweep until cancelled, whatever happens to Temporal and PostgreSQL meanwhile."""
        renewed = False
        while True:
            try:
                # A deployment's new specification is written once; after that only what is missing.
                swept = await self.once(update=not renewed)
                renewed = True
                if swept != Swept(0, 0, 0):
                    log.info("sweep.mended", count=swept.schedules + swept.requeued + swept.closed)
                wait = self._every
            except Exception as error:  # noqa: BLE001 - the next sweep is the answer to any failure
                log.warning("sweep.failed", error=error)
                wait = min(self._every, policies.BACK_OFF_LONGEST)
            await asyncio.sleep(wait.total_seconds())

    async def once(self, *, update: bool = False) -> Swept:
        """One sweep. `update` also renews the specification of Schedules that are there."""
        created = await ensure_schedules(self._client, self._schedules, update=update)
        requeued = closed = 0
        after: Execution | None = None
        while True:
            async with self._db.transaction(read_only=True) as tx:
                batch = await executions.unclosed(tx, age=self._age, after=after, limit=BATCH)
            if not batch:
                return Swept(created, requeued, closed)
            after = batch[-1]
            lost, ended = await self._compare(batch)
            async with self._db.transaction() as tx:
                for execution in lost:
                    executions.requeue(tx, execution.workflow_id)
                for execution in ended:
                    executions.close(tx, execution.workflow_id, now=clock.now())
            for execution in lost:
                metrics.WORKFLOWS_REQUEUED.labels(execution.type).inc()
            requeued += len(lost)
            closed += len(ended)

    async def _compare(self, batch: Sequence[Execution]) -> tuple[list[Execution], list[Execution]]:
        """Those that Temporal does not know, and those that it knows to have ended."""
        found = await asyncio.gather(*(self._status(execution) for execution in batch))
        pairs = list(zip(batch, found, strict=True))
        lost = [execution for execution, status in pairs if status is None]
        running = WorkflowExecutionStatus.RUNNING
        ended = [execution for execution, status in pairs if status not in (None, running)]
        return lost, ended

    async def _status(self, execution: Execution) -> WorkflowExecutionStatus | None:
        async with self._slots:
            handle = self._client.get_workflow_handle(execution.workflow_id)
            try:
                description = await handle.describe(rpc_timeout=policies.RPC_TIMEOUT)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return None
                raise
        return description.status
