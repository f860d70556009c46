"""What is refused of a todo, at which field; and what others have, as if it were not there."""

from typing import Any

import pytest

from core.ids import uuid7
from tests.people import Person
from tests.todos import make, read, refusal


@pytest.mark.parametrize("name", ["list_id", "parent_id", "assignee_id"])
async def test_what_others_have_is_not_there(alice: Person, bob: Person, name: str) -> None:
    theirs = {
        "list_id": (await bob.post("/lists", json={"name": "L"})).json()["id"],
        "parent_id": (await make(bob))["id"],
        "assignee_id": str(bob.id),
    }[name]
    made = await make(alice)
    answers = [
        await alice.post("/todos", json={"title": "x", name: theirs}),
        await alice.patch(f"/todos/{made['id']}", json={name: theirs}),
        await alice.put(f"/todos/{made['id']}", json={"title": "x", name: theirs}),
        await alice.post("/todos", json={"title": "x", name: str(uuid7())}),
    ]
    for answer in answers:
        assert refusal(answer) == (422, f"/{name}", "unknown_reference")
    assert {a.json()["detail"] for a in answers} == {answers[0].json()["detail"]}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_list_is_named_once(alice: Person, method: str) -> None:
    made = await make(alice, list="Shop")
    body = {"title": "x", "list": "Shop", "list_id": made["list_id"]}
    path = "/todos" if method == "POST" else f"/todos/{made['id']}"
    assert (await alice.request(method, path, json=body)).status_code == 422


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": " \t"}, "/title"),
        ({"title": "x" * 501}, "/title"),
        ({"title": "a\nb"}, "/title"),
        ({"title": "x", "nonsense": 1}, "/nonsense"),
        ({"title": "x", "status": "completed"}, "/status"),
        ({"title": "x", "priority": "urgent"}, "/priority"),
        ({"title": "x", "tags": ["a"] * 51}, "/tags"),
        ({"title": "x", "tags": [""]}, "/tags/0"),
        ({"title": "x", "position": "1"}, "/position"),
        ({"title": "x", "position": True}, "/position"),
        ({"title": "x", "due": {}}, "/due/date"),
        ({"title": "x", "due": {"date": "2027-02-30"}}, "/due/date"),
        ({"title": "x", "due": {"date": 20000}}, "/due/date"),
        ({"title": "x", "due": {"date": "20000"}}, "/due/date"),
        ({"title": "x", "due": {"date": "2027-01-01T00:00:00"}}, "/due/date"),
        ({"title": "x", "due": {"date": "2027-01-01", "timezone": "Europe/Berlin"}}, "/due"),
        (
            {"title": "x", "due": {"date": "2027-01-01", "time": "9:00", "timezone": "Mars/Base"}},
            "/due/time",
        ),
        (
            {"title": "x", "due": {"date": "2027-01-01", "time": "09:00", "timezone": "Mars/Base"}},
            "/due/timezone",
        ),
        ({"title": "x", "due": {"date": "2027-01-01", "time": "09:00Z"}}, "/due/time"),
        ({"title": "x", "due": {"date": "2027-01-01", "time": "24:00"}}, "/due/time"),
        ({"title": "x", "due": {"date": "2027-01-01", "time": 32400}}, "/due/time"),
        ({"title": "x", "reminders": [{}]}, "/reminders/0"),
        ({"title": "x", "reminders": [{"before": 900}]}, "/reminders/0/before"),
        ({"title": "x", "reminders": [{"before": "-PT5M"}]}, "/reminders/0/before"),
        ({"title": "x", "reminders": [{"before": "P367D"}]}, "/reminders/0/before"),
        ({"title": "x", "reminders": [{"before": "PT5M", "urgent": "yes"}]}, "/reminders/0/urgent"),
        (
            {"title": "x", "reminders": [{"before": "PT5M", "channels": []}]},
            "/reminders/0/channels",
        ),
        ({"title": "x", "reminders": [{"before": "PT5M"}] * 21}, "/reminders"),
        (
            {"title": "x", "reminders": [{"at": {"date": "2020-01-01", "time": "09:00"}}]},
            "/reminders/0/at",
        ),
    ],
)
async def test_what_is_refused_is_named(alice: Person, body: dict[str, Any], pointer: str) -> None:
    answer = await alice.post("/todos", json=body)
    assert refusal(answer)[:2] == (422, pointer), answer.text
    assert (await alice.get("/todos")).json()["data"] == []


@pytest.mark.parametrize("verb", ["GET", "PATCH", "PUT", "DELETE", "complete", "reopen"])
async def test_another_persons_todo_is_not_there(alice: Person, charlie: Person, verb: str) -> None:
    made = await make(alice)

    async def answer(todo_id: str) -> tuple[int, dict[str, Any]]:
        path = f"/todos/{todo_id}"
        body = {"json": {"title": "mine"}} if verb in {"PATCH", "PUT"} else {}
        headers = {"If-Match": "*"} if verb == "PUT" else {}
        if verb.islower():
            got = await charlie.post(f"{path}/{verb}")
        else:
            got = await charlie.request(verb, path, headers=headers, **body)
        told = got.json()
        del told["trace_id"], told["instance"]
        return got.status_code, told

    assert await answer(made["id"]) == await answer(str(uuid7()))
    assert (await answer(made["id"]))[0] == 404
    assert await read(alice, made["id"]) == made
