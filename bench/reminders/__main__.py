"""Ten thousand reminders due in the same second: how late, beside other systems in the same run.

    make bench                  all of it
    python -m bench.reminders   this one; REMINDERS, USERS, BATCHED, PEERS, WORKERS, LANES, PENDING
                                by environment, comma-separated where there are several

Every system has one worker process and sends each reminder by one call to the same vendor, which
takes 50 ms over it and keeps a ledger: lateness is from the promised second to the call's arrival
there, for reminders in the app to their row. Ours also renders each mail, keeps its own ledger, and
serves somebody's 20 creates a second meanwhile. Rows with personalizations are ours again, with
up to 1,000 e-mails in a call: no fair comparison, but a setting.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.chaos.stack import Stack
from bench.reminders import ours, peers, rows
from bench.reminders.figures import Wave
from bench.results import keep
from core import embedded, migrate

COMMAND = "python -m bench.reminders"
REMINDERS = int(os.environ.get("REMINDERS", "10000"))
USERS = [int(each) for each in os.environ.get("USERS", "1,100,10000").split(",")]
BATCHED = [int(each) for each in os.environ.get("BATCHED", "10000").split(",") if each]  # users
BATCH = 1000
PEERS = [
    each for each in os.environ.get("PEERS", "celery,procrastinate,workflow").split(",") if each
]
WORKERS = int(os.environ.get("WORKERS", "1"))
LANES = int(os.environ.get("LANES", "1"))
WORKFLOWS = 1000  # a workflow each is so slow that a tenth must do
KNOWN: dict[str, tuple[str, Callable[[Stack, int], Wave], int]] = {
    "celery": ("Celery, Redis ETA, gevent 100", peers.celery, REMINDERS),
    "procrastinate": ("Procrastinate, 100 at a time", peers.procrastinate, REMINDERS),
    "workflow": (
        f"a Temporal workflow each, {WORKFLOWS:,}",
        peers.workflow_each,
        min(WORKFLOWS, REMINDERS),
    ),
}


def main() -> None:
    console = Console(width=140)
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        waves = _waves(console, Path(folder))
    console.print(waves)
    note = (
        f"{REMINDERS:,} due in one second, {WORKERS} worker, {LANES} lane, vendor {ours.VENDOR_MS}"
        " ms; aim p99 ≤ 5 s, longest ≤ 15 s, 3 times ahead of Celery; beside ours: the other's p99"
        " by the slowest of our e-mail, for fewer reminders scaled to as many"
    )
    keep("Reminders of one second", COMMAND, waves, note=note)
    with (
        tempfile.TemporaryDirectory(prefix="vt-") as folder,
        embedded.postgres(Path(folder)) as url,
    ):
        migrate.run(url)
        for table in rows.measure(url, COMMAND):
            console.print(table)


def _waves(console: Console, folder: Path) -> Table:
    names = ("p50", "p99", "longest", "early", "lost", "twice", "API p99", "p99 beside ours")
    table = Table("reminders", *names)
    with embedded.postgres(folder) as url:
        with ours.stack(folder, url, workers=WORKERS, lanes=LANES) as (stack, api):
            plan = [(channel, users) for channel in ("email", "in_app") for users in USERS]
            asyncio.run(_wave(stack, api, "in_app", USERS[0]))  # warms up
            found = []
            for channel, users in plan:
                found.append(asyncio.run(_wave(stack, api, channel, users)))
                _add(table, found[-1])
                console.print(found[-1].system, *found[-1].lateness.cells)
            slowest = max(each.lateness.p99 for each in found[: len(USERS)])
        if BATCHED:
            batched = ours.stack(folder, url, workers=WORKERS, lanes=LANES, batch=BATCH)
            with batched as (stack, api):
                asyncio.run(_wave(stack, api, "email", BATCHED[0]))  # warms up
                for users in BATCHED:
                    wave = asyncio.run(_wave(stack, api, "email", users))
                    console.print(wave.system, "personalizations", *wave.lateness.cells)
                    _add(table, wave, f"{wave.system}, personalizations")
        with ours.alone(folder, url) as stack:
            for each in PEERS:
                name, run, count = KNOWN[each]
                console.print(f"{name} …")
                try:
                    wave = run(stack, count)
                except peers.NotRun as error:
                    table.add_row(name, f"not run: {error}", *[""] * (len(names) - 1))
                else:
                    scale = REMINDERS / count
                    _add(table, wave, name, f"{wave.lateness.p99 * scale / slowest:.1f}")
    return table


async def _wave(stack: Stack, api: str, channel: str, users: int) -> Wave:
    users = min(users, REMINDERS)
    return await ours.wave(
        stack, api, reminders=REMINDERS, users=users, channel=channel, lanes=LANES
    )


def _add(table: Table, wave: Wave, name: str = "", beside: str = "") -> None:
    p99 = "" if wave.api_p99_ms is None else f"{wave.api_p99_ms:.0f} ms"
    counts = [f"{each:,}" for each in (wave.lateness.early, wave.lost, wave.twice)]
    table.add_row(name or wave.system, *wave.lateness.cells, *counts, p99, beside)


if __name__ == "__main__":
    main()
