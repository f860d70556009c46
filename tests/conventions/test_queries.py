"""How often a request asks the database, counted on the wire between the two."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from api.main import create_app
from core.settings import Settings
from tests.people import Person, register
from tests.todos import make

EXECUTE, SYNC = b"E", b"S"  # message types of PostgreSQL's protocol, from client to server


@dataclass(slots=True)
class Wire:
    """Passes PostgreSQL's protocol on, and counts what the client sends."""

    sent: list[bytes] = field(default_factory=list)

    async def listen(self, server: tuple[str, int]) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            host, port = server
            if host.startswith("/"):
                path = f"{host}/.s.PGSQL.{port}"
                back, forth = await asyncio.open_unix_connection(path)
            else:
                back, forth = await asyncio.open_connection(host, port)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await asyncio.gather(self._count(reader, forth), _copy(back, writer))

        return await asyncio.start_server(serve, "127.0.0.1", 0)

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind = b""  # the first message has none
        try:
            while True:
                length = await reader.readexactly(4)
                body = await reader.readexactly(int.from_bytes(length, "big") - 4)
                self.sent.append(kind)
                writer.write(kind + length + body)
                await writer.drain()
                kind = await reader.readexactly(1)
        finally:
            writer.close()

    def count(self, kind: bytes) -> int:
        return self.sent.count(kind)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
async def wire(database_url: str) -> AsyncIterator[tuple[Wire, httpx2.AsyncClient]]:
    """An application whose one connection to PostgreSQL is looked at."""
    known = conninfo_to_dict(database_url)
    wire = Wire()
    server = await wire.listen((str(known["host"]), int(known.get("port") or 5432)))
    port = server.sockets[0].getsockname()[1]
    address = f"postgresql://{known.get('user')}@127.0.0.1:{port}/{known['dbname']}"
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder),
            DATABASE_URL=SecretStr(f"{address}?sslmode=disable&gssencmode=disable"),
            rate_limit_api=1_000_000,
            rate_limit_auth=1_000_000,
            pool_size=1,
        )
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
                yield wire, client
    server.close()
    await server.wait_closed()


async def cost(wire: Wire, person: Person, method: str, path: str, body: Any) -> tuple[int, int]:
    """(statements, transactions) of a request whose statements are prepared already."""
    sent = {} if body is None else {"json": body}
    wire.sent.clear()
    answer = await person.request(method, path, **sent)
    assert answer.is_success, answer.text
    return wire.count(EXECUTE), wire.count(SYNC)


@pytest.mark.parametrize("many", [2, 50])
async def test_lists_cost_the_same_whatever_they_hold(
    wire: tuple[Wire, httpx2.AsyncClient], many: int
) -> None:
    """Who asks, and the page: two statements, sent together."""
    counted, client = wire
    alice = await register(client)
    for n in range(many + 1):
        due = {"date": "2030-01-01"}
        await make(
            alice, str(n), tags=[f"t{n}"], list=f"L{n}", due=due, reminders=[{"before": "PT5M"}]
        )
    (todo, *_) = (await alice.get(f"/todos?limit={many}")).json()["data"]
    for path in (
        f"/todos?limit={many}",
        f"/todos?limit={many}&sort=due&status=pending&q=1",
        f"/lists?limit={many}",
        f"/events?limit={many}",
        "/tags",
        f"/todos/{todo['id']}",
        f"/todos/{todo['id']}/reminders",
        f"/lists/{todo['list_id']}",
        "/me",
        f"/workspaces?limit={many}",
        f"/workspaces/{alice.id}",
        f"/workspaces/{alice.id}/deliveries?limit={many}",
        f"/jobs?limit={many}",
    ):
        for _ in range(2):
            found = await cost(counted, alice, "GET", path, None)
        assert found == (2, 1), path


async def test_writes_cost_little(wire: tuple[Wire, httpx2.AsyncClient]) -> None:
    counted, client = wire
    alice = await register(client)
    todo = await make(alice, list="L")
    path = f"/todos/{todo['id']}"
    budgets: dict[tuple[str, str, str], int] = {
        ("POST", "/todos", "title"): 3,  # who asks, the row, its event
        ("PATCH", path, "title"): 4,  # and the lock
        ("PATCH", f"/lists/{todo['list_id']}", "name"): 4,
    }
    for (method, target, name), budget in budgets.items():
        for n in range(3):
            found = await cost(counted, alice, method, target, {name: f"{target}{n}"})
        assert found == (budget, 1), (method, target)


async def test_the_wire_counts(wire: tuple[Wire, httpx2.AsyncClient]) -> None:
    """Two requests are twice as much as one; else the numbers above say nothing."""
    counted, client = wire
    alice = await register(client)
    await alice.get("/todos")
    counted.sent.clear()
    await asyncio.gather(alice.get("/todos"), alice.get("/todos"))
    assert (counted.count(EXECUTE), counted.count(SYNC)) == (4, 2)
