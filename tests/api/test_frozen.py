"""A PostgreSQL that is stopped in the middle, as by a paused machine: no answer, no error."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest
from pydantic import SecretStr

from api.main import create_app
from core import embedded, embedded_postgres, migrate
from core.embedded_cluster import pgdata
from core.settings import Settings
from tests import people
from tests.logged import logged
from tests.patience import PATIENCE_S

POOL = 4


@pytest.fixture
def cluster() -> Iterator[Path]:
    """A PostgreSQL of one's own, migrated: others would stand still with it."""
    with (
        tempfile.TemporaryDirectory(prefix="vt-") as folder,
        embedded.postgres(Path(folder), fast=True) as url,
    ):
        migrate.run(url)
        yield Path(folder)


@pytest.fixture
async def http(cluster: Path) -> AsyncIterator[httpx2.AsyncClient]:
    settings = Settings(
        _env_file=None,
        data_dir=cluster,
        DATABASE_URL=SecretStr(embedded_postgres.url(cluster)),
        password_memory_mib=1,
        pool_size=POOL,
    )
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        transport = httpx2.ASGITransport(app=application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client


@contextmanager
def frozen(data_dir: Path) -> Iterator[None]:
    """The server and every process that it has, as with SIGSTOP; woken at the end."""
    server = int((pgdata(data_dir) / "postmaster.pid").read_text().split()[0])
    with psycopg.connect(embedded_postgres.url(data_dir), autocommit=True) as connection:
        os.kill(server, signal.SIGSTOP)  # first: it makes no further ones
        rows = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        stopped = [server, *(pid for (pid,) in rows)]
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)


async def test_a_frozen_database_is_told_and_found_again(
    cluster: Path, http: httpx2.AsyncClient
) -> None:
    alice = await people.register(http)
    with logged("api") as said, frozen(cluster):
        # More than there are connections: those that get none wait for one, and not for ever.
        async with asyncio.timeout(PATIENCE_S):
            answers = await asyncio.gather(
                *(alice.get("/todos") for _ in range(POOL)),
                *(alice.post("/todos", json={"title": "Milk"}) for _ in range(POOL)),
            )
    told = [line for line in said.read_all() if line["event"] == "request.unavailable"]
    assert len(told) == len(answers)
    assert {line["error"] for line in told} == {"OperationalError", "PoolTimeout"}
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "2"
    async with asyncio.timeout(PATIENCE_S):
        while (await alice.get("/todos")).status_code != 200:  # noqa: ASYNC110 - as it is found again
            await asyncio.sleep(0.05)
    assert (await alice.post("/todos", json={"title": "Bread"})).status_code == 201
