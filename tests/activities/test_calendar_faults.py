"""A calendar that fails, forgets or lies, workers that die: nothing twice, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activities.calendars import State
from core import clock
from core.db import Database
from core.services import calendar_syncs, connections
from core.services.calendar_syncs import Lost
from integrations import calendars
from tests.calendars import Desk, by_hand, desk
from tests.connecting import World, connected_world
from tests.teams import sql
from tests.todos import make, read

DUE = {"date": "2030-07-01", "time": "18:00", "timezone": "Europe/Berlin"}
MANY = 12


@pytest.fixture(scope="module")
async def world(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with connected_world(database_url, tmp_path_factory.mktemp("calendars")) as world:
        yield world


@pytest.fixture
async def at(world: World, app_db: Database, worker_db: Database) -> AsyncIterator[Desk]:
    async with desk(world, app_db, worker_db) as made:
        yield made
    world.sandbox.delete("/faults")


def fault(at: Desk, kind: str | None, **how: Any) -> None:
    at.world.fault("google_calendar", **({"kind": kind} if kind else {}), **how)


async def sold(at: Desk, count: int = MANY) -> list[dict[str, Any]]:
    """So many todos, all of them in the calendar."""
    made = [await make(at.person, f"Todo {nth}", due=DUE) for nth in range(count)]
    await at.sync()
    assert len(await at.events()) == count
    return made


async def quarantined(at: Desk) -> list[dict[str, Any]]:
    answer = await at.person.get(f"/integrations/{at.id}/quarantine")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def decide(at: Desk, decision: str) -> int:
    answer = await at.person.post(f"/integrations/{at.id}/quarantine", json={"decision": decision})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["decided"])


async def settled(at: Desk) -> None:
    since = at.world.latest()
    assert (await at.pull()).state is State.SYNCED
    assert at.writes(since) == []


def expire(at: Desk) -> None:
    answer = at.world.sandbox.post("/google/expire", params={"account": at.account})
    assert answer.is_success, answer.text


async def test_a_token_that_is_forgotten_begins_the_listing_anew(at: Desk) -> None:
    await sold(at, 3)
    event = (await at.events())["Todo 1"]
    await at.move(event, "2030-09-09T09:00")
    await at.remove((await at.events())["Todo 2"])
    expire(at)
    since = at.world.latest()
    await at.pull()
    assert (await at.todos())["Todo 1"]["due"]["date"] == "2030-09-09"
    assert set(await at.todos()) == {"Todo 0", "Todo 1"}
    assert at.writes(since) == []
    assert ("read", "listing.begun_anew") in await at.activity()
    await settled(at)


async def test_what_a_whole_listing_leaves_out_is_asked_for_before_it_is_deleted(at: Desk) -> None:
    """The listing is a liar's: it names nothing, and says that it is whole."""
    await sold(at, 2)
    expire(at)
    empty = {"kind": "calendar#events", "timeZone": "Europe/Berlin", "items": []}
    fault(at, "events.list", status=410, body={"error": {"code": 410, "errors": []}})
    fault(at, "events.list", status=200, body=empty | {"nextSyncToken": "made-up"})
    await at.pull()
    assert set(await at.todos()) == {"Todo 0", "Todo 1"}
    assert set(await at.events()) == {"Todo 0", "Todo 1"}


async def test_a_listing_that_breaks_off_is_never_read_as_deletions(at: Desk) -> None:
    await sold(at, 6)
    for how in ({"drop": "midway"}, {"drop": "before"}, {"status": 500}, {"status": 503}):
        expire(at)
        fault(at, "events.list", **how)
        await at.pull()
        assert len(await at.todos()) == 6
    fault(at, "events.list", status=200, body={"items": []})  # neither goes on nor ends
    await at.pull()
    assert len(await at.todos()) == 6
    await settled(at)


@pytest.mark.parametrize("decision", ["apply", "keep"])
async def test_many_events_deleted_there_wait_for_a_person(at: Desk, decision: str) -> None:
    todos = await sold(at)
    for event in (await at.events()).values():
        await at.remove(event)
    await at.pull()
    assert len(await at.todos()) == MANY, "none may be deleted unasked"
    waiting = await quarantined(at)
    assert {(each["deleted"], each["todo_id"]) for each in waiting} == {
        ("event", todo["id"]) for todo in todos
    }
    shown = (await at.person.get(f"/integrations/{at.id}")).json()
    assert shown["sync"]["quarantined"] == MANY
    told = (await at.person.get("/notifications")).json()["data"]
    assert [each["kind"] for each in told].count("calendar_quarantine") == 1
    await at.pull()  # looked at again, nothing else is known
    assert len(await at.todos()) == MANY
    assert await decide(at, decision) == MANY
    await at.sync()
    assert await quarantined(at) == []
    left = 0 if decision == "apply" else MANY
    assert (len(await at.todos()), len(await at.events())) == (left, left)
    await settled(at)


@pytest.mark.parametrize("decision", ["apply", "keep"])
async def test_many_todos_deleted_here_wait_for_a_person(at: Desk, decision: str) -> None:
    for todo in await sold(at):
        answer = await at.person.delete(f"/todos/{todo['id']}", headers={"If-Match": "*"})
        assert answer.status_code == 204, answer.text
    await at.sync()
    assert len(await at.events()) == MANY, "none may be deleted unasked"
    assert {each["deleted"] for each in await quarantined(at)} == {"todo"}
    assert await decide(at, decision) == MANY
    await at.sync()
    left = 0 if decision == "apply" else MANY
    assert (len(await at.todos()), len(await at.events())) == (left, left)
    await settled(at)


async def test_a_quarter_of_few_waits_as_well_and_one_of_few_does_not(at: Desk) -> None:
    await sold(at, 8)
    events = await at.events()
    await at.remove(events["Todo 0"])
    await at.pull()
    assert len(await at.todos()) == 7
    for nth in (1, 2):
        await at.remove(events[f"Todo {nth}"])
    await at.pull()
    assert len(await at.todos()) == 7
    assert len(await quarantined(at)) == 2


@pytest.mark.parametrize("more", [1, 12])
async def test_a_token_that_is_revoked_stops_it_and_is_told_once(at: Desk, more: int) -> None:
    await sold(at, 1)
    for nth in range(more):
        await make(at.person, f"More {nth}", due=DUE)
    ended = at.world.sandbox.post("/google/revoke", data={"token": await refresh_token(at)})
    assert ended.is_success, ended.text
    since = at.world.latest()
    found_out = await (at.pull() if more == 1 else at.sync())  # by a listing, by many writes
    assert found_out.state is State.PAUSED
    assert len(at.calls(since)) <= 3, at.calls(since)
    assert await at.begin(now=clock.now() + timedelta(days=2)) is None, "asked no more"
    shown = (await at.person.get(f"/integrations/{at.id}")).json()
    assert (shown["status"], shown["sync"]["state"]) == ("needs_reauth", "paused")
    told = (await at.person.get("/notifications")).json()["data"]
    assert [each["kind"] for each in told].count("connection_paused") == 1
    asked = await at.person.post(f"/integrations/{at.id}/sync")
    assert asked.status_code == 409
    await at.world.connect(at.person, "google-calendar", at.account)
    assert (await at.sync()).state is State.SYNCED
    again = replace(at, hand=by_hand(at.world, at.account))
    assert set(await again.events()) == {"Todo 0", *(f"More {nth}" for nth in range(more))}
    await settled(at)


async def refresh_token(at: Desk) -> str:
    async with at.app_db.transaction(read_only=True) as tx:
        tx.act_in([at.person.id])
        found = await connections.by_id(tx, at.person.id, at.id, ring=at.world.ring)
    assert found is not None
    return found.secret.get_secret_value()


async def test_a_calendar_that_asks_for_silence_gets_it(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    fault(at, "events.insert", status=429, headers={"Retry-After": "77"})
    run = await at.begin()
    assert run is not None
    done = await at.slice(run)
    assert done.state is State.WAITS
    assert 77_000 <= done.wait_ms <= 90_000
    row = await at.row()
    assert (row["state"], row["failures"]) == ("running", 1)
    assert "wait" in row["problem"]
    assert (await at.slice(run)).state is State.SYNCED
    assert set(await at.events()) == {"Water"}
    row = await at.row()
    assert (row["failures"], row["problem"]) == (0, None)


@pytest.mark.parametrize("kind", ["events.list", "events.insert", "oauth.token"])
@pytest.mark.parametrize(
    "how",
    [{"status": 500}, {"status": 503}, {"drop": "before"}, {"drop": "midway"}, {"drop": "after"}],
    ids=lambda how: "-".join(map(str, how.values())),
)
async def test_what_fails_for_a_while_comes_through_once(
    at: Desk, kind: str, how: dict[str, Any]
) -> None:
    """Also when the calendar took it and the answer was lost."""
    await make(at.person, "Water", due=DUE)
    fault(at, kind, **how | {"times": 3})
    assert (await at.sync()).state is State.SYNCED
    assert [each.summary for each in await everything(at)] == ["Water"]
    await settled(at)


async def everything(at: Desk) -> list[Any]:
    page = await at.google.list_events(at.hand, "primary")
    return [each for each in page.events if not each.cancelled]


@pytest.mark.parametrize("drop", ["before", "midway", "after"])
async def test_an_edit_whose_answer_is_lost_is_written_once(at: Desk, drop: str) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    headers = {"If-Match": "*"}
    edited = {"title": "Water it", "due": DUE | {"time": "19:00"}}
    answer = await at.person.patch(f"/todos/{todo['id']}", json=edited, headers=headers)
    assert answer.status_code == 200
    fault(at, "events.patch", drop=drop)
    before = await read(at.person, todo["id"])
    await at.sync()
    assert [each.summary for each in await everything(at)] == ["Water it"]
    assert (await at.person.delete(f"/todos/{todo['id']}", headers=headers)).status_code == 204
    fault(at, "events.delete", drop=drop)
    await at.sync()
    assert await everything(at) == []
    assert before["version"] == 2
    await settled(at)


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
    assert len(await everything(at)) == 15
    assert at.writes(since).count("events.delete") == 0
    await settled(at)


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
    events = await everything(at)
    assert sorted(each.summary for each in events) == sorted(todo["title"] for todo in todos)
    await settled(at)


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


async def test_who_may_no_longer_write_there_is_stopped(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    url = at.world.database_url
    await sql(url, "UPDATE users SET status = 'disabled' WHERE id = %s", at.person.id)
    assert (await at.sync()).state is State.PAUSED
    assert (await at.row())["state"] == "paused"


async def test_a_calendar_that_is_gone_is_said_to_be(at: Desk) -> None:
    await at.settings(calendar_id="nobodys@sandbox.test", calendar_name="Nobody's")
    assert (await at.sync()).state is State.PAUSED
    assert "not there" in (await at.row())["problem"]
    await at.settings(calendar_id="primary")


async def test_a_channel_is_opened_kept_and_renewed_before_it_ends(at: Desk) -> None:
    address = calendars.address(at.world.app.state.settings)
    assert address is not None
    since = at.world.latest()
    await at.sync(address=address)
    await at.pull(address=address)
    assert at.calls(since).count("events.watch") == 1
    url = at.world.database_url
    [(first, renew_at, expires_at)] = await sql(
        url,
        "SELECT channel_id, channel_renew_at, channel_expires_at FROM calendar_syncs WHERE id = %s",
        at.id,
    )
    left = (renew_at - clock.now()) / (expires_at - clock.now())
    assert 0.79 < left < 0.81
    await sql(
        url,
        "UPDATE calendar_syncs SET channel_renew_at = 'yesterday' WHERE id = %s",
        at.id,
    )
    await at.pull(address=address)
    assert at.calls(since).count("events.watch") == 2
    assert at.calls(since).count("channels.stop") == 1
    kept = await sql(
        url, "SELECT channel_id FROM calendar_channels WHERE connection_id = %s", at.id
    )
    assert len(kept) == 1
    assert kept[0][0] != first


async def test_a_calendar_that_cannot_be_watched_is_kept_in_step_all_the_same(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    fault(at, "events.watch", status=403)
    since = at.world.latest()
    address = calendars.address(at.world.app.state.settings)
    assert (await at.sync(address=address)).state is State.SYNCED
    await at.pull(address=address)
    assert set(await at.events()) == {"Water"}
    assert at.calls(since).count("events.watch") == 1
    kept = await sql(
        at.world.database_url, "SELECT 1 FROM calendar_channels WHERE connection_id = %s", at.id
    )
    assert kept == []


async def test_who_was_not_heard_asking_for_a_channel_asks_again_soon(at: Desk) -> None:
    fault(at, "events.watch", status=503)
    since = at.world.latest()
    address = calendars.address(at.world.app.state.settings)
    await at.sync(address=address)
    [(again_at,)] = await sql(
        at.world.database_url, "SELECT channel_renew_at FROM calendar_syncs WHERE id = %s", at.id
    )
    assert timedelta(minutes=1) < again_at - clock.now() < timedelta(minutes=3)
    await at.poke()
    run = await at.begin()
    assert run is not None
    later = clock.now() + timedelta(minutes=3)
    done = await at.slice(run, address=address, now=lambda: later)
    assert done.state is State.SYNCED
    assert at.calls(since).count("events.watch") == 2
