"""Recordings in parts: what arrived stays, whatever happens to the network and to us."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Response

from activities.orphans import Orphans
from core.db import Database
from integrations.blobs import Directory
from tests.forgetting import forget
from tests.people import API, Person
from tests.teams import sql
from tests.todos import refusal
from tests.voicing import blobs, memo, memo_of, noise

PART = "application/offset+octet-stream"


async def begin(person: Person, length: int, **body: Any) -> Response:
    return await person.post("/voice/uploads", json=body, headers={"Upload-Length": str(length)})


async def begun(person: Person, length: int, **body: Any) -> str:
    answer = await begin(person, length, **body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-offset"] == "0"
    return answer.headers["location"].removeprefix(API)


async def append(
    person: Person, path: str, offset: int, content: Any, kind: str = PART
) -> Response:
    headers = {"Upload-Offset": str(offset), "Content-Type": kind}
    return await person.patch(path, content=content, headers=headers)


async def test_part_by_part(app: FastAPI, alice: Person, bob: Person) -> None:
    audio, before = noise(300_000), blobs(app)
    digest = hashlib.sha256(audio).hexdigest()
    path = await begun(alice, len(audio), sha256=digest, language="en")
    for start in range(0, 300_000, 100_000):
        told = await alice.request("HEAD", path)
        assert (told.status_code, told.content) == (200, b"")
        assert told.headers["upload-offset"] == str(start)
        assert told.headers["upload-length"] == "300000"
        assert told.headers["upload-expires"].endswith("GMT")
        last = await append(alice, path, start, audio[start : start + 100_000])
        assert last.headers["upload-offset"] == str(start + 100_000)
        assert last.status_code == (202 if start == 200_000 else 204), last.text
        for stored in blobs(app) - before:
            assert audio[start + 5000 : start + 5100] not in stored.read_bytes()
    assert len(blobs(app) - before) == 1, "the parts are gone"
    found = await memo(alice, memo_of(last))
    assert (found["sha256"], found["language"], found["bytes"]) == (digest, "en", 300_000)
    assert last.headers["location"] == f"/api/v1/jobs/{last.json()['id']}"
    assert (await alice.get(f"/voice/memos/{found['id']}/audio")).content == audio
    again = await append(alice, path, 300_000, b"")
    assert again.json() == last.json(), "the answer may have been lost"
    assert (await alice.get(path)).json()["memo_id"] == found["id"]
    for nobodys in (path, f"/voice/uploads/{uuid4()}"):
        assert (await bob.get(nobodys)).status_code == 404
        assert (await append(bob, nobodys, 0, b"x")).status_code == 404
        assert (await bob.delete(nobodys)).status_code == 404
    assert (await alice.delete(path)).status_code == 204
    assert (await memo(alice, found["id"]))["has_audio"], "it is a memo of its own"


async def test_parts_at_the_wrong_place(app: FastAPI, alice: Person) -> None:
    audio, before = noise(1000), blobs(app)
    path = await begun(alice, 1000)
    assert (await append(alice, path, 0, audio[:400])).status_code == 204
    for offset in (0, 399, 401, 1000):
        answer = await append(alice, path, offset, audio[400:500])
        assert (answer.status_code, answer.json()["detail"]) == (409, "the upload is at offset 400")
    assert (await append(alice, path, 400, audio[:601])).status_code == 413
    assert (await append(alice, path, 400, b"x", "application/json")).status_code == 415
    assert (await append(alice, path, -1, b"x")).status_code == 422
    assert (
        await alice.patch(path, content=b"x", headers={"Content-Type": PART})
    ).status_code == 422
    assert (await append(alice, path, 400, b"")).status_code == 204
    assert (await alice.get(path)).json()["offset"] == 400
    assert len(blobs(app) - before) == 1
    assert (await alice.delete(path)).status_code == 204
    assert blobs(app) == before
    assert (await alice.get(path)).status_code == 404


async def test_two_at_a_time(app: FastAPI, alice: Person) -> None:
    audio, before = noise(1000), blobs(app)
    path = await begun(alice, 1000)
    answers = await asyncio.gather(*(append(alice, path, 0, audio[:600]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409]
    assert len(blobs(app) - before) == 1
    answers = await asyncio.gather(*(append(alice, path, 600, audio[600:]) for _ in range(4)))
    done = [answer for answer in answers if answer.status_code == 202]
    assert len(done) >= 1
    assert len({memo_of(answer) for answer in done}) == 1
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len(blobs(app) - before) == 1
    assert (await alice.get(f"/voice/memos/{memo_of(done[0])}/audio")).content == audio


async def test_the_same_capture_goes_on(alice: Person) -> None:
    audio, capture = noise(500), str(uuid4())
    path = await begun(alice, 500, capture_id=capture)
    await append(alice, path, 0, audio[:200])
    again = await begin(alice, 500, capture_id=capture)
    assert again.headers["location"] == API + path
    assert again.headers["upload-offset"] == "200"
    assert (await begin(alice, 501, capture_id=capture)).status_code == 409
    done = await append(alice, path, 200, audio[200:])
    whole = await alice.post("/voice/memos", files={"audio": audio}, data={"capture_id": capture})
    assert memo_of(whole) == memo_of(done)


@pytest.mark.parametrize(
    ("audio", "body", "status"),
    [
        (b"#EXTM3U\n" + bytes(500), {}, 415),
        (b"RIF", {}, 415),
        (noise(500), {"sha256": "0" * 64}, 422),
    ],
    ids=["playlist", "too short", "another digest"],
)
async def test_what_is_no_recording_is_given_up(
    app: FastAPI, alice: Person, audio: bytes, body: dict[str, Any], status: int
) -> None:
    before = blobs(app)
    path = await begun(alice, len(audio), **body)
    answer = await append(alice, path, 0, audio)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if len(audio) > 16 and status == 415:  # seen with the first bytes: nothing was kept of it
        assert (await alice.get(path)).json()["offset"] == 0
    else:
        assert (await alice.get(path)).status_code == 404
    assert blobs(app) == before


async def test_a_foreign_session_is_refused_before_anything_is_sent(
    alice: Person, bob: Person
) -> None:
    """At the end, all that arrived would be given up for it."""
    begun_by_bob = (await bob.post("/voice/sessions", json={})).json()["id"]
    for session_id in (begun_by_bob, str(uuid4())):
        answer = await begin(alice, 500, session_id=session_id)
        assert refusal(answer) == (422, "/session_id", "unknown_reference")
    own = (await alice.post("/voice/sessions", json={})).json()["id"]
    audio = noise(500)
    path = await begun(alice, len(audio), session_id=own)
    sent = await append(alice, path, 0, audio)
    assert (await memo(alice, memo_of(sent)))["session_id"] == own


@pytest.mark.parametrize("length", ["0", "-1", "x", str(25 * 1024 * 1024 + 1), "9" * 30])
async def test_lengths_that_are_refused(alice: Person, length: str) -> None:
    answer = await alice.post("/voice/uploads", json={}, headers={"Upload-Length": length})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/header/Upload-Length"


async def test_what_nobody_finished_expires(
    app: FastAPI, worker_db: Database, database_url: str, alice: Person
) -> None:
    before = blobs(app)
    path = await begun(alice, 1000)
    await append(alice, path, 0, noise(600))
    (part,) = blobs(app) - before
    store = Directory(app.state.settings.blobs)
    await Orphans(worker_db, store, young=timedelta(0)).once()
    assert part.exists()
    await sql(
        database_url,
        "UPDATE voice_uploads SET expires_at = now() - interval '1 s' WHERE user_id = %s",
        alice.id,
    )
    assert (await alice.get(path)).status_code == 404
    assert (await append(alice, path, 600, b"x")).status_code == 404
    await forget(database_url, "uploads")
    await Orphans(worker_db, store, young=timedelta(0)).once()
    assert not part.exists()
