"""Arming `before` reminders of what recurs: by the rule, for one's own todo, for its successor."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.db import Database
from core.ids import uuid7
from core.models.todos import Status
from core.rules.reminders import Due
from core.services import reminder_writes
from core.services.todo_rows import TodoRow
from tests.core.services.desks import DAY, NINE, NOW, ROW, recur, reminder
from tests.reminding import Scene, scene

EARLIER = NOW - timedelta(hours=3)


async def stored(app_db: Database, at: Scene, todo_id: UUID) -> TodoRow:
    async with app_db.transaction(read_only=True) as tx:
        tx.act_in([at.user_id], at.user_id)
        row = await tx.first(ROW, id=todo_id, user_id=at.user_id)
    assert row is not None
    return row


async def rearmed(app_db: Database, at: Scene, now: datetime, **changes: Any) -> datetime | None:
    """When the first reminder fires after such a change of its todo, made in a worker."""
    row = replace(await stored(app_db, at, at.todos[0]), **changes)
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id])
        await reminder_writes.rearm_todo(tx, row, now=now)
    return reminder(at)[0]


@pytest.mark.parametrize(
    ("changes", "now", "fires"),
    [
        ({"due_time": time(10)}, EARLIER, NOW + timedelta(minutes=45)),  # moved: where it is
        ({"due_time": time(10)}, NOW + timedelta(hours=2), NOW + DAY - timedelta(minutes=15)),
        ({"due_on": date(2026, 5, 4)}, NOW, NOW + 3 * DAY - timedelta(minutes=15)),
        ({"due_on": None, "due_time": None, "due_zone": None}, NOW, None),
        ({"status": Status.COMPLETED}, EARLIER, None),
        ({"deleted_at": NOW}, EARLIER, None),
    ],
)
async def test_after_a_change_it_is_armed_by_the_rule(
    app_db: Database,
    database_url: str,
    changes: dict[str, Any],
    now: datetime,
    fires: datetime | None,
) -> None:
    at = scene(database_url, [NOW - timedelta(minutes=15)])
    recur(at, "FREQ=DAILY", NINE, before_s=900)
    assert await rearmed(app_db, at, now, **changes) == fires


async def test_one_that_is_due_and_not_sent_yet_stays_due(
    app_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    recur(at, "FREQ=DAILY", NINE)
    assert await rearmed(app_db, at, NOW + timedelta(hours=1), title="other") == NOW
    assert reminder(at)[1] == 1


async def test_a_paused_series_reminds_of_nothing_and_an_ended_one_of_its_todo(
    app_db: Database, database_url: str
) -> None:
    at = scene(database_url, [NOW])
    recur(at, "FREQ=DAILY", NINE, status="paused")
    assert await rearmed(app_db, at, EARLIER) is None
    at.run("UPDATE series SET status = 'ended' WHERE workspace_id = %s", at.user_id)
    assert await rearmed(app_db, at, EARLIER) == NOW
    assert await rearmed(app_db, at, NOW + DAY, due_on=date(2026, 5, 1), due_time=time(8)) is None


async def test_a_successor_takes_everybodys_over(app_db: Database, database_url: str) -> None:
    at = scene(database_url, [NOW, NOW], channels=["email"])
    due = Due(date(2026, 5, 2), time(9), "UTC")
    recur(at, "FREQ=DAILY", NINE, before_s=900)
    other = scene(database_url, [NOW], timezone="Asia/Tokyo")
    at.run(
        "INSERT INTO reminders (workspace_id, id, todo_id, user_id, lane, before_s, urgent)"
        " VALUES (%s, %s, %s, %s, NULL, 0, true)",
        at.user_id,
        uuid7(),
        at.todos[0],
        other.user_id,
    )
    at.run(
        "INSERT INTO reminders (workspace_id, id, todo_id, user_id, lane, at_on, at_time)"
        " VALUES (%s, %s, %s, %s, 1, '2030-01-01', '09:00')",
        at.user_id,
        uuid7(),
        at.todos[0],
        at.user_id,
    )
    at.run("DELETE FROM reminders WHERE id = %s", at.reminders[1])
    # The second todo follows the first: due a day later, the newest of the series.
    at.run(
        "UPDATE todos SET due_on = '2026-05-02', due_time = '09:00', due_zone = 'UTC',"
        " series_id = (SELECT id FROM series WHERE todo_id = %s) WHERE id = %s",
        at.todos[0],
        at.todos[1],
    )
    at.run(
        "UPDATE series SET todo_id = %s, planned_on = '2026-05-02' WHERE todo_id = %s",
        at.todos[1],
        at.todos[0],
    )
    before = await stored(app_db, at, at.todos[0])
    after = await stored(app_db, at, at.todos[1])
    assert after.due == due
    now = NOW + DAY - timedelta(minutes=10)  # its own quarter of an hour has begun
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id])
        await reminder_writes.carry(tx, before, after, now=now)
    found = at.rows("SELECT * FROM reminders WHERE todo_id = %s ORDER BY before_s", at.todos[1])
    assert [(each["user_id"], each["before_s"], each["next_at"]) for each in found] == [
        (other.user_id, 0, NOW + DAY),
        (at.user_id, 900, NOW + 2 * DAY - timedelta(minutes=15)),
    ]
    assert [(each["urgent"], each["channels"], each["arm_no"]) for each in found] == [
        (True, None, 1),
        (False, ["email"], 1),
    ]
    assert found[0]["lane"] is None
    assert found[1]["lane"] is not None
    assert at.events() == ["reminder.created"] * 2
