"""A worker that is killed at every stage of an archive, as the process that it is."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from activities.orphans import Orphans
from api.main import create_app
from core import migrate
from core.db import Database
from tests import temporal
from tests.exporting import Opened, ask, fetch
from tests.patience import PATIENCE_S
from tests.people import register
from tests.settings import unlimited
from tests.teams import sql
from tests.todos import make
from tests.voicing import noise, upload
from tests.workers import Process, environment, sandbox, server

__all__ = ["environment", "sandbox", "server"]  # fixtures

STAGES = ("export_begun", "export_writing", "export_put", "export_named")


@pytest.mark.long
@pytest.mark.usefixtures("sandbox")
async def test_killed_at_every_stage_it_is_made_once(
    environment: dict[str, str], server: temporal.Server
) -> None:
    assert server.address.endswith(environment["VOICETODO_TEMPORAL_PORT"])
    url = environment["DATABASE_URL"]
    migrate.run(url)
    settings = unlimited(url, Path(environment["VOICETODO_DATA_DIR"]))
    port = int(environment["VOICETODO_WORKER_METRICS_PORT"])
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://api") as http,
    ):
        ada = await register(http, "ada")
        await sql(url, "UPDATE users SET email_verified_at = now() WHERE id = %s", ada.id)
        await make(ada, "milk")
        recording = noise(2000)
        await upload(ada, recording)
        made = await ask(ada)
        for stage in STAGES:
            doomed = Process({**environment, "FAULT": f"{stage}:kill"}, port)
            try:
                assert doomed.popen.wait(PATIENCE_S) == -9, (stage, doomed.said())
            finally:
                doomed.end()
        survivor = Process(environment, port)
        try:
            deadline = time.monotonic() + PATIENCE_S
            open_ = "SELECT 1 FROM executions WHERE workflow_id = %s AND open"
            while await sql(url, open_, f"job:{made['id']}"):
                assert time.monotonic() < deadline, survivor.said()
                await asyncio.sleep(0.2)
        finally:
            survivor.end()
        opened = Opened.of(await fetch(ada, made["id"]))
        assert "milk" in opened.todos
        assert recording in [opened.read(each) for each in opened.names if "audio/" in each]
        told = await sql(url, "SELECT id FROM deliveries WHERE kind = 'export_ready'")
        assert len(told) == 1
        # What the others left is collected: one archive stays, the one that its row names.
        blobs = app.state.shelf.blobs
        worker_db = Database(url, role="vt_worker", size=2)
        await worker_db.open()
        await Orphans(worker_db, blobs, young=timedelta(0)).once()
        await worker_db.close()
        ((named,),) = await sql(url, "SELECT blob FROM exports")
        assert [kept.key async for kept in blobs.keys("exports")] == [named]
        assert not list((settings.blobs / "unfinished").iterdir())
