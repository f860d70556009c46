"""Tags: there while a todo carries them; renamed and removed on all of these at once."""

import pytest

from tests.people import Person
from tests.todos import make, read


async def tags(person: Person) -> dict[str, int]:
    page = (await person.get("/tags")).json()
    assert not page["has_more"]
    return {tag["name"]: tag["todos"] for tag in page["data"]}


async def test_tags_are_what_todos_carry(alice: Person, charlie: Person) -> None:
    both = await make(alice, tags=["a", "b/c d?"])
    await make(alice, tags=["a"])
    await make(charlie, tags=["z"])
    assert await tags(alice) == {"a": 2, "b/c d?": 1}
    await alice.delete(f"/todos/{both['id']}")
    assert await tags(alice) == {"a": 1}


async def test_renaming_reaches_every_todo_and_is_undone_at_once(alice: Person) -> None:
    first = await make(alice, tags=["a", "b"])
    second = await make(alice, tags=["b", "a", "c"])
    answer = await alice.patch("/tags/a", json={"name": "c"})
    assert answer.json() == {"name": "c", "todos": 2}
    assert (await read(alice, first["id"]))["tags"] == ["c", "b"]
    assert (await read(alice, second["id"]))["tags"] == ["b", "c"], "one of that name is one"
    assert await tags(alice) == {"b": 2, "c": 2}
    undone = await alice.post("/undo", json={"change_set": answer.headers["change-set"]})
    assert undone.json()["changed"] == 2
    assert await tags(alice) == {"a": 2, "b": 2, "c": 1}


async def test_removing(alice: Person) -> None:
    made = await make(alice, tags=["a", "b"])
    answer = await alice.delete("/tags/a")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await read(alice, made["id"]))["tags"] == ["b"]
    assert (await alice.delete("/tags/a")).status_code == 404
    assert (await alice.patch("/tags/a", json={"name": "x"})).status_code == 404


@pytest.mark.parametrize("name", ["ä ö", "50%", "a+b", "ok?", "né🎈"])
async def test_names_travel_in_paths(alice: Person, name: str) -> None:
    await make(alice, tags=[name])
    path = "/tags/" + "".join(f"%{byte:02X}" for byte in name.encode())
    assert (await alice.patch(path, json={"name": "plain"})).json()["todos"] == 1
    assert await tags(alice) == {"plain": 1}


async def test_a_strangers_tags_stay(alice: Person, charlie: Person) -> None:
    await make(alice, tags=["a"])
    assert (await charlie.delete("/tags/a")).status_code == 404
    foreign = await charlie.delete(f"/tags/a?workspace_id={alice.id}")
    assert foreign.status_code == 404
    assert await tags(alice) == {"a": 1}
