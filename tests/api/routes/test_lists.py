"""Lists of todos: named once, versioned, and deleted without what they hold."""

from typing import Any

import pytest

from core.ids import uuid7
from core.services.lists import MAX_PER_WORKSPACE
from tests.people import Person
from tests.teams import sql
from tests.todos import make, read, refusal


async def create(person: Person, name: str) -> dict[str, Any]:
    answer = await person.post("/lists", json={"name": name})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/lists/{made['id']}"
    assert answer.headers["etag"] == '"1"'
    return made


async def names(person: Person) -> list[str]:
    return [each["name"] for each in (await person.get("/lists")).json()["data"]]


async def test_a_list_is_made_read_and_changed(alice: Person) -> None:
    made = await create(alice, "Home")
    path = f"/lists/{made['id']}"
    answer = await alice.get(path)
    assert answer.json() == made
    assert (await alice.get(path, headers={"If-None-Match": '"1"'})).status_code == 304
    changed = await alice.patch(path, json={"name": "House"}, headers={"If-Match": '"1"'})
    assert changed.headers["etag"] == '"2"'
    assert changed.json() == made | {
        "name": "House",
        "version": 2,
        "updated_at": changed.json()["updated_at"],
    }
    assert (await alice.get(path)).json() == changed.json()
    stale = await alice.patch(path, json={"name": "Hut"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await alice.delete(path, headers={"If-Match": '"1"'})).status_code == 412
    assert await names(alice) == ["House"]


async def test_positions_make_the_order(alice: Person) -> None:
    first, second = await create(alice, "a"), await create(alice, "b")
    assert await names(alice) == ["a", "b"]
    await alice.patch(f"/lists/{second['id']}", json={"position": first["position"] - 1})
    assert await names(alice) == ["b", "a"]


async def test_a_name_is_taken_whatever_its_case(alice: Person, bob: Person) -> None:
    made = await create(alice, "Home")
    other = await create(alice, "Work")
    for answer in (
        await alice.post("/lists", json={"name": "hOME"}),
        await alice.patch(f"/lists/{other['id']}", json={"name": "HOME"}),
    ):
        assert answer.status_code == 409
        assert "name" in answer.json()["detail"]
    assert (await alice.patch(f"/lists/{made['id']}", json={"name": "HOME"})).is_success
    await create(bob, "home")
    await alice.delete(f"/lists/{made['id']}")
    await create(alice, "Home")


async def test_todos_outlive_their_list(alice: Person) -> None:
    todo = await make(alice, list="Home")
    path = f"/lists/{todo['list_id']}"
    answer = await alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    left = await read(alice, todo["id"])
    assert (left["list_id"], left["version"]) == (None, 2)
    assert (await alice.get(path)).status_code == 404
    assert (await alice.delete(path)).status_code == 404
    refused = await alice.patch(f"/todos/{todo['id']}", json={"list_id": todo["list_id"]})
    assert refusal(refused) == (422, "/list_id", "unknown_reference")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": None}, "/name"),
        ({"name": " "}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "a\u0000"}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "x", "workspace_id": str(uuid7())}, "/workspace_id"),
    ],
)
async def test_what_a_list_refuses(alice: Person, body: dict[str, Any], pointer: str) -> None:
    assert refusal(await alice.post("/lists", json=body))[:2] == (422, pointer)
    made = await create(alice, "Home")
    if body:
        answer = await alice.patch(f"/lists/{made['id']}", json=body)
        assert refusal(answer)[:2] == (422, pointer)
    assert await names(alice) == ["Home"]


async def test_a_workspace_has_so_many_and_no_more(alice: Person, database_url: str) -> None:
    await sql(
        database_url,
        "INSERT INTO lists (workspace_id, id, name, position)"
        " SELECT %s, gen_random_uuid(), 'L' || n, n FROM generate_series(1, %s) n",
        alice.id,
        MAX_PER_WORKSPACE,
    )
    assert (await alice.post("/lists", json={"name": "more"})).status_code == 409
    assert len(await names(alice)) == MAX_PER_WORKSPACE
    by_the_way = await alice.post("/todos", json={"title": "x", "list": "more"})
    assert by_the_way.status_code == 409
    assert (await make(alice, list="l5"))["list_id"] is not None


async def test_another_persons_list_is_not_there(alice: Person, charlie: Person) -> None:
    made = await create(alice, "Home")
    for list_id in (made["id"], str(uuid7())):
        path = f"/lists/{list_id}"
        assert (await charlie.get(path)).status_code == 404
        assert (await charlie.patch(path, json={"name": "x"})).status_code == 404
        assert (await charlie.delete(path)).status_code == 404
    assert await names(alice) == ["Home"]
