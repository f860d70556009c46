"""What a reminder costs while it waits: its bytes, and what looking for due ones takes."""

import asyncio
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from rich.table import Table

from bench.reminders import seeds
from bench.results import keep
from core import due
from core.db import Database
from core.messages import Kind

SIZES = tuple(int(each) for each in os.environ.get("PENDING", "10000,100000,1000000").split(","))
BYTES_AT = 1_000_000
PER_USER = 100
DUE = 200  # a batch; at every size the same, so that only the waiting ones differ
LOOKS = 50
SPREAD_S = 30 * 86400
AIM_BYTES = 320

BYTES = """
SELECT 'the table', pg_relation_size('reminders') + pg_relation_size('reminders', 'fsm')
       + pg_relation_size('reminders', 'vm')
UNION ALL
SELECT indexrelid::regclass::text, pg_relation_size(indexrelid)
FROM pg_index WHERE indrelid = 'reminders'::regclass
"""


def measure(url: str, command: str) -> tuple[Table, Table]:
    """Both tables, kept."""
    size = Table("pending reminder", "bytes", "of them")
    cost = Table("pending", "look, median", "p90")
    seeds.pending(url, datetime.now(UTC), reminders=DUE, users=DUE, seconds=1)
    later = datetime.now(UTC) + timedelta(days=1)
    there = 0
    for wanted in SIZES:
        more = wanted - there
        seeds.pending(url, later, reminders=more, users=max(more // PER_USER, 1), seconds=SPREAD_S)
        there = wanted
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            if there == BYTES_AT:
                _bytes(connection, size)
        looks = asyncio.run(_looks(url))
        cost.add_row(f"{there:,}", *(f"{each:.1f} ms" for each in _of(looks)))
    note = f"{DUE} due at every size, leased by each look"
    keep("Looking for due reminders", command, cost, note=note)
    if size.rows:
        note = f"at {BYTES_AT:,} rows, aim ≤ {AIM_BYTES}"
        keep("Bytes per pending reminder", command, size, note=note)
    return cost, size


def _bytes(connection: psycopg.Connection[Any], table: Table) -> None:
    rows = connection.execute(BYTES).fetchall()
    total = sum(size for _, size in rows)
    for name, size in rows:
        table.add_row(name, f"{size / BYTES_AT:.0f}", f"{size / total:.0%}")
    table.add_row("together", f"{total / BYTES_AT:.0f}", "")


def _of(looks: list[float]) -> tuple[float, float]:
    return statistics.median(looks), statistics.quantiles(looks, n=10)[-1]


async def _looks(url: str) -> list[float]:
    """Milliseconds of each look, which leases what is due; it is given back in between."""
    database = Database(url, role="vt_worker", size=1)
    await database.open()
    source = due.SOURCES[Kind.REMINDERS]
    taken = []
    for _ in range(LOOKS):
        async with database.transaction() as tx:
            began = time.perf_counter()
            found = await due.claim(tx, source, 0, now=datetime.now(UTC), limit=1000)
            taken.append((time.perf_counter() - began) * 1000)
            due.release(tx, source, found)
        if len(found) != DUE:
            raise RuntimeError(f"{len(found)} were due, not {DUE}")
    await database.close()
    return taken
