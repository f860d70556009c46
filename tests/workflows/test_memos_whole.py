"""A recording all the way: the API, the outbox, real Temporal, the decoder, todos."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from activities.channels import Channels
from activities.orphans import Orphans
from api.main import create_app
from core import embedded, keys
from core.db import Database
from core.settings import Settings
from integrations.audio import recordings
from integrations.blobs import Directory
from integrations.sandbox.app import create_app as create_sandbox
from integrations.transcription import registry as transcribers
from tests import plain
from tests.connecting import unconnected
from tests.forgetting import forget
from tests.memos import Said
from tests.patience import PATIENCE_S
from tests.people import Person, register
from tests.recordings import recording
from tests.serving import serve
from tests.settings import unlimited
from tests.voicing import memo_of, upload
from worker import new_vendor_workers, new_worker
from workflows import queues, registry
from workflows.relay import Relay

OVER = {"done", "no_speech", "needs_confirmation", "failed"}
RUNNING, CANCELED = WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CANCELED
CALL_MOM = "remind me to call mom tomorrow at 5 pm"


@pytest.fixture
def said() -> Iterator[Said]:
    with (
        serve(create_sandbox(Settings(_env_file=None))) as url,
        plain.client(url) as http,
    ):
        yield Said(http)


@dataclass(frozen=True, slots=True)
class Place:
    """An installation with a database of its own."""

    settings: Settings
    http: httpx2.AsyncClient
    db: Database  # as `vt_worker`
    app_db: Database
    client: Client

    @asynccontextmanager
    async def working(self, names: str) -> AsyncIterator[None]:
        """A worker's parts, with these transcribers."""
        settings = self.settings.model_copy(update={"transcribers": names})
        async with AsyncExitStack() as stack:
            found = await stack.enter_async_context(transcribers.opened(settings))
            decoder = await stack.enter_async_context(recordings.opened(1))
            voice = registry.voice(settings, keys.load(settings), decoder, found)
            parts = registry.activities(
                self.app_db,
                self.db,
                Channels({}),
                voice,
                dev=True,
                lanes=1,
                ending=unconnected(self.app_db),
            )
            vendors = queues.recordings(settings, found, self.app_db, voice)
            for each in (
                new_worker(self.client, parts),
                *new_vendor_workers(self.client, vendors),
            ):
                await stack.enter_async_context(each)
            relaying = asyncio.create_task(Relay(self.db, self.client).run())
            try:
                yield
            finally:
                relaying.cancel()
                await asyncio.gather(relaying, return_exceptions=True)


@pytest.fixture
async def place(
    relay_url: str, db: Database, temporal_client: Client, said: Said, tmp_path: Path
) -> AsyncIterator[Place]:
    settings = unlimited(
        relay_url,
        tmp_path,
        openai_transcription_profile="speaches",  # nobody's consent is needed
        openai_transcription_url=f"{said.url}/speaches/v1",
    )
    application = create_app(settings)
    app_db = Database(relay_url, role="vt_app", size=4)
    await app_db.open()
    async with (
        application.router.lifespan_context(application),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=application), base_url="http://api"
        ) as http,
    ):
        yield Place(settings, http, db, app_db, temporal_client)
    await app_db.close()


@pytest.fixture
async def ada(place: Place) -> Person:
    return await register(place.http, "ada", timezone="Europe/Berlin")


async def until(
    person: Person, memo_id: str, statuses: set[str], *, job: str | None = None
) -> dict[str, Any]:
    """The memo, once it has one of these statuses (and was worked on by this job)."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found: dict[str, Any] = (await person.get(f"/voice/memos/{memo_id}")).json()
            if found["status"] in statuses and job in {None, found["job_id"]}:
                return found
            await asyncio.sleep(0.1)


async def todos(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.get("/todos")).json()["data"]
    return found


async def test_what_was_said_is_done_and_can_be_undone(
    place: Place, ada: Person, said: Said
) -> None:
    said.script(CALL_MOM)
    async with place.working("openai"):
        sent = await upload(ada, recording("milk.webm"), language="en")
        memo = await until(ada, memo_of(sent), OVER)
        assert (memo["status"], memo["transcript"], memo["quality"]) == (
            "done",
            CALL_MOM,
            "standard",
        )
        assert [word["text"] for word in memo["words"]] == CALL_MOM.split()
        [todo] = await todos(ada)
        tomorrow = (datetime.now(UTC) + timedelta(hours=1)).date() + timedelta(days=1)
        assert todo["title"] == "call mom"
        assert todo["due"]["time"][:5] == "17:00"
        assert abs(datetime.fromisoformat(todo["due"]["date"]).date() - tomorrow) <= timedelta(1)
        assert len(todo["reminders"]) == 1
        assert todo["voice"]["memo_id"] == memo["id"]
        job = (await ada.get(f"/jobs/{memo['job_id']}")).json()
        assert (job["status"], job["progress"]) == ("succeeded", 1)
        [told] = (await ada.get("/notifications")).json()["data"]
        assert told["kind"] == "voice_memo"
        undone = await ada.post("/undo", json={"change_set": memo["result"]["undo_token"]})
        assert undone.status_code == 200, undone.text
        assert await todos(ada) == []
        # Heard anew, what was done once stays undone.
        for _ in range(2):
            again = await ada.post(f"/voice/memos/{memo['id']}/reprocess", json={})
            assert again.status_code == 202, again.text
            await until(ada, memo["id"], OVER, job=again.json()["id"])
        assert await todos(ada) == []
    handle = place.client.get_workflow_handle(f"job:{memo['job_id']}")
    described = await handle.describe()
    assert "Makes todos of a recording" in (await described.static_summary() or "")
    events = (await handle.fetch_history()).events  # as bytes: its JSON has them in base64
    assert not any(b"call mom" in each.SerializeToString() for each in events)


async def test_the_embedded_transcriber_asks_first(place: Place, ada: Person) -> None:
    async with place.working("embedded"):
        sent = await upload(ada, recording("phrase-plants.webm"))
        memo = await until(ada, memo_of(sent), OVER)
    assert (memo["status"], memo["quality"]) == ("needs_confirmation", "demo")
    result = memo["result"]
    assert result["needs_confirmation"]
    assert await todos(ada) == []
    [told] = (await ada.get("/notifications")).json()["data"]
    assert told["title"] == "A recording of yours waits for your answer"
    yes = await ada.post(f"/voice/commands/{result['id']}/confirm", json={"choice": "yes"})
    assert yes.status_code == 200, yes.text
    assert len(await todos(ada)) == 1
    assert (await ada.get(f"/voice/memos/{memo['id']}")).json()["status"] == "done"


async def test_without_a_transcriber_it_waits_and_goes_on(
    place: Place, ada: Person, said: Said
) -> None:
    said.script(CALL_MOM)
    sent = await upload(ada, recording("milk.webm"))
    async with place.working("none"):
        waiting = await until(ada, memo_of(sent), {"waiting"})
        assert "no transcriber is set up" in waiting["problem"]
        assert (await ada.get(f"/jobs/{waiting['job_id']}")).json()["status"] == "waiting"
    async with place.working("openai"):
        assert (await until(ada, waiting["id"], OVER))["status"] == "done"
    assert len(await todos(ada)) == 1


async def test_audio_is_kept_for_as_long_as_it_was_said(
    place: Place, ada: Person, said: Said
) -> None:
    said.script(CALL_MOM)
    async with place.working("openai"):
        memo = await until(ada, memo_of(await upload(ada, recording("milk.webm"))), OVER)
    until_when = datetime.fromisoformat(memo["audio_until"])
    assert timedelta(days=29) < until_when - datetime.now(UTC) < timedelta(days=31)
    blobs = Directory(place.settings.blobs)
    for days, left in ((29, 200), (31, 404)):
        later = datetime.now(UTC) + timedelta(days=days)
        await forget(embedded.database_url(place.settings), "audio", at=later)
        await Orphans(place.db, blobs, young=timedelta(0)).once()
        assert (await ada.get(f"/voice/memos/{memo['id']}/audio")).status_code == left
    assert not [path for path in place.settings.blobs.rglob("*") if path.is_file()]
    kept = (await ada.get(f"/voice/memos/{memo['id']}")).json()
    assert (kept["transcript"], kept["audio_until"]) == (CALL_MOM, None)


async def test_deleted_while_it_waits(place: Place, ada: Person) -> None:
    sent = await upload(ada, recording("milk.webm"))
    async with place.working("none"):
        memo = await until(ada, memo_of(sent), {"waiting"})
        assert (await ada.delete(f"/voice/memos/{memo['id']}")).status_code == 204
        handle = place.client.get_workflow_handle(f"job:{memo['job_id']}")
        async with asyncio.timeout(PATIENCE_S):
            while (await handle.describe()).status == RUNNING:  # noqa: ASYNC110 (Temporal's)
                await asyncio.sleep(0.1)
        assert (await handle.describe()).status == CANCELED
    assert (await ada.get(f"/jobs/{memo['job_id']}")).json()["status"] == "cancelled"
    assert not [path for path in place.settings.blobs.rglob("*") if path.is_file()]
