from collections.abc import AsyncIterator

import httpx2
import pytest

from activities import webhooks
from core import clock
from core.db import Database
from integrations.http import Client, guarded_client
from tests.reminding import Scene, scene
from tests.webhooking import Clock, Receiver, Worker, worker


@pytest.fixture
async def client(sandbox: httpx2.Client) -> AsyncIterator[Client]:
    url = str(sandbox.base_url).rstrip("/")
    async with guarded_client(webhooks.LIMITS, sandbox_url=url) as made:
        yield made


@pytest.fixture
def at(database_url: str) -> Scene:
    return scene(database_url, [clock.now()])


@pytest.fixture
def receiver(sandbox: httpx2.Client) -> Receiver:
    sandbox.delete("/faults")
    return Receiver(sandbox)


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def one(app_db: Database, worker_db: Database, client: Client, time: Clock) -> Worker:
    return worker(app_db, worker_db, client, time)
