"""Recurring todos through the API: made, completed, and what became of each."""

from datetime import date, timedelta
from typing import Any

from core import clock
from tests.people import Person
from tests.todos import make

NINE = {"time": "09:00", "timezone": "Europe/Berlin"}
DAILY = {"rrule": "FREQ=DAILY"}


def ahead(days: int, **clocked: Any) -> dict[str, Any]:
    return {
        "date": (clock.now().date() + timedelta(days=days)).isoformat(),
        "time": None,
        "timezone": None,
        **clocked,
    }


def monday() -> date:
    today = clock.now().date() + timedelta(days=7)
    return today - timedelta(days=today.weekday())


async def daily(person: Person, days: int = 3, **fields: Any) -> dict[str, Any]:
    return await make(person, due=ahead(days, **NINE), recurrence=DAILY, **fields)


async def complete(person: Person, todo: dict[str, Any]) -> dict[str, Any]:
    answer = await person.post(f"/todos/{todo['id']}/complete")
    assert answer.status_code == 200, answer.text
    both: dict[str, Any] = answer.json()
    return both


async def occurrences(person: Person, todo: dict[str, Any]) -> list[tuple[str, str]]:
    """Date and what became of it, the oldest first."""
    page = (await person.get(f"/series/{todo['series_id']}/occurrences")).json()
    return [(each["recurrence_id"][:10], each["status"]) for each in reversed(page["data"])]


async def series_of(person: Person, todo: dict[str, Any]) -> dict[str, Any]:
    answer = await person.get(f"/series/{todo['series_id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
