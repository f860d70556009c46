"""What a receiver's failures cost: tries, pauses, and in the end the endpoint."""

from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from core.actor import Actor
from core.db import Database
from core.models.webhooks import DisabledReason
from core.rules.webhook_retries import DISABLE_AFTER, TRIES
from core.services import webhook_endpoints
from tests.reminding import Scene
from tests.webhooking import (
    RING,
    Clock,
    Receiver,
    Worker,
    attempts,
    happen,
    listening,
    sent,
    state,
)


async def test_a_failed_one_is_tried_again_and_overtaken(
    app_db: Database, at: Scene, receiver: Receiver, one: Worker, time: Clock
) -> None:
    created = await listening(app_db, at, receiver)
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
    created = await listening(app_db, at, receiver)
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
async def test_12_a_redirect_is_a_failure_and_not_followed(
    app_db: Database,
    at: Scene,
    sandbox: httpx2.Client,
    receiver: Receiver,
    one: Worker,
    status: int,
) -> None:
    created = await listening(app_db, at, receiver)
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
    created = await listening(app_db, at, receiver)
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
    created = await listening(app_db, at, receiver)
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
    await listening(app_db, at, receiver)
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
    created = await listening(app_db, at, receiver)
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
    created = await listening(app_db, at, receiver)
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
    created = await listening(app_db, at, receiver)
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
    await listening(app_db, at, receiver)
    receiver.fault(drop=drop)
    happen(at)
    await one.until_idle(at)
    time.advance(timedelta(seconds=6))
    await one.until_idle(at)
    assert len(set(receiver.ids())) == 1
    assert len(receiver.rows()) == (1 if drop == "before" else 2)
