"""Accounts of outside services, connected through the API and the sandbox."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from fastapi import FastAPI

from activities.connections import Connections
from api.main import create_app
from core.crypto import Keyring
from core.db import Database
from core.keys import Keys
from core.services import connections
from core.services.key_epochs import People
from core.settings import Settings
from integrations.sandbox.app import create_app as sandbox
from tests import plain
from tests.people import Person, register
from tests.serving import serve
from tests.settings import unlimited


def unconnected(db: Database) -> Connections:
    """For a worker in whose tests nobody disconnects anything."""
    return Connections(db, db, Keyring((b"c" * 32,)), {})


@dataclass(frozen=True, slots=True)
class World:
    """The API and the sandbox that its dev profile calls."""

    app: FastAPI
    http: httpx2.AsyncClient
    sandbox: httpx2.Client
    database_url: str

    @property
    def ring(self) -> Keyring:
        own_keys: Keys = self.app.state.keys
        return own_keys.ring.of(connections.PURPOSE)

    def ring_of(self, person_id: UUID) -> Keyring:
        """What this person's tokens are sealed with."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return People(connection).sealing(self.ring, person_id)

    def ledger(self, vendor: str, since: int) -> list[str]:
        """The kinds of call that came in, after the row `since`."""
        rows = self.sandbox.get("/ledger.json", params={"since": since}).json()
        return [row["kind"] for row in rows if row["vendor"] == vendor]

    def latest(self) -> int:
        return int(self.sandbox.get("/latest.json").json()["seq"])

    def fault(self, vendor: str, **fault: object) -> None:
        answer = self.sandbox.post("/faults", json={"vendor": vendor, "times": 1, **fault})
        assert answer.status_code == 201, answer.text

    async def begin(self, person: Person, provider: str, **query: str) -> str:
        """The address at which the provider asks."""
        answer = await person.post(f"/integrations/{provider}/connect", params=query)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["authorize_url"])

    def consent(self, url: str, **given: str) -> str:
        """Where the provider sends the browser back to."""
        answer = self.sandbox.get(url, params={**dict(parse_qsl(urlsplit(url).query)), **given})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def come_back(self, location: str, **options: Any) -> httpx2.Response:
        parts = urlsplit(location)
        return await self.http.get(f"{parts.path}?{parts.query}", **options)

    async def connect(
        self, person: Person, provider: str, account: str | None = None, **query: str
    ) -> Any:
        """All the way, with a fresh account if none is named; the connection as she sees it."""
        account = fresh_account(provider) if account is None else account
        url = await self.begin(person, provider, **query)
        answer = await self.come_back(self.consent(url, approve="1", account=account))
        assert answer.status_code == 200, answer.text
        wanted = provider.replace("-", "_")
        return [each for each in await listed(person) if each["provider"] == wanted][-1]


def fresh_account(provider: str = "google-calendar") -> str:
    """One of Google's that nobody has; Slack's sandbox has one workspace."""
    return f"{uuid4().hex[:12]}@sandbox.test" if provider == "google-calendar" else ""


async def listed(person: Person) -> list[dict[str, Any]]:
    """All that she has connected."""
    found: list[dict[str, Any]] = (await person.get("/integrations")).json()["data"]
    return found


@contextmanager
def world_settings(database_url: str, folder: Path, **more: Any) -> Iterator[tuple[Settings, str]]:
    """Settings of an API in the dev profile, and the address of the sandbox it calls."""
    with serve(sandbox(Settings(_env_file=None))) as url:
        port = urlsplit(url).port
        assert port is not None
        yield (
            unlimited(database_url, folder, sandbox_port=port, **more),
            url,
        )


@asynccontextmanager
async def connected_world(database_url: str, folder: Path) -> AsyncIterator[World]:
    with world_settings(database_url, folder) as (settings, sandbox_url):
        app = create_app(settings)
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://api") as http,
        ):
            with plain.client(sandbox_url) as vendor:
                yield World(app, http, vendor, database_url)


@pytest.fixture(scope="module")
async def world(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with connected_world(database_url, tmp_path_factory.mktemp("connecting")) as world:
        yield world


@pytest.fixture
async def ann(world: World) -> Person:
    return await register(world.http, "ann")


@pytest.fixture
async def ben(world: World) -> Person:
    return await register(world.http, "ben")
