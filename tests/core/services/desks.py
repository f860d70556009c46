"""A worker that works on what a scene has due, and what came of it; its todos may recur."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import bindparam

from core import due
from core.actor import Actor
from core.db import Database
from core.due import Claimed
from core.ids import uuid7
from core.models.deliveries import Channel
from core.models.todos import Todos
from core.rules.reminders import Due
from core.rules.retries import Reason
from core.services import due_reminders, explanations
from core.services.deliveries import Failed, Outcome, Send, Sent
from core.services.due_reminders import Begun, Decided, Done, Then
from core.services.todo_rows import TodoRow, select_rows
from core.statements import query
from tests.reminding import Scene

NOW = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)  # a Friday
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NINE = Due(date(2026, 5, 1), time(9, 0), "UTC")
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
