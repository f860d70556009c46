"""Workers that die, stall or are two; and who is held up by whom."""

import asyncio

import httpx2
import pytest

from activities import webhooks
from core.db import Database
from integrations.http import Client
from tests.patience import until
from tests.reminding import Scene, scene
from tests.webhooking import (
    Receiver,
    Worker,
    attempts,
    happen,
    listening,
    sent,
    worker,
)


async def test_killed_between_sending_and_writing_it_down(
    app_db: Database, worker_db: Database, at: Scene, receiver: Receiver, client: Client
) -> None:
    """The lease ends; the next worker sends what was not settled, under the same ids."""
    created = await listening(app_db, at, receiver)
    happen(at, 4)
    first = worker(app_db, worker_db, client)
    claimed = await first.claim(at)
    receiver.fault(status=200, times=2)
    receiver.fault(delay_ms=1000)
    working = asyncio.create_task(first.work(claimed))
    await until(lambda: len(receiver.rows()) == 2)  # two are there, the third is on its way
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    second = worker(app_db, worker_db, client)
    assert await second.claim(at) == []  # the lease still stands
    at.run("UPDATE leases SET until = 'yesterday' WHERE workspace_id = %s", at.user_id)
    await second.until_idle(at)
    assert set(receiver.seqs()) == {1, 2, 3, 4}
    assert len(set(receiver.ids())) == 4
    assert 6 <= len(receiver.ids()) <= 4 + webhooks.SETTLE_AFTER
    assert {each["status"] for each in sent(at, created.endpoint.id)} == {"delivered"}


async def test_two_workers_send_nothing_twice_and_keep_the_order(
    app_db: Database, worker_db: Database, at: Scene, receiver: Receiver, client: Client
) -> None:
    await listening(app_db, at, receiver)
    two = [worker(app_db, worker_db, client) for _ in range(2)]

    async def busy(each: Worker) -> None:
        for _ in range(60):
            await each.turn(at)
            await asyncio.sleep(0.01)

    async def writing() -> None:
        for _ in range(30):
            happen(at, 10)
            await asyncio.sleep(0.01)

    await asyncio.gather(writing(), *map(busy, two))
    await two[0].until_idle(at)
    assert receiver.seqs() == list(range(1, 301))


@pytest.mark.parametrize(("later", "became"), [(200, "delivered"), (502, "pending")])
async def test_a_frozen_twin_changes_nothing_any_more(
    app_db: Database,
    worker_db: Database,
    at: Scene,
    receiver: Receiver,
    client: Client,
    later: int,
    became: str,
) -> None:
    """Taken for dead while it waited for an answer, it settles after the other one did."""
    created = await listening(app_db, at, receiver)
    happen(at)
    first, second = (worker(app_db, worker_db, client) for _ in range(2))
    receiver.fault(delay_ms=4000, status=500)
    working = asyncio.create_task(first.work(await first.claim(at)))
    await receiver.met()
    receiver.fault(status=later)
    at.run("UPDATE leases SET until = 'yesterday' WHERE workspace_id = %s", at.user_id)
    await second.turn(at)
    await working
    [delivery] = sent(at, created.endpoint.id)
    assert (delivery["status"], delivery["attempts"]) == (became, 1)
    assert [each["status_code"] for each in attempts(at)] == [later]


async def test_a_tenant_with_thousands_does_not_hold_up_another(
    app_db: Database, worker_db: Database, database_url: str, sandbox: httpx2.Client, client: Client
) -> None:
    """With a single turn at a time, the worst case: measured in deliveries, not in seconds."""
    busy, calm = Receiver(sandbox), Receiver(sandbox)
    loud = scene(database_url, [])
    quiet = scene(database_url, [], lane=loud.lane)
    await listening(app_db, loud, busy)
    await listening(app_db, quiet, calm)
    happen(loud, 2000)
    only = worker(app_db, worker_db, client, at_a_time=1)
    claimed = await only.claim(loud)
    assert [each.workspace_id for each in claimed] == [loud.user_id]
    working = asyncio.create_task(only.work(claimed))
    await until(busy.rows)
    happen(quiet)
    asked = len(busy.rows())
    await only.turn(quiet)
    assert len(calm.accepted()) == 1
    meanwhile = len(busy.rows()) - asked
    await working
    assert meanwhile <= 3 * 50, f"{meanwhile} deliveries of another tenant came first"
    await only.until_idle(loud)
    assert busy.seqs() == list(range(1, 2001))


async def test_a_receiver_that_hangs_costs_others_one_turn(
    app_db: Database, worker_db: Database, at: Scene, sandbox: httpx2.Client, client: Client
) -> None:
    hanging, calm = Receiver(sandbox), Receiver(sandbox)
    stuck = await listening(app_db, at, hanging)
    await listening(app_db, at, calm)
    hanging.fault(delay_ms=60_000, times=100)
    happen(at, 3)
    both = worker(app_db, worker_db, client)
    working = asyncio.create_task(both.turn(at))
    await until(lambda: len(calm.accepted()) == 3 or working.done())
    assert not working.done(), "for it waits for the other one"
    await working
    [first, *_] = sent(at, stuck.endpoint.id)
    assert (first["error"], first["status_code"]) == ("no answer in time", None)
