"""A todo of every Monday that stands in the calendar, and the occurrence of it that is open."""

from typing import Any

from activities.calendars import State
from tests.calendars import DUE, Desk
from tests.todos import make

WEEKLY = {"rrule": "FREQ=WEEKLY;BYDAY=MO"}


async def weekly(at: Desk) -> dict[str, Any]:
    todo = await make(at.person, "Water", due=DUE, recurrence=WEEKLY)
    assert (await at.sync()).state is State.SYNCED
    return todo


async def open_todo(at: Desk) -> dict[str, Any]:
    found = await at.person.get("/todos?status=pending")
    [todo] = found.json()["data"]
    return dict(todo)
