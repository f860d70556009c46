"""Many deletions at once: none is carried over until a person says so."""

from typing import Any

import pytest

from tests.calendars import Desk

MANY = 12


async def quarantined(at: Desk) -> list[dict[str, Any]]:
    answer = await at.person.get(f"/integrations/{at.id}/quarantine")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def decide(at: Desk, decision: str) -> int:
    answer = await at.person.post(f"/integrations/{at.id}/quarantine", json={"decision": decision})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["decided"])


@pytest.mark.parametrize("decision", ["apply", "keep"])
async def test_many_events_deleted_there_wait_for_a_person(at: Desk, decision: str) -> None:
    todos = await at.in_step(MANY)
    for event in (await at.events()).values():
        await at.remove(event)
    await at.pull()
    assert len(await at.todos()) == MANY, "none may be deleted unasked"
    waiting = await quarantined(at)
    assert {(each["deleted"], each["todo_id"]) for each in waiting} == {
        ("event", todo["id"]) for todo in todos
    }
    shown = (await at.person.get(f"/integrations/{at.id}")).json()
    assert shown["sync"]["quarantined"] == MANY
    told = (await at.person.get("/notifications")).json()["data"]
    assert [each["kind"] for each in told].count("calendar_quarantine") == 1
    await at.pull()  # looked at again, nothing else is known
    assert len(await at.todos()) == MANY
    assert await decide(at, decision) == MANY
    await at.sync()
    assert await quarantined(at) == []
    left = 0 if decision == "apply" else MANY
    assert (len(await at.todos()), len(await at.events())) == (left, left)
    await at.rests()


@pytest.mark.parametrize("decision", ["apply", "keep"])
async def test_many_todos_deleted_here_wait_for_a_person(at: Desk, decision: str) -> None:
    for todo in await at.in_step(MANY):
        answer = await at.person.delete(f"/todos/{todo['id']}", headers={"If-Match": "*"})
        assert answer.status_code == 204, answer.text
    await at.sync()
    assert len(await at.events()) == MANY, "none may be deleted unasked"
    assert {each["deleted"] for each in await quarantined(at)} == {"todo"}
    assert await decide(at, decision) == MANY
    await at.sync()
    left = 0 if decision == "apply" else MANY
    assert (len(await at.todos()), len(await at.events())) == (left, left)
    await at.rests()


async def test_a_quarter_of_few_waits_as_well_and_one_of_few_does_not(at: Desk) -> None:
    await at.in_step(8)
    events = await at.events()
    await at.remove(events["Todo 0"])
    await at.pull()
    assert len(await at.todos()) == 7
    for nth in (1, 2):
        await at.remove(events[f"Todo {nth}"])
    await at.pull()
    assert len(await at.todos()) == 7
    assert len(await quarantined(at)) == 2
