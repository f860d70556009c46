"""Whoever completes, deletes, snoozes or moves while a reminder is under way is obeyed.

Every action at every moment of a delivery: what was really sent stays `sent`, all else is taken
back, and no later firing is lost.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from core import due
from core.db import Database
from core.due import Claimed
from core.models.deliveries import Channel, DeliveryStatus
from core.rules.retries import Reason
from core.services import attempts, due_reminders
from core.services.attempts import Over
from core.services.deliveries import Failed, Outcome, Sent
from core.services.due_reminders import Begun, Done, Then
from tests.people import Person
from tests.teams import sql
from tests.todos import make

NOW = datetime(2030, 7, 1, 9, 0, tzinfo=UTC)
QUIET_END = NOW + timedelta(minutes=30)
LATER = datetime(2030, 7, 1, 11, 0, tzinfo=UTC)
VENDORS = frozenset({Channel.EMAIL, Channel.PUSH})
_lanes = count(20_000)


class Case:
    """Alice's todo, due at `NOW` with one reminder by e-mail and push, under a lane of its own."""

    def __init__(self, alice: Person, url: str, app_db: Database, worker_db: Database) -> None:
        self.alice = alice
        self.url = url
        self.app_db = app_db
        self.worker_db = worker_db
        self.lane = next(_lanes)
        self.todo: dict[str, Any] = {}

    @property
    def reminder_id(self) -> UUID:
        return UUID(self.todo["reminders"][0]["id"])

    async def prepare(self) -> None:
        await sql(
            self.url,
            "INSERT INTO push_subscriptions (id, user_id, endpoint, p256dh, auth, name)"
            " VALUES (gen_random_uuid(), %s, 'https://push.invalid/', '', '', 'Firefox')",
            self.alice.id,
        )
        channels = {"before": "PT0S", "channels": ["email", "push"]}
        on = {"date": "2030-07-01", "time": "09:00", "timezone": "UTC"}
        self.todo = await make(self.alice, due=on, reminders=[channels])
        await sql(
            self.url, "UPDATE reminders SET lane = %s WHERE id = %s", self.lane, self.reminder_id
        )

    async def be_quiet(self) -> None:
        hours = {"start": "08:00", "end": "09:30"}
        answer = await self.alice.patch("/me", json={"preferences": {"quiet_hours": hours}})
        assert answer.status_code == 200, answer.text

    async def claim(self, now: datetime = NOW) -> list[Claimed]:
        async with self.worker_db.transaction() as tx:
            return await due.claim(tx, due_reminders.SOURCE, self.lane, now=now, limit=9)

    async def begin(self, claimed: list[Claimed], now: datetime = NOW) -> list[Begun[Then]]:
        async with self.app_db.transaction() as tx:
            begun, _ = await due_reminders.begin(tx, claimed, now=now, dev=True, vendors=VENDORS)
        return begun

    async def finish(
        self, begun: list[Begun[Then]], result: Sent | Failed, now: datetime = NOW
    ) -> None:
        done = [
            Done(each.claimed, tuple(Outcome(send, result, now) for send in each.sends), each.then)
            for each in begun
        ]
        async with self.app_db.transaction() as tx:
            await due_reminders.finish(tx, done)

    async def statuses(self) -> dict[str, tuple[str, str | None]]:
        found = await sql(
            self.url,
            "SELECT channel, status, error FROM deliveries WHERE subject_id = %s AND arm_no = 1",
            self.reminder_id,
        )
        return {channel: (status, error) for channel, status, error in found}

    async def next_at(self) -> datetime | None:
        found = await sql(self.url, "SELECT next_at FROM reminders WHERE id = %s", self.reminder_id)
        at: datetime | None = found[0][0] if found else None
        return at


async def complete(case: Case) -> None:
    await ok(case, "POST", f"/todos/{case.todo['id']}/complete")


async def delete(case: Case) -> None:
    await ok(case, "DELETE", f"/todos/{case.todo['id']}")


async def remove(case: Case) -> None:
    await ok(case, "DELETE", f"/reminders/{case.reminder_id}")


async def snooze(case: Case) -> None:
    until = {"until": LATER.isoformat()}
    await ok(case, "POST", f"/reminders/{case.reminder_id}/snooze", json=until)


async def reschedule(case: Case) -> None:
    on = {"date": "2030-07-01", "time": "11:00", "timezone": "UTC"}
    await ok(case, "PATCH", f"/todos/{case.todo['id']}", json={"due": on})


async def change(case: Case) -> None:
    at = {"at": {"date": "2030-07-01", "time": "11:00", "timezone": "UTC"}}
    await ok(case, "PATCH", f"/reminders/{case.reminder_id}", json=at)


async def ok(case: Case, method: str, path: str, **options: Any) -> None:
    answer = await case.alice.request(method, path, **options)
    assert answer.status_code in {200, 204}, answer.text


ACTIONS = [
    pytest.param(complete, None, Reason.TODO_COMPLETED, id="complete"),
    pytest.param(delete, None, Reason.TODO_DELETED, id="delete"),
    pytest.param(remove, None, Reason.REMINDER_CHANGED, id="remove"),
    pytest.param(snooze, LATER, Reason.REMINDER_CHANGED, id="snooze"),
    pytest.param(reschedule, LATER, Reason.REMINDER_CHANGED, id="reschedule"),
    pytest.param(change, LATER, Reason.REMINDER_CHANGED, id="change"),
]


@pytest.fixture
async def case(alice: Person, database_url: str, app_db: Database, worker_db: Database) -> Case:
    made = Case(alice, database_url, app_db, worker_db)
    await made.prepare()
    return made


@pytest.mark.parametrize(("act", "fires", "reason"), ACTIONS)
@pytest.mark.parametrize(
    "moment", ["claimed", "begun", "begun_then_failed", "settled", "waits_for_retry", "held"]
)
async def test_it_is_obeyed(
    case: Case, moment: str, act: Any, fires: datetime | None, reason: Reason
) -> None:
    if moment == "held":
        await case.be_quiet()
    claimed = await case.claim()
    assert len(claimed) == 1
    begun = [] if moment == "claimed" else await case.begin(claimed)
    passing = Failed(Reason.VENDOR_UNAVAILABLE, permanent=False)
    if moment in {"settled", "held"}:
        await case.finish(begun, Sent("x"))
    if moment == "waits_for_retry":
        await case.finish(begun, passing)

    await act(case)
    assert await case.next_at() == fires

    if moment == "claimed":
        assert await case.begin(claimed) == []
        assert await case.statuses() == {}
    if moment in {"begun", "begun_then_failed"}:
        await case.finish(begun, Sent("x") if moment == "begun" else passing)
    sent = {"email": ("sent", None), "push": ("sent", None)}
    if moment in {"begun", "settled"}:
        assert await case.statuses() == sent
    if moment in {"begun_then_failed", "waits_for_retry"}:
        for send in begun[0].sends:
            async with case.app_db.transaction() as tx:
                found = await attempts.begin(
                    tx,
                    case.alice.id,
                    send.delivery_id,
                    now=NOW + timedelta(seconds=20),
                    dev=True,
                    vendors=VENDORS,
                )
            assert found == Over(DeliveryStatus.CANCELLED, send.channel, 1, reason)
    if moment == "held":
        assert await case.statuses() == sent | {"push": ("cancelled", reason)}
        assert await case.claim(QUIET_END) == []

    # And whatever fires later does so, once, under its own arming.
    assert await case.next_at() == fires
    later = await case.begin(await case.claim(LATER), LATER)
    assert [each.claimed.arm_no for each in later] == ([2] if fires else [])
    await case.finish(later, Sent("y"), LATER)
    leases = await sql(case.url, "SELECT count(*) FROM leases WHERE row_id = %s", case.reminder_id)
    assert (leases, await case.claim(LATER + timedelta(days=1))) == ([(0,)], [])


async def test_held_it_is_sent_when_nobody_changed_it(case: Case) -> None:
    await case.be_quiet()
    await case.finish(await case.begin(await case.claim()), Sent("x"))
    assert (await case.statuses())["push"] == ("held", None)
    assert await case.claim(QUIET_END - timedelta(seconds=3)) == []
    begun = await case.begin(await case.claim(QUIET_END), QUIET_END)
    assert [send.channel for each in begun for send in each.sends] == [Channel.PUSH]
    assert begun[0].sends[0].due_at == QUIET_END, "held is not late"
    await case.finish(begun, Sent("y"), QUIET_END)
    assert await case.statuses() == {"email": ("sent", None), "push": ("sent", None)}
    assert await case.next_at() is None


async def test_what_is_held_for_a_row_that_is_gone_is_not_forgotten(case: Case) -> None:
    await case.be_quiet()
    await case.finish(await case.begin(await case.claim()), Sent("x"))
    await sql(case.url, "DELETE FROM todos WHERE id = %s", UUID(case.todo["id"]))
    await sql(
        case.url,
        "UPDATE deliveries SET updated_at = now() - interval '3 minutes' WHERE subject_id = %s",
        case.reminder_id,
    )
    async with case.worker_db.transaction() as tx:
        due_reminders.rescue(tx)
    asked = await sql(
        case.url,
        "SELECT count(*) FROM outbox o JOIN deliveries d ON o.workflow_id = 'delivery:' || d.id"
        " WHERE d.subject_id = %s AND d.status = 'held'",
        case.reminder_id,
    )
    assert asked == [(1,)]
