"""Undo: a whole change set or nothing of it, and never over somebody's later work."""

from typing import Any

import pytest

from core.ids import uuid7
from tests.people import Person
from tests.teams import sql, team
from tests.todos import make, read

STAYS = ("version", "updated_at")  # these count what happened, undo included


async def undo(person: Person, answer: Any) -> Any:
    return await person.post("/undo", json={"change_set": answer.headers["change-set"]})


def lasting(todo: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in todo.items() if name not in STAYS}


@pytest.mark.parametrize(
    ("verb", "suffix", "body"),
    [
        ("PATCH", "", {"title": "x", "description": "y", "priority": "low", "tags": ["z"]}),
        ("PATCH", "", {"due": {"date": "2031-01-01", "time": "07:00", "timezone": "Asia/Tokyo"}}),
        ("PATCH", "", {"due": {"date": "2031-01-01"}}),
        ("PATCH", "", {"due": None}),
        ("PATCH", "", {"list": "Other"}),
        ("PATCH", "", {"list": None, "assignee_id": None, "position": 5, "location": None}),
        ("PUT", "", {"title": "x", "reminders": []}),
        ("POST", "/complete", None),
        ("DELETE", "", None),
    ],
)
async def test_what_was_done_is_undone_and_done_again(
    alice: Person, verb: str, suffix: str, body: dict[str, Any] | None
) -> None:
    made = await make(
        alice,
        list="Home",
        tags=["a", "b"],
        location="here",
        assignee_id=str(alice.id),
        due={"date": "2030-07-01", "time": "09:00"},
        reminders=[] if verb == "PUT" else [{"before": "PT1H"}],
    )
    path = f"/todos/{made['id']}"
    sent = {} if body is None else {"json": body}
    done = await alice.request(verb, path + suffix, **sent)
    assert done.is_success, done.text
    after = await alice.get(path)
    undone = await undo(alice, done)
    assert undone.status_code == 200, undone.text
    assert undone.json()["undone"] == done.headers["change-set"]
    assert lasting(await read(alice, made["id"])) == lasting(made)
    again = await undo(alice, undone)
    assert again.status_code == 200
    final = await alice.get(path)
    assert final.status_code == after.status_code
    if final.status_code == 200:
        ignored = {"completed_at": None}
        assert lasting(final.json()) | ignored == lasting(after.json()) | ignored


async def test_making_is_undone_with_its_list(alice: Person) -> None:
    made = await alice.post("/todos", json={"title": "x", "list": "New"})
    undone = await undo(alice, made)
    assert undone.json()["changed"] == 2
    assert (await alice.get(f"/todos/{made.json()['id']}")).status_code == 404
    assert (await alice.get("/lists")).json()["data"] == []
    assert (await undo(alice, undone)).status_code == 200
    assert await read(alice, made.json()["id"]) == made.json() | {
        "version": 3,
        "updated_at": (await read(alice, made.json()["id"]))["updated_at"],
    }
    (back,) = (await alice.get("/lists")).json()["data"]
    assert back["id"] == made.json()["list_id"]


async def test_lists_come_back_with_what_they_held(alice: Person) -> None:
    todos = [await make(alice, list="Home") for _ in range(3)]
    gone = await alice.delete(f"/lists/{todos[0]['list_id']}")
    assert (await undo(alice, gone)).json()["changed"] == 4
    for todo in todos:
        assert (await read(alice, todo["id"]))["list_id"] == todo["list_id"]
    renamed = await alice.patch(f"/lists/{todos[0]['list_id']}", json={"name": "House"})
    await undo(alice, renamed)
    assert [each["name"] for each in (await alice.get("/lists")).json()["data"]] == ["Home"]


async def test_later_work_stands_and_is_named(alice: Person) -> None:
    made = await make(alice)
    path = f"/todos/{made['id']}"
    first = await alice.patch(path, json={"title": "bread", "priority": "high"})
    await alice.patch(path, json={"title": "cheese"})
    refused = await undo(alice, first)
    assert refused.status_code == 409
    assert made["id"] in refused.json()["detail"]
    assert "title" in refused.json()["detail"]
    assert "priority" not in refused.json()["detail"]
    assert (await read(alice, made["id"]))["priority"] == "high", "nothing of it is undone"


async def test_work_on_other_fields_is_kept(alice: Person) -> None:
    made = await make(alice)
    path = f"/todos/{made['id']}"
    first = await alice.patch(path, json={"title": "bread"})
    await alice.patch(path, json={"priority": "high"})
    assert (await undo(alice, first)).status_code == 200
    now = await read(alice, made["id"])
    assert (now["title"], now["priority"]) == ("milk", "high")


async def test_undone_once(alice: Person) -> None:
    made = await make(alice)
    first = await alice.patch(f"/todos/{made['id']}", json={"title": "bread"})
    assert (await undo(alice, first)).status_code == 200
    assert (await undo(alice, first)).status_code == 409


async def test_a_made_todo_that_was_worked_on_stays(alice: Person) -> None:
    made = await alice.post("/todos", json={"title": "x"})
    await alice.patch(f"/todos/{made.json()['id']}", json={"title": "y"})
    refused = await undo(alice, made)
    assert refused.status_code == 409
    assert made.json()["id"] in refused.json()["detail"]


async def test_nothing_is_left_in_a_place_that_is_gone(alice: Person) -> None:
    list_made = await alice.post("/lists", json={"name": "Home"})
    home = list_made.json()["id"]
    todo = await make(alice, list_id=home)
    refused = await undo(alice, list_made)
    assert refused.status_code == 409, "it would take the list from under the todo"
    moved = await alice.patch(f"/todos/{todo['id']}", json={"list_id": None})
    await alice.delete(f"/lists/{home}")
    refused = await undo(alice, moved)
    assert refused.status_code == 409
    assert todo["id"] in refused.json()["detail"]
    assert (await read(alice, todo["id"]))["list_id"] is None

    parent = await make(alice)
    child = await make(alice, parent_id=parent["id"])
    child_gone = await alice.delete(f"/todos/{child['id']}")
    await alice.delete(f"/todos/{parent['id']}")
    assert (await undo(alice, child_gone)).status_code == 409
    lone = await alice.post("/todos", json={"title": "lone"})
    await make(alice, parent_id=lone.json()["id"])
    assert (await undo(alice, lone)).status_code == 409


async def test_only_one_s_own_places(
    alice: Person, bob: Person, charlie: Person, database_url: str
) -> None:
    shared = await team(database_url, owner=alice, member=bob, viewer=charlie)
    todo = (await alice.post(f"/todos?workspace_id={shared}", json={"title": "x"})).json()
    changed = await alice.patch(f"/todos/{todo['id']}", json={"title": "y"})
    assert (await undo(charlie, changed)).status_code == 403
    assert (await undo(bob, changed)).status_code == 200
    own = await bob.post("/todos", json={"title": "mine"})
    foreign, random = (
        await undo(alice, own),
        await alice.post("/undo", json={"change_set": str(uuid7())}),
    )
    assert foreign.status_code == random.status_code == 404
    assert foreign.json()["detail"] == random.json()["detail"]


async def test_for_thirty_days(alice: Person, database_url: str) -> None:
    made = await make(alice)
    changed = await alice.patch(f"/todos/{made['id']}", json={"title": "y"})
    await sql(
        database_url,
        "UPDATE events SET at = at - interval '30 days 1 minute' WHERE change_set_id = %s",
        changed.headers["change-set"],
    )
    refused = await undo(alice, changed)
    assert refused.status_code == 409
    assert "30 days" in refused.json()["detail"]


async def test_a_set_without_anything_to_undo(alice: Person) -> None:
    at = {"date": "2030-01-01", "time": "09:00"}
    made = await make(alice, reminders=[{"at": at}])
    path = f"/reminders/{made['reminders'][0]['id']}"
    urgent = await alice.patch(path, json={"urgent": True})
    assert (await undo(alice, urgent)).status_code == 409
    assert (await undo(alice, await alice.delete(path))).status_code == 409


async def test_a_reminder_that_was_added_is_taken_back(alice: Person) -> None:
    made = await make(alice, due={"date": "2030-01-01", "time": "09:00"})
    added = await alice.post(f"/todos/{made['id']}/reminders", json={"before": "PT1H"})
    assert (await undo(alice, added)).status_code == 200
    assert (await read(alice, made["id"]))["reminders"] == []
    assert (await undo(alice, added)).status_code == 409, "once"


async def test_a_snooze_is_taken_back_unless_another_followed(alice: Person) -> None:
    due = {"date": "2030-01-01", "time": "09:00", "timezone": "UTC"}
    made = await make(alice, due=due, reminders=[{"before": "PT1H"}])
    path = f"/reminders/{made['reminders'][0]['id']}"
    first = await alice.post(f"{path}/snooze", json={"until": "2030-01-02T09:00:00Z"})
    again = await alice.post(f"{path}/snooze", json={"until": "2030-01-03T09:00:00Z"})
    assert (await undo(alice, first)).status_code == 409
    assert (await undo(alice, again)).status_code == 200
    [back] = (await read(alice, made["id"]))["reminders"]
    assert back["next_fire_at"] == "2030-01-02T09:00:00Z"


async def test_changes_are_undone_one_after_the_other_back_to_the_first(alice: Person) -> None:
    added = await alice.post("/todos", json={"title": "milk"})
    path = f"/todos/{added.json()['id']}"
    edited = await alice.patch(path, json={"title": "oat milk"})
    done = await alice.post(f"{path}/complete")
    gone = await alice.delete(path)
    for answer in (gone, done, edited, added):
        undone = await undo(alice, answer)
        assert undone.status_code == 200, undone.text
    assert (await alice.get(path)).status_code == 404


async def test_what_was_changed_since_and_changed_back_is_no_obstacle(alice: Person) -> None:
    added = await alice.post("/todos", json={"title": "milk"})
    path = f"/todos/{added.json()['id']}"
    first = await alice.patch(path, json={"title": "oat milk"})
    await alice.patch(path, json={"title": "soy milk"})
    refused = await undo(alice, first)
    assert refused.status_code == 409
    assert refused.json()["detail"].endswith(": title")
    await alice.patch(path, json={"title": "oat milk"})
    assert (await undo(alice, first)).status_code == 200
    assert (await alice.get(path)).json()["title"] == "milk"
