"""Real parts: a PostgreSQL for each test process, migrated once; tests keep apart by tenant.

Processes share none: what claims or counts across tenants would meet rows of the others' tests.
"""

import contextlib
import gc
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import settings as properties
from temporalio.client import Client

from api.main import create_app
from core import embedded, embedded_cluster, keys
from core.db import Database
from core.errors import Misconfigured
from tests.connecting import ann, ben, world
from tests.people import alice, bob, charlie

__all__ = ["alice", "ann", "ben", "bob", "charlie", "world"]  # fixtures that every test can ask for
from integrations.temporal import connect
from tests import databases, dealing, temporal
from tests.settings import unlimited

# The same examples each time: what fails by chance stops somebody who changed something else.
# `make chaos` draws others.
properties.register_profile("steady", derandomize=True, database=None, deadline=None)
properties.register_profile("searching", deadline=None)
properties.load_profile("steady")


class Lines(logging.Formatter):
    """What pytest prints of a line in our logs has its fields."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{super().format(record)} {getattr(record, 'fields', '')}"


def pytest_configure(config: pytest.Config) -> None:
    """Make PostgreSQL's system user, if root needs one, before test processes do it at once."""
    gc.disable()  # thousands of tests come and none goes: looking for garbage costs a third
    if not hasattr(config, "workerinput"):
        with contextlib.suppress(Misconfigured):  # said again by each test that needs it
            embedded_cluster.run_as()


def pytest_sessionstart(session: pytest.Session) -> None:
    plugin = session.config.pluginmanager.get_plugin("logging-plugin")
    if plugin is not None:
        plugin.report_handler.setFormatter(Lines("%(levelname)-7s %(name)s %(message)s"))


@pytest.hookimpl(trylast=True)  # of what `-m` leaves
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if seed := os.environ.get("SHUFFLE"):
        items[:] = dealing.shuffled(items, seed, _module)
    elif processes > 1:
        items[:] = dealing.dealt(items, processes, _module)


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def pytest_collection_finish() -> None:
    """What the collector looks at from now on is what tests leave, not the tests."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A migrated PostgreSQL; libpq URL of its superuser."""
    with (
        tempfile.TemporaryDirectory(prefix="vt-") as folder,
        embedded.postgres(Path(folder), fast=True) as url,
    ):
        databases.prepare(url)
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


@pytest.fixture(scope="session")
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    """The API as it runs, without a socket; limits wide, so that tests do not meet them."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = unlimited(database_url, Path(folder), pool_size=8)
        application = create_app(settings)
        async with application.router.lifespan_context(application):
            yield application


@pytest.fixture(scope="session")
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Nobody: a client without credentials."""
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


# Not for as long as the process: also with nothing to do it takes some CPU all the time.
@pytest.fixture(scope="module")
def temporal_server() -> Iterator[temporal.Server]:
    """A Temporal that a module's tests share; who kills or wipes one starts one of their own."""
    with temporal.server() as server:
        yield server


@pytest.fixture(scope="module")
async def temporal_client(temporal_server: temporal.Server) -> Client:
    """Connected as the worker is: values are sealed."""
    settings = temporal_server.settings
    return await connect(settings, keys.load(settings))
