"""A worker that is killed at every slice of an import, and of its undoing, as a process."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from activities.orphans import Orphans
from api.main import create_app
from core import migrate
from core.db import Database
from integrations.blobs import Blobs
from tests import temporal
from tests.patience import PATIENCE_S
from tests.people import Person, register
from tests.settings import unlimited
from tests.workers import Process, environment, sandbox, server

__all__ = ["environment", "sandbox", "server"]  # fixtures

COUNT = 500  # three slices, and three more to join what refers to a later row
PARTS = 5  # of the last one


def calendar() -> bytes:
    """Its first todos are parts of its last one."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    for nth in range(COUNT):
        lines += ["BEGIN:VTODO", f"UID:{nth}", "DTSTAMP:20260101T000000Z", f"SUMMARY:todo-{nth:04}"]
        lines += [f"RELATED-TO:{COUNT - 1}"] if nth < PARTS else []
        lines += ["END:VTODO"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


async def until_over(
    person: Person, path: str, survivor: Process, *, undone: bool = False
) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        told: dict[str, Any] = (await person.get(path)).json()
        at = told["undo"] if undone else told
        if at["status"] == "succeeded":
            return told
        assert time.monotonic() < deadline, survivor.said()
        await asyncio.sleep(0.2)


async def todos(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params = {"limit": "100"}
    while True:
        page = (await person.get("/todos", params=params)).json()
        found += page["data"]
        if not page["has_more"]:
            return sorted(found, key=lambda todo: todo["title"])
        params["cursor"] = page["next_cursor"]


async def titles(person: Person) -> list[str]:
    return [todo["title"] for todo in await todos(person)]


async def files_left(url: str, blobs: Blobs) -> list[str]:
    """In the store, once what nothing names is collected."""
    worker_db = Database(url, role="vt_worker", size=2)
    await worker_db.open()
    await Orphans(worker_db, blobs, young=timedelta(0)).once()
    await worker_db.close()
    return [kept.key async for kept in blobs.keys("imports")]


@pytest.mark.long
async def test_killed_in_the_middle_each_row_is_there_once(
    environment: dict[str, str], sandbox: httpx2.Client, server: temporal.Server
) -> None:
    assert str(sandbox.base_url)
    assert server.address.endswith(environment["VOICETODO_TEMPORAL_PORT"])
    migrate.run(environment["DATABASE_URL"])
    settings = unlimited(environment["DATABASE_URL"], Path(environment["VOICETODO_DATA_DIR"]))
    port = int(environment["VOICETODO_WORKER_METRICS_PORT"])
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app)

    def killed(stage: str) -> None:
        doomed = Process({**environment, "FAULT": f"{stage}:kill"}, port)
        try:
            assert doomed.popen.wait(PATIENCE_S) == -9, (stage, doomed.said())
        finally:
            doomed.end()

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://api") as http,
    ):
        ada = await register(http, "ada")
        sent = await ada.post("/imports", files={"file": ("todos.ics", calendar())})
        path = f"/imports/{sent.json()['id']}"
        for written in (200, 400, COUNT, COUNT, COUNT, COUNT):  # the latter: joined
            await asyncio.to_thread(killed, "import_slice_written")
            assert len(await titles(ada)) == written
        await asyncio.to_thread(killed, "import_ended")
        survivor = Process(environment, port)
        try:
            told = await until_over(ada, path, survivor)
        finally:
            survivor.end()
        assert told["result"]["counts"]["created"] == COUNT
        assert await titles(ada) == [f"todo-{n:04}" for n in range(COUNT)]
        made = await todos(ada)
        parents = [todo["parent_id"] for todo in made]
        assert parents == [made[-1]["id"]] * PARTS + [None] * (COUNT - PARTS)
        # Of the worker that died between the end and the deletion of the file.
        assert await files_left(environment["DATABASE_URL"], app.state.import_shelf.blobs) == []
        assert (await ada.post(f"{path}/undo")).status_code == 202
        await asyncio.to_thread(killed, "import_slice_undone")
        assert 0 < len(await titles(ada)) <= 300  # what is a part goes with the whole
        survivor = Process(environment, port)
        try:
            told = await until_over(ada, path, survivor, undone=True)
        finally:
            survivor.end()
        assert (told["undo"]["taken_back"], await titles(ada)) == (COUNT, [])
