"""Making and reading todos through the API."""

from typing import Any

from tests.people import Person


async def make(person: Person, title: str = "milk", **fields: Any) -> dict[str, Any]:
    answer = await person.post("/todos", json={"title": title, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def read(person: Person, todo_id: str) -> dict[str, Any]:
    answer = await person.get(f"/todos/{todo_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listed(person: Person, **query: Any) -> list[dict[str, Any]]:
    """The first page."""
    answer = await person.get("/todos", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def refusal(answer: Any) -> tuple[int, str, str]:
    """Status, pointer and code of a 422."""
    assert answer.headers["content-type"] == "application/problem+json"
    first = answer.json()["errors"][0]
    return answer.status_code, first["pointer"], first["code"]
