"""What listings, lost answers and late requests leave in doubt: asked for, and never guessed."""

from typing import Any

import orjson
import pytest

from activities.calendars import State
from core.rules.calendar_events import RemoteEvent
from core.rules.calendar_recurrence import instance_id
from tests.calendars import DUE, MAIN, Desk, times
from tests.todos import make, read

ANY = {"If-Match": "*"}


def rows(at: Desk, since: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = at.world.sandbox.get(
        "/ledger.json", params={"since": since, "vendor": "google_calendar"}
    ).json()
    return found


async def delete(at: Desk, todo: dict[str, Any]) -> str:
    """The change set that brings it back."""
    answer = await at.person.delete(f"/todos/{todo['id']}", headers=ANY)
    assert answer.status_code == 204
    return str(answer.headers["change-set"])


async def bring_back(at: Desk, change_set: str) -> None:
    answer = await at.person.post("/undo", json={"change_set": change_set})
    assert answer.status_code == 200, answer.text


async def listed(at: Desk, *items: dict[str, Any]) -> None:
    """The next listing is an old one: it says what was."""
    page = {"kind": "calendar#events", "timeZone": "Europe/Berlin", "items": items}
    at.fault(
        "events.list",
        status=200,
        body=page | {"nextSyncToken": "of an old listing"},
    )
    await at.pull()


async def shown(at: Desk, event_id: str) -> dict[str, Any]:
    found = at.world.sandbox.get("/google/client/events", params={"account": at.account}).json()
    return next(dict(each) for each in found if each["id"] == event_id)


async def test_an_insert_that_comes_after_its_todo_is_gone_leaves_no_event(at: Desk) -> None:
    since = at.world.latest()
    todo = await make(at.person, "Water", due=DUE)
    at.fault("events.insert", status=503)
    run = await at.begin()
    assert run is not None
    assert (await at.slice(run)).state is State.WAITS
    await delete(at, todo)
    assert (await at.slice(run)).state is State.SYNCED
    [late] = [each for each in rows(at, since) if each["kind"] == "events.insert"]
    body = orjson.loads(late["request"]["body"])
    await at.google.insert_event(at.hand, MAIN, body["id"], body)
    await at.pull()
    assert await at.events() == {}
    await at.rests()


async def test_an_event_brought_back_from_the_bin_brings_its_todo_back(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    event = (await at.events())["Water"]
    await delete(at, todo)
    await at.sync()
    await at.change(event, status="confirmed")
    await at.pull()
    assert (await read(at.person, todo["id"]))["title"] == "Water"
    assert set(await at.events()) == {"Water"}
    await at.rests()


async def test_a_todo_and_its_event_that_both_come_back_are_a_pair_again(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    event = (await at.events())["Water"]
    change_set = await delete(at, todo)
    await at.sync()
    await at.change(event, status="confirmed")
    await bring_back(at, change_set)
    await at.sync()
    page = await at.google.list_events(at.hand, MAIN)
    assert [each.id for each in page.events if not each.cancelled] == [event.id]
    assert set(await at.todos()) == {"Water"}
    await at.rests()


async def test_an_old_listing_brings_nothing_back(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    event = (await at.events())["Water"]
    await at.change(event, location="Garden")
    old = await shown(at, event.id)
    await at.remove(event)
    await at.pull()
    assert (await at.person.get(f"/todos/{todo['id']}")).status_code == 404
    await listed(at, old)
    assert (await at.events(), await at.todos()) == ({}, {})
    await at.rests()


async def test_an_old_listing_deletes_nothing_for_good(at: Desk) -> None:
    """The event was deleted for a while, which is what the listing still says."""
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    event = (await at.events())["Water"]
    edited = await at.person.patch(f"/todos/{todo['id']}", json={"title": "Fern"}, headers=ANY)
    assert edited.is_success
    await listed(at, {"id": event.id, "status": "cancelled", "etag": '"between"'})
    assert [each.id for each in (await at.events()).values()] == [event.id]
    assert set(await at.events()) == {"Fern"}
    await at.rests()


async def test_the_event_that_a_todo_had_before_becomes_no_second_todo(at: Desk) -> None:
    event = await at.put("Dentist #todo")
    await at.sync()
    old = await shown(at, event.id)
    [todo] = (await at.todos()).values()
    await at.remove(event)
    edited = await at.person.patch(f"/todos/{todo['id']}", json={"title": "Teeth"}, headers=ANY)
    assert edited.is_success
    await at.pull()
    assert set(await at.events()) == {"Teeth"}
    await listed(at, old)
    assert set(await at.todos()) == {"Teeth"}
    assert set(await at.events()) == {"Teeth"}
    await at.rests()


@pytest.mark.parametrize("drop", ["after", "before"])
async def test_a_deletion_that_is_taken_back_while_it_is_under_way(at: Desk, drop: str) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    change_set = await delete(at, todo)
    at.fault("events.delete", drop=drop)
    run = await at.begin()
    assert run is not None
    assert (await at.slice(run)).state is State.WAITS
    await bring_back(at, change_set)
    while (await at.slice(run)).state is State.GOES_ON:
        pass
    await at.pull()
    assert set(await at.events()) == {"Water"}
    assert (await read(at.person, todo["id"]))["due"] == DUE
    await at.rests()


async def test_a_deletion_there_is_remembered_while_its_todo_is_looked_at(at: Desk) -> None:
    """A change of what its event does not show is no edit that would be stronger."""
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    await at.remove((await at.events())["Water"])
    changed = await at.person.patch(f"/todos/{todo['id']}", json={"priority": "high"}, headers=ANY)
    assert changed.is_success, changed.text
    await at.pull()
    assert await at.todos() == {}
    await at.rests()


async def test_an_id_that_is_taken_and_not_there_is_given_up_for_another(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    at.fault("events.insert", status=409)
    since = at.world.latest()
    assert (await at.sync()).state is State.SYNCED
    assert set(await at.events()) == {"Water"}
    assert at.writes(since) == ["events.insert", "events.insert"]
    await at.rests()


async def test_a_series_renamed_and_its_occurrence_moved_in_one_listing(at: Desk) -> None:
    await make(at.person, "Water", due=DUE, recurrence={"rrule": "FREQ=WEEKLY;BYDAY=MO"})
    await at.sync()
    master: RemoteEvent = (await at.events())["Water"]
    assert master.start is not None
    await at.change(master, summary="Fern")
    first = instance_id(master.id, master.start)
    await at.google.patch_event(at.hand, MAIN, first, times("2030-07-03T08:00"))
    await at.pull()
    [todo] = (await at.todos()).values()
    assert (todo["title"], todo["due"]["date"], todo["due"]["time"]) == (
        "Fern",
        "2030-07-03",
        "08:00",
    )
    await at.rests()


async def test_what_a_listing_named_before_it_was_begun_anew_proves_nothing(at: Desk) -> None:
    """A page is not kept, as a write fails; what it named is deleted before it is listed again."""
    await make(at.person, "Water", due=DUE)
    other = await make(at.person, "Mow", due=DUE)
    await at.sync()
    at.world.sandbox.post("/google/expire").raise_for_status()
    await at.poke()
    run = await at.begin()
    assert run is not None
    assert (await at.slice(run, slice_s=0)).state is State.GOES_ON  # it is to begin anew
    edited = await at.person.patch(f"/todos/{other['id']}", json={"title": "Reap"}, headers=ANY)
    assert edited.is_success
    at.fault("events.patch", drop="before")
    assert (await at.slice(run, slice_s=0)).state is State.WAITS
    await at.remove((await at.events())["Water"])
    while (await at.slice(run)).state is not State.SYNCED:
        pass
    assert set(await at.todos()) == set(await at.events()) == {"Reap"}
    await at.rests()
