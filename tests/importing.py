"""Files on their way in: sent as a person sends them, and worked on step by step."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from temporalio.testing import ActivityEnvironment

from activities.imports import Imports
from core.db import Database
from core.messages import JobMessage
from tests.people import Person

FILES = Path(__file__).parent / "data" / "imports"


def document(*todos: dict[str, Any], **preferences: Any) -> bytes:
    """As our browser app keeps it."""
    return json.dumps({"todos": todos, "preferences": preferences}).encode()


def texts(*words: str) -> bytes:
    """Of todos with no more than a text."""
    return document(*({"id": f"id-{word}", "text": word} for word in words))


@dataclass(frozen=True, slots=True)
class Importing:
    """A person who brings files, and the worker's part."""

    person: Person
    part: Imports

    @classmethod
    def of(cls, person: Person, app: FastAPI, db: Database, **options: Any) -> "Importing":
        shelf = app.state.import_shelf
        return cls(person, Imports(db, shelf.blobs, shelf.ring, **options))

    async def send(
        self, file: bytes, *, name: str = "file.json", workspace: UUID | None = None, **fields: str
    ) -> dict[str, Any]:
        params = {"workspace_id": str(workspace)} if workspace else {}
        answer = await self.person.post(
            "/imports", files={"file": (name, file)}, data=fields, params=params
        )
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        assert answer.headers["location"] == f"/api/v1/imports/{told['id']}"
        return told

    async def step(self, told: dict[str, Any]) -> bool:
        """Run the worker's activity once; whether it is over."""
        message = JobMessage(UUID(told["workspace_id"]), UUID(told["id"]))
        return (await ActivityEnvironment().run(self.part.bring, message)).over

    async def finish(self, told: dict[str, Any]) -> dict[str, Any]:
        while not await self.step(told):
            pass
        return await self.read(told)

    async def bring(self, file: bytes, **options: Any) -> dict[str, Any]:
        """To its end."""
        return await self.finish(await self.send(file, **options))

    async def read(self, told: dict[str, Any]) -> dict[str, Any]:
        answer = await self.person.get(f"/imports/{told['id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def undo(self, told: dict[str, Any], **body: Any) -> dict[str, Any]:
        answer = await self.person.post(f"/imports/{told['id']}/undo", json=body)
        assert answer.status_code == 202, answer.text
        undoing = answer.json()
        message = JobMessage(UUID(told["workspace_id"]), UUID(undoing["undo"]["job_id"]))
        while not await ActivityEnvironment().run(self.part.take_back, message):
            pass
        return await self.read(told)

    async def todos(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            params = {"limit": "100", "sort": "created"} | ({"cursor": cursor} if cursor else {})
            page = (await self.person.get("/todos", params=params)).json()
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def titles(self) -> list[str]:
        return sorted(todo["title"] for todo in await self.todos())

    async def rows(self, told: dict[str, Any], **params: str) -> Sequence[dict[str, Any]]:
        answer = await self.person.get(f"/imports/{told['id']}/rows", params=params)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows
