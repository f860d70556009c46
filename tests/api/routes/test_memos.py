"""Recordings, from a client's side; what comes of them is a workflow's."""

import asyncio
import hashlib
from base64 import b64encode
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from api.main import create_app
from core.db import Database
from core.ids import uuid7
from core.models.jobs import JobStatus
from core.services import jobs
from core.settings import Settings
from tests.people import Person, register
from tests.teams import sql, team
from tests.todos import refusal
from tests.voicing import blobs, hear, memo, memo_of, noise, upload, wav


async def finish(app_db: Database, person: Person, job_id: str) -> None:
    async with app_db.transaction() as tx:
        tx.act_in([person.id])
        found = await jobs.lock(tx, person.id, UUID(job_id))
        assert found is not None
        jobs.finish(tx, found, JobStatus.SUCCEEDED, found.result, now=tx.began_at)


async def test_its_whole_life(alice: Person, bob: Person) -> None:
    audio = noise(200_000)
    sent = await upload(alice, audio, language="en")
    assert sent.status_code == 202, sent.text
    job = sent.json()
    assert sent.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert sent.headers["change-set"]
    assert (job["kind"], job["status"]) == ("voice_memo", "queued")
    found = await memo(alice, memo_of(sent))
    assert found["job_id"] == job["id"]
    assert (found["status"], found["bytes"], found["media_type"], found["language"]) == (
        "received", 200_000, "audio/wav", "en",
    )  # fmt: skip
    assert found["sha256"] == hashlib.sha256(audio).hexdigest()
    assert (found["transcript"], found["words"], found["result"]) == (None, None, None)
    path = f"/voice/memos/{found['id']}"
    download = await alice.get(f"{path}/audio")
    assert download.content == audio
    told = download.headers
    assert told["content-type"] == "audio/wav"
    assert told["content-length"] == "200000"
    assert told["content-disposition"] == f'attachment; filename="{found["id"]}.wav"'
    assert told["x-content-type-options"] == "nosniff"
    assert told["content-security-policy"].startswith("sandbox")
    assert told["cache-control"] == "no-store"
    for person, what in ((bob, path), (bob, f"{path}/audio"), (alice, f"/voice/memos/{uuid4()}")):
        assert (await person.get(what)).status_code == 404
    assert (await bob.delete(path)).status_code == 404
    assert (await alice.delete(path)).status_code == 204
    assert (await alice.delete(path)).status_code == 204
    assert (await alice.get(f"{path}/audio")).status_code == 404
    gone = await memo(alice, found["id"])
    assert (gone["status"], gone["has_audio"], gone["language"]) == ("deleted", False, None)
    ended = (await alice.get(f"/jobs/{job['id']}")).json()
    assert (ended["status"], ended["error"]) == ("cancelled", "the memo was deleted")
    assert (await alice.get("/voice/memos")).json()["data"] == []
    types = [each["type"] for each in (await alice.get("/events?limit=100")).json()["data"]]
    assert types[-4:] == ["job.created", "voice_memo.received", "job.cancelled",
                          "voice_memo.deleted"]  # fmt: skip


async def test_nothing_readable_is_on_the_disk(app: FastAPI, alice: Person) -> None:
    audio = wav(0.2, of=b"SECRET")
    before = blobs(app)
    memo_of(await upload(alice, audio))
    (blob,) = blobs(app) - before
    assert b"SECRET" not in blob.read_bytes()
    assert blob.stat().st_mode & 0o077 == 0
    assert len(audio) < blob.stat().st_size < len(audio) + 200


async def test_one_part_of_it(alice: Person) -> None:
    audio = noise(150_000)
    path = f"/voice/memos/{memo_of(await upload(alice, audio))}/audio"
    for asked, part in (
        ("bytes=0-0", audio[:1]),
        ("bytes=70000-140000", audio[70_000:140_001]),
        ("bytes=149999-", audio[-1:]),
        ("bytes=-5", audio[-5:]),
        ("bytes=1-999999", audio[1:]),
    ):
        answer = await alice.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part), asked
        assert int(answer.headers["content-length"]) == len(part)
        assert answer.headers["content-range"].endswith("/150000")
    for asked in ("bytes=0-1,5-6", "seconds=1-2", "bytes=-"):
        assert (await alice.get(path, headers={"Range": asked})).content == audio
    beyond = await alice.get(path, headers={"Range": "bytes=150000-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */150000")


async def test_the_same_capture_is_one_memo(app: FastAPI, alice: Person, bob: Person) -> None:
    capture, audio = uuid4(), noise(5000)
    before = blobs(app)
    answers = await asyncio.gather(*(upload(alice, audio, capture_id=capture) for _ in range(5)))
    assert len({memo_of(answer) for answer in answers}) == 1
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(blobs(app) - before) == 1
    other = await upload(alice, noise(5000), capture_id=capture)
    assert other.status_code == 409, other.text
    assert len(blobs(app) - before) == 1
    assert memo_of(await upload(bob, audio, capture_id=capture)) != memo_of(answers[0])
    memo_id = memo_of(answers[0])
    await alice.delete(f"/voice/memos/{memo_id}")
    again = await upload(alice, audio, capture_id=capture)
    assert (again.status_code, memo_of(again)) == (200, memo_id), "not brought back"
    assert (await memo(alice, memo_id))["status"] == "deleted"


async def test_idempotency_keys(app: FastAPI, alice: Person) -> None:
    audio, key = noise(3000), {"Idempotency-Key": str(uuid4())}
    before = blobs(app)
    first = await upload(alice, audio, language="en", headers=key)
    again = await upload(alice, audio, language="en", headers=key)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await upload(alice, noise(3000), language="en", headers=key)).status_code == 422
    assert (await upload(alice, audio, language="de", headers=key)).status_code == 422
    assert len(blobs(app) - before) == 1


async def test_waiting_for_its_end(app_db: Database, alice: Person) -> None:
    audio, capture = noise(3000), uuid4()
    first = await upload(alice, audio, capture_id=capture)
    waiting = asyncio.create_task(upload(alice, audio, "?wait=10", capture_id=capture))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await finish(app_db, alice, first.json()["id"])
    done = await asyncio.wait_for(waiting, 9)
    assert (done.status_code, done.json()["status"]) == (200, "succeeded")
    brief = await upload(alice, noise(3000), "?wait=0.1")
    assert (brief.status_code, brief.json()["status"]) == (202, "queued")
    assert (await upload(alice, audio, "?wait=11")).status_code == 422


async def test_what_arrived_is_what_was_sent(app: FastAPI, alice: Person) -> None:
    audio, before = noise(70_000), blobs(app)
    right, wrong = (hashlib.sha256(each).digest() for each in (audio, b"other"))
    assert (await upload(alice, audio, sha256=right.hex())).status_code == 202
    for fields in (
        {"sha256": wrong.hex()},
        {"sha256": "x"},
        {"headers": {"Content-Digest": f"sha-256=:{b64encode(right).decode()}:"}},  # of the form
        {"headers": {"Repr-Digest": "sha-256=?"}},
    ):
        answer = await upload(alice, audio, **fields)
        assert answer.status_code == 422, answer.text
    assert len(blobs(app) - before) == 1
    for digest, status in ((right, 202), (wrong, 422)):
        headers = {"Content-Digest": f"sha-256=:{b64encode(digest).decode()}:"}
        files = {"audio": ("x", audio, "audio/wav", headers)}
        assert (await alice.post("/voice/memos", files=files)).status_code == status
    assert len(blobs(app) - before) == 2


async def test_pages_of_them(alice: Person) -> None:
    made = [memo_of(await upload(alice, noise(100 + n))) for n in range(5)]
    found, path = [], "/voice/memos?limit=2"
    while path:
        answer = await alice.get(path)
        assert answer.status_code == 200, answer.text
        found += [each["id"] for each in answer.json()["data"]]
        path = answer.headers.get("link", "").partition(">")[0].removeprefix("</api/v1")
    assert found == made[::-1]


async def test_in_a_team_they_are_still_ones_own(
    database_url: str, alice: Person, bob: Person, charlie: Person
) -> None:
    there = await team(database_url, owner=alice, member=bob, viewer=charlie)
    query = f"?workspace_id={there}"
    memo_id = memo_of(await upload(bob, noise(500), query))
    assert (await alice.get(f"/voice/memos/{memo_id}")).status_code == 404
    assert (await alice.get(f"/voice/memos{query}")).json()["data"] == []
    assert [each["id"] for each in (await bob.get(f"/voice/memos{query}")).json()["data"]] == [
        memo_id
    ]
    assert (await upload(charlie, noise(500), query)).status_code == 403
    assert (await upload(charlie, noise(500), f"?workspace_id={uuid4()}")).status_code == 404


async def test_processing_it_anew(
    app_db: Database, database_url: str, alice: Person, bob: Person
) -> None:
    sent = await upload(alice, noise(700))
    path = f"/voice/memos/{memo_of(sent)}/reprocess"
    assert (await alice.post(path, json={})).status_code == 409, "it is being worked on"
    await finish(app_db, alice, sent.json()["id"])
    assert (await bob.post(path, json={})).status_code == 404
    anew = await alice.post(path, json={"language": "de"})
    assert anew.status_code == 202, anew.text
    assert anew.json()["result"] == {"memo_id": memo_of(sent), "reprocess": True, "language": "de"}
    assert (await memo(alice, memo_of(sent)))["job_id"] == anew.json()["id"]
    rows = await sql(
        database_url,
        "SELECT workflow_type FROM outbox WHERE workflow_id = %s",
        f"job:{anew.json()['id']}",
    )
    assert rows == [("ProcessVoiceMemo",)]
    await alice.delete(f"/voice/memos/{memo_of(sent)}")
    assert (await alice.post(path, json={})).status_code == 409


async def test_what_a_newer_reading_would_make_of_it(
    app: FastAPI, app_db: Database, alice: Person, bob: Person
) -> None:
    sent = await upload(alice, noise(700))
    memo_id = UUID(memo_of(sent))
    path = f"/voice/memos/{memo_id}/reprocess"
    assert (await alice.post(path, json={"dry_run": True})).status_code == 409, "no words yet"
    text = "remind me to buy milk tomorrow at 5 pm"
    await hear(app, app_db, alice, memo_id, text, quality="standard")
    found = await memo(alice, str(memo_id))
    assert found["transcript"] == "remind me to buy milk tomorrow at 5 pm"
    assert found["words"] == [{"text": "remind", "start": 0.1, "end": 0.4, "confidence": None}]
    assert (found["transcriber"], found["stt_confidence"], found["duration_s"]) == (
        "embedded", 0.9, 2.5,
    )  # fmt: skip
    tried = await alice.post(path, json={"dry_run": True})
    assert tried.status_code == 200, tried.text
    assert "change-set" not in tried.headers
    told = tried.json()
    assert told["before"] is None
    (command,) = told["after"]["commands"]
    assert (command["intent"], command["fields"]["title"]) == ("create", "buy milk")
    assert "commands" in told["differs"]
    assert (await bob.post(path, json={"dry_run": True})).status_code == 404
    assert (await alice.get("/todos")).json()["data"] == [], "nothing was done"
    await alice.delete(f"/voice/memos/{memo_id}")
    gone = await memo(alice, str(memo_id))
    assert (gone["transcript"], gone["words"]) == (None, None)


async def test_what_is_tried_asks_as_the_work_would(
    app: FastAPI, app_db: Database, alice: Person
) -> None:
    memo_id = memo_of(await upload(alice, noise(700)))
    await hear(app, app_db, alice, UUID(memo_id), "add buy milk", quality="demo")
    tried = await alice.post(f"/voice/memos/{memo_id}/reprocess", json={"dry_run": True})
    told = tried.json()["after"]
    assert (told["memo_id"], told["commands"], told["executed"]) == (memo_id, [], False)
    assert [each["fields"]["title"] for each in told["proposed"]] == ["buy milk"]


async def test_so_many_a_minute(app: FastAPI) -> None:
    """A repetition of what arrived already does not count."""
    ours: Settings = app.state.settings
    other = create_app(ours.model_copy(update={"rate_limit_uploads": 2}))
    async with (
        other.router.lifespan_context(other),
        AsyncClient(transport=ASGITransport(app=other), base_url="http://api") as http,
    ):
        alice = await register(http)
        capture, audio = uuid4(), noise(500)
        for _ in range(4):
            assert (await upload(alice, audio, capture_id=capture)).status_code == 202
        headers = {"Upload-Length": "500"}
        assert (await alice.post("/voice/uploads", json={}, headers=headers)).status_code == 201
        for answer in (
            await upload(alice, noise(500)),
            await alice.post("/voice/uploads", json={}, headers=headers),
        ):
            assert answer.status_code == 429
            assert 0 < int(answer.headers["retry-after"]) <= 60
            assert answer.headers["ratelimit-policy"] == '"default";q=2;w=60'
        assert (await alice.get("/voice/memos")).status_code == 200


async def test_a_session_of_ones_own(alice: Person, database_url: str) -> None:
    answer = await upload(alice, noise(700), session_id=uuid7())
    assert refusal(answer)[1] == "/session_id"
    session_id = uuid7()
    await sql(
        database_url,
        "INSERT INTO voice_sessions (workspace_id, id, user_id) VALUES (%s, %s, %s)",
        alice.id, session_id, alice.id,
    )  # fmt: skip
    sent = await upload(alice, noise(700), session_id=session_id)
    assert (await memo(alice, memo_of(sent)))["session_id"] == str(session_id)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"language": "not a language"}, "/language"),
        ({"capture_id": "1"}, "/capture_id"),
        ({"session_id": "1"}, "/session_id"),
        ({"language": "x" * 300}, "/language"),
        ({"workspace_id": uuid4()}, "/workspace_id"),
        ({"id": uuid4()}, "/id"),
        ({"a/b~c": "1"}, "/a~1b~0c"),
    ],
)
async def test_fields_that_are_refused(
    app: FastAPI, alice: Person, fields: dict[str, str], pointer: str
) -> None:
    before = blobs(app)
    answer = await upload(alice, noise(500), **fields)
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert blobs(app) == before


async def test_a_blob_that_was_exchanged_does_not_open(app: FastAPI, alice: Person) -> None:
    made: list[str] = []
    found: list[Path] = []
    for _ in range(2):
        before = blobs(app)
        made.append(memo_of(await upload(alice, noise(90_000))))
        found += blobs(app) - before
    first, second = found
    first.write_bytes(second.read_bytes())
    assert (await alice.get(f"/voice/memos/{made[0]}/audio")).status_code == 500
    assert (await alice.get(f"/voice/memos/{made[1]}/audio")).status_code == 200
    second.unlink()
    assert (await alice.get(f"/voice/memos/{made[1]}/audio")).status_code == 404
