"""Calendars kept in step, over loopback: what is done here and there, and what must not happen."""

from datetime import timedelta
from typing import Any

import pytest

from activities.calendars import State
from core import clock
from core.rules.calendar_events import RemoteEvent
from tests.calendars import DUE, Desk
from tests.teams import sql
from tests.todos import make, read


def start(event: RemoteEvent) -> tuple[str, str | None, str | None]:
    assert event.start is not None
    clock_time = event.start.at.isoformat("minutes") if event.start.at else None
    return event.start.on.isoformat(), clock_time, event.start.zone


async def edit(at: Desk, todo: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await at.person.patch(f"/todos/{todo['id']}", json=fields, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def done(at: Desk, todo: dict[str, Any]) -> None:
    answer = await at.person.post(f"/todos/{todo['id']}/complete")
    assert answer.status_code == 200, answer.text


async def delete(at: Desk, todo: dict[str, Any]) -> None:
    answer = await at.person.delete(f"/todos/{todo['id']}", headers={"If-Match": "*"})
    assert answer.status_code == 204, answer.text


async def test_todos_that_are_due_become_events(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    await make(at.person, "Someday")
    assert (await at.sync()).state is State.SYNCED
    events = await at.events()
    assert set(events) == {"Water"}
    assert start(events["Water"]) == ("2030-07-01", "18:00", "Europe/Berlin")
    await at.rests()


async def test_an_event_follows_its_todo_with_one_write_for_each_edit(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    since = at.world.latest()
    await edit(at, todo, due=DUE | {"time": "19:30"})
    assert (await at.sync()).state is State.SYNCED  # the feed woke it
    assert start((await at.events())["Water"])[1] == "19:30"
    assert at.writes(since) == ["events.patch"]
    await done(at, todo)
    await at.sync()
    assert set(await at.events()) == {"✓ Water"}
    assert (await at.person.post(f"/todos/{todo['id']}/reopen")).status_code == 200
    await at.sync()
    assert set(await at.events()) == {"Water"}
    await delete(at, todo)
    await at.sync()
    assert await at.events() == {}
    assert at.writes(since) == ["events.patch"] * 3 + ["events.delete"]
    await at.rests()


async def test_a_todo_without_its_due_time_has_no_event(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    await edit(at, todo, due=None)
    await at.sync()
    assert await at.events() == {}
    await edit(at, todo, due=DUE)
    await at.sync()
    assert set(await at.events()) == {"Water"}
    await at.rests()


async def test_an_event_moved_renamed_and_ticked_there_is_so_here(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    since = at.world.latest()
    event = (await at.events())["Water"]
    await at.move(event, "2030-07-02T08:15", summary="Water the fern")
    await at.pull()
    found = await read(at.person, todo["id"])
    assert (found["title"], found["due"]) == (
        "Water the fern",
        {"date": "2030-07-02", "time": "08:15", "timezone": "Europe/Berlin"},
    )
    assert at.writes(since) == ["events.patch"]  # that of the person there
    await at.change((await at.events())["Water the fern"], summary="✓ Water the fern")
    await at.pull()
    assert (await read(at.person, todo["id"]))["status"] == "completed"
    await at.rests()


async def test_an_event_deleted_there_takes_its_todo_along(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    await at.remove((await at.events())["Water"])
    await at.pull()
    assert (await at.person.get(f"/todos/{todo['id']}")).status_code == 404
    await at.rests()


async def test_an_edit_beats_a_deletion(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    await at.remove((await at.events())["Water"])
    await edit(at, todo, title="Water it twice")
    await at.pull()
    assert set(await at.events()) == {"Water it twice"}
    await at.rests()


@pytest.mark.parametrize(
    ("policy", "becomes"),
    [("all", {"Dentist", "Lunch #todo"}), ("tagged", {"Lunch #todo"}), ("none", set())],
)
async def test_events_become_todos_as_their_owner_wishes(
    at: Desk, policy: str, becomes: set[str]
) -> None:
    await at.settings(events_become_todos=policy)
    await at.put("Dentist")
    await at.put("Lunch #todo", "2030-07-03")
    await at.put("Long ago #todo", "2020-07-01T10:00")
    await at.sync()
    todos = await at.todos()
    assert set(todos) == becomes
    assert {each["created_via"] for each in todos.values()} <= {"calendar"}
    if policy == "all":
        assert todos["Dentist"]["due"] == DUE
        assert todos["Lunch #todo"]["due"] == {"date": "2030-07-03", "time": None, "timezone": None}
    await at.rests()


async def test_a_todo_of_an_event_moves_it(at: Desk) -> None:
    await at.put("Dentist #todo")
    await at.sync()
    since = at.world.latest()
    await edit(at, (await at.todos())["Dentist #todo"], due=DUE | {"time": "10:00"})
    await at.sync()
    event = (await at.events())["Dentist #todo"]
    assert start(event)[1] == "10:00"
    assert event.end is not None
    assert event.end.at is not None
    assert event.end.at.isoformat("minutes") == "11:00"  # as long as people made it
    assert at.writes(since) == ["events.patch"]
    await at.rests()


async def test_both_sides_keep_what_was_edited_there(at: Desk) -> None:
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    await at.move((await at.events())["Water"], "2030-07-05T07:00")
    await edit(at, todo, title="Water the fern")
    await at.pull()
    [event] = (await at.events()).values()
    found = await read(at.person, todo["id"])
    assert (event.summary, start(event)[0]) == ("Water the fern", "2030-07-05")
    assert (found["title"], found["due"]["date"]) == ("Water the fern", "2030-07-05")
    await at.rests()


async def test_a_write_over_a_newer_event_is_merged_first(at: Desk) -> None:
    """Nobody told of the change there: only its etag does."""
    todo = await make(at.person, "Water", due=DUE)
    await at.sync()
    await at.move((await at.events())["Water"], "2030-07-05T07:00")
    await edit(at, todo, title="Water the fern")
    await at.sync()
    [event] = (await at.events()).values()
    assert (event.summary, start(event)[0]) == ("Water the fern", "2030-07-05")
    assert (await read(at.person, todo["id"]))["due"]["date"] == "2030-07-05"
    await at.rests()


@pytest.mark.parametrize(
    ("due", "there"),
    [
        ({"date": "2030-07-01"}, ("2030-07-01", None, None)),
        ({"date": "2030-07-01", "time": "18:00"}, ("2030-07-01", "18:00", "Europe/Berlin")),
        (
            {"date": "2030-07-01", "time": "18:00", "timezone": "America/New_York"},
            ("2030-07-01", "18:00", "America/New_York"),
        ),
        (  # a time that the gap in spring leaves out is shown after it
            {"date": "2030-03-31", "time": "02:30", "timezone": "Europe/Berlin"},
            ("2030-03-31", "03:30", "Europe/Berlin"),
        ),
        (  # and one that comes twice in autumn is the first
            {"date": "2030-10-27", "time": "02:30", "timezone": "Europe/Berlin"},
            ("2030-10-27", "02:30", "Europe/Berlin"),
        ),
    ],
    ids=["all day", "floating", "elsewhere", "gap", "twice"],
)
async def test_times_stand_in_a_calendar_as_they_were_meant(
    at: Desk, due: dict[str, str], there: tuple[str, str | None, str | None]
) -> None:
    todo = await make(at.person, "Water", due=due)
    await at.sync()
    assert start((await at.events())["Water"]) == there
    await at.rests()
    whole = {"time": None, "timezone": None} | due
    assert (await read(at.person, todo["id"]))["due"] == whole


async def test_a_floating_todo_still_floats_when_it_was_moved_there(at: Desk) -> None:
    todo = await make(at.person, "Water", due={"date": "2030-07-01", "time": "18:00"})
    await at.sync()
    await at.move((await at.events())["Water"], "2030-07-02T09:00")
    await at.pull()
    due = (await read(at.person, todo["id"]))["due"]
    assert due == {"date": "2030-07-02", "time": "09:00", "timezone": None}


async def test_what_recurs_is_one_event_that_recurs(at: Desk) -> None:
    rule = {"rrule": "FREQ=WEEKLY"}
    todo = await make(at.person, "Water", due=DUE, recurrence=rule)
    await at.sync()
    event = (await at.events())["Water"]
    assert event.recurrence == ("RRULE:FREQ=WEEKLY;BYDAY=MO",) or event.recurrence[0].startswith(
        "RRULE:FREQ=WEEKLY"
    )
    since = at.world.latest()
    await done(at, todo)
    await at.sync()
    assert [each for each in at.writes(since) if each != "events.patch"] == []
    assert len(await at.events()) >= 1
    await at.rests()


async def test_a_rule_that_a_calendar_cannot_say_is_one_event(at: Desk) -> None:
    rule = {"rrule": "FREQ=WEEKLY", "anchor": "completion"}
    await make(at.person, "Water", due=DUE, recurrence=rule)
    await at.sync()
    event = (await at.events())["Water"]
    assert event.recurrence == ()
    assert ("skipped", "recurrence.not_expressible") in await at.activity()
    await at.rests()


async def test_an_event_that_recurs_becomes_a_todo_that_recurs(at: Desk) -> None:
    await at.put("Standup #todo", "2030-07-01T09:00", recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO"])
    await at.sync()
    todo = (await at.todos())["Standup #todo"]
    assert todo["recurrence"]["rrule"].startswith("FREQ=WEEKLY")
    await at.rests()


async def test_the_next_run_is_in_a_quarter_of_an_hour_or_when_there_is_news(at: Desk) -> None:
    await at.sync()
    row = await at.row()
    assert row["state"] == "idle"
    assert timedelta(minutes=14) < row["next_at"] - clock.now() < timedelta(minutes=16)
    assert await at.begin() is None
    await at.poke()
    assert await at.begin() is not None


async def test_what_a_run_changed_is_undone_at_once(at: Desk) -> None:
    first = await make(at.person, "Water", due=DUE)
    second = await make(at.person, "Feed", due=DUE)
    await at.sync()
    events = await at.events()
    await at.move(events["Water"], "2030-08-01T09:00")
    await at.remove(events["Feed"])
    await at.pull()
    change_set = (await at.row())["change_set_id"]
    answer = await at.person.post("/undo", json={"change_set": str(change_set)})
    assert answer.status_code == 200, answer.text
    for todo in (first, second):
        assert (await read(at.person, todo["id"]))["due"] == DUE
    await at.sync()
    assert {start(each)[0] for each in (await at.events()).values()} == {"2030-07-01"}
    assert set(await at.events()) == {"Water", "Feed"}
    await at.rests()


async def test_the_activity_keeps_no_titles(at: Desk) -> None:
    await make(at.person, "Secret thing", due=DUE)
    await at.sync()
    kept = await sql(
        at.world.database_url,
        "SELECT to_jsonb(a)::text FROM connection_activity a WHERE connection_id = %s",
        at.id,
    )
    assert "event.created" in str(kept)
    assert "Secret" not in str(kept)
