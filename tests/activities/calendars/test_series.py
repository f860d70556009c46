"""What is done in the calendar to what recurs: its rule, an occurrence, the end of it."""

from tests.activities.calendars.weekly import WEEKLY, open_todo, weekly
from tests.calendars import DUE, Desk
from tests.todos import make


async def test_a_rule_that_is_changed_there_is_followed_here(at: Desk) -> None:
    await weekly(at)
    await at.change((await at.events())["Water"], recurrence=["RRULE:FREQ=DAILY;INTERVAL=2"])
    await at.pull()
    todo = await open_todo(at)
    assert (todo["recurrence"]["rrule"], todo["due"]) == ("FREQ=DAILY;INTERVAL=2", DUE)
    await at.rests()


async def test_what_recurs_no_more_there_comes_back_no_more(at: Desk) -> None:
    await weekly(at)
    await at.change((await at.events())["Water"], recurrence=[])
    await at.pull()
    todo = await open_todo(at)
    assert (todo["recurrence"], todo["due"]) == (None, DUE)
    assert (await at.person.post(f"/todos/{todo['id']}/complete")).status_code == 200
    assert (await at.person.get("/todos?status=pending")).json()["data"] == []
    await at.sync()
    await at.rests()


async def test_an_event_that_recurs_from_now_on_is_a_series_here(at: Desk) -> None:
    await make(at.person, "Water", due=DUE)
    await at.sync()
    await at.change((await at.events())["Water"], recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO"])
    await at.pull()
    assert (await open_todo(at))["recurrence"]["rrule"] == WEEKLY["rrule"]
    await at.rests()


async def test_what_was_deleted_here_and_changed_there_is_there_again(at: Desk) -> None:
    """With its series: an edit is stronger than a deletion."""
    todo = await weekly(at)
    gone = await at.person.delete(f"/todos/{todo['id']}?scope=all", headers={"If-Match": "*"})
    assert gone.status_code == 204, gone.text
    await at.change((await at.events())["Water"], summary="Water the roses")
    await at.pull()
    back = await open_todo(at)
    assert (back["title"], back["recurrence"]["rrule"]) == ("Water the roses", WEEKLY["rrule"])
    assert (await at.person.post(f"/todos/{back['id']}/complete")).status_code == 200
    assert (await open_todo(at))["due"]["date"] == "2030-07-08", "it goes on"
    await at.sync()
    await at.rests()


async def test_an_event_that_is_done_when_it_comes_is_nothing_to_do(at: Desk) -> None:
    await at.put("✓ Lunch #todo")
    await at.pull()
    assert await at.todos() == {}
    assert ("skipped", "event.done") in await at.activity()
    await at.rests()
