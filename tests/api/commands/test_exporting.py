"""`voicetodo export`, with somebody beside who writes the archives."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from temporalio.testing import ActivityEnvironment

from api.main import create_app
from core.db import Database
from core.messages import JobMessage
from tests.beside import CarryOut, working
from tests.commanding import Run
from tests.exporting import Opened, worker
from tests.serving import serve
from tests.settings import unlimited


@pytest.fixture(scope="module")
def app(database_url: str) -> Iterator[FastAPI]:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        yield create_app(unlimited(database_url, Path(folder)))


@pytest.fixture(scope="module")
def api(app: FastAPI) -> Iterator[str]:
    with serve(app) as url:
        yield url


@pytest.fixture
def writing(app: FastAPI, database_url: str) -> Iterator[None]:
    @asynccontextmanager
    async def part(database: Database) -> AsyncIterator[CarryOut]:
        async def write(_: str, message: JobMessage) -> None:
            await ActivityEnvironment().run(worker(app, database).write, message)

        yield write

    with working(database_url, ["export"], part):
        yield


@pytest.mark.usefixtures("writing")
def test_everything_comes_into_one_file_of_ones_own(alice: Run, tmp_path: Path) -> None:
    assert alice("add", "milk").code == 0
    path = tmp_path / "mine.zip"
    ran = alice("export", "--out", str(path), "--json")
    assert ran.code == 0, ran.err
    data = path.read_bytes()
    assert "milk" in Opened.of(data).todos
    assert path.stat().st_mode & 0o777 == 0o600
    assert ran.document["file"] == str(path)
    assert ran.document["result"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert [each.name for each in tmp_path.glob("*mine*")] == ["mine.zip"]
    again = alice("export", "--out", str(path))
    assert (again.code, "is there already" in again.err) == (2, True)
    assert path.read_bytes() == data


@pytest.mark.usefixtures("writing")
def test_a_sign_in_of_long_ago_is_asked_for_the_password(
    alice: Run, tmp_path: Path, database_url: str
) -> None:
    user = alice("whoami", "--json").document
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE sessions SET authenticated_at = now() - interval '1 hour' WHERE user_id = %s",
            [user["id"]],
        )
    path = tmp_path / "some.zip"
    ran = alice("export", "--out", str(path), "--formats", "csv, ics")
    assert ran.code == 0, ran.err
    assert "README.html in it" in ran.out
    assert Opened.of(path.read_bytes()).names == [
        "README.html",
        "todos.csv",
        "todos.ics",
        "manifest.json",
    ]


@pytest.mark.usefixtures("writing")
def test_a_wrong_password_leaves_nothing(
    alice: Run, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = alice("whoami", "--json").document
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE sessions SET authenticated_at = now() - interval '1 hour' WHERE user_id = %s",
            [user["id"]],
        )
    monkeypatch.setenv("VOICETODO_PASSWORD", "not the one that it is")
    ran = alice("export", "--out", str(tmp_path / "some.zip"))
    assert ran.code == 1
    assert not list(tmp_path.glob("*some*"))


def test_formats_are_known_ones(alice: Run) -> None:
    for formats in ("pdf", "json,pdf", ","):
        ran = alice("export", "--formats", formats)
        assert (ran.code, "formats are json, csv, ics, audio" in ran.err) == (2, True)
