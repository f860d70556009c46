"""Occurrences of what recurs, here and there."""

from typing import Any

import pytest

from activities.calendars import State
from core.rules.calendar_events import Moment
from core.rules.calendar_recurrence import instance_id
from tests.activities.calendars.weekly import WEEKLY, open_todo, weekly
from tests.calendars import DUE, MAIN, Desk, times


async def instance(at: Desk, on: str) -> Any:
    """One occurrence there, as it is shown."""
    page = await at.google.list_events(at.hand, MAIN)
    [master] = [each for each in page.events if each.recurrence]
    start = master.start
    assert start is not None
    place = Moment(type(start.on).fromisoformat(on), start.at, start.zone)
    return await at.google.get_event(at.hand, MAIN, instance_id(master.id, place))


async def test_an_occurrence_that_is_done_is_marked_there_once(at: Desk) -> None:
    todo = await weekly(at)
    since = at.world.latest()
    answer = await at.person.post(f"/todos/{todo['id']}/complete")
    assert answer.status_code == 200
    await at.sync()
    assert (await instance(at, "2030-07-01")).summary == "✓ Water"
    assert (await instance(at, "2030-07-08")).summary == "Water"
    assert at.writes(since) == ["events.patch"]
    await at.rests()


@pytest.mark.parametrize(
    "how", [{"status": 412}, {"status": 500}, {"drop": "before"}, {"drop": "after"}]
)
async def test_an_occurrence_that_could_not_be_written_is_written_once(
    at: Desk, how: dict[str, Any]
) -> None:
    """Somebody wrote it first; the calendar failed; the request or its answer was lost."""
    todo = await weekly(at)
    answer = await at.person.post(f"/todos/{todo['id']}/complete")
    assert answer.status_code == 200
    at.fault("events.patch", **how)
    await at.sync()
    assert (await instance(at, "2030-07-01")).summary == "✓ Water"
    await at.rests()


async def test_an_occurrence_that_the_calendar_refuses_is_told_and_left(at: Desk) -> None:
    todo = await weekly(at)
    answer = await at.person.post(f"/todos/{todo['id']}/complete")
    assert answer.status_code == 200
    at.fault("events.patch", status=400)
    assert (await at.sync()).state is State.SYNCED
    assert ("failed", "occurrence.changed") in await at.activity()
    await at.rests()


async def test_an_occurrence_moved_here_is_moved_there_alone(at: Desk) -> None:
    todo = await weekly(at)
    since = at.world.latest()
    answer = await at.person.patch(
        f"/todos/{todo['id']}?scope=this",
        json={"due": DUE | {"date": "2030-07-02"}},
        headers={"If-Match": "*"},
    )
    assert answer.status_code == 200, answer.text
    await at.sync()
    moved = await instance(at, "2030-07-01")
    assert moved.start.on.isoformat() == "2030-07-02"
    assert (await instance(at, "2030-07-08")).start.on.isoformat() == "2030-07-08"
    assert at.writes(since) == ["events.patch"]
    await at.rests()


async def test_an_occurrence_moved_there_is_moved_here(at: Desk) -> None:
    await weekly(at)
    since = at.world.latest()
    found = await instance(at, "2030-07-01")
    await at.google.patch_event(at.hand, MAIN, found.id, times("2030-07-03T08:00"))
    await at.pull()
    todo = await open_todo(at)
    assert (todo["due"]["date"], todo["due"]["time"]) == ("2030-07-03", "08:00")
    assert todo["recurrence"]["rrule"] == WEEKLY["rrule"]
    assert at.writes(since) == ["events.patch"]  # that of the person there
    await at.rests()


async def test_an_occurrence_left_out_there_is_skipped_here(at: Desk) -> None:
    await weekly(at)
    found = await instance(at, "2030-07-01")
    since = at.world.latest()
    await at.google.delete_event(at.hand, MAIN, found.id)
    await at.pull()
    assert (await open_todo(at))["due"]["date"] == "2030-07-08"
    assert at.writes(since) == ["events.delete"]  # that of the person there
    await at.rests()


async def test_a_later_occurrence_moved_there_is_said_not_to_be_carried_over(at: Desk) -> None:
    await weekly(at)
    found = await instance(at, "2030-07-15")
    await at.google.patch_event(at.hand, MAIN, found.id, times("2030-07-16T08:00"))
    await at.pull()
    assert (await open_todo(at))["due"] == DUE
    assert ("skipped", "recurrence.other_occurrence") in await at.activity()
