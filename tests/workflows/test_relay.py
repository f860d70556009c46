import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import bindparam, select, update
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from core import clock, keys, outbox
from core.db import Database
from core.errors import NotFound
from core.messages import DeliveryMessage
from core.models.outbox import Executions, Outbox
from core.services import executions
from core.services import outbox as reading
from core.statements import query
from integrations.temporal import connect
from tests import temporal
from tests.patience import until
from workflows.relay import Relay, TemporalAway

TENANT = UUID(int=1)
OPEN = query(select(Executions.workflow_id, Executions.open).order_by(Executions.started_at))
HURRY = query(update(Outbox).values(available_at=Outbox.created_at))
MISREAD = query(update(Outbox).values(arguments=bindparam("arguments")))


async def ask(db: Database, count: int = 1, *, kind: str = "RetryDelivery") -> list[str]:
    """The ids of so many workflows that a committed change asked for."""
    asked = []
    async with db.transaction() as tx:
        for _ in range(count):
            delivery = uuid4()
            asked.append(f"delivery:{delivery}")
            outbox.start(
                tx,
                kind,
                asked[-1],
                subject_id=delivery,
                tenant=TENANT,
                priority=2,
                workspace_id=TENANT,
                delivery_id=delivery,
            )
    return asked


async def waiting(db: Database) -> list[reading.Entry]:
    async with db.transaction(read_only=True) as tx:
        return await reading.entries(tx)


async def ledger(db: Database) -> dict[str, bool]:
    async with db.transaction(read_only=True) as tx:
        return dict(await tx.all(OPEN))


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_empty(db: Database) -> None:
    async def empty() -> bool:
        return not await waiting(db)

    await until(empty)


async def test_a_row_becomes_a_workflow_that_an_operator_can_read(
    db: Database, temporal_client: Client
) -> None:
    [workflow_id] = await ask(db)
    assert await Relay(db, temporal_client).step() is False
    handle = temporal_client.get_workflow_handle(workflow_id)
    found = await handle.describe()
    assert found.workflow_type == "RetryDelivery"
    assert found.task_queue == "voicetodo"
    assert "one delivery" in (await found.static_summary() or "")
    attributes = {pair.key.name: pair.value for pair in found.typed_search_attributes}
    subject = workflow_id.removeprefix("delivery:")
    assert attributes["VoiceTodoKind"] == "RetryDelivery"
    assert attributes["VoiceTodoSubject"] == subject
    priority = found.raw_description.workflow_execution_info.priority
    assert (priority.priority_key, priority.fairness_key) == (2, str(TENANT))
    history = await handle.fetch_history()
    payloads = history.events[0].workflow_execution_started_event_attributes.input.payloads
    [message] = await temporal_client.data_converter.decode(payloads, [DeliveryMessage])
    assert message == DeliveryMessage(TENANT, UUID(subject))
    assert await waiting(db) == []
    assert await ledger(db) == {workflow_id: True}


async def test_the_same_id_is_one_workflow_however_often(
    db: Database, temporal_client: Client
) -> None:
    [workflow_id] = await ask(db)
    relay = Relay(db, temporal_client)
    await relay.step()
    handle = temporal_client.get_workflow_handle(workflow_id)
    first = (await handle.describe()).run_id
    subject = UUID(workflow_id.removeprefix("delivery:"))
    for ended in (False, True):
        if ended:
            await handle.terminate()
        async with db.transaction() as tx:
            outbox.start(
                tx,
                "RetryDelivery",
                workflow_id,
                subject_id=subject,
                tenant=TENANT,
                workspace_id=TENANT,
                delivery_id=subject,
            )
        await relay.step()
        assert await waiting(db) == []
        assert (await handle.describe()).run_id == first


async def test_what_had_its_effect_does_not_run_again_when_temporal_forgot_it(
    db: Database, temporal_client: Client
) -> None:
    [workflow_id] = await ask(db)
    async with db.transaction() as tx:
        [row] = await reading.claim(tx, limit=10, lease=timedelta(0))
    assert not row.done
    async with db.transaction() as tx:
        executions.close(tx, workflow_id, now=clock.now())
    await Relay(db, temporal_client).step()
    assert await waiting(db) == []
    assert await ledger(db) == {workflow_id: False}
    with pytest.raises(RPCError, match="not found"):
        await temporal_client.get_workflow_handle(workflow_id).describe()


async def test_relays_share_rows_and_lose_none(db: Database, temporal_client: Client) -> None:
    asked = await ask(db, 120)
    relays = [Relay(db, temporal_client, batch=20) for _ in range(3)]
    async with running(relays[0]), running(relays[1]), running(relays[2]):
        await until_empty(db)
    assert set(await ledger(db)) == set(asked)
    found = await asyncio.gather(
        *(temporal_client.get_workflow_handle(one).describe() for one in asked)
    )
    assert {one.status for one in found} == {WorkflowExecutionStatus.RUNNING}


async def test_a_dead_relays_rows_are_taken_when_its_lease_ends(
    db: Database, temporal_client: Client
) -> None:
    await ask(db, 3)
    async with db.transaction() as tx:
        taken = await reading.claim(tx, limit=10, lease=timedelta(minutes=5))
    relay = Relay(db, temporal_client)
    await relay.step()
    assert len(await waiting(db)) == 3
    async with db.transaction() as tx:
        tx.run(HURRY)
    await relay.step()
    assert await waiting(db) == []
    await ask(db, 1)
    async with db.transaction() as tx:
        reading.settle(tx, taken)  # too late, and not its row
    assert len(await waiting(db)) == 1


async def test_a_lost_lease_settles_nothing(db: Database) -> None:
    await ask(db)
    async with db.transaction() as tx:
        first = await reading.claim(tx, limit=1, lease=timedelta(0))
    async with db.transaction() as tx:
        second = await reading.claim(tx, limit=1, lease=timedelta(minutes=1))
    assert first[0].id == second[0].id
    async with db.transaction() as tx:
        reading.settle(tx, first)
        reading.dead_letter(tx, first[0], reason="late")
    assert [entry.dead_at for entry in await waiting(db)] == [None]
    async with db.transaction() as tx:
        reading.settle(tx, second)
    assert await waiting(db) == []


@pytest.mark.parametrize("fault", ["unknown workflow type", "arguments"])
async def test_what_can_never_start_becomes_a_dead_letter_and_holds_up_nobody(
    db: Database, temporal_client: Client, fault: str
) -> None:
    relay = Relay(db, temporal_client, attempts=3)
    if fault == "unknown workflow type":
        await ask(db, kind="NoSuchWorkflow")
    else:
        await ask(db)
        async with db.transaction() as tx:
            tx.run(MISREAD, arguments=Jsonb({"delivery_id": "milk"}))
    for attempt in (1, 2, 3):
        [good] = await ask(db)
        await relay.step()
        assert (await ledger(db))[good]
        [bad] = await waiting(db)
        assert bad.attempts == attempt
        assert fault in (bad.error or "")
        assert "milk" not in (bad.error or "")
        assert (bad.dead_at is not None) == (attempt == 3)
        if attempt < 3:
            assert bad.available_at > clock.now()  # some time later, not at once
            async with db.transaction() as tx:
                tx.run(HURRY)
    await relay.step()
    async with db.transaction() as tx:
        depth = await reading.depth(tx)
        assert (depth.waiting, depth.dead, depth.oldest_s) == (0, 1, 0)
        await reading.requeue(tx, bad.id)
    [again] = await waiting(db)
    assert (again.attempts, again.dead_at) == (0, None)
    async with db.transaction() as tx:
        with pytest.raises(NotFound):
            await reading.requeue(tx, bad.id)


async def test_a_start_and_its_cancellation_keep_their_order(
    db: Database, temporal_client: Client
) -> None:
    [workflow_id] = await ask(db)
    async with db.transaction() as tx:
        outbox.cancel(tx, "RetryDelivery", workflow_id, subject_id=uuid4(), tenant=TENANT)
    await Relay(db, temporal_client).step()
    assert await waiting(db) == []
    history = await temporal_client.get_workflow_handle(workflow_id).fetch_history()
    assert any(
        event.HasField("workflow_execution_cancel_requested_event_attributes")
        for event in history.events
    )


async def test_what_never_ran_is_cancelled_already(db: Database, temporal_client: Client) -> None:
    async with db.transaction() as tx:
        outbox.cancel(tx, "RetryDelivery", f"gone:{uuid4()}", subject_id=uuid4(), tenant=TENANT)
    await Relay(db, temporal_client).step()
    assert await waiting(db) == []


async def test_while_temporal_is_down_rows_wait_and_keep_their_place(db: Database) -> None:
    with temporal.server() as server:
        client = await connect(server.settings, keys.load(server.settings))
        relay = Relay(db, client)
        server.kill()
        asked = await ask(db, 5)
        with pytest.raises(TemporalAway):
            await relay.step()
        rows = await waiting(db)
        assert {row.workflow_id for row in rows} == set(asked)
        assert {(row.attempts, row.available_at == row.created_at) for row in rows} == {(0, True)}
        async with running(relay):
            await asyncio.sleep(1)
            asked += await ask(db, 5)
            server.start()
            await until_empty(db)
        for workflow_id in asked:
            found = await client.get_workflow_handle(workflow_id).describe()
            assert found.status is WorkflowExecutionStatus.RUNNING
