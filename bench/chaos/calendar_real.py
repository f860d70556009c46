"""People and a hostile Google edit a calendar while slices of its sync work, die and meet."""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from rich.progress import track

from bench.chaos.report import Report
from bench.chaos.stack import Stack
from core.db import Database
from tests.calendar_known import Outcome
from tests.calendar_life import Life
from tests.calendars import desk
from tests.connecting import connected_world


async def lives(stack: Stack, seeds: int, rng: Random) -> Report:
    """A second for each; a life is lived again by what its problem names as its seed."""
    report, total = Report("CALENDAR-REAL"), Outcome()
    folder = stack.folder / "calendar-real"
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # of each worker that is killed
    async with (
        _database(stack.url, "vt_app") as app_db,
        _database(stack.url, "vt_worker") as worker_db,
        connected_world(stack.url, folder) as world,
    ):
        for _ in track(range(seeds), "lives", transient=True):
            seed = str(rng.getrandbits(30))
            async with desk(world, app_db, worker_db) as at:
                found = await Life(at, seed).live()
            found.problems = [f"seed {seed}: {each}" for each in found.problems]
            total.add(found)
    report.operations = total.edits.total()
    report.kills = total.faults["worker killed"]
    told = Counter(each.partition(": ")[2].partition(":")[0] for each in total.problems)
    report.lost, report.duplicates = told["lost"], told["duplicate"]
    report.ambiguous = total.faults["answer lost"]
    report.figure = f"{seeds:,} seeds; {total.told()}"
    report.violations = total.problems
    report.demand(total.most <= 1, f"{total.most:.2f} writes of one side for an edit of the other")
    return report


@asynccontextmanager
async def _database(url: str, role: str) -> AsyncIterator[Database]:
    database = Database(url, role=role, size=8)
    await database.open()
    try:
        yield database
    finally:
        await database.close()
