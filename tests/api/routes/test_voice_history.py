"""What is kept of what was said, who sees it, and what is spoken of in a session."""

from datetime import date

import httpx2
from fastapi import FastAPI
from httpx2 import ASGITransport

from api.main import create_app
from core.settings import Settings
from tests.people import Person, register
from tests.talking import answer, say, told_day
from tests.teams import sql, team
from tests.todos import make, read


async def test_history_and_where_values_come_from(alice: Person) -> None:
    told = await say(alice, "Remind me to call mom tomorrow at 5 pm")
    todo_id = told["commands"][0]["todo"]["id"]
    await say(alice, "the weather is lovely today")
    await alice.patch(f"/todos/{todo_id}", json={"title": "call mother"})
    page = (await alice.get("/voice/commands?limit=1")).json()
    assert [each["outcome"] for each in page["data"]] == ["nothing"]
    more = (await alice.get(f"/voice/commands?limit=1&cursor={page['next_cursor']}")).json()
    [line] = more["data"]
    assert line["transcript"] == "Remind me to call mom tomorrow at 5 pm"
    assert (line["intent"], line["outcome"], more["has_more"]) == ("create", "done", False)
    detail = (await alice.get(f"/voice/commands/{told['id']}")).json()
    assert detail["result"] == told
    [source] = detail["provenance"]
    assert source["todo_id"] == todo_id
    fields = {each["field"]: each for each in source["fields"]}
    assert fields["title"] == {
        "field": "title",
        "span": told["commands"][0]["spans"]["title"],
        "text": "call mom",
        "changed_since": True,
    }
    assert (fields["due"]["text"], fields["due"]["changed_since"]) == ("tomorrow at 5 pm", False)
    assert detail["command"]["resolver_version"] >= 1


async def test_words_are_sealed_and_can_be_forgotten(alice: Person, database_url: str) -> None:
    told = await say(alice, "Add buy marzipan")
    for table, column in (("voice_commands", "sealed"), ("todo_voice", "original_text")):
        [(sealed,)] = await sql(
            database_url,
            f"SELECT {column} FROM {table} WHERE workspace_id = %s",  # noqa: S608 (the names above)
            alice.id,
        )
        assert b"marzipan" not in sealed
    gone = await alice.delete(f"/voice/commands/{told['id']}")
    assert gone.status_code == 204
    detail = (await alice.get(f"/voice/commands/{told['id']}")).json()
    assert detail["command"]["transcript"] is None
    assert detail["result"]["commands"] == []
    todo = await read(alice, told["commands"][0]["todo"]["id"])
    assert (todo["title"], todo["voice"]["original_text"]) == ("buy marzipan", None)
    assert (await alice.get("/voice/analytics")).json()["commands"] == 1


async def test_what_is_not_possible_is_refused_and_counted(alice: Person) -> None:
    await say(alice, "Add buy stamps")
    [todo] = (await alice.get("/todos")).json()["data"]
    await alice.patch(f"/todos/{todo['id']}", json={"title": "buy envelopes"})
    refused = await alice.post("/voice/commands", json={"text": "undo"})
    assert refused.status_code == 409
    assert todo["id"] in refused.json()["detail"]
    [line, _] = (await alice.get("/voice/commands")).json()["data"]
    assert (line["intent"], line["outcome"]) == ("undo", "failed")
    [session] = (await alice.get("/voice/sessions")).json()["data"]
    assert (session["total_commands"], session["failed_commands"]) == (2, 1)
    assert (await alice.post("/voice/commands", json={"text": ""})).status_code == 422
    assert (await alice.get("/voice/sessions")).json()["data"] == [session]


async def test_a_refusal_needs_no_second_connection(app: FastAPI) -> None:
    """Else as many at once as there are connections would wait for one another."""
    ours: Settings = app.state.settings
    other = create_app(ours.model_copy(update={"pool_size": 1}))
    async with (
        other.router.lifespan_context(other),
        httpx2.AsyncClient(transport=ASGITransport(app=other), base_url="http://api") as http,
    ):
        person = await register(http)
        await say(person, "Add buy stamps")
        [todo] = (await person.get("/todos")).json()["data"]
        await person.patch(f"/todos/{todo['id']}", json={"title": "buy envelopes"})
        refused = await person.post("/voice/commands", json={"text": "undo"})
        assert refused.status_code == 409
        [line, _] = (await person.get("/voice/commands")).json()["data"]
        assert (line["intent"], line["outcome"]) == ("undo", "failed")


async def test_analytics(alice: Person) -> None:
    await say(alice, "Add buy milk")
    await say(alice, "the weather is lovely today")
    told = await say(alice, "delete buy milk")
    await answer(alice, told, "no")
    found = (await alice.get("/voice/analytics")).json()
    assert found["commands"] == 3
    assert found["by_intent"] == {"create": 1, "delete": 1, "none": 1}
    assert found["by_outcome"] == {"declined": 1, "done": 1, "nothing": 1}
    assert found["by_transcriber"] == {"text": 3}
    assert (found["success_rate"], found["ask_back_rate"]) == (0.5, 0.5)
    assert 0 < found["latency_p50_ms"] <= found["latency_p95_ms"]
    assert found["days"] == [{"day": told_day(), "commands": 3, "successful": 1}]
    none = (await alice.get("/voice/analytics?from=2020-01-01&to=2020-01-31")).json()
    assert (none["commands"], none["success_rate"], none["days"]) == (0, None, [])
    for query in ("from=2030-01-02&to=2030-01-01", "from=2020-01-01&to=2026-01-01"):
        assert (await alice.get(f"/voice/analytics?{query}")).status_code == 422


async def test_the_feed_tells_ids_only(alice: Person) -> None:
    told = await say(alice, "Add buy milk")
    events = (await alice.get("/events")).json()["data"]
    [event] = [each for each in events if each["type"] == "voice_command.processed"]
    assert event["subject_id"] == told["id"]
    assert "milk" not in str(event)


async def test_metrics_count(alice: Person) -> None:
    from core import metrics  # noqa: PLC0415 (read where it is written)

    counter = metrics.VOICE_COMMANDS.labels("create", "en", "done")
    before = counter._value.get()  # noqa: SLF001 (the library has no other way to read one)
    await say(alice, "Add buy milk", language="en")
    assert counter._value.get() == before + 1  # noqa: SLF001 (as above)


async def test_a_session_remembers_what_was_spoken_of(alice: Person, database_url: str) -> None:
    told = await say(alice, "Add call the plumber")
    todo_id = told["commands"][0]["todo"]["id"]
    made = await say(alice, "make that Friday")
    assert made["executed"], made
    assert made["session_id"] == told["session_id"]
    assert date.fromisoformat((await read(alice, todo_id))["due"]["date"]).weekday() == 4
    await make(alice, "x", due={"date": "2020-01-01"})
    second = await make(alice, "y", due={"date": "2020-01-02"})
    await say(alice, "show my overdue todos")
    done = await say(alice, "mark the second one as done")
    assert done["commands"][0]["todo"]["id"] == second["id"]
    await sql(
        database_url,
        "UPDATE voice_sessions SET mentioned_at = now() - interval '11 minutes'"
        " WHERE workspace_id = %s",
        alice.id,
    )
    late = await say(alice, "make that Friday")
    assert (late["executed"], late["needs_confirmation"]) == (False, True)


async def test_sessions_are_apart(alice: Person) -> None:
    device = {"model": "Pixel 12", "os": 18, "build": "0042", "scale": 2.5, "mic": True}
    too_long = await alice.post("/voice/sessions", json={"device": {"build": "1" * 201}})
    assert too_long.status_code == 422
    begun = await alice.post("/voice/sessions", json={"device": device})
    assert begun.status_code == 201
    one = begun.json()
    assert one["device"] == device
    two = (await alice.post("/voice/sessions", json={})).json()
    await say(alice, "Add buy stamps", session_id=one["id"])
    told = await say(alice, "make that Friday", session_id=two["id"])
    assert told["needs_confirmation"]
    await say(alice, "make that Friday", session_id=one["id"])
    counted = (await alice.get(f"/voice/sessions/{one['id']}")).json()
    assert (counted["total_commands"], counted["successful_commands"]) == (2, 2)
    assert 0.8 < counted["average_confidence"] <= 1
    other = (await alice.get(f"/voice/sessions/{two['id']}")).json()
    assert (other["total_commands"], other["asked_commands"]) == (1, 1)
    page = (await alice.get("/voice/sessions?limit=1")).json()
    assert [each["id"] for each in page["data"]] == [one["id"]]
    more = (await alice.get(f"/voice/sessions?limit=1&cursor={page['next_cursor']}")).json()
    assert [each["id"] for each in more["data"]] == [two["id"]]
    assert more["has_more"] is False


async def test_strangers_find_nothing(alice: Person, charlie: Person) -> None:
    await make(alice, "Buy milk")
    told = await say(alice, "delete buy milk")
    for path in (
        f"/voice/commands/{told['id']}",
        f"/voice/sessions/{told['session_id']}",
    ):
        assert (await charlie.get(path)).status_code == 404
    assert (await answer(charlie, told, "yes")).status_code == 404
    assert (await charlie.delete(f"/voice/commands/{told['id']}")).status_code == 404
    foreign = await charlie.post(
        "/voice/commands", json={"text": "undo", "session_id": told["session_id"]}
    )
    assert foreign.status_code == 404
    into = await charlie.post(f"/voice/commands?workspace_id={alice.id}", json={"text": "Add x"})
    assert into.status_code == 404
    assert (await charlie.get("/voice/commands")).json()["data"] == []


async def test_a_viewer_may_not_write(
    alice: Person, bob: Person, charlie: Person, database_url: str
) -> None:
    shared = await team(database_url, owner=alice, member=bob, viewer=charlie)
    where = f"?workspace_id={shared}"
    assert (await say(bob, "Add buy paper", query=where))["executed"]
    refused = await charlie.post(f"/voice/commands{where}", json={"text": "Add x"})
    assert refused.status_code == 403
    told = await say(charlie, "mark buy paper as done", query=where, dry_run=True)
    assert told["commands"][0]["todo"]["title"] == "buy paper"
    # What Bob said is his own, though the todo is everybody's.
    assert (await alice.get(f"/voice/commands{where}")).json()["data"] == []
    [todo] = (await alice.get(f"/todos{where}")).json()["data"]
    assert todo["voice"]["original_text"] == "Add buy paper"


async def test_a_viewer_may_ask_what_is_due(
    alice: Person, bob: Person, charlie: Person, database_url: str
) -> None:
    shared = await team(database_url, owner=alice, member=bob, viewer=charlie)
    where = f"?workspace_id={shared}"
    await say(bob, "Add buy paper today", query=where)
    told = await say(charlie, "what's due today?", query=where)
    assert [each["title"] for each in told["todos"]] == ["buy paper"]
    assert (told["executed"], told["id"], told["session_id"]) == (True, None, None)
    assert (await charlie.get(f"/voice/commands{where}")).json()["data"] == []
    both = {"text": "what's due today? and add buy pens"}
    for body in (both, {"text": "undo"}, {"text": "delete buy paper"}, {"text": "paper"}):
        refused = await charlie.post(f"/voice/commands{where}", json=body)
        assert refused.status_code == 403, body
    assert len((await alice.get(f"/todos{where}")).json()["data"]) == 1
