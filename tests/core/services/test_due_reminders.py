"""What a due reminder becomes: held until the morning, or recorded in a sandbox."""

from datetime import UTC, datetime, timedelta

from core.due import Claimed
from core.ids import uuid7
from core.services import attempts, due_reminders
from core.services.deliveries import Outcome, Send, Sent
from tests.core.services.desks import DAY, MINUTE, NOW, VENDORS, Desk, quiet, reminder, statuses
from tests.reminding import Scene, scene

# Quiet hours


async def test_what_makes_a_noise_waits_for_the_morning(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["in_app", "email", "push", "slack"])
    quiet(at, "22:00", "12:00")
    sent = await desk.work(at, NOW)
    assert [send.channel for send in sent] == ["email"]
    # Nobody carries Slack messages: that is said at once, not in the morning.
    expected = {"in_app": "sent", "email": "sent", "push": "held", "slack": "cancelled"}
    assert statuses(at) == expected
    end = NOW + timedelta(hours=3)
    assert (reminder(at), at.leases()) == ((end, 1), 0)
    [held] = at.deliveries("push")
    assert (held["next_attempt_at"], held["due_at"], held["attempts"]) == (end, NOW, 0)
    assert [(line["what"], line["detail"]) for line in held["log"]] == [("held", end.isoformat())]
    [sent_later] = await desk.work(at, end)
    assert (sent_later.channel, sent_later.attempt, sent_later.late) == ("push", 1, False)
    assert statuses(at) == expected | {"push": "sent"}
    assert (reminder(at), at.waiting(), at.leases()) == ((None, 1), 0, 0)
    assert at.events() == ["reminder.due"]
    assert len(at.notifications()) == 2  # the reminder, and that Slack is not set up


async def test_an_urgent_one_is_not_held(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["push"])
    quiet(at, "22:00", "12:00")
    at.run("UPDATE reminders SET urgent = true WHERE lane = %s", at.lane)
    await desk.work(at, NOW)
    assert statuses(at) == {"push": "sent"}


async def test_quiet_hours_that_were_made_longer_hold_it_again(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [NOW], channels=["push"])
    quiet(at, "08:00", "09:30")
    await desk.work(at, NOW)
    quiet(at, "08:00", "10:00")
    assert await desk.work(at, NOW + 30 * MINUTE) == []
    assert reminder(at) == (NOW + timedelta(hours=1), 1)
    [held] = at.deliveries("push")
    assert [line["what"] for line in held["log"]] == ["held", "held"]
    await desk.work(at, NOW + timedelta(hours=1))
    assert statuses(at) == {"push": "sent"}


async def test_after_quiet_hours_it_leaves_alone_what_a_workflow_retries(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [NOW], channels=["email", "push"])
    quiet(at, "08:00", "09:30")
    await desk.work(at, NOW, failing="email")
    assert (statuses(at), len(at.outbox())) == ({"email": "pending", "push": "held"}, 1)
    at.run(
        "UPDATE deliveries SET status = 'sending', attempts = 2"
        " WHERE status = 'pending' AND user_id = %s",
        at.user_id,
    )
    sent = await desk.work(at, NOW + 30 * MINUTE)
    assert [send.channel for send in sent] == ["push"]
    [mail] = at.deliveries()
    assert (mail["status"], mail["attempts"], mail["ambiguous"]) == ("sending", 2, False)


async def test_a_channel_that_is_no_longer_wanted_is_not_used_in_the_morning(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [NOW], channels=["in_app", "push"])
    quiet(at, "08:00", "09:30")
    await desk.work(at, NOW)
    at.run("UPDATE reminders SET channels = '{in_app}' WHERE lane = %s", at.lane)
    assert await desk.work(at, NOW + 30 * MINUTE) == []
    assert (statuses(at), reminder(at)[0]) == ({"in_app": "sent", "push": "cancelled"}, None)
    assert at.deliveries("push")[0]["error"] == "reminder_changed"


async def test_killed_after_the_hold_was_written(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["email", "push"])
    quiet(at, "08:00", "09:30")
    await desk.begin(await desk.claim(at, NOW), NOW)  # and here the worker dies
    at.run("UPDATE leases SET until = 'yesterday' WHERE workspace_id = %s", at.user_id)
    await desk.work(at, NOW)
    assert statuses(at) == {"email": "sent", "push": "held"}
    [held] = at.deliveries("push")
    assert [line["what"] for line in held["log"]] == ["held"]
    assert reminder(at) == (NOW + 30 * MINUTE, 1)
    # And once more in the morning, after push was begun.
    morning = NOW + 30 * MINUTE
    await desk.begin(await desk.claim(at, morning), morning)
    at.run("UPDATE leases SET until = 'yesterday' WHERE workspace_id = %s", at.user_id)
    [again] = await desk.work(at, morning)
    assert (again.channel, again.attempt) == ("push", 2)
    assert statuses(at) == {"email": "sent", "push": "sent"}


async def test_the_story_of_snoozed_held_failed_once_then_delivered(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [NOW], channels=["push"])
    snoozed = NOW + timedelta(hours=13)  # 22:00
    morning = datetime(2026, 5, 2, 7, 0, tzinfo=UTC)
    at.run(
        "UPDATE reminders SET next_at = %s, arm_no = 2, armed_zone = NULL, armed_tzdata = NULL"
        " WHERE lane = %s",
        snoozed,
        at.lane,
    )
    assert await desk.why(at, NOW) == [
        "It is snoozed until 2026-05-01 22:00:00 UTC. It was armed 2 times."
    ]
    quiet(at, "21:00", "07:00")
    await desk.work(at, snoozed)
    assert await desk.why(at, snoozed) == [
        "Quiet hours hold what is left of it until 2026-05-02 07:00:00 UTC.",
        (
            "Push to Firefox: due 2026-05-01 22:00:00 UTC, held until 2026-05-02 07:00:00 UTC"
            " by your quiet hours."
        ),
    ]
    [send] = await desk.work(at, morning, failing="push")
    [_, failed] = await desk.why(at, morning)
    assert "attempt 1 failed: the browser's push service did not answer; next at 07:00:0" in failed
    later = morning + timedelta(seconds=6)
    async with desk.app_db.transaction() as tx:
        again = await attempts.begin(
            tx, at.user_id, send.delivery_id, now=later, dev=False, vendors=VENDORS
        )
        assert isinstance(again, Send)
        await attempts.finish(tx, Outcome(again, Sent("x"), later))
    assert await desk.why(at, later) == [
        "It has fired.",
        (
            "Push to Firefox: due 2026-05-01 22:00:00 UTC, held until 2026-05-02 07:00:00 UTC"
            " by your quiet hours, delivered 6.0 s later at attempt 2."
        ),
    ]


# Sandboxes


def sandboxed(at: Scene) -> None:
    """Its workspace has a clock of its own. Only who moves it takes such rows; here, we do."""
    at.run("UPDATE reminders SET lane = NULL WHERE lane = %s", at.lane)


async def claimed_by_the_clock(at: Scene) -> list[Claimed]:
    token = uuid7()
    found = at.rows("SELECT * FROM reminders WHERE workspace_id = %s ORDER BY id", at.user_id)
    for each in found:
        at.run(
            "INSERT INTO leases (kind, workspace_id, row_id, arm_no, token, until)"
            " VALUES (%s, %s, %s, %s, %s, now() + interval '15 s')",
            due_reminders.SOURCE.kind,
            at.user_id,
            each["id"],
            each["arm_no"],
            token,
        )
    return [
        Claimed(at.user_id, each["id"], each["next_at"], each["arm_no"], token, False)
        for each in found
    ]


async def test_a_sandbox_only_records(desk: Desk, database_url: str) -> None:
    every = ["in_app", "email", "push", "slack"]
    at = scene(database_url, [NOW, NOW - 2 * DAY], channels=every, verified=False)
    sandboxed(at)
    assert await desk.begin(await claimed_by_the_clock(at), NOW) == []
    assert desk.decided == [], "nothing for the metrics of real deliveries"
    for number, status in enumerate(["sent", "missed"]):
        rows = at.rows("SELECT * FROM deliveries WHERE subject_id = %s", at.reminders[number])
        assert {each["channel"]: each["status"] for each in rows} == dict.fromkeys(every, status)
    [mail] = [each for each in at.deliveries() if each["status"] == "sent"]
    assert (mail["sent_at"], mail["vendor_id"]) == (NOW, None)
    assert mail["log"] == [
        {"at": NOW.isoformat(), "what": "sent", "detail": "recorded: sandbox workspace"}
    ]
    assert (at.notifications(), at.outbox(), at.leases()) == ([], [], 0)
    assert sorted(at.events()) == ["reminder.due", "reminder.missed"]
    assert (await desk.why(at, NOW))[1].endswith("recorded: nothing leaves a sandbox workspace.")


async def test_a_sandbox_keeps_quiet_hours_on_its_own_clock(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["in_app", "push"])
    quiet(at, "08:00", "09:30")
    sandboxed(at)
    await desk.begin(await claimed_by_the_clock(at), NOW)
    assert statuses(at) == {"in_app": "sent", "push": "held"}
    morning = NOW + 30 * MINUTE
    assert reminder(at) == (morning, 1)
    await desk.begin(await claimed_by_the_clock(at), morning)
    assert statuses(at) == {"in_app": "sent", "push": "sent"}
    assert (reminder(at), at.leases()) == ((None, 1), 0)
