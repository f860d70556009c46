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
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import psycopg

from core import migrate
from core.settings import Settings
from tests.connecting import World, connected_world
from tests.people import PASSWORD, Person
from tests.ports import free_port
from tests.teams import sql
from tests.temporal import Server

ROOT = Path(__file__).resolve().parent.parent
DONE_WITHIN = 60


@dataclass(frozen=True, slots=True)
class Site:
    """`world` is the API with its sandbox; `folder` what both have of the disk."""

    world: World
    database_url: str
    folder: Path
    server: Server
    log: Path

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
            "VOICETODO_WORKER_METRICS_PORT": str(free_port()),
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

    async def died(self, process: subprocess.Popen[bytes], seconds: float = DONE_WITHIN) -> None:
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

    async def erased(self, receipt_id: UUID, seconds: float = DONE_WITHIN) -> dict[str, Any]:
        """The receipt, once it is signed."""
        deadline = time.monotonic() + seconds
        while True:
            found = await self.receipt(receipt_id)
            if found["signature"]:
                return found
            assert time.monotonic() < deadline, f"{found}\n{self.log.read_text()[-3000:]}"
            await asyncio.sleep(0.1)

    async def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return await sql(self.database_url, statement, *values)


@asynccontextmanager
async def site(database_url: str, server: Server, folder: Path) -> AsyncIterator[Site]:
    """With a database of its own: a worker takes every row that it finds."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS erasing WITH (FORCE)")
        connection.execute("CREATE DATABASE erasing")
    url = database_url.replace("/voicetodo?", "/erasing?")
    migrate.run(url)
    home = folder / "home"
    home.mkdir()
    async with connected_world(url, home) as world:
        yield Site(world, url, home, server, folder / "worker.log")


def port_of(client: httpx2.Client) -> int:
    port = urlsplit(str(client.base_url)).port
    assert port is not None
    return port
