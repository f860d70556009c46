"""`voicetodo import`, with somebody beside who does a worker's part."""

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from temporalio.testing import ActivityEnvironment

from activities.imports import Imports
from api.main import create_app
from core import keys
from core.db import Database
from core.messages import JobMessage
from core.services import import_files
from core.settings import Settings
from integrations.blobs import Directory
from tests.commanding import Run
from tests.importing import document
from tests.serving import serve
from tests.settings import unlimited

QUEUED = (
    b"SELECT workspace_id, id, kind FROM jobs WHERE kind IN ('import', 'import_undo')"
    b" AND finished_at IS NULL AND created_at > now() - interval '20 s'"
)


@pytest.fixture(scope="module")
def settings(database_url: str) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        yield unlimited(database_url, Path(folder))


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[str]:
    with serve(create_app(settings)) as url:
        yield url


async def _work(settings: Settings, url: str, ended: threading.Event) -> None:
    """What the two workflows do, of each import that is new."""
    database = Database(url, role="vt_app", size=2)
    await database.open()
    ring = keys.load(settings).ring.of(import_files.PURPOSE)
    part, environment = Imports(database, Directory(settings.blobs), ring), ActivityEnvironment()
    while not await asyncio.to_thread(ended.wait, 0.1):
        with psycopg.connect(url) as connection:
            found: list[tuple[UUID, UUID, str]] = connection.execute(QUEUED).fetchall()
        for workspace_id, job_id, kind in found:
            message = JobMessage(workspace_id, job_id)
            await environment.run(part.bring if kind == "import" else part.take_back, message)
    await database.close()


@pytest.fixture(scope="module", autouse=True)
def worker(settings: Settings, database_url: str) -> Iterator[None]:
    ended = threading.Event()
    work = threading.Thread(target=lambda: asyncio.run(_work(settings, database_url, ended)))
    work.start()
    yield
    ended.set()
    work.join()


def test_a_file_is_tried_brought_and_taken_back(alice: Run, tmp_path: Path) -> None:
    file = tmp_path / "todos [1].json"
    file.write_bytes(
        document({"id": "1", "text": "[b]one", "category": "Work"}, {"id": "2", "text": " "})
    )
    tried = alice("import", str(file), "--dry-run")
    assert tried.code == 0, tried.err
    assert "Would create 1 todo; 1 row cannot be read. (localstorage)" in tried.out
    assert "New lists: Work." in tried.out
    brought = alice("import", str(file), "--format", "localstorage", "--json")
    told = brought.document
    assert (told["status"], told["file_name"]) == ("succeeded", "todos [1].json")
    again = alice("import", str(file))
    assert "Created 0 todos; 1 was here already" in again.out
    back = alice("import", "--undo", told["id"])
    assert (back.code, back.out) == (0, "Taken back: 1 todo.\n")


def test_what_cannot_be_done_is_said(alice: Run, tmp_path: Path) -> None:
    file = tmp_path / "nothing.bin"
    file.write_bytes(b"\x00\x01\x02")
    refused = alice("import", str(file))
    assert (refused.code, "no file of a kind" in refused.err) == (1, True)
    assert alice("import").code == 2
    assert alice("import", str(file), "--format", "excel").code == 2
    assert alice("import", str(tmp_path / "not there")).code == 2
