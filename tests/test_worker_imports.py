"""A worker that is killed at every slice of an import, and of its undoing, as a process."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from api.main import create_app
from core import migrate
from core.settings import Settings
from tests import temporal
from tests.people import Person, register
from tests.test_worker import Process, environment, sandbox, server

__all__ = ["environment", "sandbox", "server"]  # fixtures

COUNT = 500
PATIENCE_S = 90


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


@pytest.mark.long
async def test_killed_in_the_middle_each_row_is_there_once(
    environment: dict[str, str], sandbox: httpx2.Client, server: temporal.Server
) -> None:
    assert str(sandbox.base_url)
    assert server.address.endswith(environment["VOICETODO_TEMPORAL_PORT"])
    migrate.run(environment["DATABASE_URL"])
    settings = Settings(
        _env_file=None,
        data_dir=Path(environment["VOICETODO_DATA_DIR"]),
        DATABASE_URL=SecretStr(environment["DATABASE_URL"]),
        password_memory_mib=8,
    )
    port = int(environment["VOICETODO_WORKER_METRICS_PORT"])
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app)
    file = json.dumps([{"id": f"todo-{n:04}", "title": f"todo-{n:04}"} for n in range(COUNT)])

    def killed(stage: str) -> None:
        doomed = Process({**environment, "FAULT": f"{stage}:kill"}, port)
        assert doomed.popen.wait(PATIENCE_S) == -9, (stage, doomed.said())
        doomed.end()

    async def titles(person: Person) -> list[str]:
        found: list[str] = []
        params = {"limit": "100"}
        while True:
            page = (await person.get("/todos", params=params)).json()
            found += [todo["title"] for todo in page["data"]]
            if not page["has_more"]:
                return sorted(found)
            params["cursor"] = page["next_cursor"]

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://api") as http,
    ):
        ada = await register(http, "ada")
        sent = await ada.post("/imports", files={"file": ("todos.json", file.encode())})
        path = f"/imports/{sent.json()['id']}"
        for _ in range(2):  # dead after each of the first two slices
            await asyncio.to_thread(killed, "import_slice_written")
        assert len(await titles(ada)) == 400
        survivor = Process(environment, port)
        try:
            told = await until_over(ada, path, survivor)
        finally:
            survivor.end()
        assert told["result"]["counts"]["created"] == COUNT
        assert await titles(ada) == [f"todo-{n:04}" for n in range(COUNT)]
        assert (await ada.post(f"{path}/undo")).status_code == 202
        await asyncio.to_thread(killed, "import_slice_undone")
        assert len(await titles(ada)) == 300
        survivor = Process(environment, port)
        try:
            told = await until_over(ada, path, survivor, undone=True)
        finally:
            survivor.end()
        assert (told["undo"]["taken_back"], await titles(ada)) == (COUNT, [])
