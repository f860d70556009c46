"""The feed: every change once, in order, without gaps, with what was there before."""

import asyncio
from typing import Any

from tests.people import Person
from tests.teams import team
from tests.todos import make


async def feed(person: Person, query: str = "limit=100") -> list[dict[str, Any]]:
    page = (await person.get(f"/events?{query}")).json()
    data: list[dict[str, Any]] = page["data"]
    return data


async def test_every_verb_tells_what_it_changed(alice: Person) -> None:
    start = len(await feed(alice))
    todo = await make(alice, list="Home", tags=["a"], due={"date": "2030-01-01", "time": "09:00"})
    path, list_path = f"/todos/{todo['id']}", f"/lists/{todo['list_id']}"
    steps: list[tuple[str, str, Any]] = [
        ("PATCH", path, {"title": "bread", "tags": []}),
        ("PATCH", path, {"due": None}),
        ("POST", f"{path}/reminders", {"at": {"date": "2030-01-01", "time": "09:00"}}),
        ("POST", f"{path}/complete", None),
        ("POST", f"{path}/reopen", None),
        ("PATCH", list_path, {"name": "House"}),
        ("DELETE", list_path, None),
        ("DELETE", path, None),
    ]
    for verb, target, body in steps:
        sent = {} if body is None else {"json": body}
        answer = await alice.request(verb, target, **sent)
        assert answer.is_success
        told = (await feed(alice))[-1]
        assert told["change_set"] == answer.headers["change-set"], (verb, target)
        assert told["actor_id"] == str(alice.id)
    everything = [(e["type"], e["changed"], e["before"]) for e in (await feed(alice))[start:]]
    due = {"date": "2030-01-01", "time": "09:00", "timezone": None}
    assert everything == [
        ("list.created", [], {}),
        ("todo.created", [], {}),
        ("todo.updated", ["title", "tags"], {"title": "milk", "tags": ["a"]}),
        ("todo.updated", ["due"], {"due": due}),
        ("reminder.created", [], {}),
        ("todo.completed", ["status"], {"status": "pending"}),
        ("todo.reopened", ["status"], {"status": "completed"}),
        ("list.updated", ["name"], {"name": "Home"}),
        ("todo.updated", ["list_id"], {"list_id": todo["list_id"]}),
        ("list.deleted", ["deleted"], {"deleted": False}),
        ("todo.deleted", ["deleted"], {"deleted": False}),
    ]


async def test_one_request_is_one_change_set(alice: Person) -> None:
    parent = await make(alice)
    await make(alice, parent_id=parent["id"])
    answer = await alice.post(f"/todos/{parent['id']}/complete")
    told = [e["type"] for e in await feed(alice) if e["change_set"] == answer.headers["change-set"]]
    assert told == ["todo.completed", "todo.completed"]


async def test_numbers_have_no_gaps_under_many_writers(
    alice: Person, bob: Person, database_url: str
) -> None:
    shared = await team(database_url, owner=alice, member=bob)
    target = f"/todos?workspace_id={shared}"
    answers = await asyncio.gather(
        *(
            # Every fourth fails after it began, and must leave no hole.
            person.post(target, json={"title": "x", "list_id" if n % 4 == 0 else "list": "L"})
            if n % 4
            else person.post(target, json={"title": "x", "assignee_id": str(shared)})
            for n in range(20)
            for person in (alice, bob)
        )
    )
    made = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    events = await feed(alice, f"workspace_id={shared}&limit=100")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert sorted(e["subject_id"] for e in events if e["type"] == "todo.created") == sorted(made)
    assert await feed(bob, f"workspace_id={shared}&limit=100") == events


async def test_since_and_cursor_walk_the_same_way(alice: Person) -> None:
    for n in range(7):
        await make(alice, str(n))
    everything = await feed(alice)
    since, found = 0, []
    while True:
        page = (await alice.get(f"/events?since={since}&limit=3")).json()
        found += page["data"]
        since = page["next_since"]
        if not page["has_more"]:
            break
    assert found == everything
    first = await alice.get("/events?limit=3")
    url = first.headers["link"].partition(">")[0].removeprefix("</api/v1")
    second = (await alice.get(url)).json()
    assert first.json()["data"] + second["data"] == everything[:6]
    nothing = (await alice.get(f"/events?since={since}")).json()
    assert (nothing["data"], nothing["next_since"], nothing["has_more"]) == ([], since, False)


async def test_a_refused_change_is_not_told(alice: Person) -> None:
    todo = await make(alice)
    before = await feed(alice)
    for verb, target, body in (
        ("PATCH", f"/todos/{todo['id']}", {"list": "New", "parent_id": todo["id"]}),
        ("POST", "/todos", {"title": "x", "list": "New", "assignee_id": todo["id"]}),
        ("POST", "/todos", {"title": "x", "list": "New", "parent_id": str(alice.id)}),
    ):
        answer = await alice.request(verb, target, json=body)
        assert answer.status_code == 422
        assert "change-set" not in answer.headers
    assert await feed(alice) == before
    assert (await alice.get("/lists")).json()["data"] == []
