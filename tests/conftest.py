"""Real parts: one PostgreSQL for the whole run, migrated once; tests keep apart by tenant."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core import embedded, migrate
from core.db import Database


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A migrated PostgreSQL; libpq URL of its superuser."""
    with (
        tempfile.TemporaryDirectory(prefix="vt-") as folder,
        embedded.postgres(Path(folder), fast=True) as url,
    ):
        migrate.run(url)
        yield url


@pytest.fixture(scope="session")
async def app_db(database_url: str) -> AsyncIterator[Database]:
    """People's work: row-level security applies."""
    database = Database(database_url, role="vt_app", size=8)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def worker_db(database_url: str) -> AsyncIterator[Database]:
    """Claims across tenants."""
    database = Database(database_url, role="vt_worker", size=4)
    await database.open()
    yield database
    await database.close()
