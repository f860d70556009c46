"""The same key and body are answered the same, once; anything else with that key is refused."""

import asyncio
from typing import Any

import pytest

from tests.people import Person
from tests.teams import sql, team
from tests.todos import make, refusal

KEPT = ("location", "etag", "change-set", "content-type")


async def send(person: Person, key: str, body: Any, path: str = "/todos") -> Any:
    return await person.post(path, json=body, headers={"Idempotency-Key": key})


async def test_the_same_is_answered_the_same(alice: Person) -> None:
    body = {"title": "milk", "list": "L", "reminders": [{"before": "PT5M"}]}
    first = await send(alice, "k", body)
    again = await send(alice, "k", body)
    assert first.status_code == again.status_code == 201
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    assert [again.headers[h] for h in KEPT] == [first.headers[h] for h in KEPT]
    assert len((await alice.get("/todos")).json()["data"]) == 1


async def test_another_request_with_the_key_is_refused(alice: Person, database_url: str) -> None:
    shared = await team(database_url, owner=alice)
    await send(alice, "k", {"title": "milk"})
    for body, path in (
        ({"title": "bread"}, "/todos"),
        ({"title": "milk"}, f"/todos?workspace_id={shared}"),
    ):
        refused = await send(alice, "k", body, path)
        assert refused.status_code == 422
        assert refused.json()["type"] == "urn:voicetodo:problem:key-reused"
    assert len((await alice.get("/todos")).json()["data"]) == 1


async def test_a_key_is_a_persons_and_a_routes(alice: Person, bob: Person) -> None:
    answers = [
        await send(alice, "k", {"title": "milk"}),
        await send(bob, "k", {"title": "milk"}),
        await send(alice, "k", {"name": "milk"}, "/lists"),
    ]
    assert [a.status_code for a in answers] == [201] * 3
    assert all("idempotency-replayed" not in a.headers for a in answers)


async def test_what_failed_may_be_tried_again(alice: Person) -> None:
    assert (await send(alice, "k", {"title": ""})).status_code == 422
    later = {"title": "x", "assignee_id": "01a1fcc4-8e75-7b5a-9c23-764d3ccdc132"}
    assert (await send(alice, "k", later)).status_code == 422
    assert (await send(alice, "k", {"title": "milk"})).status_code == 201


async def test_twenty_twins_make_one(alice: Person) -> None:
    body = {"title": "milk", "list": "L"}
    answers = await asyncio.gather(*(send(alice, "k", body) for _ in range(20)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in made}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
    assert len((await alice.get("/todos")).json()["data"]) == 1


@pytest.mark.parametrize("verb", ["complete", "reopen"])
async def test_verbs_without_a_body(alice: Person, verb: str) -> None:
    made = await make(alice)
    path = f"/todos/{made['id']}/{verb}"
    first = await alice.post(path, headers={"Idempotency-Key": "k"})
    await alice.patch(f"/todos/{made['id']}", json={"title": "bread"})
    again = await alice.post(path, headers={"Idempotency-Key": "k"})
    assert again.content == first.content, "as it was answered then"


async def test_an_ended_session_gets_no_stored_answer(alice: Person) -> None:
    await send(alice, "k", {"title": "milk"})
    await alice.post("/auth/logout")
    assert (await send(alice, "k", {"title": "milk"})).status_code == 401


@pytest.mark.parametrize("key", ["", "x" * 256, "kü".encode(), b"a\x7f"])
async def test_what_is_no_key(alice: Person, key: str | bytes) -> None:
    headers: Any = [(b"Idempotency-Key", key), (b"Authorization", alice.headers["Authorization"])]
    answer = await alice.http.post("/api/v1/todos", json={"title": "x"}, headers=headers)
    assert refusal(answer)[:2] == (422, "/header/Idempotency-Key")


async def test_nothing_readable_is_kept(alice: Person, database_url: str) -> None:
    await send(alice, "a-key-to-find", {"title": "a-title-to-find"})
    rows = await sql(
        database_url, "SELECT idempotency_keys::text, answer, key_hash FROM idempotency_keys"
    )
    text = "".join(str(row[0]) + bytes(row[1]).hex() for row in rows)
    # Whose it is stands there, so that it goes with their account.
    for secret in (b"a-key-to-find", b"a-title-to-find"):
        assert secret.decode() not in text
        assert secret.hex() not in text
