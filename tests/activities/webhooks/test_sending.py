"""What arrives at a receiver over loopback: which events, in what order, signed and told how."""

from datetime import timedelta
from uuid import uuid4

import httpx2
import orjson
from standardwebhooks import Webhook

from core import clock
from core.actor import Actor
from core.db import Database
from core.models.webhooks import DisabledReason, Payload, WebhookStatus
from core.services import webhook_deliveries, webhook_endpoints
from core.services.due_webhooks import READ_AT_ONCE
from tests.reminding import Scene, scene
from tests.webhooking import (
    RING,
    Clock,
    Receiver,
    Worker,
    happen,
    listening,
    sent,
    state,
)


async def test_what_happens_arrives_in_order_and_verifies(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    created = await listening(app_db, at, receiver)
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
    await listening(app_db, at, receiver, events=["list.*", "todo.completed"])
    for kind in ("todo.updated", "list.created", "todo.completed", "job.failed", "list.deleted"):
        happen(at, event_type=kind)
    await one.until_idle(at)
    assert [each["type"] for each in receiver.accepted()] == [
        "list.created",
        "todo.completed",
        "list.deleted",
    ]


async def test_a_long_feed_is_read_to_its_end(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker
) -> None:
    """Also where a whole page of it is of no interest: nobody wakes for what is old."""
    made = await listening(app_db, at, receiver, events=["list.*"])
    happen(at, READ_AT_ONCE)
    happen(at, event_type="list.created")
    assert await one.turn(at) == 1
    assert state(at, made.endpoint.id)["next_at"] is not None
    assert receiver.accepted() == []
    assert await one.turn(at) == 1
    assert state(at, made.endpoint.id)["next_at"] is None
    assert [each["type"] for each in receiver.accepted()] == ["list.created"]


async def test_thin_ones_tell_ids_and_full_ones_the_resource(
    app_db: Database, at: Scene, sandbox: httpx2.Client, one: Worker
) -> None:
    thin, full = Receiver(sandbox), Receiver(sandbox)
    await listening(app_db, at, thin, payload=Payload.THIN)
    await listening(app_db, at, full)
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
    await listening(app_db, at, receiver)
    happen(at, event_type="todo.updated", subject_id=stranger.todos[0])
    happen(at, event_type="reminder.due", subject_id=stranger.reminders[0])
    await one.until_idle(at)
    assert [each["data"]["object"] for each in receiver.accepted()] == [None, None]


async def test_two_secrets_sign_while_one_is_replaced(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await listening(app_db, at, receiver)
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
    created = await listening(app_db, at, receiver)
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
    created = await listening(app_db, at, receiver)
    at.run("UPDATE memberships SET role = 'viewer' WHERE user_id = %s", at.user_id)
    happen(at, 3)
    await one.until_idle(at)
    assert receiver.rows() == []
    assert state(at, created.endpoint.id)["disabled_reason"] == DisabledReason.OWNER_LEFT
