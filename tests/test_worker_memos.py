"""A worker that is killed at every stage of a recording, as the process that it is."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from api.main import create_app
from core import migrate
from core.settings import Settings
from tests import temporal
from tests.patience import PATIENCE_S
from tests.people import Person, register
from tests.recordings import recording
from tests.settings import unlimited
from tests.voicing import memo_of, upload
from tests.workers import Process, environment, sandbox, server

__all__ = ["environment", "sandbox", "server"]  # fixtures

STAGES = (
    "memo_listened",
    "memo_before_vendor",
    "memo_heard",
    "memo_transcribed",
    "memo_understood",
)
SAID = {"text": "add milk to my shopping list and call mom tomorrow at 5 pm"}


@pytest.fixture
def settings(environment: dict[str, str], sandbox: httpx2.Client) -> Settings:
    """The API's, with the worker's database, keys and store of recordings."""
    url = str(sandbox.base_url).rstrip("/")
    environment |= {
        "VOICETODO_TRANSCRIBERS": "openai",
        "VOICETODO_OPENAI_TRANSCRIPTION_PROFILE": "speaches",
        "VOICETODO_OPENAI_TRANSCRIPTION_URL": f"{url}/speaches/v1",
    }
    return unlimited(
        environment["DATABASE_URL"],
        Path(environment["VOICETODO_DATA_DIR"]),
        transcribers="openai",
        openai_transcription_profile="speaches",
        openai_transcription_url=f"{url}/speaches/v1",
    )


async def status(person: Person, memo_id: str) -> str:
    found: str = (await person.get(f"/voice/memos/{memo_id}")).json()["status"]
    return found


@pytest.mark.long
async def test_killed_at_every_stage_it_is_done_once(
    environment: dict[str, str],
    settings: Settings,
    sandbox: httpx2.Client,
    server: temporal.Server,
) -> None:
    assert server.address.endswith(environment["VOICETODO_TEMPORAL_PORT"])
    migrate.run(environment["DATABASE_URL"])
    sandbox.post("/transcripts", json=SAID)
    port = int(environment["VOICETODO_WORKER_METRICS_PORT"])
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://api") as http,
    ):
        ada = await register(http, "ada")
        memo_id = memo_of(await upload(ada, recording("milk.webm"), language="en"))
        for stage in STAGES:
            doomed = Process({**environment, "FAULT": f"{stage}:kill"}, port)
            assert doomed.popen.wait(PATIENCE_S) == -9, (stage, doomed.said())
            doomed.end()
        began = datetime.now(UTC)
        survivor = Process(environment, port)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while await status(ada, memo_id) != "done":
                assert time.monotonic() < deadline, survivor.said()
                await asyncio.sleep(0.2)
        finally:
            survivor.end()
        found = (await ada.get("/todos")).json()["data"]
        assert sorted(todo["title"] for todo in found) == ["call mom", "milk"]
        assert all(datetime.fromisoformat(todo["created_at"]) < began for todo in found)
        [told] = (await ada.get("/notifications")).json()["data"]
        assert told["kind"] == "voice_memo"
        # Once for `memo_heard`, which was killed with the answer in its hands, and once more.
        calls = sandbox.get("/ledger.json", params={"vendor": "transcription"}).json()
        assert len(calls) == 2
