"""Deliveries of webhooks a second, beside the same posts by a bare client; and who waits for whom.

python -m bench.webhooks     TENANTS, EVENTS (of each) and CROWD (of the loud one) by environment

The receiver is the sandbox's, in a process of its own. The floor posts the same bytes with the same
client, 64 receivers at a time and one after the other within each, as the worker does: what is
between them is the feed, the rows before and after each post, the payload and its signatures.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final
from uuid import UUID

import httpx2
import psycopg
from rich.console import Console
from rich.table import Table

from activities.shift import Shift
from activities.webhooks import AT_A_TIME, LIMITS, Posting, Webhooks
from bench.push import sandbox
from bench.results import keep
from core import clock, embedded, migrate
from core.actor import Actor
from core.crypto import Keyring
from core.db import Database
from core.ids import uuid7
from core.services import webhook_endpoints
from core.services.webhook_endpoints import Draft
from integrations.http import Client, guarded_client
from integrations.standard_webhooks import Signer

TENANTS: Final = int(os.environ.get("TENANTS", "100"))
EVENTS: Final = int(os.environ.get("EVENTS", "50"))
CROWD: Final = int(os.environ.get("CROWD", "10000"))
SLOW_MS: Final = 50
TODO: Final = (
    "INSERT INTO todos (workspace_id, id, title, position)"
    " VALUES (%(id)s, %(id)s, 'Call the dentist about next week', 1)"
)
RING: Final = Keyring((b"k" * 32,))


@dataclass(frozen=True, slots=True)
class Stage:
    """Where all of it plays. `url` is the database's, `hooks` the sandbox's."""

    url: str
    hooks: str
    app_db: Database
    worker_db: Database
    client: Client

    async def tenant(self) -> UUID:
        """A person with an endpoint and a todo; the id of all of them."""
        key = uuid7()
        with psycopg.connect(self.url) as connection:
            for statement in (
                "INSERT INTO users (id, name) VALUES (%(id)s, 'Ada')",
                "INSERT INTO workspaces (id, kind, name) VALUES (%(id)s, 'personal', '')",
                "INSERT INTO memberships VALUES (%(id)s, %(id)s, 'owner', now())",
                "INSERT INTO feeds (workspace_id) VALUES (%(id)s)",
                TODO,
            ):
                connection.execute(statement, {"id": key})
        async with self.app_db.transaction() as tx:
            tx.act_in([key], key)
            await webhook_endpoints.create(
                tx,
                Actor(key, key),
                key,
                Draft(f"{self.hooks}/hooks/{key.hex}", ["*"]),
                ring=RING,
                sandbox_url=self.hooks,
                now=clock.now(),
            )
        with psycopg.connect(self.url) as connection:  # the lanes of the settings are not ours
            connection.execute("UPDATE webhook_endpoints SET lane = 0")
        return key

    def happen(self, tenant: UUID, count: int) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "WITH numbered AS (UPDATE feeds SET seq = seq + %(n)s WHERE workspace_id = %(id)s"
                " RETURNING seq - %(n)s AS base) INSERT INTO events (workspace_id, seq, type,"
                " subject_id, actor_id, change_set_id, changed) SELECT %(id)s, base + n,"
                " 'todo.updated', %(id)s, %(id)s, gen_random_uuid(), '{title}'"
                " FROM numbered, generate_series(1, %(n)s) n",
                {"id": tenant, "n": count},
            )

    def delivered(self) -> int:
        with psycopg.connect(self.url) as connection:
            statement = "SELECT count(*) FROM webhook_deliveries WHERE status = 'delivered'"
            found = connection.execute(statement).fetchone()
        return int(found[0]) if found else 0

    def forget(self) -> list[bytes]:
        """What was delivered, as texts."""
        with psycopg.connect(self.url) as connection:
            bodies = connection.execute("SELECT body FROM webhook_deliveries").fetchall()
            connection.execute("TRUNCATE webhook_deliveries, webhook_attempts")
        return [bytes(body) for (body,) in bodies if body is not None]

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        handler = Webhooks(self.app_db, Posting(self.client, RING))
        shift = Shift(self.worker_db, handler, 0, lanes=1, now=clock.now, life_s=600)
        running = asyncio.create_task(shift.work())
        try:
            yield
        finally:
            shift.stop()
            await running

    async def until(self, reached: Callable[[], bool]) -> None:
        while not await asyncio.to_thread(reached):  # noqa: ASYNC110 - told by rows, not by an event
            await asyncio.sleep(0.05)


async def floor(stage: Stage, bodies: list[bytes], receivers: list[str]) -> tuple[float, float]:
    """Posts a second, and milliseconds of this process for each. Signed before, written nowhere."""
    headers = Signer([b"s" * 32], b"s" * 32).headers("msg_1", bodies[0], now=clock.now())
    waiting = iter([(name, bodies[nth :: len(receivers)]) for nth, name in enumerate(receivers)])

    async def work() -> None:
        for name, own in waiting:
            for body in own:
                answer = await stage.client.post(name, content=body, headers=headers)
                if not answer.is_success:
                    raise RuntimeError(f"the receiver answered {answer.status_code}")

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return len(bodies) / took, cpu / len(bodies) * 1000


async def ours(stage: Stage, tenants: list[UUID]) -> tuple[float, float]:
    """From the moment at which the feeds are written."""
    whole = len(tenants) * EVENTS
    for tenant in tenants:
        stage.happen(tenant, EVENTS)
    began, cpu = time.perf_counter(), time.process_time()
    async with stage.working():
        await stage.until(lambda: stage.delivered() == whole)
        took = time.perf_counter() - began
    return whole / took, (time.process_time() - cpu) / whole * 1000


async def waiting(stage: Stage, tenants: list[UUID], *, crowd: int) -> list[float]:
    """Seconds from an event to its delivery, of calm tenants, one event after the other."""
    loud, *calm = tenants
    if crowd:
        stage.happen(loud, crowd)
    async with stage.working():
        await asyncio.sleep(2)
        for tenant in calm[:30]:
            await asyncio.to_thread(stage.happen, tenant, 1)
            await asyncio.sleep(0.1)
        await stage.until(lambda: len(_late(stage.url, loud)) == len(calm[:30]))
    return _late(stage.url, loud)


def _late(url: str, loud: UUID) -> list[float]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT extract(epoch FROM a.at - e.at) + a.took_ms / 1000.0 FROM webhook_deliveries d"
            " JOIN events e ON e.workspace_id = d.workspace_id AND e.seq = d.event_seq"
            " JOIN webhook_attempts a ON a.workspace_id = d.workspace_id AND a.delivery_id = d.id"
            " WHERE d.workspace_id <> %s AND d.status = 'delivered'",
            (loud,),
        ).fetchall()
    return [float(each) for (each,) in rows]


async def measure(url: str, hooks: str) -> Table:
    app_db = Database(url, role="vt_app", size=8)
    worker_db = Database(url, role="vt_worker", size=4)
    await app_db.open()
    await worker_db.open()
    table = Table("what", "floor /s", "ours /s", "of the floor", "ms of a core, floor", "ours")
    try:
        async with guarded_client(LIMITS, sandbox_url=hooks) as client:
            stage = Stage(url, hooks, app_db, worker_db, client)
            tenants = [await stage.tenant() for _ in range(TENANTS)]
            receivers = [f"{hooks}/hooks/{each.hex}" for each in tenants]
            for name, delay in (("a receiver that answers at once", 0), ("after 50 ms", SLOW_MS)):
                _delay(hooks, delay)
                per_second, cpu = await ours(stage, tenants)
                bare, bare_cpu = await floor(stage, stage.forget(), receivers)
                share = f"{per_second / bare:.0%}"
                table.add_row(
                    name,
                    f"{bare:,.0f}",
                    f"{per_second:,.0f}",
                    share,
                    f"{bare_cpu:.2f}",
                    f"{cpu:.2f}",
                )
            _delay(hooks, 0)
            for crowd in (0, CROWD):
                late = await waiting(stage, tenants, crowd=crowd)
                stage.forget()
                _rewind(url)
                p99 = quantiles(late, n=100)[98]
                beside = f"beside a tenant with {crowd:,} events" if crowd else "alone"
                told = f"p50 {median(late):.2f} s, p99 {p99:.2f} s"
                table.add_row(
                    f"30 calm tenants, {beside}: event to acceptance", "", told, "", "", ""
                )
    finally:
        await app_db.close()
        await worker_db.close()
    return table


def _rewind(url: str) -> None:
    """All endpoints have read all there is."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE webhook_endpoints e SET seq = f.seq, next_at = NULL"
            " FROM feeds f WHERE f.workspace_id = e.workspace_id"
        )
        connection.execute("DELETE FROM leases")


def _delay(hooks: str, delay_ms: int) -> None:
    with httpx2.Client(base_url=hooks, trust_env=False) as http:
        http.delete("/faults")
        if delay_ms:
            fault: dict[str, Any] = {"vendor": "hooks", "times": 10**9, "delay_ms": delay_ms}
            http.post("/faults", json=fault).raise_for_status()


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="vt-") as folder,
        embedded.postgres(Path(folder)) as url,
        sandbox() as hooks,
    ):
        migrate.run(url)
        table = asyncio.run(measure(url, hooks))
    Console(width=140).print(table)
    size = f"{TENANTS} endpoints with {EVENTS} events each; one worker, one lane"
    keep("Webhooks", "python -m bench.webhooks", table, note=size)


if __name__ == "__main__":
    main()
