"""Somebody who talks to the text door."""

from typing import Any

from core import clock
from tests.people import Person


async def say(person: Person, text: str, *, query: str = "", **fields: Any) -> dict[str, Any]:
    answer = await person.post(f"/voice/commands{query}", json={"text": text, **fields})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def answer(person: Person, told: dict[str, Any], choice: str) -> Any:
    return await person.post(f"/voice/commands/{told['id']}/confirm", json={"choice": choice})


async def titles(person: Person, query: str = "?status=pending") -> list[str]:
    return [each["title"] for each in (await person.get(f"/todos{query}")).json()["data"]]


def told_day() -> str:
    """Today, by the clock of this test's own moment."""
    return clock.now().date().isoformat()
