"""Workers that die, stall or are two: nothing twice, nothing lost."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.calendar_syncs import CalendarSyncs
from activities.calendars import State
from core import clock
from core.services import calendar_syncs
from core.services.calendar_syncs import Lost
from tests.calendars import DUE, Desk
from tests.todos import make


async def test_a_twin_that_was_fenced_off_writes_nothing(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    run = await at.begin()
    assert run is not None
    async with at.app_db.transaction() as tx:
        older = await calendar_syncs.open_slice(tx, run, now=clock.now())
    assert older is not None
    assert (await at.slice(run)).state is State.SYNCED
    row = await at.row()
    async with at.app_db.transaction() as tx:
        tx.act_in([at.person.id])
        with pytest.raises(Lost):
            await calendar_syncs.hold(tx, older)
    async with at.app_db.transaction() as tx:
        tx.act_in([at.person.id])
        calendar_syncs.write(tx, older, sync_token="stolen", now=clock.now())
        await calendar_syncs.finish(tx, older, now=clock.now())
    assert await at.row() == row
    assert (await at.slice(run)).state is State.OVER


async def test_two_workers_at_once_make_each_event_once(at: Desk) -> None:
    for nth in range(15):
        await make(at.person, f"Todo {nth}", due=DUE)
    run = await at.begin()
    assert run is not None
    since = at.world.latest()
    states = await asyncio.gather(*(at.slice(run) for _ in range(3)))
    while not set(states) & {State.SYNCED} and (done := await at.slice(run)).state not in {
        State.SYNCED,
        State.OVER,
    }:
        assert done.state is not State.PAUSED
    assert len(await at.titles()) == 15
    assert at.writes(since).count("events.delete") == 0
    await at.rests()


async def test_a_worker_killed_again_and_again_makes_nothing_twice(at: Desk) -> None:
    todos = [await make(at.person, f"Todo {nth}", due=DUE) for nth in range(20)]
    run = await at.begin()
    assert run is not None
    for nth in range(40):
        killed = asyncio.create_task(at.slice(run))
        await asyncio.sleep(0.02 + 0.011 * (nth % 9))
        killed.cancel()
        with suppress(asyncio.CancelledError):
            if (await killed).state in {State.SYNCED, State.OVER}:
                break
    if (await at.row())["state"] == "running":
        assert (await at.slice(run, slice_s=60)).state is State.SYNCED
    assert await at.titles() == sorted(todo["title"] for todo in todos)
    await at.rests()


async def test_a_run_that_is_lost_is_begun_again(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    run = await at.begin()
    assert run is not None
    later = clock.now() + timedelta(hours=2)
    again = await at.begin(now=later)
    assert again is not None
    assert again.run_no == run.run_no + 1
    assert (await at.slice(run)).state is State.OVER
    assert (await at.slice(again)).state is State.SYNCED


async def test_a_run_that_an_operator_stopped_goes_on_with_the_next(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    job = (await at.person.post(f"/integrations/{at.id}/sync")).json()
    run = await at.begin()
    assert run is not None
    syncs = CalendarSyncs(at.app_db)
    for _ in range(2):  # twice is once
        await ActivityEnvironment().run(syncs.stop, run)
    stopped = (await at.person.get(f"/jobs/{job['id']}")).json()
    assert (stopped["status"], stopped["error"]) == ("cancelled", "an operator stopped it")
    assert (await at.slice(run)).state is State.OVER
    assert await at.titles() == []
    assert (await at.pull()).state is State.SYNCED
    assert await at.titles() == ["Water"]
    await at.rests()
