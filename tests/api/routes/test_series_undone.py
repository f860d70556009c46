"""Recurring todos reopened, undone and deleted: where their series stands then."""

from tests.people import Person
from tests.series import NINE, ahead, complete, daily, occurrences, series_of
from tests.todos import read


async def test_reopening_takes_the_untouched_successor_away(alice: Person) -> None:
    todo = await daily(alice)
    following = (await complete(alice, todo))["next"]
    opened = await alice.post(f"/todos/{todo['id']}/reopen")
    assert (opened.status_code, opened.json()["status"]) == (200, "pending")
    assert (await alice.get(f"/todos/{following['id']}")).status_code == 404
    assert await occurrences(alice, todo) == [(ahead(3)["date"], "open")]
    again = (await complete(alice, todo))["next"]
    assert again["due"] == following["due"]
    await alice.patch(f"/todos/{again['id']}", json={"title": "worked on"})
    assert (await alice.post(f"/todos/{todo['id']}/reopen")).status_code == 409


async def test_undo_takes_a_completion_back(alice: Person) -> None:
    todo = await daily(alice, reminders=[{"before": "PT1H"}])
    answer = await alice.post(f"/todos/{todo['id']}/complete")
    following = answer.json()["next"]
    undone = await alice.post("/undo", json={"change_set": answer.headers["change-set"]})
    assert undone.status_code == 200, undone.text
    back = await read(alice, todo["id"])
    assert (back["status"], back["due"]) == ("pending", todo["due"])
    assert back["reminders"][0]["next_fire_at"] == todo["reminders"][0]["next_fire_at"]
    assert (await alice.get(f"/todos/{following['id']}")).status_code == 404
    assert (await series_of(alice, todo))["todo_id"] == todo["id"]
    assert await occurrences(alice, todo) == [(ahead(3)["date"], "open")]
    assert (await complete(alice, todo))["next"]["due"] == following["due"]


async def test_undo_takes_a_skip_and_a_stop_back(alice: Person) -> None:
    todo = await daily(alice)
    for verb in ("skip", "complete"):
        path = (
            f"/todos/{todo['id']}/skip" if verb == "skip" else f"/series/{todo['series_id']}/stop"
        )
        answer = await alice.post(path)
        undone = await alice.post("/undo", json={"change_set": answer.headers["change-set"]})
        assert undone.status_code == 200, undone.text
        back = await read(alice, todo["id"])
        assert (back["due"], back["recurrence"]) == (todo["due"], todo["recurrence"])
    assert await occurrences(alice, todo) == [(ahead(3)["date"], "open")]


async def test_deleting_ends_it_and_deleting_this_one_goes_on(alice: Person) -> None:
    todo = await daily(alice)
    path = f"/todos/{todo['id']}"
    assert (await alice.delete(path, params={"scope": "this"})).status_code == 204
    assert (await read(alice, todo["id"]))["due"] == ahead(4, **NINE)
    answer = await alice.delete(path)
    assert answer.status_code == 204
    assert (await series_of(alice, todo))["status"] == "ended"
    await alice.post("/undo", json={"change_set": answer.headers["change-set"]})
    assert (await read(alice, todo["id"]))["recurrence"] == todo["recurrence"]
