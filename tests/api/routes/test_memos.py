"""Recordings, from a client's side; what comes of them is a workflow's."""

from fastapi import FastAPI

from tests.people import Person
from tests.voicing import blobs, memo, memo_of, upload, wav


async def test_its_whole_life(app: FastAPI, alice: Person, bob: Person) -> None:
    audio = wav()
    sent = await upload(alice, audio, language="en")
    assert sent.status_code == 202, sent.text
    job = sent.json()
    assert sent.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["kind"], job["status"]) == ("voice_memo", "queued")
    found = await memo(alice, memo_of(sent))
    assert (found["status"], found["bytes"], found["media_type"]) == (
        "received", len(audio), "audio/wav",
    )  # fmt: skip
    path = f"/voice/memos/{found['id']}"
    download = await alice.get(f"{path}/audio")
    assert download.content == audio
    print(download.headers)
