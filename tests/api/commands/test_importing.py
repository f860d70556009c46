"""`voicetodo import`, with somebody beside who does a worker's part."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

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
from tests.beside import CarryOut, working
from tests.commanding import Run
from tests.importing import document
from tests.serving import serve
from tests.settings import unlimited


@pytest.fixture(scope="module")
def settings(database_url: str) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        yield unlimited(database_url, Path(folder))


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[str]:
    with serve(create_app(settings)) as url:
        yield url


@pytest.fixture(scope="module", autouse=True)
def worker(settings: Settings, database_url: str) -> Iterator[None]:
    @asynccontextmanager
    async def part(database: Database) -> AsyncIterator[CarryOut]:
        ring = keys.load(settings).ring.of(import_files.PURPOSE)
        imports = Imports(database, Directory(settings.blobs), ring)

        async def carry_out(kind: str, message: JobMessage) -> None:
            slice_ = imports.bring if kind == "import" else imports.take_back
            await ActivityEnvironment().run(slice_, message)

        yield carry_out

    with working(database_url, ["import", "import_undo"], part):
        yield


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
