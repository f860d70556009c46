"""A database of their own: a relay takes every row it finds, other tests' rows included."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from core.db import Database
from tests.databases import migrated
from tests.workflows.skipping import skipping


@pytest.fixture(scope="session")
def relay_url(database_url: str) -> str:
    return migrated(database_url, "relay")


@pytest.fixture
async def db(relay_url: str) -> AsyncIterator[Database]:
    """The worker's role in a database with an empty outbox and an empty ledger."""
    with psycopg.connect(relay_url, autocommit=True) as connection:
        connection.execute("TRUNCATE outbox, executions")
    database = Database(relay_url, role="vt_worker", size=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    """Whose time is skipped."""
    async with skipping() as found:
        yield found


@pytest.fixture(scope="module")
def real_time(temporal_client: Client) -> WorkflowEnvironment:
    """The dev server. For who cancels or signals: now and then the test server, told so in the
    moment in which an activity ends, hands the workflow to nobody any more.
    """
    return WorkflowEnvironment.from_client(temporal_client)
