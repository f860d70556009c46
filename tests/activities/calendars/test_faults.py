"""A calendar that fails, forgets or lies: nothing twice, nothing lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activities.calendar_pairs import ROUNDS
from activities.calendars import State
from core import clock
from core.services import connections
from tests.calendars import DUE, Desk, by_hand
from tests.teams import sql
from tests.todos import make, read


def expire(at: Desk) -> None:
    answer = at.world.sandbox.post("/google/expire", params={"account": at.account})
    assert answer.is_success, answer.text


async def test_a_token_that_is_forgotten_begins_the_listing_anew(at: Desk) -> None:
    await at.in_step(3)
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
    await at.rests()


async def test_what_a_whole_listing_leaves_out_is_asked_for_before_it_is_deleted(at: Desk) -> None:
    """The listing is a liar's: it names nothing, and says that it is whole."""
    await at.in_step(2)
    expire(at)
    empty = {"kind": "calendar#events", "timeZone": "Europe/Berlin", "items": []}
    at.fault("events.list", status=410, body={"error": {"code": 410, "errors": []}})
    at.fault("events.list", status=200, body=empty | {"nextSyncToken": "made-up"})
    await at.pull()
    assert set(await at.todos()) == {"Todo 0", "Todo 1"}
    assert set(await at.events()) == {"Todo 0", "Todo 1"}


async def test_a_listing_that_breaks_off_is_never_read_as_deletions(at: Desk) -> None:
    await at.in_step(6)
    for how in ({"drop": "midway"}, {"drop": "before"}, {"status": 500}, {"status": 503}):
        expire(at)
        at.fault("events.list", **how)
        await at.pull()
        assert len(await at.todos()) == 6
    at.fault("events.list", status=200, body={"items": []})  # neither goes on nor ends
    await at.pull()
    assert len(await at.todos()) == 6
    await at.rests()


@pytest.mark.parametrize("more", [1, 12])
async def test_a_token_that_is_revoked_stops_it_and_is_told_once(at: Desk, more: int) -> None:
    await at.in_step(1)
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
    await at.rests()


async def refresh_token(at: Desk) -> str:
    async with at.app_db.transaction(read_only=True) as tx:
        tx.act_in([at.person.id])
        found = await connections.by_id(tx, at.person.id, at.id, ring=at.world.ring)
    assert found is not None
    return found.secret.get_secret_value()


async def test_a_calendar_that_asks_for_silence_gets_it(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    at.fault("events.insert", status=429, headers={"Retry-After": "77"})
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
    at.fault(kind, **how | {"times": 3})
    assert (await at.sync()).state is State.SYNCED
    assert await at.titles() == ["Water"]
    await at.rests()


@pytest.mark.parametrize("drop", ["before", "midway", "after"])
async def test_an_edit_whose_answer_is_lost_is_written_once(at: Desk, drop: str) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    headers = {"If-Match": "*"}
    edited = {"title": "Water it", "due": DUE | {"time": "19:00"}}
    answer = await at.person.patch(f"/todos/{todo['id']}", json=edited, headers=headers)
    assert answer.status_code == 200
    at.fault("events.patch", drop=drop)
    before = await read(at.person, todo["id"])
    await at.sync()
    assert await at.titles() == ["Water it"]
    assert (await at.person.delete(f"/todos/{todo['id']}", headers=headers)).status_code == 204
    at.fault("events.delete", drop=drop)
    await at.sync()
    assert await at.titles() == []
    assert before["version"] == 2
    await at.rests()


async def test_a_todo_that_comes_back_outlives_an_event_that_we_never_heard_of(at: Desk) -> None:
    """Its insert was not answered, then people deleted both and brought the todo back."""
    await make(at.person, "Water", due=DUE)
    at.fault("events.insert", drop="midway")
    run = await at.begin()
    assert run is not None
    assert (await at.slice(run)).state is State.WAITS
    await at.remove((await at.events())["Water"])
    assert (await at.slice(run)).state is State.SYNCED
    assert await at.todos() == {}
    change_set = (await at.row())["change_set_id"]
    answer = await at.person.post("/undo", json={"change_set": str(change_set)})
    assert answer.status_code == 200, answer.text
    await at.sync()
    assert set(await at.todos()) == {"Water"}
    assert await at.titles() == ["Water"]
    await at.rests()


async def test_an_event_that_somebody_writes_all_the_time_is_left_for_later(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    edited = await at.person.patch(
        f"/todos/{todo['id']}", json={"title": "Water it"}, headers={"If-Match": "*"}
    )
    assert edited.status_code == 200
    since = at.world.latest()
    at.fault("events.patch", status=412, times=ROUNDS)
    assert (await at.sync()).state is State.SYNCED
    assert at.writes(since) == ["events.patch"] * ROUNDS
    assert await at.titles() == ["Water"]
    await at.pull()
    assert await at.titles() == ["Water it"]
    await at.rests()


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
