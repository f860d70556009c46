"""What `why` says of a reminder that waits for nothing yet, or for nothing any more."""

from typing import Any

from tests.people import Person
from tests.sandboxes import sandbox
from tests.sandboxes import todo as sandboxed
from tests.todos import make

DUE = {"date": "2030-07-01", "time": "18:00", "timezone": "Europe/Berlin"}
BEFORE = {"before": "PT15M", "channels": ["email"]}


async def why(person: Person, todo: dict[str, Any]) -> str:
    """Its first sentence, of the todo's one reminder."""
    (reminder,) = (await person.get(f"/todos/{todo['id']}/reminders")).json()["data"]
    told = await person.get(f"/reminders/{reminder['id']}/why")
    assert told.status_code == 200, told.text
    return str(told.json()["sentences"][0])


async def test_without_a_due_time(alice: Person) -> None:
    todo = await make(alice, reminders=[BEFORE])
    assert await why(alice, todo) == "It waits for its todo to get a due time."


async def test_of_what_is_done(alice: Person) -> None:
    todo = await make(alice, due=DUE, reminders=[BEFORE])
    await alice.post(f"/todos/{todo['id']}/complete")
    assert await why(alice, todo) == "It waits for nothing: its todo is completed."


async def test_of_a_series_that_pauses(alice: Person) -> None:
    weekly = {"rrule": "FREQ=WEEKLY"}
    todo = await make(alice, due=DUE, reminders=[BEFORE], recurrence=weekly)
    paused = await alice.post(f"/series/{todo['series_id']}/pause")
    assert paused.status_code == 200, paused.text
    assert await why(alice, todo) == "It waits for its todo's series to be resumed."


async def test_of_a_moment_that_has_passed(alice: Person) -> None:
    past = {"date": "2020-07-01", "time": "18:00", "timezone": "Europe/Berlin"}
    todo = await make(alice, due=past, reminders=[BEFORE])
    told = "It waits for nothing: its moment had passed when it was set."
    assert await why(alice, todo) == told


async def test_in_a_workspace_with_a_clock_of_its_own(alice: Person) -> None:
    waiting = await sandboxed(alice, await sandbox(alice), "Water", "2027-03-29T09:00")
    assert "when this workspace's own clock reaches 2027-03-29 09:00" in await why(alice, waiting)
