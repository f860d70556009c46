"""An installation whose accounts are erased: API, sandbox, Temporal, a worker that is killed."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from fastapi import FastAPI
from temporalio.client import Client

from api.main import create_app
from core.embedded_cluster import binary
from core.settings import Settings
from integrations.sandbox.push_crypto import encode, point
from tests import plain
from tests.connecting import World, connected_world
from tests.databases import migrated
from tests.patience import PATIENCE_S
from tests.people import PASSWORD, Person, register
from tests.ports import free_port
from tests.teams import sql, team
from tests.temporal import Server
from tests.voicing import upload, wav

ROOT = Path(__file__).resolve().parent.parent
TODOS = 5
POINT = point(generate_private_key(SECP256R1()))


@dataclass(frozen=True, slots=True)
class Site:
    """`world` is the API with its sandbox; `folder` what both have of the disk."""

    world: World
    database_url: str
    folder: Path
    server: Server
    log: Path
    port: int  # of the worker's metrics

    @property
    def settings(self) -> Settings:
        found: Settings = self.world.app.state.settings
        return found

    @contextmanager
    def worker(self, *, fault: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """A process of its own; `fault` is where it dies."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name != "DATABASE_URL" and not name.startswith("VOICETODO_")
        }
        more = {
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.database_url,
            "VOICETODO_PROFILE": "dev",
            "VOICETODO_DATA_DIR": str(self.folder),
            "VOICETODO_TEMPORAL_PORT": str(self.server.settings.temporal_port),
            "VOICETODO_SANDBOX_PORT": str(self.settings.sandbox_port),
            "VOICETODO_WORKER_METRICS_PORT": str(self.port),
        }
        if fault:
            more["FAULT"] = more["VOICETODO_FAULT"] = f"{fault}:kill"
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", str(ROOT / "worker.py")],
                env={**environment, **more},
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    async def died(self, process: subprocess.Popen[bytes], seconds: float = PATIENCE_S) -> None:
        """Return when the worker has met its fault."""
        deadline = time.monotonic() + seconds
        while process.poll() is None:
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            await asyncio.sleep(0.1)

    async def erase(self, person: Person, **body: Any) -> UUID:
        """Ask for it; the id of the receipt."""
        given = {"password": PASSWORD, "grace_days": 0, **body}
        answer = await person.post("/me/erasure", json=given)
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["receipt_id"])

    async def receipt(self, receipt_id: UUID) -> dict[str, Any]:
        answer = await self.world.http.get(f"/api/v1/erasure-receipts/{receipt_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def erased(self, receipt_id: UUID, seconds: float = PATIENCE_S) -> dict[str, Any]:
        """The receipt, once it is signed."""
        deadline = time.monotonic() + seconds
        while True:
            found = await self.receipt(receipt_id)
            if found["signature"]:
                return found
            assert time.monotonic() < deadline, f"{found}\n{self.log.read_text()[-3000:]}"
            await asyncio.sleep(0.1)

    def backup(self) -> bytes:
        """All of the database, as an operator keeps it."""
        command = [str(binary("pg_dump")), "--format=custom", self.database_url]
        return subprocess.run(command, capture_output=True, check=True).stdout

    async def restore(self, copy: bytes) -> None:
        """As it was then; whoever had it open has lost it."""
        base = self.database_url.replace("/erasing?", "/postgres?")
        await sql(base, "DROP DATABASE erasing WITH (FORCE)")
        await sql(base, "CREATE DATABASE erasing")
        command = [str(binary("pg_restore")), "--dbname", self.database_url]
        await asyncio.to_thread(
            subprocess.run, command, input=copy, capture_output=True, check=True
        )

    @asynccontextmanager
    async def another_api(self) -> AsyncIterator[tuple[FastAPI, httpx2.AsyncClient]]:
        """As it is started after the restore."""
        app = create_app(self.settings)
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://api") as http,
        ):
            yield app, http

    def kept(self) -> list[Path]:
        """The files of the store of blobs."""
        return [each for each in (self.folder / "blobs").rglob("*") if each.is_file()]

    def metrics(self, worker: subprocess.Popen[bytes]) -> str:
        """What the worker tells who watches it."""
        assert worker.poll() is None
        return plain.get(f"http://127.0.0.1:{self.port}/metrics").text

    def ledger(self, vendor: str) -> list[dict[str, Any]]:
        """What reached this emulator."""
        found = self.world.sandbox.get("/ledger.json", params={"vendor": vendor}).json()
        return list(found)

    def mails(self, address: str) -> list[dict[str, Any]]:
        return list(self.world.sandbox.get("/mail.json", params={"to": address}).json())

    async def histories(self, user_id: UUID) -> list[str]:
        """The ids of what Temporal knows and we started, but for erasures; and of our records."""
        client = await Client.connect(self.server.address)
        query = "WorkflowType NOT IN ('EraseAccount', 'Tick', 'Forget')"
        known = [each.id async for each in client.list_workflows(query)]
        rows = await self.sql(
            "SELECT workflow_id FROM executions WHERE fairness_key = %s", str(user_id)
        )
        ours = await self.sql("SELECT workflow_id FROM executions WHERE type <> 'EraseAccount'")
        theirs = {each for (each,) in ours}
        return [*(each for each in known if each not in theirs), *(each for (each,) in rows)]

    async def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return await sql(self.database_url, statement, *values)


@asynccontextmanager
async def site(database_url: str, server: Server, folder: Path) -> AsyncIterator[Site]:
    """With a database of its own: a worker takes every row that it finds."""
    url = migrated(database_url, "erasing")
    home = folder / "home"
    home.mkdir()
    async with connected_world(url, home) as world:
        yield Site(world, url, home, server, folder / "worker.log", free_port())


@dataclass(frozen=True, slots=True)
class Marked:
    """A person whose every word has the mark. `team` stays with Bob."""

    person: Person
    mark: str
    team: UUID
    todos: int


async def marked(place: Site) -> Marked:
    """Somebody who uses what there is to be used, at the doors that people use."""
    mark = f"zq{uuid4().hex[:16]}"
    http, sandbox = place.world.http, str(place.world.sandbox.base_url).rstrip("/")
    ada = await register(http, mark, email=f"{mark}@example.com", timezone="Europe/Berlin")
    bob = await register(http, "bob")
    shared = await team(place.database_url, owner=ada, admin=bob)
    sent = {"Idempotency-Key": f"{mark}-key-of-a-request"}
    due = {"date": "2031-07-01", "time": "18:00", "timezone": "Europe/Berlin"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("/workspaces", {"kind": "sandbox", "name": f"{mark} sandbox"}),
        ("/webhook-endpoints", {"url": f"{sandbox}/hooks/{mark}", "events": ["todo.*"]}),
        (
            "/push/subscriptions",
            {
                "endpoint": f"{sandbox}/push/{mark}",
                "keys": {"p256dh": encode(POINT), "auth": encode(b"a" * 16)},
            },
        ),
        ("/voice/commands", {"text": f"Add {mark} milk tomorrow"}),
        ("/todos/quick", {"text": f"{mark} bread"}),
        (f"/voice/commands?workspace_id={shared}", {"text": f"Add {mark} for the team"}),
        (f"/todos?workspace_id={shared}", {"title": "bread for the team"}),
        ("/exports", {}),
    ]
    for nth in range(TODOS):
        body = {
            "title": f"{mark} todo {nth}",
            "description": f"{mark} says more",
            "list": f"{mark} list",
            "tags": [mark],
            "due": due,
            "reminders": [{"before": "PT1H"}],
            "recurrence": {"rrule": "FREQ=WEEKLY"},
        }
        calls.append(("/todos", body))
    for path, body in calls:
        answer = await ada.post(path, json=body, headers=sent if path == "/exports" else None)
        assert answer.is_success, (path, answer.text)
    await place.sql("UPDATE reminders SET next_at = now() WHERE user_id = %s", ada.id)
    await ada.patch("/me", json={"phone": "+4915112345678", "name": f"{mark} Lovelace"})
    await ada.patch("/me", json={"name": f"{mark} King"})
    [some, *_] = (await ada.get("/todos")).json()["data"]
    await ada.patch(f"/todos/{some['id']}", json={"title": f"{mark} changed"})
    await ada.put("/me/consents", json={"third_party_transcription": True})
    memo = await upload(ada, wav(1.0))
    assert memo.status_code == 202, memo.text
    begun = await ada.post("/voice/uploads", json={}, headers={"Upload-Length": str(len(wav()))})
    headers = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    await ada.patch(f"/voice/uploads/{begun.json()['id']}", content=wav()[:1000], headers=headers)
    file = orjson.dumps([{"id": "1", "title": f"{mark} imported", "completed": False}])
    answer = await ada.post("/imports", files={"file": ("todos.json", file, "application/json")})
    assert answer.status_code == 202, answer.text
    await place.world.connect(ada, "google-calendar", f"{mark}@sandbox.test")
    await place.world.connect(ada, "slack", mark)
    return Marked(ada, mark, shared, TODOS)


def dump(place: Site) -> dict[str, list[str]]:
    """What pg_dump writes of each table, line by line."""
    command = [str(binary("pg_dump")), "--data-only", "--no-owner", place.database_url]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    tables: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.splitlines():
        if line.startswith("COPY public."):
            lines = tables.setdefault(line.removeprefix("COPY public.").split(" ")[0], [])
        elif line == "\\.":
            lines = None
        elif lines is not None:
            lines.append(line)
    return tables


def holding(place: Site, word: str) -> set[str]:
    """The tables that have it somewhere, in letters or as the bytes of a column."""
    words = (word, word.encode().hex())
    return {
        table
        for table, lines in dump(place).items()
        if any(each in line for line in lines for each in words)
    }
