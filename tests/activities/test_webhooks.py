"""Webhooks over loopback: the order they come in, what failures cost, who is held up by whom."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest
from standardwebhooks import Webhook

from activities import webhooks
from core import clock
from core.actor import Actor
from core.db import Database
from core.models.webhooks import DisabledReason, Payload, WebhookStatus
from core.rules.webhook_retries import DISABLE_AFTER, TRIES
from core.services import webhook_deliveries, webhook_endpoints
from integrations.http import Client, guarded_client
from tests.reminding import Scene, scene
from tests.webhooking import (
    RING,
    Clock,
    Receiver,
    Worker,
    attempts,
    endpoint,
    happen,
    sent,
    state,
    until,
    worker,
)


@pytest.fixture
async def client(sandbox: httpx2.Client) -> AsyncIterator[Client]:
    sandbox.delete("/faults")
    async with guarded_client(sandbox_url=str(sandbox.base_url).rstrip("/")) as made:
        yield made


@pytest.fixture
def at(database_url: str) -> Scene:
    return scene(database_url, [clock.now()])


@pytest.fixture
def receiver(sandbox: httpx2.Client) -> Receiver:
    return Receiver(sandbox)


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def one(app_db: Database, worker_db: Database, client: Client, time: Clock) -> Worker:
    return worker(app_db, worker_db, client, time)


async def made(db: Database, at: Scene, receiver: Receiver, **options: Any) -> Any:
    return await endpoint(db, at, receiver.url, sandbox_url=receiver.root, **options)


async def test_what_happens_arrives_in_order_and_verifies(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    created = await made(app_db, at, receiver)
    happen(at, 120)
    await one.until_idle(at)
    assert receiver.seqs() == list(range(1, 121))
    assert len(set(receiver.ids())) == 120
    for row in receiver.rows():
        request = row["request"]
        Webhook(created.secret).verify(request["body"].encode(), request["headers"])
    found = sent(at, created.endpoint.id)
    assert {each["status"] for each in found} == {"delivered"}
    assert all(each["attempts"] == each["tries"] == 1 for each in found)
    assert state(at, created.endpoint.id)["next_at"] is None
    assert at.leases() == 0


async def test_events_before_it_was_made_and_others_than_it_wants_do_not_come(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    happen(at, 3)
    await made(app_db, at, receiver, events=["list.*", "todo.completed"])
    for kind in ("todo.updated", "list.created", "todo.completed", "job.failed", "list.deleted"):
        happen(at, event_type=kind)
    await one.until_idle(at)
    assert [each["type"] for each in receiver.accepted()] == [
        "list.created",
        "todo.completed",
        "list.deleted",
    ]


async def test_thin_ones_tell_ids_and_full_ones_the_resource(
    app_db: Database, at: Scene, sandbox: httpx2.Client, one: Worker
) -> None:
    thin, full = Receiver(sandbox), Receiver(sandbox)
    await made(app_db, at, thin, payload=Payload.THIN)
    await made(app_db, at, full)
    happen(at, event_type="todo.created", subject_id=at.todos[0])
    happen(at, event_type="reminder.due", subject_id=at.reminders[0])
    happen(at, event_type="todo.deleted")
    happen(at, event_type="voice_command.processed")
    await one.until_idle(at)
    told = thin.accepted()
    assert [set(each) for each in told] == [
        {"type", "timestamp", "workspace_id", "seq", "data"}
    ] * 4
    assert told[0]["data"] == {"id": str(at.todos[0])}
    assert told[0]["workspace_id"] == str(at.user_id)
    assert "plant" not in orjson.dumps(told).decode()
    todo, reminder, gone, said = (each["data"] for each in full.accepted())
    assert todo["object"]["title"] == "Water <b>plant</b> 0"
    assert todo["object"]["reminders"][0]["id"] == str(at.reminders[0])
    assert (todo["changed"], todo["truncated"]) == (["title"], False)
    assert todo["actor_id"] == str(at.user_id)
    assert reminder["object"]["todo_id"] == str(at.todos[0])
    assert (gone["object"], said["object"]) == (None, None)


async def test_a_resource_of_another_workspace_is_never_told(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, database_url: str
) -> None:
    stranger = scene(database_url, [clock.now()])
    await made(app_db, at, receiver)
    happen(at, event_type="todo.updated", subject_id=stranger.todos[0])
    happen(at, event_type="reminder.due", subject_id=stranger.reminders[0])
    await one.until_idle(at)
    assert [each["data"]["object"] for each in receiver.accepted()] == [None, None]


async def test_a_failed_one_is_tried_again_and_overtaken(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await made(app_db, at, receiver)
    receiver.fault(status=500, body="<html>broken\x00")
    happen(at, 3)
    await one.until_idle(at)
    assert receiver.seqs() == [2, 3]
    first, *_ = sent(at, created.endpoint.id)
    assert (first["status"], first["attempts"], first["status_code"]) == ("pending", 1, 500)
    assert timedelta(seconds=4) < first["next_at"] - time.at < timedelta(seconds=6)
    time.advance(timedelta(seconds=6))
    await one.until_idle(at)
    assert receiver.seqs() == [2, 3, 1]
    assert receiver.ids().count(first["message_id"]) == 2
    bodies = {
        row["request"]["body"]
        for row in receiver.rows()
        if row["request"]["headers"]["webhook-id"] == first["message_id"]
    }
    assert len(bodies) == 1
    log = [each for each in attempts(at) if each["delivery_id"] == first["id"]]
    assert [(each["nth"], each["status_code"], each["error"]) for each in log] == [
        (1, 500, "the endpoint answered 500"),
        (2, 200, None),
    ]
    assert "broken" in log[0]["response_excerpt"]
    assert "\x00" not in log[0]["response_excerpt"]


async def test_ten_tries_and_no_more(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await made(app_db, at, receiver)
    receiver.fault(status=400, times=100)
    happen(at)
    began = time.at
    while True:
        await one.until_idle(at)
        [delivery] = sent(at, created.endpoint.id)
        if delivery["next_at"] is None:
            break
        time.at = delivery["next_at"]
    assert (delivery["status"], delivery["attempts"], delivery["next_at"]) == ("failed", 10, None)
    assert len(receiver.rows()) == TRIES
    assert timedelta(hours=68) < time.at - began < timedelta(hours=83)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_failure_and_not_followed(
    app_db: Database,
    at: Scene,
    sandbox: httpx2.Client,
    receiver: Receiver,
    one: Worker,
    status: int,
) -> None:
    created = await made(app_db, at, receiver)
    elsewhere = Receiver(sandbox)
    receiver.fault(status=status, headers={"Location": elsewhere.url})
    happen(at)
    await one.turn(at)
    [delivery] = sent(at, created.endpoint.id)
    assert (delivery["status"], delivery["status_code"]) == ("pending", status)
    assert elsewhere.rows() == []


async def test_retry_after_is_kept_for_all_that_wait(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await made(app_db, at, receiver)
    receiver.fault(status=429, headers={"Retry-After": "600"})
    happen(at, 5)
    await one.until_idle(at)
    assert len(receiver.rows()) == 1
    assert state(at, created.endpoint.id)["hold_until"] == time.at + timedelta(seconds=600)
    time.advance(timedelta(seconds=599))
    await one.until_idle(at)
    happen(at)  # nor is it woken by what happens meanwhile
    await one.until_idle(at)
    assert len(receiver.rows()) == 1
    time.advance(timedelta(seconds=1))
    await one.until_idle(at)
    assert sorted(receiver.seqs()) == [1, 2, 3, 4, 5, 6]


async def test_another_address_need_not_wait_for_what_the_old_one_asked(
    app_db: Database, at: Scene, sandbox: httpx2.Client, receiver: Receiver, one: Worker
) -> None:
    created = await made(app_db, at, receiver)
    receiver.fault(status=503, headers={"Retry-After": "3600"})
    happen(at, 3)
    await one.until_idle(at)
    elsewhere = Receiver(sandbox)
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        await webhook_endpoints.change(
            tx,
            Actor(at.user_id, uuid4()),
            created.endpoint.id,
            {"url": elsewhere.url},
            ring=RING,
            sandbox_url=receiver.root,
            now=one.now(),
        )
    await one.until_idle(at)
    assert elsewhere.seqs() == [2, 3]


async def test_a_receiver_that_is_down_keeps_its_messages_in_order(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    """An hour of it: few calls, and no message loses more than a try or two."""
    await made(app_db, at, receiver)
    receiver.fault(status=503, times=10_000)
    happen(at, 200)
    for _ in range(360):
        await one.until_idle(at)
        time.advance(timedelta(seconds=10))
    assert len(receiver.rows()) < 80
    receiver.http.delete("/faults")
    time.advance(timedelta(hours=3))
    await one.until_idle(at)
    assert sorted(receiver.seqs()) == list(range(1, 201))


async def test_410_disables_at_once(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    created = await made(app_db, at, receiver)
    receiver.fault(status=410, times=100)
    happen(at, 5)
    await one.until_idle(at)
    found = state(at, created.endpoint.id)
    assert (found["status"], found["disabled_reason"]) == ("disabled", DisabledReason.GONE)
    assert len(receiver.rows()) == 1
    assert {each["status"] for each in sent(at, created.endpoint.id)} == {"failed"}
    happen(at, 5)
    await one.until_idle(at)
    assert len(receiver.rows()) == 1


async def test_five_days_of_failure_disable_it_and_tell_its_owner_once(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await made(app_db, at, receiver)
    receiver.fault(status=500, times=10_000)
    began = time.at
    while state(at, created.endpoint.id)["status"] == "active":
        happen(at)
        await one.until_idle(at)
        time.advance(timedelta(hours=6))
        assert time.at - began < timedelta(days=7)
    assert DISABLE_AFTER <= time.at - began < DISABLE_AFTER + timedelta(hours=12)
    found = state(at, created.endpoint.id)
    assert found["disabled_reason"] == DisabledReason.FAILING
    happen(at, 10)
    await one.until_idle(at)
    [told] = at.notifications()
    assert (told["kind"], receiver.url in told["title"]) == ("webhook_disabled", True)
    [mail] = at.deliveries()
    assert (mail["kind"], mail["subject_id"]) == ("webhook_disabled", created.endpoint.id)
    assert [each["workflow_type"] for each in at.outbox()] == ["SendMail"]


async def test_one_success_begins_the_five_days_anew(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await made(app_db, at, receiver)
    for _ in range(3):
        receiver.fault(status=500, times=16)
        for _ in range(16):
            happen(at)
            await one.turn(at)
            time.advance(timedelta(hours=6))
        receiver.http.delete("/faults")
        happen(at)
        await one.until_idle(at)
    assert state(at, created.endpoint.id)["status"] == "active"
    assert state(at, created.endpoint.id)["failing_since"] is None


@pytest.mark.parametrize("drop", ["before", "after", "midway"])
async def test_an_answer_that_was_lost_means_the_same_message_again(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock, drop: str
) -> None:
    await made(app_db, at, receiver)
    receiver.fault(drop=drop)
    happen(at)
    await one.until_idle(at)
    time.advance(timedelta(seconds=6))
    await one.until_idle(at)
    assert len(set(receiver.ids())) == 1
    assert len(receiver.rows()) == (1 if drop == "before" else 2)


async def test_killed_between_sending_and_writing_it_down(
    app_db: Database, worker_db: Database, at: Scene, receiver: Receiver, client: Client
) -> None:
    """The lease ends; the next worker sends what was not settled, under the same ids."""
    created = await made(app_db, at, receiver)
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
    await made(app_db, at, receiver)
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
    created = await made(app_db, at, receiver)
    happen(at)
    first, second = (worker(app_db, worker_db, client) for _ in range(2))
    receiver.fault(delay_ms=4000, status=500)
    receiver.fault(status=later)
    working = asyncio.create_task(first.work(await first.claim(at)))
    await until(lambda: state(at, created.endpoint.id)["seq"])
    await asyncio.sleep(0.3)
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
    await made(app_db, loud, busy)
    await made(app_db, quiet, calm)
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
    stuck = await made(app_db, at, hanging)
    await made(app_db, at, calm)
    hanging.fault(delay_ms=60_000, times=100)
    happen(at, 3)
    both = worker(app_db, worker_db, client)
    working = asyncio.create_task(both.turn(at))
    await until(lambda: len(calm.accepted()) == 3 or working.done())
    assert not working.done(), "for it waits for the other one"
    await working
    [first, *_] = sent(at, stuck.endpoint.id)
    assert (first["error"], first["status_code"]) == ("no answer in time", None)


async def test_two_secrets_sign_while_one_is_replaced(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await made(app_db, at, receiver)
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        rotated = await webhook_endpoints.rotate(
            tx, Actor(at.user_id, uuid4()), created.endpoint.id, ring=RING, now=time.at
        )
    happen(at)
    await one.until_idle(at)
    request = receiver.rows()[0]["request"]
    for secret in (created.secret, rotated.secret):
        Webhook(secret).verify(request["body"].encode(), request["headers"])
    assert len(request["headers"]["webhook-signature"].split()) == 3
    at.run("UPDATE webhook_endpoints SET previous_until = %s", time.at)
    happen(at)
    await one.until_idle(at)
    request = receiver.rows()[1]["request"]
    assert len(request["headers"]["webhook-signature"].split()) == 2
    Webhook(rotated.secret).verify(request["body"].encode(), request["headers"])


async def test_a_test_and_a_repetition_come_at_once(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await made(app_db, at, receiver)
    actor = Actor(at.user_id, uuid4())
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        trial = await webhook_deliveries.test(tx, actor, created.endpoint.id, now=time.at)
    happen(at)
    await one.until_idle(at)
    by_type = {each["type"]: each for each in receiver.accepted()}
    assert by_type["webhook.test"]["data"] == {"id": str(trial.id)}
    assert by_type["webhook.test"]["seq"] is None
    # Its text was forgotten meanwhile: it is made anew.
    at.run("UPDATE webhook_deliveries SET body = NULL WHERE workspace_id = %s", at.user_id)
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id], at.user_id)
        count = await webhook_deliveries.redeliver_range(
            tx,
            actor,
            created.endpoint.id,
            since=time.at - timedelta(minutes=1),
            status=WebhookStatus.DELIVERED,
            now=time.at,
        )
    await one.until_idle(at)
    assert count == 1
    assert receiver.seqs().count(1) == 2
    first, second = (each for each in receiver.ids() if each != trial.message_id)
    assert first == second


async def test_who_left_sends_nothing_any_more(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    created = await made(app_db, at, receiver)
    at.run("UPDATE memberships SET role = 'viewer' WHERE user_id = %s", at.user_id)
    happen(at, 3)
    await one.until_idle(at)
    assert receiver.rows() == []
    assert state(at, created.endpoint.id)["disabled_reason"] == DisabledReason.OWNER_LEFT
