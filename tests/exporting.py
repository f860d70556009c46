"""Archives of people's data: asked for through the API, written by hand, fetched and opened."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from temporalio.testing import ActivityEnvironment

from activities.exports import Exports
from core.db import Database
from core.messages import JobMessage
from core.services import exports
from core.services.export_seals import Seals
from integrations.blobs import Blobs
from tests.people import API, Person


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive as its person has it."""

    data: bytes
    archive: zipfile.ZipFile

    @classmethod
    def of(cls, data: bytes) -> "Opened":
        archive = zipfile.ZipFile(io.BytesIO(data))
        assert archive.testzip() is None
        return cls(data, archive)

    @property
    def names(self) -> list[str]:
        return self.archive.namelist()

    def read(self, name: str) -> bytes:
        return self.archive.read(name)

    def json(self, name: str) -> Any:
        return json.loads(self.read(name))

    @property
    def todos(self) -> dict[str, Any]:
        """By title."""
        return {each["title"]: each for each in self.json("todos.json")["todos"]}

    def __contains__(self, marker: str) -> bool:
        """Whether any member has these words, as they are or as JSON and HTML escape them."""
        return any(marker.encode() in self.read(name) for name in self.names)


def worker(
    app: FastAPI, app_db: Database, *, blobs: Blobs | None = None, **options: Any
) -> Exports:
    """What works on exports of this API, with its keys and, unless told otherwise, its blobs."""
    state = app.state
    seals = Seals(state.shelf.ring, state.voice.ring)
    ring = state.keys.ring.of(exports.PURPOSE)
    return Exports(app_db, blobs or state.shelf.blobs, seals, ring, **options)


async def ask(person: Person, *formats: str) -> dict[str, Any]:
    answer = await person.post("/exports", json={"formats": list(formats)} if formats else {})
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{API}/exports/{made['id']}"
    return made


async def write(app: FastAPI, app_db: Database, person: Person, export_id: str) -> bool:
    """What the workflow has done."""
    message = JobMessage(person.id, UUID(export_id))
    done: bool = await ActivityEnvironment().run(worker(app, app_db).write, message)
    return done


async def fetch(person: Person, export_id: str) -> bytes:
    led = await person.get(f"/exports/{export_id}/download")
    assert led.status_code == 303, led.text
    sent = await person.http.get(led.headers["location"])
    assert sent.status_code == 200, sent.text
    return sent.content


async def export(app: FastAPI, app_db: Database, person: Person, *formats: str) -> Opened:
    """All of it, from the request to the opened archive."""
    made = await ask(person, *formats)
    assert await write(app, app_db, person, made["id"])
    return Opened.of(await fetch(person, made["id"]))
