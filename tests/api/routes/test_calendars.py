"""What people ask about a calendar, and what Google tells us of it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from activities.calendars import State
from core import clock
from core.db import Database
from core.ids import uuid7
from core.services import calendar_channels, calendar_syncs
from tests.calendars import DUE, Desk, desk
from tests.connecting import World
from tests.people import API, register
from tests.teams import sql
from tests.todos import make

TOKEN = "a-token-of-the-channel"
NEWS = f"{API}/webhooks/google-calendar"


@pytest.fixture
async def at(world: World, app_db: Database, worker_db: Database) -> AsyncIterator[Desk]:
    async with desk(world, app_db, worker_db) as made:
        yield made
    world.sandbox.delete("/faults")


async def test_the_calendars_of_the_account_are_shown(at: Desk) -> None:
    answer = await at.person.get(f"/integrations/{at.id}/calendars")
    assert answer.status_code == 200, answer.text
    first, *others = answer.json()["data"]
    assert (first["id"], first["primary"], first["timezone"]) == (
        at.account,
        True,
        "Europe/Berlin",
    )
    assert [(each["name"], each["writable"]) for each in others] == [
        ("Family", True),
        ("Holidays", False),
    ]
    assert "token" not in answer.text


async def test_another_calendar_begins_anew(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    await at.sync()
    listed = (await at.person.get(f"/integrations/{at.id}/calendars")).json()["data"]
    family = next(each for each in listed if each["name"] == "Family")
    await at.settings(calendar_id=family["id"], calendar_name="Family")
    assert (await at.sync()).state is State.SYNCED
    page = await at.google.list_events(at.hand, family["id"])
    assert [each.summary for each in page.events] == ["Water"]
    assert set(await at.events()) == {"Water"}, "the old one is left as it is"
    shown = (await at.person.get(f"/integrations/{at.id}")).json()
    assert shown["settings"]["calendar_name"] == "Family"


async def test_a_calendar_that_is_not_there_is_paused_until_another_one_is_chosen(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    await at.settings(calendar_id="nobody@group.calendar.google.com")
    assert (await at.sync()).state is State.PAUSED
    shown = (await at.person.get(f"/integrations/{at.id}")).json()
    assert (shown["status"], shown["sync"]["state"]) == ("active", "paused")
    assert "choose another one" in shown["sync"]["problem"]
    await at.settings(calendar_id=at.account)
    assert (await at.sync()).state is State.SYNCED
    assert set(await at.events()) == {"Water"}


async def test_with_another_policy_what_stood_there_before_is_read(at: Desk) -> None:
    await at.put("Lunch")
    await at.sync()
    assert await at.todos() == {}
    await at.settings(events_become_todos="all")
    assert (await at.sync()).state is State.SYNCED
    assert set(await at.todos()) == {"Lunch"}
    await at.settings(events_become_todos="none")
    await at.put("Dinner")
    await at.sync()
    assert set(await at.todos()) == {"Lunch"}


async def test_who_asks_for_a_run_gets_a_job_that_ends_with_it(at: Desk) -> None:
    await at.sync()
    asked = await at.person.post(f"/integrations/{at.id}/sync")
    assert asked.status_code == 202, asked.text
    job = asked.json()
    assert (job["kind"], job["status"]) == ("calendar_sync", "queued")
    assert asked.headers["location"] == f"{API}/jobs/{job['id']}"
    again = await at.person.post(f"/integrations/{at.id}/sync")
    assert again.json()["id"] == job["id"]
    await make(at.person, "Water", due=DUE)
    await at.sync()
    found = (await at.person.get(f"/jobs/{job['id']}")).json()
    assert (found["status"], found["progress"]) == ("succeeded", 1.0)
    another = await at.person.post(f"/integrations/{at.id}/sync")
    assert another.json()["id"] != job["id"]


async def test_the_progress_of_a_first_run_is_shown(at: Desk) -> None:
    for nth in range(60):
        await make(at.person, f"Todo {nth}", due=DUE)
    job = (await at.person.post(f"/integrations/{at.id}/sync")).json()
    run = await at.begin()
    assert run is not None
    seen = set()
    for _ in range(20):
        done = await at.slice(run, slice_s=0)
        found = (await at.person.get(f"/jobs/{job['id']}")).json()
        seen.add(round(found["progress"], 2))
        if done.state is State.SYNCED:
            break
    assert found["status"] == "succeeded"
    assert {0.83, 1.0} <= seen, seen
    assert len(await at.events()) == 60


async def channel(at: Desk) -> str:
    """One that Google knows; its id."""
    run = await at.begin()
    assert run is not None
    channel_id = uuid4()
    async with at.app_db.transaction() as tx:
        sync = await calendar_syncs.open_slice(tx, run, now=clock.now())
        assert sync is not None
        calendar_channels.expect(tx, sync, channel_id, f"{TOKEN}{at.id}")
    assert (await at.slice(run)).state is State.SYNCED
    return str(channel_id)


async def test_news_told_ten_times_at_once_are_one_run(at: Desk) -> None:
    channel_id = await channel(at)
    headers = {"X-Goog-Channel-Id": channel_id, "X-Goog-Channel-Token": f"{TOKEN}{at.id}"}
    assert await at.begin() is None
    answers = await asyncio.gather(*(at.world.http.post(NEWS, headers=headers) for _ in range(10)))
    assert {each.status_code for each in answers} == {204}
    since = at.world.latest()
    assert (await at.sync()).state is State.SYNCED
    assert at.calls(since).count("events.list") == 1
    assert await at.begin() is None


async def test_news_of_a_channel_that_nobody_knows_are_refused(at: Desk) -> None:
    channel_id = await channel(at)
    token = f"{TOKEN}{at.id}"
    for headers in (
        {},
        {"X-Goog-Channel-Id": channel_id},
        {"X-Goog-Channel-Id": channel_id, "X-Goog-Channel-Token": "guessed"},
        {"X-Goog-Channel-Id": str(uuid4()), "X-Goog-Channel-Token": token},
        {"X-Goog-Channel-Id": channel_id, "X-Goog-Channel-Token": "x" * 5000},
    ):
        assert (await at.world.http.post(NEWS, headers=headers)).status_code == 404
    assert await at.begin() is None
    [(kept,)] = await sql(
        at.world.database_url,
        "SELECT token_hash FROM calendar_channels WHERE channel_id = %s",
        UUID(channel_id),
    )
    assert token.encode() not in bytes(kept)


async def test_whose_it_is_not_sees_nothing_of_it(at: Desk) -> None:
    other = await register(at.world.http, "eve")
    for method, path in (
        ("GET", "calendars"),
        ("POST", "sync"),
        ("GET", "quarantine"),
        ("POST", "quarantine"),
    ):
        body = {"json": {"decision": "apply"}} if path == "quarantine" and method == "POST" else {}
        answer = await other.request(method, f"/integrations/{at.id}/{path}", **body)
        assert answer.status_code == 404
        answer = await other.request(method, f"/integrations/{uuid7()}/{path}", **body)
        assert answer.status_code == 404


async def test_a_connection_that_ended_is_not_synced_any_more(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    run = await at.begin()
    assert run is not None
    gone = await at.person.delete(f"/integrations/{at.id}")
    assert gone.status_code == 204
    since = at.world.latest()
    assert (await at.slice(run)).state is State.OVER
    assert at.calls(since) == []
