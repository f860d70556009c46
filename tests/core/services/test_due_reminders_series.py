"""A due reminder of a series: armed for its next occurrence in the settling transaction."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from core.rules import zones
from core.rules.reminders import Due
from core.rules.retries import Reason
from core.services import attempts, due_reminders, reminder_writes
from core.services.deliveries import Outcome, Send, Sent
from core.services.due_reminders import Done
from tests.core.services.desks import (
    DAY,
    MINUTE,
    NINE,
    NOW,
    ROW,
    VENDORS,
    Desk,
    quiet,
    recur,
    reminder,
    statuses,
)
from tests.reminding import scene


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
        await reminder_writes.rearm_todo(tx, replace(row, due_time=time(10)), now=NOW)
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
