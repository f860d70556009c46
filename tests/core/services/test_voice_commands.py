"""The service behind both doors, as the workflow of recordings calls it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from core.actor import Actor
from core.db import Database, Transaction
from core.ids import uuid7
from core.models.memos import Quality
from core.services import voice_answers, voice_commands
from core.services.voice_results import Asked, Memo, Using, VoiceResult
from tests.people import Person
from tests.teams import sql
from tests.todos import make, read


@asynccontextmanager
async def working(db: Database, person: Person) -> AsyncIterator[Transaction]:
    """As a worker does it: in her name, without a session of hers."""
    async with db.transaction() as tx:
        tx.act_for(person.id, limit_key=f"voice:{person.id}")
        yield tx


@pytest.fixture
def using(app: FastAPI) -> Using:
    found: Using = app.state.voice
    return found


def memo(of: UUID | None = None, *, quality: Quality = Quality.STANDARD) -> Memo:
    """A processing of a recording; `of` another one that was processed before."""
    return Memo(of or uuid7(), uuid7(), "embedded", quality)


async def heard(
    db: Database, person: Person, using: Using, text: str, recording: Memo, **asked: Any
) -> VoiceResult:
    confidence = asked.pop("stt_confidence", None)
    async with working(db, person) as tx:
        return await voice_commands.run(
            tx,
            Actor(person.id, person.id),
            text,
            Asked(**asked),
            using=using,
            workspace_id=person.id,
            now=tx.began_at,
            memo=recording,
            stt_confidence=confidence,
        )


async def titles(person: Person) -> list[str]:
    found = (await person.get("/todos?status=pending")).json()["data"]
    return [each["title"] for each in found]


async def test_a_repeated_step_does_nothing_twice(
    app_db: Database, alice: Person, using: Using
) -> None:
    recording = memo()
    first = await heard(app_db, alice, using, "Remind me to call mom tomorrow at 5 pm", recording)
    again = await heard(app_db, alice, using, "Remind me to call mom tomorrow at 5 pm", recording)
    assert first.executed
    assert first == again
    assert await titles(alice) == ["call mom"]
    [todo] = (await alice.get("/todos")).json()["data"]
    assert todo["voice"]["memo_id"] == str(recording.id)
    assert todo["reminders"][0]["before"] == "PT0S"


@pytest.mark.parametrize("meanwhile", ["edited", "deleted"])
async def test_a_reprocessing_leaves_alone_what_was_done(
    app_db: Database, alice: Person, using: Using, meanwhile: str
) -> None:
    recording = memo()
    told = await heard(app_db, alice, using, "Add buy milk", recording)
    assert told.commands[0].todo is not None
    path = f"/todos/{told.commands[0].todo.id}"
    if meanwhile == "edited":
        await alice.patch(path, json={"title": "oat milk"})
    else:
        await alice.delete(path)
    before = await titles(alice)
    newer = await heard(app_db, alice, using, "Add buy milk", memo(recording.id))
    assert (newer.commands, newer.executed, newer.undo_token) == ([], False, None)
    assert await titles(alice) == before


async def test_a_reprocessing_shows_what_would_differ(
    app_db: Database, alice: Person, using: Using, database_url: str
) -> None:
    recording = memo()
    await heard(app_db, alice, using, "milk", recording)
    tried = await heard(app_db, alice, using, "Add buy milk", memo(recording.id), dry_run=True)
    assert tried.commands[0].fields["title"] == "buy milk"
    assert await titles(alice) == []
    newer = await heard(app_db, alice, using, "Add buy milk", memo(recording.id))
    assert newer.executed, "it was asked about before, and never done"
    rows = await sql(
        database_url,
        "SELECT position, todo_id IS NOT NULL, change_set FROM voice_applied WHERE memo_id = %s",
        recording.id,
    )
    assert rows == [(0, True, newer.undo_token)]


async def test_a_demonstration_proposes_everything(
    app_db: Database, alice: Person, using: Using
) -> None:
    told = await heard(app_db, alice, using, "Add buy milk", memo(quality=Quality.DEMO))
    assert (told.commands, told.needs_confirmation, told.executed) == ([], True, False)
    assert await titles(alice) == []


async def test_an_answer_is_not_given_twice_by_a_reprocessing(
    app_db: Database, alice: Person, using: Using
) -> None:
    recording = memo(quality=Quality.DEMO)
    told = await heard(app_db, alice, using, "Add buy milk", recording)
    other = await heard(
        app_db, alice, using, "Add buy milk", memo(recording.id, quality=Quality.DEMO)
    )
    assert told.id is not None
    assert other.id is not None
    confirmed = await alice.post(f"/voice/commands/{told.id}/confirm", json={"choice": "yes"})
    assert confirmed.status_code == 200, confirmed.text
    twice = await alice.post(f"/voice/commands/{other.id}/confirm", json={"choice": "yes"})
    assert twice.status_code == 409
    assert await titles(alice) == ["buy milk"]


@pytest.mark.parametrize(("sure", "asks"), [(0.99, False), (0.7, True), (0.3, True), (None, False)])
async def test_how_well_it_was_heard_counts(
    app_db: Database, alice: Person, using: Using, *, sure: float | None, asks: bool
) -> None:
    told = await heard(app_db, alice, using, "Add buy milk", memo(), stt_confidence=sure)
    assert told.needs_confirmation is asks
    assert told.confidence is not None
    if sure is not None:
        assert told.confidence <= sure


async def test_an_answer_that_fails_can_be_given_again(
    app_db: Database, alice: Person, using: Using
) -> None:
    """What fails takes the answer with it: nothing is half done."""
    made = await make(alice, "Call mom", due={"date": "2030-01-01"})
    async with working(app_db, alice) as tx:
        told = await voice_commands.run(
            tx,
            Actor(alice.id, alice.id),
            "delete call mom",
            Asked(),
            using=using,
            workspace_id=alice.id,
            now=tx.began_at,
        )
    assert told.id is not None
    with suppress(RuntimeError):
        async with working(app_db, alice) as tx:
            await voice_answers.confirm(
                tx, Actor(alice.id, alice.id), told.id, "yes", using=using, now=tx.began_at
            )
            raise RuntimeError
    assert (await read(alice, made["id"]))["status"] == "pending"
    done = await alice.post(f"/voice/commands/{told.id}/confirm", json={"choice": "yes"})
    assert done.status_code == 200
