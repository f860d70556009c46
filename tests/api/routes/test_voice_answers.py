"""What is asked back, and how it is answered: by hand, by word, once, and in time."""

import asyncio

import pytest

from core.ids import uuid7
from tests.people import Person
from tests.talking import answer, say, titles
from tests.teams import sql
from tests.todos import make, read, refusal


async def test_deleting_asks_first(alice: Person) -> None:
    made = await make(alice, "Buy milk", due={"date": "2030-01-01"})
    told = await say(alice, "delete the buy milk todo")
    assert (told["executed"], told["commands"], told["undo_token"]) == (False, [], None)
    assert told["needs_confirmation"]
    assert "Buy milk" in told["question"]
    assert told["candidates"] == [{"id": made["id"], "title": "Buy milk"}]
    assert told["proposed"][0]["intent"] == "delete"
    assert await titles(alice) == ["Buy milk"]
    done = await answer(alice, told, "yes")
    assert done.status_code == 200, done.text
    assert (done.json()["executed"], done.json()["needs_confirmation"]) == (True, False)
    assert await titles(alice) == []
    again = await answer(alice, told, "yes")
    assert again.json() == done.json()
    other = await answer(alice, told, "no")
    assert other.status_code == 409
    await alice.post("/undo", json={"change_set": done.json()["undo_token"]})
    assert await titles(alice) == ["Buy milk"]


async def test_no_is_no(alice: Person) -> None:
    await make(alice, "Buy milk")
    told = await say(alice, "delete buy milk")
    declined = await answer(alice, told, "no")
    assert (declined.json()["commands"], declined.json()["executed"]) == ([], False)
    assert await titles(alice) == ["Buy milk"]
    assert (await answer(alice, told, "yes")).status_code == 409


async def test_all_of_them_are_counted_before_they_go(alice: Person) -> None:
    parent = await make(alice, "todo a")
    await make(alice, "todo b", parent_id=parent["id"])
    await make(alice, "todo c", recurrence={"rrule": "FREQ=DAILY"}, due={"date": "2030-01-01"})
    told = await say(alice, "delete all todos")
    assert told["needs_confirmation"]
    assert "3" in told["question"]
    assert len(await titles(alice)) == 3
    late = await make(alice, "made meanwhile")
    done = await answer(alice, told, "yes")
    assert done.status_code == 200, done.text
    assert await titles(alice) == [late["title"]]
    assert (
        await alice.post("/undo", json={"change_set": done.json()["undo_token"]})
    ).status_code == 200
    assert len(await titles(alice)) == 4


async def test_which_one(alice: Person) -> None:
    first = await make(alice, "Call mom")
    second = await make(alice, "Call Tom")
    told = await say(alice, "complete call")
    if not told["candidates"]:
        pytest.skip("one of them is meant")
    assert told["needs_confirmation"]
    assert (await answer(alice, told, "yes")).status_code == 422
    assert (await answer(alice, told, "9")).status_code == 422
    done = await answer(alice, told, "2")
    assert done.status_code == 200, done.text
    meant = told["candidates"][1]["id"]
    assert done.json()["commands"][0]["todo"]["id"] == meant
    other = {first["id"], second["id"]} - {meant}
    assert (await read(alice, meant))["status"] == "completed"
    assert (await read(alice, other.pop()))["status"] == "pending"


@pytest.mark.parametrize(
    ("asks", "language", "says", "title"),
    [
        ("delete buy milk", "en", "Yes, please.", None),
        ("delete buy milk", "en", "no", "Buy milk"),
        ("lösche buy milk", "de", "Ja!", None),
        ("elimina buy milk", "es", "sí", None),
    ],
)
async def test_answered_by_word(
    alice: Person, asks: str, language: str, says: str, title: str | None
) -> None:
    await make(alice, "Buy milk")
    assert (await say(alice, says))["commands"] == [], "nothing was asked"
    told = await say(alice, asks, language=language)
    assert told["needs_confirmation"]
    tried = await say(alice, says, dry_run=True)
    assert (tried["id"], tried["commands"], tried["proposed"]) == (None, [], [])
    done = await say(alice, says)
    assert (done["id"], done["needs_confirmation"]) == (told["id"], False)
    assert await titles(alice) == ([title] if title else [])
    again = await say(alice, says)
    assert (again["id"] != told["id"], again["commands"]) == (True, [])


async def test_which_one_by_word(alice: Person) -> None:
    for name in ("Call mom", "Call Tom"):
        await make(alice, name)
    told = await say(alice, "complete call")
    assert len(told["candidates"]) == 2
    for vague in ("yes", "the fifth one"):
        again = await say(alice, vague)
        assert (again["id"], again["question"]) == (told["id"], told["question"])
    done = await say(alice, "the second one")
    assert done["commands"][0]["todo"] == told["candidates"][1]
    assert await titles(alice) == [told["candidates"][0]["title"]]


async def test_a_question_stands_in_its_session_until_something_else_is_done(
    alice: Person, bob: Person, database_url: str
) -> None:
    await make(alice, "Buy milk")
    other = (await alice.post("/voice/sessions", json={})).json()["id"]
    told = await say(alice, "delete buy milk", session_id=other)
    mine = (await alice.post("/voice/sessions", json={})).json()["id"]
    assert (await say(alice, "yes", session_id=mine))["commands"] == []
    assert (await say(bob, "yes"))["commands"] == []
    foreign = await bob.post("/voice/commands", json={"text": "yes", "session_id": other})
    assert foreign.status_code == 404
    assert (await say(alice, "the weather is lovely today", session_id=other))["commands"] == []
    assert (await say(alice, "yes", session_id=other))["id"] == told["id"]
    assert await titles(alice) == []
    await make(alice, "Buy milk")
    await say(alice, "delete buy milk", session_id=other)
    await say(alice, "add buy bread", session_id=other)
    assert (await say(alice, "yes", session_id=other))["commands"] == []
    late = await say(alice, "delete buy bread", session_id=other)
    query = "UPDATE voice_commands SET created_at = now() - interval '11 minutes' WHERE id = %s"
    await sql(database_url, query, late["id"])
    assert (await say(alice, "yes", session_id=other))["commands"] == []
    assert len(await titles(alice)) == 2


async def test_one_that_is_not_there_can_be_named(alice: Person) -> None:
    made = await make(alice, "Buy milk")
    told = await say(alice, "complete the unicorn parade")
    assert told["needs_confirmation"]
    assert told["candidates"] == []
    assert (await answer(alice, told, "yes")).status_code == 422
    assert refusal(await answer(alice, told, str(uuid7())))[1] == "/choice"
    done = await answer(alice, told, made["id"])
    assert done.status_code == 200, done.text
    assert (await read(alice, made["id"]))["status"] == "completed"


async def test_a_bare_noun_asks(alice: Person) -> None:
    told = await say(alice, "milk")
    assert (told["commands"], told["needs_confirmation"]) == ([], True)
    assert await titles(alice) == []
    await answer(alice, told, "yes")
    assert await titles(alice) == ["milk"]


async def test_a_question_expires(alice: Person, database_url: str) -> None:
    await make(alice, "Buy milk")
    told = await say(alice, "delete buy milk")
    await sql(
        database_url,
        "UPDATE voice_commands SET expires_at = now() - interval '1 second' WHERE id = %s",
        told["id"],
    )
    late = await answer(alice, told, "yes")
    assert late.status_code == 409
    assert "expired" in late.json()["detail"]
    assert await titles(alice) == ["Buy milk"]


async def test_a_todo_that_went_meanwhile(alice: Person) -> None:
    made = await make(alice, "Buy milk")
    told = await say(alice, "delete buy milk")
    await alice.delete(f"/todos/{made['id']}")
    assert (await answer(alice, told, "yes")).status_code == 409


async def test_two_answers_at_once_are_one(alice: Person) -> None:
    told = await say(alice, "milk")
    answers = await asyncio.gather(*(answer(alice, told, "yes") for _ in range(4)))
    assert [each.status_code for each in answers] == [200] * 4
    assert len({str(each.json()) for each in answers}) == 1
    assert await titles(alice) == ["milk"]
    told = await say(alice, "bread")
    yes, no = await asyncio.gather(answer(alice, told, "yes"), answer(alice, told, "no"))
    assert sorted([yes.status_code, no.status_code]) == [200, 409]


async def test_nothing_was_asked(alice: Person) -> None:
    told = await say(alice, "Add buy milk")
    assert (await answer(alice, told, "yes")).status_code == 409


async def test_what_may_be_the_only_one_is_asked_about_by_name(alice: Person) -> None:
    await make(alice, "Call mom on her birthday")
    told = await say(alice, "mark call mom birthday cake as done")
    assert [each["title"] for each in told["candidates"]] == ["Call mom on her birthday"]
    assert told["question"] == "Complete “Call mom on her birthday”?"
    assert (await answer(alice, told, "yes")).status_code == 200
    assert await titles(alice) == []
