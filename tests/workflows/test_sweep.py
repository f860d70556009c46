import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
)

from core import clock, keys
from core.db import Database
from core.services import executions
from integrations.temporal import connect
from tests import temporal
from tests.patience import until
from tests.workflows.test_relay import ask, ledger, until_empty, waiting
from workflows.relay import Relay
from workflows.sweep import Sweep, Swept

NONE = timedelta(0)
SCHEDULES = {
    "hourly": Schedule(
        action=ScheduleActionStartWorkflow("Nobody", id="nobody", task_queue="nobody"),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))]),
    )
}


async def test_what_runs_is_left_alone_and_what_ended_is_closed(
    db: Database, temporal_client: Client
) -> None:
    runs, ended, closed = await ask(db, 3)
    await Relay(db, temporal_client).step()
    await temporal_client.get_workflow_handle(ended).terminate()
    async with db.transaction() as tx:
        executions.close(tx, closed, now=clock.now())
    assert await Sweep(db, temporal_client, {}, age=NONE).once() == Swept(0, 0, 1)
    assert await ledger(db) == {runs: True, ended: False, closed: False}
    assert await waiting(db) == []


async def test_the_young_and_the_waiting_are_none_of_its_business(
    db: Database, temporal_client: Client
) -> None:
    await ask(db)
    await Relay(db, temporal_client, attempts=1).step()
    await ask(db, kind="NoSuchWorkflow")
    await Relay(db, temporal_client, attempts=1).step()
    [dead] = await waiting(db)
    assert dead.dead_at is not None
    assert await Sweep(db, temporal_client, {}, age=timedelta(minutes=1)).once() == Swept(0, 0, 0)
    assert await Sweep(db, temporal_client, {}, age=NONE).once() == Swept(0, 0, 0)
    assert await waiting(db) == [dead]


async def test_more_than_a_batch_is_swept(
    db: Database, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.sweep.BATCH", 3)
    asked = await ask(db, 8)
    await Relay(db, temporal_client).step()
    for workflow_id in asked:
        await temporal_client.get_workflow_handle(workflow_id).terminate()
    assert await Sweep(db, temporal_client, {}, age=NONE).once() == Swept(0, 0, 8)
    assert not any((await ledger(db)).values())


async def test_a_wiped_temporal_is_rebuilt(db: Database) -> None:
    """Killed, its file deleted, started again: nothing that was open is lost (F7)."""
    with temporal.server() as server:
        client = await connect(server.settings, keys.load(server.settings))
        relay = Relay(db, client)
        sweep = Sweep(db, client, SCHEDULES, every=timedelta(seconds=0.5), age=NONE)
        tasks = [asyncio.create_task(relay.run()), asyncio.create_task(sweep.run())]
        try:
            asked = await ask(db, 20)
            await until_empty(db)
            async with db.transaction() as tx:
                executions.close(tx, asked[0], now=clock.now())
            server.kill()
            server.wipe()
            late = await ask(db, 5)
            server.start()
            lost = [*asked[1:], *late]
            await until(lambda: _all_run(client, lost))
            await until_empty(db)
            await client.get_schedule_handle("hourly").describe()
            assert not await _all_run(client, asked[:1])
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def _all_run(client: Client, ids: list[str]) -> bool:
    running = {found.id async for found in client.list_workflows("ExecutionStatus = 'Running'")}
    return running >= set(ids)
