"""How often a request asks the database, counted on the wire between the two."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from psycopg.conninfo import conninfo_to_dict

from api.commands.admin import openapi_document
from api.main import create_app
from core import clock, due
from core.db import Database
from core.ids import uuid7
from core.services import due_reminders
from core.services.deliveries import Outcome, Sent
from core.services.due_reminders import Done, Then
from tests.people import Person, register
from tests.reminding import scene
from tests.settings import unlimited
from tests.todos import make

# Message types of PostgreSQL's protocol, from client to server.
PARSE, BIND, EXECUTE, SYNC = b"P", b"B", b"E", b"S"


@dataclass(slots=True)
class Wire:
    """Passes PostgreSQL's protocol on, and counts what the client sends.

    Except that the application asks what time it is: once a second, whoever comes meanwhile.
    """

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
        asks_time: dict[bytes, bool] = {}  # by the name of the prepared statement
        apart = False
        try:
            while True:
                length = await reader.readexactly(4)
                body = await reader.readexactly(int.from_bytes(length, "big") - 4)
                if kind == PARSE:
                    asks_time[body.split(b"\0")[0]] = b"SELECT clock_timestamp()" in body
                elif kind == BIND:
                    apart = asks_time.get(body.split(b"\0")[1], False)
                if not apart:
                    self.sent.append(kind)
                apart = apart and kind != SYNC
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


@asynccontextmanager
async def looked_at(database_url: str) -> AsyncIterator[tuple[Wire, str]]:
    """An address of the same database; what is asked there is counted."""
    known = conninfo_to_dict(database_url)
    wire = Wire()
    server = await wire.listen((str(known["host"]), int(known.get("port") or 5432)))
    port = server.sockets[0].getsockname()[1]
    address = f"postgresql://{known.get('user')}@127.0.0.1:{port}/{known['dbname']}"
    yield wire, f"{address}?sslmode=disable&gssencmode=disable"
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="module")
async def wire(database_url: str) -> AsyncIterator[tuple[Wire, httpx2.AsyncClient]]:
    """An application whose one connection to PostgreSQL is looked at."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        async with looked_at(database_url) as (wire, address):
            settings = unlimited(address, Path(folder), pool_size=1)
            app = create_app(settings)
            async with app.router.lifespan_context(app):
                transport = httpx2.ASGITransport(app=app)
                async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
                    yield wire, client


async def cost(wire: Wire, person: Person, method: str, path: str, body: Any) -> tuple[int, int]:
    """(statements, transactions) of a request; of several, the least counts: some are the first."""
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
    said = (await alice.post("/voice/commands", json={"text": "Add milk"})).json()
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
        f"/voice/commands?limit={many}",
        f"/voice/sessions?limit={many}",
        f"/voice/sessions/{said['session_id']}",
    ):
        found = [await cost(counted, alice, "GET", path, None) for _ in range(3)]
        assert min(found) == (2, 1), path


async def test_lists_of_webhooks_cost_the_same_whatever_they_hold(
    wire: tuple[Wire, httpx2.AsyncClient],
) -> None:
    counted, client = wire
    alice = await register(client)
    for some in (1, 5):
        for _ in range(some):
            url = "http://127.0.0.1:8025/hooks/x"
            made = await alice.post("/webhook-endpoints", json={"url": url})
            one = f"/webhook-endpoints/{made.json()['id']}"
            for _ in range(some):
                assert (await alice.post(f"{one}/test")).status_code == 202
        for path, budget in (
            ("/webhook-endpoints", (2, 1)),
            (f"{one}/deliveries", (4, 2)),  # first, in which workspace it is
            (f"{one}/deliveries?status=pending&event_type=webhook.test", (4, 2)),
        ):
            found = [await cost(counted, alice, "GET", path, None) for _ in range(3)]
            assert min(found) == budget, path


# Every list there is: (statements, transactions) of a person who has next to nothing. Where that is
# more than of one who has much, it is first asked whether the place of an empty list can be seen.
LISTS: dict[str, tuple[int, int]] = {
    "/events": (2, 1),
    "/exports": (2, 1),
    "/imports": (2, 1),
    "/integrations": (2, 1),
    "/jobs": (2, 1),
    "/lists": (2, 1),
    "/me/consents": (2, 1),
    "/notifications": (4, 2),
    "/push/subscriptions": (2, 1),
    "/series/{series_id}/occurrences": (4, 2),
    "/sessions": (2, 1),
    "/tags": (2, 1),
    "/todos": (2, 1),
    "/todos/{todo_id}/reminders": (4, 2),
    "/voice/commands": (4, 2),
    "/voice/languages": (1, 1),
    "/voice/memos": (4, 2),
    "/voice/sessions": (2, 1),
    "/webhook-endpoints": (2, 1),
    "/workspaces": (2, 1),
    "/workspaces/{workspace_id}/deliveries": (2, 1),
}
# Need a connected account, a file or an endpoint: counted here or where those are made.
ELSEWHERE = {
    "/imports/{import_id}/rows",
    "/integrations/{integration_id}/activity",
    "/integrations/{integration_id}/calendars",
    "/integrations/{integration_id}/quarantine",
    "/webhook-endpoints/{endpoint_id}/deliveries",
}


def test_every_list_has_its_budget() -> None:
    document = openapi_document()
    schemas = document["components"]["schemas"]
    lists = set()
    for path, operations in document["paths"].items():
        told = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        name = told.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        if "data" in schemas.get(name, {}).get("properties", {}):
            lists.add(path.removeprefix("/api/v1"))
    assert lists == {*LISTS, *ELSEWHERE}


async def test_lists_cost_no_more_than_their_budget(
    wire: tuple[Wire, httpx2.AsyncClient],
) -> None:
    counted, client = wire
    alice = await register(client)
    rule = {"rrule": "FREQ=DAILY"}
    todo = await make(alice, due={"date": "2030-01-01"}, recurrence=rule, tags=["t"], list="L")
    ids = {"series_id": todo["series_id"], "todo_id": todo["id"], "workspace_id": str(alice.id)}
    for path, budget in LISTS.items():
        asked = path.format(**ids)
        found = [await cost(counted, alice, "GET", asked, None) for _ in range(3)]
        assert min(found) == budget, path


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
        found = [
            await cost(counted, alice, method, target, {name: f"{target}{n}"}) for n in range(3)
        ]
        assert min(found) == (budget, 1), (method, target)


async def test_what_is_said_costs_little(wire: tuple[Wire, httpx2.AsyncClient]) -> None:
    """Who asks and what is known; the todo and where it comes from; session, command, events."""
    counted, client = wire
    alice = await register(client)
    for text, statements in (("Add buy stamps", 7), ("the weather is lovely today", 5)):
        found = [
            await cost(counted, alice, "POST", "/voice/commands", {"text": text}) for _ in range(3)
        ]
        assert min(found) == (statements, 1), text


async def test_the_wire_counts(wire: tuple[Wire, httpx2.AsyncClient]) -> None:
    """Two requests are twice as much as one; else the numbers above say nothing."""
    counted, client = wire
    alice = await register(client)
    await alice.get("/todos")
    found = []
    for _ in range(3):
        counted.sent.clear()
        await asyncio.gather(alice.get("/todos"), alice.get("/todos"))
        found.append((counted.count(EXECUTE), counted.count(SYNC)))
    assert min(found) == (4, 2)


async def test_a_batch_costs_the_same_however_many_reminders_and_browsers(
    database_url: str, worker_db: Database
) -> None:
    costs = []
    async with looked_at(database_url) as (wire, address):
        database = Database(address, role="vt_app", size=1)
        await database.open()
        for count, browsers in ((1, 1), (1, 1), (10, 5)):  # the first also prepares
            at = scene(database_url, [clock.now()] * count, channels=["push", "in_app"])
            for nth in range(1, browsers):
                at.run(
                    "INSERT INTO push_subscriptions (id, user_id, endpoint, p256dh, auth, name)"
                    " VALUES (%s, %s, %s, '', '', '')",
                    uuid7(),
                    at.user_id,
                    f"https://push.invalid/{nth}",
                )
            async with worker_db.transaction() as tx:
                claimed = await due.claim(
                    tx, due_reminders.SOURCE, at.lane, now=clock.now(), limit=200
                )
            wire.sent.clear()
            async with database.transaction() as tx:
                begun, _ = await due_reminders.begin(tx, claimed, now=clock.now(), dev=False)
            sends = [send for each in begun for send in each.sends]
            assert len(sends) == count * browsers
            async with database.transaction() as tx:
                done: list[Done[Then]] = [
                    Done(
                        each.claimed,
                        tuple(Outcome(send, Sent("x"), clock.now()) for send in each.sends),
                    )
                    for each in begun
                ]
                await due_reminders.finish(tx, done)
            costs.append((wire.count(EXECUTE), wire.count(SYNC)))
        await database.close()
    assert costs[1] == costs[2]
    assert costs[2][0] < 20
