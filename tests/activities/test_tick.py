"""Real PostgreSQL, real HTTP to the vendor's emulator; only Temporal around the activity is not."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.channels import Channels
from activities.heartbeats import EVERY_S
from activities.reminders import Reminders
from activities.tick import Ticks
from core import clock, due
from core.db import Database
from core.messages import Kind, TickMessage
from core.services import due_reminders
from core.services.deliveries import Outcome, Sent
from tests.activities.conftest import Mailbox
from tests.patience import until
from tests.reminding import Scene, scene
from workflows.policies import TICK

A_SECOND = timedelta(seconds=1)


@pytest.fixture
def long_ticks(app_db: Database, worker_db: Database, channels: Channels) -> Ticks:
    """As `ticks`, for those that are ended from outside, however slow the machine is."""
    handlers = {Kind.REMINDERS: Reminders(app_db, channels, dev=False)}
    return Ticks(worker_db, handlers, lanes=1, life_s=30.0)


async def tick(ticks: Ticks, at: Scene) -> int:
    return await ActivityEnvironment().run(ticks.run, TickMessage(Kind.REMINDERS, at.lane))


def steps(delivery: dict[str, Any]) -> list[str]:
    return [line["what"] for line in delivery["log"]]


async def test_each_reminder_is_delivered_once_and_never_early(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    now = clock.now()
    at = scene(database_url, [now - A_SECOND, now + A_SECOND / 2, now + timedelta(hours=1)])
    assert await tick(ticks, at) == 2
    assert await tick(ticks, at) == 0
    mails = mailbox.of(at.email)
    assert [mail["subject"] for mail in mails] == [
        "Reminder: Water <b>plant</b> 0",
        "Reminder: Water <b>plant</b> 1",
    ]
    deliveries = at.deliveries()
    assert [(each["status"], each["attempts"], each["ambiguous"]) for each in deliveries] == [
        ("sent", 1, False)
    ] * 2
    assert {mail["delivery_id"] for mail in mails} == {str(each["id"]) for each in deliveries}
    for each in deliveries:
        assert steps(each) == ["sending", "sent"]
        assert each["sent_at"] >= each["due_at"]
        assert datetime.fromisoformat(each["log"][0]["at"]) >= each["due_at"]
        assert each["vendor_id"]
    assert [each["status"] for each in at.deliveries("in_app")] == ["sent", "sent"]
    assert [each["kind"] for each in at.notifications()] == ["reminder", "reminder"]
    assert at.events() == ["reminder.due", "reminder.due"]
    assert (at.waiting(), at.leases(), at.outbox()) == (1, 0, [])


async def test_hundreds_in_one_second(ticks: Ticks, mailbox: Mailbox, database_url: str) -> None:
    at = scene(database_url, [clock.now() + A_SECOND / 2] * 650)
    assert await tick(ticks, at) == 650
    ids = [mail["delivery_id"] for mail in mailbox.of(at.email)]
    assert len(ids) == len(set(ids)) == 650
    assert {each["status"] for each in at.deliveries()} == {"sent"}
    assert (at.waiting(), at.leases()) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE todos SET status = 'completed', completed_at = now() WHERE workspace_id = %s",
        "UPDATE todos SET deleted_at = now() WHERE workspace_id = %s",
        "UPDATE users SET status = 'disabled' WHERE id = %s",
        "DELETE FROM memberships WHERE workspace_id = %s",
    ],
)
async def test_what_is_no_longer_wanted_is_not_sent(
    ticks: Ticks, mailbox: Mailbox, database_url: str, change: str
) -> None:
    at = scene(database_url, [clock.now()])
    at.run(change, at.user_id)
    await tick(ticks, at)
    assert (mailbox.of(at.email), at.notifications(), at.waiting()) == ([], [], 0)


async def test_a_change_after_the_claim_is_seen(
    app_db: Database, worker_db: Database, database_url: str
) -> None:
    """The lease is taken two seconds ahead; a snooze in between must not be overtaken."""
    now = clock.now()
    at = scene(database_url, [now])
    async with worker_db.transaction() as tx:
        claimed = await due.claim(tx, due_reminders.SOURCE, at.lane, now=now, limit=1)
    at.run("UPDATE reminders SET next_at = %s, arm_no = 2 WHERE lane = %s", now + A_SECOND, at.lane)
    async with app_db.transaction() as tx:
        assert await due_reminders.begin(tx, claimed, now=now, dev=True) == ([], [])
    assert (at.deliveries(), at.waiting(), at.leases()) == ([], 1, 0)


async def test_other_zone_rules_arm_anew_instead_of_firing(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    noon = clock.now().replace(microsecond=0)
    at = scene(database_url, [noon])
    # Armed in a zone two hours ahead of where the person now is: the same wall time is to come.
    at.run("UPDATE reminders SET armed_zone = 'Europe/Kyiv' WHERE lane = %s", at.lane)
    at.run("UPDATE users SET timezone = 'Atlantic/Azores' WHERE id = %s", at.user_id)
    await tick(ticks, at)
    assert mailbox.of(at.email) == []
    [row] = at.rows("SELECT * FROM reminders WHERE lane = %s", at.lane)
    assert row["next_at"] > noon
    assert (row["armed_zone"], row["arm_no"]) == ("Atlantic/Azores", 2)
    assert at.leases() == 0


async def test_a_snooze_is_an_instant_and_stays(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()])
    at.run(
        "UPDATE reminders SET armed_zone = NULL, armed_tzdata = NULL, at_on = '2099-01-01'"
        " WHERE lane = %s",
        at.lane,
    )
    await tick(ticks, at)
    assert len(mailbox.of(at.email)) == 1


async def test_late_says_so_and_too_late_is_missed(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    now = clock.now()
    at = scene(database_url, [now - timedelta(hours=3), now - timedelta(hours=25)])
    await tick(ticks, at)
    [mail] = mailbox.of(at.email)
    assert "late" in mail["text"]
    assert (now - timedelta(hours=3)).strftime("%H:%M") in mail["text"]
    missed, sent = at.deliveries()
    assert (missed["status"], sent["status"]) == ("missed", "sent")
    kinds = sorted(each["kind"] for each in at.notifications())
    assert kinds == ["reminder", "reminder_missed"]
    assert sorted(at.events()) == ["reminder.due", "reminder.missed"]


async def test_a_refused_mail_is_shown_to_the_person(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    mailbox.fault(status=400)
    at = scene(database_url, [clock.now()], channels=["email"])
    await tick(ticks, at)
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["error"]) == ("failed", "vendor_rejected")
    assert [each["kind"] for each in at.notifications()] == ["delivery_failed"]
    assert (at.outbox(), at.waiting(), at.leases()) == ([], 0, 0)


@pytest.mark.parametrize(
    ("fault", "ambiguous", "reason"),
    [
        ({"status": 500}, False, "vendor_unavailable"),
        ({"status": 429, "headers": {"retry-after": "30"}}, False, "vendor_throttled"),
        ({"drop": "after"}, True, "vendor_unavailable"),
        ({"drop": "before"}, True, "vendor_unavailable"),
    ],
)
async def test_a_passing_failure_asks_for_a_workflow_in_the_same_transaction(
    ticks: Ticks,
    mailbox: Mailbox,
    database_url: str,
    fault: dict[str, object],
    ambiguous: bool,  # noqa: FBT001 - a column of the table
    reason: str,
) -> None:
    mailbox.fault(**fault)
    at = scene(database_url, [clock.now()], channels=["email"])
    await tick(ticks, at)
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["error"]) == ("pending", reason)
    assert delivery["ambiguous"] is ambiguous
    least = 30 if reason == "vendor_throttled" else 5
    wait = (delivery["next_attempt_at"] - clock.now()).total_seconds()
    assert least - 2 < wait < least + 1
    [asked] = at.outbox()
    assert (asked["workflow_type"], asked["workflow_id"]) == (
        "RetryDelivery",
        f"delivery:{delivery['id']}",
    )
    assert asked["arguments"] == {
        "workspace_id": str(at.user_id),
        "delivery_id": str(delivery["id"]),
        "queue": "email",
    }
    assert (at.waiting(), at.leases()) == (0, 0)


async def test_killed_while_sending_is_flagged_and_sent_again(
    ticks: Ticks, mailbox: Mailbox, app_db: Database, worker_db: Database, database_url: str
) -> None:
    now = clock.now()
    at = scene(database_url, [now])
    async with worker_db.transaction() as tx:
        claimed = await due.claim(
            tx, due_reminders.SOURCE, at.lane, now=now, limit=1, lease=due.LEASE
        )
    async with app_db.transaction() as tx:
        begun, _ = await due_reminders.begin(tx, claimed, now=now, dev=True)
    assert len(begun) == 1  # and here the worker dies
    assert await tick(ticks, at) == 0
    at.run("UPDATE leases SET until = 'yesterday' WHERE workspace_id = %s", at.user_id)
    assert await tick(ticks, at) == 1
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["attempts"]) == ("sent", 2)
    assert delivery["ambiguous"] is True
    assert steps(delivery) == ["sending", "ambiguous", "sending", "sent"]
    assert len(mailbox.of(at.email)) == len(at.notifications()) == 1
    assert at.events() == ["reminder.due"]


async def test_one_that_was_taken_for_dead_settles_nothing(
    mailbox: Mailbox, app_db: Database, worker_db: Database, database_url: str
) -> None:
    now = clock.now()
    at = scene(database_url, [now])
    both = []
    for lease in (timedelta(0), due.LEASE):
        async with worker_db.transaction() as tx:
            claimed = await due.claim(
                tx, due_reminders.SOURCE, at.lane, now=now, limit=1, lease=lease
            )
        async with app_db.transaction() as tx:
            begun, _ = await due_reminders.begin(tx, claimed, now=now, dev=True)
        both.append(begun[0])
    first = both[0]
    outcome = Outcome(first.sends[0], Sent("late"), now)
    async with app_db.transaction() as tx:
        await due_reminders.finish(tx, [due_reminders.Done(first.claimed, (outcome,))])
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["attempts"], at.waiting(), at.leases()) == (
        "sending",
        2,
        1,
        1,
    )
    assert mailbox.of(at.email) == []


async def test_cancelled_it_settles_what_it_sent_and_gives_the_rest_back(
    long_ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    now = clock.now()
    mailbox.fault(delay_ms=500)
    at = scene(database_url, [now, now + timedelta(seconds=20)])
    environment = ActivityEnvironment()
    running = asyncio.create_task(
        environment.run(long_ticks.run, TickMessage(Kind.REMINDERS, at.lane))
    )
    await mailbox.met()
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    [delivery] = at.deliveries()
    assert (delivery["status"], delivery["ambiguous"]) == ("sent", False)
    assert (at.waiting(), at.leases()) == (1, 0)


async def test_a_leaving_worker_hands_the_lane_over_at_once(
    long_ticks: Ticks, database_url: str
) -> None:
    at = scene(database_url, [clock.now() + timedelta(seconds=20)])
    environment = ActivityEnvironment()
    running = asyncio.create_task(
        environment.run(long_ticks.run, TickMessage(Kind.REMINDERS, at.lane))
    )
    await until(at.leases)
    environment.worker_shutdown()
    with pytest.raises(ApplicationError) as caught:
        await running
    assert (caught.value.type, caught.value.non_retryable) == ("WorkerLeft", False)
    assert (at.waiting(), at.leases()) == (1, 0)


async def test_it_heartbeats_far_more_often_than_it_must(
    long_ticks: Ticks, database_url: str
) -> None:
    at = scene(database_url, [])
    environment = ActivityEnvironment()
    beats: list[int] = []
    environment.on_heartbeat = lambda *_: beats.append(1)
    running = asyncio.create_task(
        environment.run(long_ticks.run, TickMessage(Kind.REMINDERS, at.lane))
    )
    await until(lambda: len(beats) > 1)
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert TICK["heartbeat_timeout"] >= timedelta(seconds=EVERY_S) * 4


async def test_a_row_that_breaks_our_code_holds_up_nobody(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()] * 3)
    at.run("UPDATE reminders SET at_zone = 'Nowhere/At_All' WHERE id = %s", at.reminders[1])
    await tick(ticks, at)
    assert len(mailbox.of(at.email)) == 2
    [broken] = at.rows("SELECT * FROM deliveries WHERE subject_id = %s", at.reminders[1])
    assert (broken["status"], broken["error"]) == ("failed", "undeliverable")
    assert "delivery_failed" in {each["kind"] for each in at.notifications()}
    assert at.waiting() == 0


async def test_a_row_that_the_database_refuses_holds_up_nobody(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()] * 5)
    at.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not this one'; END $$"
    )
    at.run(
        "CREATE TRIGGER refuse BEFORE INSERT ON deliveries FOR EACH ROW"
        f" WHEN (NEW.subject_id = '{at.reminders[2]}') EXECUTE FUNCTION refuse()"
    )
    try:
        await tick(ticks, at)
    finally:
        at.run("DROP FUNCTION refuse CASCADE")
    assert len(mailbox.of(at.email)) == 4
    assert {each["subject_id"] for each in at.deliveries()} == {
        each for nth, each in enumerate(at.reminders) if nth != 2
    }
    assert at.waiting() == 1, "it is tried again, for ever"


@pytest.mark.parametrize(
    ("who", "asked", "mails", "expected"),
    [
        ({"verified": False}, None, 0, {"email": "failed", "in_app": "sent"}),
        ({"anonymous": True}, None, 0, {"email": "failed", "in_app": "sent"}),
        ({}, ["push"], 0, {"push": "cancelled"}),
        ({}, ["slack", "in_app"], 0, {"slack": "cancelled", "in_app": "sent"}),
        ({}, [], 0, {"in_app": "sent"}),
        ({}, ["email"], 1, {"email": "sent"}),
    ],
)
async def test_channels_that_do_not_reach_the_person_are_recorded(
    ticks: Ticks,
    mailbox: Mailbox,
    database_url: str,
    who: dict[str, Any],
    asked: list[str] | None,
    mails: int,
    expected: dict[str, str],
) -> None:
    at = scene(database_url, [clock.now()], channels=asked, **who)
    await tick(ticks, at)
    assert len(mailbox.of(at.email)) == mails
    found = at.rows(
        "SELECT channel, status, error, log FROM deliveries WHERE user_id = %s", at.user_id
    )
    assert {each["channel"]: each["status"] for each in found} == expected
    assert all(each["error"] and each["log"] for each in found if each["status"] != "sent")
    assert at.waiting() == 0


async def test_preferences_decide_when_the_reminder_says_nothing(
    ticks: Ticks, mailbox: Mailbox, database_url: str
) -> None:
    at = scene(database_url, [clock.now()])
    at.run(
        """UPDATE users SET preferences = '{"channels": {"reminder": ["in_app"]}}' WHERE id = %s""",
        at.user_id,
    )
    await tick(ticks, at)
    assert mailbox.of(at.email) == []
    assert at.deliveries() == []
    assert len(at.notifications()) == 1
