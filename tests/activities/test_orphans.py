"""The collector deletes what nobody needs, and never what a row names."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi import FastAPI

from activities.orphans import Orphans
from core.actor import Actor
from core.db import Database
from core.errors import Unavailable
from core.ids import uuid7
from core.services import memos
from core.services.memos import Draft
from integrations.blobs import Directory
from tests.forgetting import forget
from tests.people import Person
from tests.teams import sql
from tests.voicing import blobs, memo, memo_of, noise, upload

AGED = timedelta(minutes=11)


def age(*paths: Path) -> None:
    for path in paths:
        at = path.stat().st_mtime - AGED.total_seconds()
        os.utime(path, (at, at))


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


async def pieces() -> AsyncIterator[bytes]:
    yield b"sealed"


async def test_only_what_is_old_and_without_a_row(
    app: FastAPI, worker_db: Database, alice: Person
) -> None:
    before = blobs(app)
    memo_id = memo_of(await upload(alice, noise(500)))
    store: Directory = app.state.shelf.blobs
    orphans = Orphans(worker_db, store)

    for key in ("memos/0-young", "memos/0-old", "uploads/0-old"):
        await store.put(key, pieces())
    draft = app.state.settings.blobs / "unfinished" / "half"
    draft.write_bytes(b"half of it")
    age(*(path for path in blobs(app) - before if path.name != "0-young"))
    assert await orphans.once() == 3
    left = {path.name for path in blobs(app) - before}
    assert len(left) == 2
    assert "0-young" in left
    assert (await alice.get(f"/voice/memos/{memo_id}/audio")).status_code == 200
    await store.delete("memos/0-young")


async def test_a_memo_that_was_deleted_while_the_store_was_away(
    app: FastAPI, worker_db: Database, database_url: str, alice: Person
) -> None:
    before = blobs(app)
    memo_id = memo_of(await upload(alice, noise(500)))
    (blob,) = blobs(app) - before
    await sql(
        database_url,
        "UPDATE voice_memos SET blob = NULL, blob_key = NULL, audio_gone_at = now() WHERE id = %s",
        memo_id,
    )
    age(blob)
    assert await Orphans(worker_db, app.state.shelf.blobs).once() == 1
    assert not blob.exists()


async def test_blobs_of_another_database_are_left_alone(
    worker_db: Database, tmp_path: Path
) -> None:
    store = Directory(tmp_path)
    for number in range(6):
        await store.put(f"memos/theirs-{number}", pieces())
    age(*files(tmp_path))
    assert await Orphans(worker_db, store, strange=5).once() == 0
    await store.delete("memos/theirs-5")
    assert await Orphans(worker_db, store, strange=5).once() == 5


async def test_audio_goes_when_its_time_is_over(
    app: FastAPI, worker_db: Database, database_url: str, alice: Person
) -> None:
    before = blobs(app)
    made = [memo_of(await upload(alice, noise(500))) for _ in range(3)]
    age(*(blobs(app) - before))
    for memo_id, days in zip(made, (-1, 1, None), strict=True):
        await sql(
            database_url,
            "UPDATE voice_memos SET retain_until = now() + make_interval(days => %s) WHERE id = %s",
            days,
            memo_id,
        )
    await forget(database_url, "audio")
    await Orphans(worker_db, app.state.shelf.blobs).once()
    told = [await memo(alice, memo_id) for memo_id in made]
    assert [each["has_audio"] for each in told] == [False, True, True]
    assert [bool(each["audio_until"]) for each in told] == [False, True, False]
    assert (await alice.get(f"/voice/memos/{made[0]}/audio")).status_code == 404
    assert len(blobs(app) - before) == 2


async def test_whoever_slept_over_an_upload_writes_nothing_down(
    app_db: Database, alice: Person
) -> None:
    """Its blob may have been collected: by the database's clock it is too late for a row."""
    for age_, refused in ((timedelta(minutes=4), False), (timedelta(minutes=6), True)):
        draft = Draft(
            id=uuid7(), capture_id=uuid7(), session_id=None, language=None,
            media_type="audio/wav", size=1, sha256=bytes(32), blob=f"memos/{uuid7()}",
            blob_key=b"x", put_at=datetime.now(UTC) - age_,
        )  # fmt: skip
        told = False
        try:
            async with app_db.transaction() as tx:
                tx.act_in([alice.id], alice.id)
                actor = Actor(alice.id, uuid7())
                await memos.receive(tx, actor, alice.id, draft, now=tx.began_at)
        except Unavailable:
            told = True
        assert told is refused
    assert len((await alice.get("/voice/memos")).json()["data"]) == 1
