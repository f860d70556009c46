"""Subtasks: where they go with their parent, and how deep they nest."""

from core.ids import uuid7
from tests.people import Person
from tests.todos import make, read, refusal


async def test_subtasks_go_where_their_parent_goes(alice: Person) -> None:
    parent = await make(alice)
    child = await make(alice, parent_id=parent["id"])
    grandchild = await make(alice, parent_id=child["id"])
    done = await alice.post(f"/todos/{parent['id']}/complete")
    assert done.json()["completed"]["status"] == "completed"
    assert done.json()["next"] is None
    for todo in (child, grandchild):
        assert (await read(alice, todo["id"]))["status"] == "completed"
    assert (await alice.post("/undo", json={"change_set": done.headers["change-set"]})).is_success
    for todo in (parent, child, grandchild):
        assert (await read(alice, todo["id"]))["status"] == "pending"
    gone = await alice.delete(f"/todos/{parent['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for todo in (parent, child, grandchild):
        assert (await alice.get(f"/todos/{todo['id']}")).status_code == 404
    assert (await alice.post("/undo", json={"change_set": gone.headers["change-set"]})).is_success
    assert (await read(alice, grandchild["id"]))["parent_id"] == child["id"]


async def test_nothing_is_its_own_ancestor(alice: Person) -> None:
    parent = await make(alice)
    child = await make(alice, parent_id=parent["id"])
    for above in (parent, child):
        answer = await alice.patch(f"/todos/{parent['id']}", json={"parent_id": above["id"]})
        assert refusal(answer) == (422, "/parent_id", "cycle")
    lone = uuid7()
    answer = await alice.put(f"/todos/{lone}", json={"title": "x", "parent_id": str(lone)})
    assert refusal(answer)[:2] == (422, "/parent_id")


async def test_subtasks_nest_eight_deep(alice: Person) -> None:
    above = None
    for _ in range(8):
        above = (await make(alice, parent_id=above))["id"]
    made = await make(alice, parent_id=above)
    answer = await alice.post("/todos", json={"title": "x", "parent_id": made["id"]})
    assert refusal(answer) == (422, "/parent_id", "too_deep")


async def test_a_branch_counts_with_all_its_depth(alice: Person) -> None:
    deep = (await make(alice))["id"]
    for _ in range(7):
        deep = (await make(alice, parent_id=deep))["id"]
    top = await make(alice)
    await make(alice, parent_id=(await make(alice, parent_id=top["id"]))["id"])
    answer = await alice.patch(f"/todos/{top['id']}", json={"parent_id": deep})
    assert refusal(answer) == (422, "/parent_id", "too_deep")
