"""A sandbox's clock on its way: real PostgreSQL, the tick's own handlers, no Temporal."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.clock import Clocks, Moved
from activities.shift import Hand, Handler
from core import clock, due
from core.db import Database, Transaction
from core.due import SOURCES, Claimed, Source
from core.messages import JobMessage, Kind
from core.services import sandboxes
from tests.people import Person
from tests.sandboxes import (
    START,
    ask,
    clock_at,
    clocks,
    deliveries,
    job,
    move,
    sandbox,
    todo,
)
from tests.teams import sql

HOUR = timedelta(hours=1)


async def step(app_db: Database, message: JobMessage) -> sandboxes.Stop:
    async with app_db.transaction() as tx:
        return await sandboxes.step(tx, message, now=clock.now())


async def test_everything_happens_in_order_at_its_own_instant(
    app_db: Database, alice: Person
) -> None:
    there = await sandbox(alice)
    for title, at in (
        ("third", "2027-03-28T01:30"),
        ("first", "2027-03-26T09:00"),
        ("second", "2027-03-26T09:00:01"),
        ("later", "2027-03-29T08:00:01"),
        ("also first", "2027-03-26T09:00"),
    ):
        await todo(alice, there, title, at)
    message = await ask(alice, there, advance="P3D")
    moved = await move(app_db, message)
    assert (moved.over, moved.permille, moved.instants, moved.handled) == (True, 1000, 3, 4)
    told = await deliveries(alice, there)
    assert [each["title"] for each in told if each["title"] != "also first"] == [
        "first",
        "second",
        "third",
    ]
    assert all(a["sent_at"] <= b["sent_at"] for a, b in pairwise(told))
    for each in told:
        assert each["sent_at"] == each["due_at"] == each["log"][-1]["at"]
        assert (each["status"], each["attempts"]) == ("sent", 1)
    assert told[-1]["due_at"] == "2027-03-28T01:30:00Z"
    assert await clock_at(alice, there) == START + timedelta(days=3)
    found = await job(alice, message)
    assert (found["status"], found["progress"], found["error"]) == ("succeeded", 1.0, None)
    assert found["result"] == {
        "from": "2027-03-26T08:00:00+00:00",
        "to": "2027-03-29T08:00:00+00:00",
        "instants": 3,
        "handled": 4,
    }


async def test_the_next_move_goes_on_from_there(app_db: Database, alice: Person) -> None:
    there = await sandbox(alice)
    await todo(alice, there, "one", "2027-03-26T09:00")
    await move(app_db, await ask(alice, there, to="2027-03-26T09:59:59+01:00"))
    assert await deliveries(alice, there) == []
    await move(app_db, await ask(alice, there, advance="PT1S"))
    assert len(await deliveries(alice, there)) == 1
    await move(app_db, await ask(alice, there, advance="PT0S"))
    assert len(await deliveries(alice, there)) == 1
    assert await clock_at(alice, there) == START + HOUR


async def test_no_tick_takes_what_is_due_there(
    worker_db: Database, alice: Person, database_url: str
) -> None:
    long_ago = START - timedelta(days=3650)
    there = await sandbox(alice, now=long_ago)
    made = await todo(alice, there, "x", f"{long_ago + HOUR:%Y-%m-%dT%H:%M}")
    assert made["created_at"] == f"{long_ago:%Y-%m-%dT%H:%M:%SZ}"
    [(lane,)] = await sql(database_url, "SELECT lane FROM reminders WHERE workspace_id = %s", there)
    assert lane is None
    async with worker_db.transaction() as tx:
        source = SOURCES[Kind.REMINDERS]
        for each in range(8):
            claimed = await due.claim(tx, source, each, now=clock.now(), limit=1000)
            assert there not in {row.workspace_id for row in claimed}
            due.release(tx, source, claimed)


async def test_a_slice_goes_on_where_the_last_one_was(app_db: Database, alice: Person) -> None:
    there = await sandbox(alice)
    for minute in range(5):
        await todo(alice, there, str(minute), f"2027-03-26T09:0{minute}")
    message = await ask(alice, there, advance="PT2H")
    slices: list[Moved] = []
    while not slices or not slices[-1].over:
        one = clocks(app_db, slice_s=0.0)
        slices.append(await ActivityEnvironment().run(one.advance, message))
        told = await job(alice, message)
        assert told["result"]["handled"] == len(await deliveries(alice, there))
    assert [each.instants for each in slices] == [1, 2, 3, 4, 5, 5]
    assert [each.permille for each in slices] == [500, 508, 517, 525, 533, 1000]
    assert told["status"] == "succeeded"


async def test_killed_at_any_point_nothing_is_lost_and_nothing_twice(
    app_db: Database, alice: Person, database_url: str
) -> None:
    """A worker dies with rows in its hands; its leases end, and another one goes on."""
    there = await sandbox(alice)
    for minute in range(3):
        await todo(alice, there, str(minute), f"2027-03-26T09:0{minute}")
    message = await ask(alice, there, advance="PT2H")
    dead = await step(app_db, message)
    assert [len(claimed) for _, claimed in dead.work] == [1]
    assert await clock_at(alice, there) == START + HOUR  # it stands where it got to
    assert (await job(alice, message))["result"]["handled"] == 1
    assert (await step(app_db, message)).work == ((Kind.REMINDERS, ()),)  # in the dead one's hands

    alive = asyncio.create_task(move(app_db, message))
    await asyncio.sleep(0.5)
    assert not alive.done()
    await sql(
        database_url,
        "UPDATE leases SET until = 'yesterday' WHERE workspace_id = %s",
        there,
    )
    moved = await alive
    assert (moved.instants, moved.handled) == (3, 3)
    told = await deliveries(alice, there)
    assert [each["title"] for each in told] == ["0", "1", "2"]
    assert [each["sent_at"] for each in told] == [each["due_at"] for each in told]
    assert (await move(app_db, message)).over  # once more, it is over
    assert len(await deliveries(alice, there)) == 3


async def test_two_workers_at_one_clock_do_each_thing_once(app_db: Database, alice: Person) -> None:
    there = await sandbox(alice)
    for minute in range(10):
        await todo(alice, there, str(minute), f"2027-03-26T09:{minute:02}")
    message = await ask(alice, there, advance="PT2H")
    await asyncio.gather(*(move(app_db, message) for _ in range(3)))
    told = await deliveries(alice, there)
    assert sorted(each["title"] for each in told) == [str(n) for n in range(10)]
    assert {each["attempts"] for each in told} == {1}
    assert (await job(alice, message))["result"]["handled"] == 10


async def test_too_many_instants_fail_and_the_clock_stays(app_db: Database, alice: Person) -> None:
    there = await sandbox(alice)
    for minute in range(4):
        await todo(alice, there, str(minute), f"2027-03-26T09:0{minute}")
    message = await ask(alice, there, advance="PT2H")
    await move(app_db, message, most=2)
    failed = await job(alice, message)
    assert failed["status"] == "failed"
    assert "10000 instants" in failed["error"]
    assert failed["result"]["instants"] == 2
    assert 0 < failed["progress"] < 1
    assert await clock_at(alice, there) == START + HOUR + timedelta(minutes=1)
    await move(app_db, await ask(alice, there, advance="PT1H"))
    assert len(await deliveries(alice, there)) == 4


async def test_cancelled_it_stops_where_it_is(app_db: Database, alice: Person) -> None:
    there = await sandbox(alice)
    await todo(alice, there, "x", "2027-03-26T09:00")
    await todo(alice, there, "y", "2027-03-26T09:30")
    message = await ask(alice, there, advance="PT2H")
    await ActivityEnvironment().run(clocks(app_db, slice_s=0.0).advance, message)
    answer = await alice.post(f"/jobs/{message.job_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    moved = await move(app_db, message)
    assert (moved.over, moved.handled) == (True, 1)
    assert await clock_at(alice, there) == START + HOUR
    assert [each["title"] for each in await deliveries(alice, there)] == ["x"]
    await move(app_db, await ask(alice, there, advance="PT1H"))  # and another one may begin
    assert len(await deliveries(alice, there)) == 2


async def test_a_deleted_sandbox_ends_its_job(app_db: Database, alice: Person) -> None:
    there = await sandbox(alice)
    await todo(alice, there, "x", "2027-03-26T09:00")
    message = await ask(alice, there, advance="PT2H")
    await step(app_db, message)
    assert (await alice.delete(f"/workspaces/{there}")).status_code == 204
    moved = await move(app_db, message)
    assert (moved.over, moved.permille, moved.handled) == (True, 0, 0)
    assert (await alice.get(f"/jobs/{message.job_id}")).status_code == 404


class Broken:
    """A handler of reminders that fails with each batch."""

    source: Source = SOURCES[Kind.REMINDERS]

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.batches = 0

    def tidy(self, tx: Transaction) -> None:
        pass

    async def work(self, batch: Sequence[Claimed], hand: Hand) -> None:  # noqa: ARG002 (the protocol's names)
        self.batches += 1
        raise self.error


async def test_what_cannot_be_worked_on_ends_the_job_with_a_sentence(
    app_db: Database, alice: Person
) -> None:
    there = await sandbox(alice)
    await todo(alice, there, "x", "2027-03-26T09:00")
    message = await ask(alice, there, advance="PT2H")
    broken = Broken(ValueError("bad"))

    def broken_handlers(_: Callable[[], datetime]) -> Mapping[Kind, Handler]:
        return {Kind.REMINDERS: broken}

    activity = Clocks(app_db, broken_handlers, patience_s=0.5)
    assert (await ActivityEnvironment().run(activity.advance, message)).over
    found = await job(alice, message)
    assert (found["status"], found["error"]) == ("failed", sandboxes.STUCK)
    assert broken.batches == 3
    assert await clock_at(alice, there) == START + HOUR


async def test_it_heartbeats_while_it_waits(app_db: Database, alice: Person) -> None:
    there = await sandbox(alice)
    await todo(alice, there, "x", "2027-03-26T09:00")
    message = await ask(alice, there, advance="PT2H")
    await step(app_db, message)  # and this worker dies
    environment = ActivityEnvironment()
    beats: list[Any] = []
    environment.on_heartbeat = lambda *_: beats.append(1)
    await environment.run(clocks(app_db, patience_s=1.5).advance, message)
    assert beats


async def test_nothing_leaves_it_by_any_channel(app_db: Database, alice: Person) -> None:
    there = await sandbox(alice)
    at = {"date": "2027-03-26", "time": "09:00", "timezone": "UTC"}
    reminder = {"at": at, "channels": ["email", "push", "slack", "in_app"]}
    body = {"title": "x", "reminders": [reminder]}
    assert (await alice.post(f"/todos?workspace_id={there}", json=body)).status_code == 201
    await move(app_db, await ask(alice, there, advance="PT1H"))
    told = await deliveries(alice, there)
    assert {each["channel"] for each in told} == {"email", "push", "slack", "in_app"}
    assert {each["status"] for each in told} == {"sent"}
    assert (await alice.get("/notifications")).json()["data"] == []


async def test_a_series_moves_on_with_the_clock(app_db: Database, alice: Person) -> None:
    """Every weekday at nine, watched from Friday over a weekend to Tuesday."""
    there = await sandbox(alice, now=START - HOUR)
    body = {
        "title": "Stand-up",
        "due": {"date": "2027-03-26", "time": "09:00", "timezone": "Europe/Berlin"},
        "recurrence": {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
        "reminders": [{"before": "PT0S", "channels": ["in_app"]}],
    }
    made = await alice.post(f"/todos?workspace_id={there}", json=body)
    assert made.status_code == 201, made.text
    await move(app_db, await ask(alice, there, to="2027-03-30T12:00:00Z"))
    told = await deliveries(alice, there)
    # Berlin's clocks went forward on that Sunday: nine o'clock comes an hour earlier.
    assert [each["sent_at"] for each in told] == [
        "2027-03-26T08:00:00Z",
        "2027-03-29T07:00:00Z",
        "2027-03-30T07:00:00Z",
    ]
    found = (await alice.get(f"/todos/{made.json()['id']}")).json()
    assert (found["due"]["date"], found["missed"]) == ("2027-03-30", 2)
