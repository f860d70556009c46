"""What a due reminder becomes: held, recorded in a sandbox, armed for its next occurrence."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import bindparam

from core import due
from core.actor import Actor
from core.db import Database
from core.due import Claimed
from core.ids import uuid7
from core.models.deliveries import Channel
from core.models.todos import Todos
from core.rules import zones
from core.rules.reminders import Due
from core.rules.retries import Reason
from core.services import attempts, due_reminders, explanations, reminders
from core.services.deliveries import Failed, Outcome, Send, Sent
from core.services.due_reminders import Begun, Decided, Done, Then
from core.services.todo_rows import TodoRow, select_rows
from core.statements import query
from tests.reminding import Scene, scene

NOW = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)  # a Friday
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ROW = query(select_rows().where(Todos.id == bindparam("id")), TodoRow.of_row)
VENDORS = frozenset({Channel.EMAIL, Channel.PUSH})
PASSING = Failed(Reason.VENDOR_UNAVAILABLE, permanent=False)


class Desk:
    """A worker's hands, under a clock that is told."""

    def __init__(self, app_db: Database, worker_db: Database) -> None:
        self.app_db = app_db
        self.worker_db = worker_db
        self.decided: list[Decided] = []

    async def claim(self, at: Scene, now: datetime, limit: int = 200) -> list[Claimed]:
        async with self.worker_db.transaction() as tx:
            return await due.claim(tx, due_reminders.SOURCE, at.lane, now=now, limit=limit)

    async def begin(self, claimed: Sequence[Claimed], now: datetime) -> list[Begun[Then]]:
        async with self.app_db.transaction() as tx:
            begun, self.decided = await due_reminders.begin(
                tx, claimed, now=now, dev=False, vendors=VENDORS
            )
        return begun

    async def finish(self, begun: Sequence[Begun[Then]], now: datetime, failing: str = "") -> None:
        def done(each: Begun[Then]) -> Done[Then]:
            outcomes = (
                Outcome(send, PASSING if send.channel == failing else Sent("x"), now)
                for send in each.sends
            )
            return Done(each.claimed, tuple(outcomes), each.then)

        async with self.app_db.transaction() as tx:
            await due_reminders.finish(tx, [done(each) for each in begun])

    async def work(self, at: Scene, now: datetime, failing: str = "") -> list[Send]:
        """All that is due: begun and settled; what was sent."""
        begun = await self.begin(await self.claim(at, now), now)
        await self.finish(begun, now, failing)
        return [send for each in begun for send in each.sends]

    async def why(self, at: Scene, now: datetime) -> list[str]:
        async with self.app_db.transaction(read_only=True) as tx:
            tx.act_in([at.user_id], at.user_id)
            actor = Actor(at.user_id, uuid7())
            return (await explanations.why(tx, actor, at.reminders[0], now=now)).sentences


@pytest.fixture
def desk(app_db: Database, worker_db: Database) -> Desk:
    return Desk(app_db, worker_db)


def quiet(at: Scene, start: str, end: str) -> None:
    at.run(
        "UPDATE users SET preferences = jsonb_build_object("
        "'quiet_hours', jsonb_build_object('start', %s::text, 'end', %s::text)) WHERE id = %s",
        start,
        end,
        at.user_id,
    )


def statuses(at: Scene) -> dict[str, str]:
    found = at.rows(
        "SELECT channel, status FROM deliveries WHERE user_id = %s ORDER BY arm_no", at.user_id
    )
    return {each["channel"]: each["status"] for each in found}


def reminder(at: Scene) -> tuple[datetime | None, int]:
    [found] = at.rows("SELECT next_at, arm_no FROM reminders WHERE id = %s", at.reminders[0])
    return found["next_at"], found["arm_no"]


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


# Series


def recur(
    at: Scene,
    rrule: str,
    due_: Due,
    *,
    before_s: int = 0,
    anchor: str = "schedule",
    pile_up: str = "roll",
    status: str = "active",
    starts: Due | None = None,
    nth: int = 0,
) -> None:
    """The scene's todo recurs, and its reminder counts from it."""
    start = starts or due_
    series_id = uuid7()
    at.run(
        "INSERT INTO series (workspace_id, id, todo_id, created_by, status, rrule, anchor, skip,"
        " pile_up, shift, start_on, start_time, start_zone, turn, nth, recurrence_id,"
        " planned_on, planned_time)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 'omit', %s, 'none', %s, %s, %s, 0, 1, '', %s, %s)",
        at.user_id,
        series_id,
        at.todos[nth],
        at.user_id,
        status,
        rrule,
        anchor,
        pile_up,
        start.on,
        start.at,
        start.zone,
        due_.on,
        due_.at,
    )
    at.run(
        "UPDATE todos SET series_id = %s, due_on = %s, due_time = %s, due_zone = %s WHERE id = %s",
        series_id,
        due_.on,
        due_.at,
        due_.zone,
        at.todos[nth],
    )
    at.run(
        "UPDATE reminders SET at_on = NULL, at_time = NULL, at_zone = NULL, before_s = %s,"
        " armed_zone = %s WHERE id = %s",
        before_s,
        due_.zone or "UTC",
        at.reminders[nth],
    )


NINE = Due(date(2026, 5, 1), time(9, 0), "UTC")


async def test_it_goes_on_by_the_rule_in_the_settling_transaction(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [NOW - 15 * MINUTE], channels=["email"])
    recur(at, "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", NINE, before_s=900)
    [send] = await desk.work(at, NOW - 15 * MINUTE)
    assert send.due == NINE
    monday = NOW + 3 * DAY
    assert (reminder(at), at.leases()) == ((monday - 15 * MINUTE, 2), 0)
    assert (await desk.why(at, NOW))[0].endswith(
        "That is for the occurrence of 2026-05-04 09:00; it goes on with each later one."
    )
    # The todo was not rolled yet: the message speaks of Monday's all the same.
    [send] = await desk.work(at, monday - 15 * MINUTE)
    assert send.due == Due(date(2026, 5, 4), time(9, 0), "UTC")
    assert (send.arm_no, reminder(at)) == (2, (monday + DAY - 15 * MINUTE, 3))
    [row] = at.rows("SELECT * FROM reminders WHERE id = %s", at.reminders[0])
    assert (row["armed_zone"], row["armed_tzdata"]) == ("UTC", zones.tzdata_version())


@pytest.mark.parametrize(
    "other",
    [
        {"anchor": "completion"},
        {"pile_up": "all"},
        {"status": "paused"},
        {"status": "ended"},
    ],
    ids=str,
)
async def test_others_fire_once_for_their_todo(
    desk: Desk, database_url: str, other: dict[str, str]
) -> None:
    at = scene(database_url, [NOW], channels=["email"])
    recur(at, "FREQ=DAILY", NINE, **other)  # type: ignore[arg-type]  # words for words
    assert len(await desk.work(at, NOW)) == 1
    assert reminder(at) == (None, 1)


async def test_in_the_app_alone_it_goes_on_as_well(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["in_app"])
    recur(at, "FREQ=DAILY;COUNT=2", NINE)
    await desk.work(at, NOW)
    assert reminder(at) == (NOW + DAY, 2)
    await desk.work(at, NOW + DAY)
    assert (reminder(at), len(at.notifications())) == ((None, 2), 2)


async def test_moved_forward_it_fires_once_for_that_occurrence(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [NOW - timedelta(hours=1)], channels=["email"])
    recur(at, "FREQ=DAILY", NINE)
    at.run("UPDATE todos SET due_time = '08:00' WHERE id = %s", at.todos[0])
    [send] = await desk.work(at, NOW - timedelta(hours=1))
    assert send.due == Due(NINE.on, time(8, 0), "UTC")
    assert reminder(at)[0] == NOW + DAY


async def test_what_failed_for_one_occurrence_is_tried_again_after_the_next_is_armed(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [NOW], channels=["email"])
    recur(at, "FREQ=DAILY", NINE)
    [send] = await desk.work(at, NOW, failing="email")
    assert reminder(at) == (NOW + DAY, 2)
    async with desk.app_db.transaction() as tx:
        again = await attempts.begin(tx, at.user_id, send.delivery_id, now=NOW + MINUTE, dev=False)
    assert isinstance(again, Send)
    # A person who changes the reminder takes it back.
    async with desk.app_db.transaction() as tx:
        tx.act_in([at.user_id])
        row = await tx.first(ROW, id=at.todos[0], user_id=at.user_id)
        assert row is not None
        await reminders.rearm_todo(tx, replace(row, due_time=time(10)), now=NOW)
    async with desk.app_db.transaction() as tx:
        over = await attempts.begin(tx, at.user_id, send.delivery_id, now=NOW + MINUTE, dev=False)
    assert isinstance(over, attempts.Over)
    assert over.reason is Reason.REMINDER_CHANGED


@pytest.mark.parametrize(
    ("rrule", "away", "then"),
    [
        ("FREQ=DAILY", timedelta(hours=20), NOW + DAY),  # late
        ("FREQ=DAILY", timedelta(hours=49), NOW + 2 * DAY),  # missed; that of an hour ago is not
        ("FREQ=DAILY", timedelta(days=4000), NOW + 4000 * DAY),
        ("FREQ=HOURLY", timedelta(hours=20, minutes=5), NOW + timedelta(hours=21)),
        ("FREQ=MINUTELY", timedelta(minutes=1), NOW + MINUTE),  # only just: none is left out
    ],
)
async def test_after_an_outage_it_does_not_tell_all_that_passed(
    desk: Desk, database_url: str, rrule: str, away: timedelta, then: datetime
) -> None:
    at = scene(database_url, [NOW], channels=["email"])
    recur(at, rrule, NINE)
    await desk.work(at, NOW + away)
    assert reminder(at)[0] == then


async def test_snoozed_it_fires_then_and_goes_on_by_the_rule(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["email"])
    recur(at, "FREQ=DAILY", NINE)
    later = NOW + timedelta(hours=2)
    at.run("UPDATE reminders SET next_at = %s, armed_zone = NULL WHERE lane = %s", later, at.lane)
    [send] = await desk.work(at, later)
    assert (send.due, reminder(at)[0]) == (NINE, NOW + DAY)


async def test_held_the_next_one_is_armed_when_that_went_out(desk: Desk, database_url: str) -> None:
    """Twice a day, and the second one falls on the very end of the quiet hours."""
    at = scene(database_url, [NOW], channels=["in_app", "push"])
    quiet(at, "08:00", "10:00")
    recur(at, "FREQ=DAILY;BYHOUR=9,10", NINE)
    await desk.work(at, NOW)
    ten = NOW + timedelta(hours=1)
    assert reminder(at) == (ten, 1)
    await desk.work(at, ten)
    assert (statuses(at), reminder(at)) == ({"in_app": "sent", "push": "sent"}, (ten, 2))
    await desk.work(at, ten)
    assert (len(at.deliveries("push")), reminder(at)) == (2, (NOW + DAY, 3))


async def test_a_floating_one_follows_its_person(desk: Desk, database_url: str) -> None:
    at = scene(database_url, [NOW], channels=["email"])
    recur(at, "FREQ=DAILY", Due(NINE.on, NINE.at, None))
    at.run("UPDATE users SET timezone = 'America/New_York' WHERE id = %s", at.user_id)
    assert await desk.work(at, NOW) == []  # nine is still to come there
    assert reminder(at) == (zones.instant(NINE.on, time(9, 0), "America/New_York"), 2)


async def test_a_batch_of_them_is_as_few_statements_as_of_others(
    desk: Desk, database_url: str
) -> None:
    at = scene(database_url, [NOW] * 200, channels=["in_app", "email", "push"])
    quiet(at, "08:00", "09:30")
    for nth in range(0, 200, 2):
        recur(at, "FREQ=DAILY", NINE, nth=nth)
    claimed = await desk.claim(at, NOW)
    async with desk.app_db.transaction() as tx:
        begun, _ = await due_reminders.begin(tx, claimed, now=NOW, dev=False, vendors=VENDORS)
        assert len(tx._queue) <= 4  # noqa: SLF001 - what travels with the commit
    done = [
        Done(
            each.claimed,
            tuple(Outcome(send, Sent("x"), NOW) for send in each.sends),
            each.then,
        )
        for each in begun
    ]
    async with desk.app_db.transaction() as tx:
        await due_reminders.finish(tx, done)
        assert len(tx._queue) <= 3  # noqa: SLF001 - as above
    morning = NOW + 30 * MINUTE
    await desk.work(at, morning)
    found = at.rows(
        "SELECT next_at, count(*) AS n FROM reminders WHERE lane = %s GROUP BY 1 ORDER BY 1",
        at.lane,
    )
    assert [(each["next_at"], each["n"]) for each in found] == [(NOW + DAY, 100), (None, 100)]
