"""The ledger's own promises; how it is used is tried in `tests/activities`."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from core import due
from core.actor import Actor
from core.db import Database
from core.due import Claimed
from core.errors import NotFound
from core.ids import uuid7
from core.rules.retries import Reason
from core.services import deliveries, due_reminders, explanations
from core.services.deliveries import Failed, Outcome, Send, Sent
from core.services.due_reminders import Done, Then
from tests.reminding import Scene, scene

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


async def begin(
    app_db: Database, worker_db: Database, at: Scene, *, now: datetime = NOW
) -> tuple[Claimed, Send]:
    async with worker_db.transaction() as tx:
        claimed = await due.claim(
            tx, due_reminders.SOURCE, at.lane, now=now, limit=1, lease=timedelta(0)
        )
    async with app_db.transaction() as tx:
        # The lease has ended but nobody took it over: it is still ours to work under.
        begun, _ = await due_reminders.begin(tx, claimed, now=now, dev=True)
    [found] = begun
    return found.claimed, found.sends[0]


async def finish(app_db: Database, claimed: Claimed, outcome: Outcome) -> None:
    async with app_db.transaction() as tx:
        await due_reminders.finish(tx, [Done(claimed, (outcome,))])


async def why(app_db: Database, at: Scene, nth: int = 0) -> explanations.Explanation:
    async with app_db.transaction(read_only=True) as tx:
        tx.act_in([at.user_id], at.user_id)
        actor = Actor(at.user_id, uuid7())
        return await explanations.why(tx, actor, at.reminders[nth], now=NOW)


async def test_one_attempt_settles_once(
    app_db: Database, worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    claimed, send = await begin(app_db, worker_db, at)
    await finish(app_db, claimed, Outcome(send, Sent("first"), LATER))
    refused = Failed(Reason.VENDOR_REJECTED, permanent=True)
    await finish(app_db, claimed, Outcome(send, refused, LATER))
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["vendor_id"]) == ("sent", "first")
    assert [each["kind"] for each in at.notifications()] == ["reminder"]


async def test_an_attempt_that_was_overtaken_settles_nothing(
    app_db: Database, worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    first, send = await begin(app_db, worker_db, at)
    second, again = await begin(app_db, worker_db, at)
    assert (send.attempt, again.attempt, send.delivery_id) == (1, 2, again.delivery_id)
    passing = Failed(Reason.VENDOR_UNAVAILABLE, permanent=False)
    await finish(app_db, first, Outcome(send, passing, LATER))
    assert (at.outbox(), at.waiting(), at.leases()) == ([], 1, 1)
    await finish(app_db, second, Outcome(again, Sent("second"), LATER))
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["vendor_id"], delivery["ambiguous"]) == (
        "sent",
        "second",
        True,
    )
    assert (at.outbox(), at.waiting(), at.leases()) == ([], 0, 0)


async def test_a_snooze_while_it_is_sent_survives(
    app_db: Database, worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    claimed, send = await begin(app_db, worker_db, at)
    later = NOW + timedelta(minutes=10)
    at.run("UPDATE reminders SET next_at = %s, arm_no = 2 WHERE lane = %s", later, at.lane)
    await finish(app_db, claimed, Outcome(send, Sent("x"), LATER))
    assert at.waiting() == 1
    _, again = await begin(app_db, worker_db, at, now=later)
    assert again.delivery_id != send.delivery_id


async def test_settling_leaves_no_trace_when_its_transaction_fails(
    app_db: Database, worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    claimed, send = await begin(app_db, worker_db, at)
    passing = Outcome(send, Failed(Reason.VENDOR_UNAVAILABLE, permanent=False), LATER)

    async def broken() -> None:
        async with app_db.transaction() as tx:
            await due_reminders.finish(tx, [Done(claimed, (passing,))])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken()
    assert [each["status"] for each in at.deliveries()] == ["sending"]
    assert (at.outbox(), at.waiting(), at.leases()) == ([], 1, 1)


async def test_a_delivery_that_nobody_looks_after_is_rescued_once(
    app_db: Database, worker_db: Database, database_url: str
) -> None:
    """Its worker died, and before another took it over the todo was completed."""
    at = scene(database_url, [NOW, NOW])
    _, send = await begin(app_db, worker_db, at)
    await begin(app_db, worker_db, at)
    at.run(
        "UPDATE deliveries SET updated_at = now() - interval '3 minutes' WHERE user_id = %s",
        at.user_id,
    )
    at.run("UPDATE reminders SET next_at = NULL, arm_no = 2 WHERE id = %s", send.subject_id)
    for _ in range(2):
        async with worker_db.transaction() as tx:
            due_reminders.rescue(tx)
    [asked] = at.outbox()
    assert asked["workflow_id"] == deliveries.workflow_id(send.delivery_id)
    assert asked["arguments"]["delivery_id"] == str(send.delivery_id)


async def test_why_before_and_after(
    app_db: Database, worker_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    before = await why(app_db, at)
    assert before.deliveries == []
    assert before.reminder.next_fire_at == NOW
    assert before.reminder.armed_zone == "UTC"
    assert "2026-05-01 12:00:00 UTC" in before.sentences[0]

    claimed, send = await begin(app_db, worker_db, at)
    passing = Failed(Reason.VENDOR_UNAVAILABLE, permanent=False, ambiguous=True)
    await finish(app_db, claimed, Outcome(send, passing, LATER))
    after = await why(app_db, at)
    assert after.reminder.next_fire_at is None
    assert [(each.channel, each.status) for each in after.deliveries] == [
        ("email", "pending"),
        ("in_app", "sent"),
    ]
    mail = after.deliveries[0]
    assert [line.what for line in mail.log] == ["sending", "failed", "ambiguous", "retry"]
    assert all(earlier.at <= later.at for earlier, later in pairwise(mail.log))
    assert mail.next_attempt_at is not None
    assert mail.next_attempt_at > LATER
    assert "the mail service did not answer" in after.sentences[1]
    assert "Water" not in " ".join(after.sentences)


async def test_why_is_nobody_else_s_business(app_db: Database, database_url: str) -> None:
    at, other = scene(database_url, [NOW]), scene(database_url, [NOW])
    async with app_db.transaction(read_only=True) as tx:
        tx.act_in([other.user_id], other.user_id)
        actor = Actor(other.user_id, uuid7())
        with pytest.raises(NotFound):
            await explanations.why(tx, actor, at.reminders[0], now=NOW)


async def test_one_batch_is_a_few_statements_however_many_rows(
    app_db: Database, worker_db: Database, database_url: str
) -> None:
    """Ten thousand of one second must not be ten thousand statements."""
    at = scene(database_url, [NOW] * 200)
    async with worker_db.transaction() as tx:
        claimed = await due.claim(tx, due_reminders.SOURCE, at.lane, now=NOW, limit=200)
    async with app_db.transaction() as tx:
        begun, _ = await due_reminders.begin(tx, claimed, now=NOW, dev=True)
        assert len(tx._queue) <= 4  # noqa: SLF001 - what travels with the commit
    assert len(begun) == 200
    done: list[Done[Then]] = [
        Done(each.claimed, (Outcome(each.sends[0], Sent("x"), LATER),)) for each in begun
    ]
    async with app_db.transaction() as tx:
        await due_reminders.finish(tx, done)
        assert len(tx._queue) <= 3  # noqa: SLF001 - as above
    assert (at.waiting(), at.leases()) == (0, 0)
    assert deliveries.workflow_id(begun[0].sends[0].delivery_id).startswith("delivery:")
