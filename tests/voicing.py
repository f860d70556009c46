"""Recordings to send, and what is left of them in the store. Bytes only: nothing here decodes."""

import os
import struct
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx2 import Response

from core.db import Database
from core.services import memo_secrets, memos, subject_keys
from core.settings import Settings
from tests.people import Person

RATE = 16_000


def wav(seconds: float = 0.1, *, of: bytes = b"\x00\x00") -> bytes:
    """A recording that any player takes; `of` is one sample of it, again and again."""
    data = of * int(RATE * seconds)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1,
                       RATE, RATE * 2, 2, 16)  # fmt: skip
    return head + struct.pack("<4sI", b"data", len(data)) + data


def noise(size: int) -> bytes:
    """A wav of exactly so many bytes that nobody else has."""
    return wav(0)[:-4] + struct.pack("<I", size - 44) + os.urandom(size - 44)


async def upload(person: Person, audio: bytes, query: str = "", **fields: Any) -> Response:
    """As a browser sends it; `fields` are further parts, and `headers` headers."""
    headers = fields.pop("headers", None)
    data = {name: str(value) for name, value in fields.items()}
    return await person.post(
        f"/voice/memos{query}",
        files={"audio": ("memo.wav", audio, "audio/wav")},
        data=data,
        headers=headers,
    )


async def memo(person: Person, memo_id: str | UUID) -> dict[str, Any]:
    answer = await person.get(f"/voice/memos/{memo_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def hear(
    app: FastAPI, db: Database, person: Person, memo_id: UUID, text: str, *, quality: str
) -> None:
    """As if a transcriber had heard this."""
    async with db.transaction() as tx:
        tx.act_in([person.id])
        ring = await subject_keys.sealing(tx, app.state.shelf.ring, person.id)
        row = await memos.lock(tx, person.id, memo_id)
        assert row is not None
        words = [{"text": text.split(maxsplit=1)[0], "start": 0.1, "end": 0.4, "confidence": None}]
        heard = memos.Heard(
            memo_secrets.seal_transcript(ring, row, text),
            memo_secrets.seal_words(ring, row, words),
            "en",
            "embedded",
            quality,
            0.9,
            2.5,
        )
        memos.hear(tx, row, heard, now=tx.began_at)


def memo_of(answer: Response) -> str:
    """The id of the memo that this job is for."""
    assert answer.status_code in {200, 202}, answer.text
    found: str = answer.json()["result"]["memo_id"]
    return found


def blobs(app: FastAPI) -> set[Path]:
    """All files of the store, the unfinished ones as well."""
    settings: Settings = app.state.settings
    return {path for path in settings.blobs.rglob("*") if path.is_file()}
