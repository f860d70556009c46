"""Our own stack under a wave of reminders, with somebody using the API meanwhile."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bench.chaos.load import Writers, p99_ms, writers
from bench.chaos.stack import Stack, running
from bench.reminders import seeds
from bench.reminders.figures import Wave, arrivals

VENDOR_MS = 50
CALLS_PER_S = 20
LEAD = timedelta(seconds=5)  # after seeding: a tick has looked ahead before the second comes
PATIENCE_S = 120.0
LOOK_EVERY_S = 0.25


@contextmanager
def stack(
    folder: Path, url: str, *, workers: int, lanes: int, batch: int = 0
) -> Iterator[tuple[Stack, str]]:
    """Every process of ours; the API's address beside it. `batch` e-mails share a call."""
    environment = {"VOICETODO_LANES": str(lanes), "VOICETODO_SENDGRID_BATCH": str(batch)}
    with running(folder, url, **environment) as made:
        made.temporal.start()
        made.sandbox()
        slow(made)
        api = made.api()
        for worker in [made.worker() for _ in range(workers)]:
            worker.ready()
        yield made, api.url


@contextmanager
def alone(folder: Path, url: str) -> Iterator[Stack]:
    """The vendor, and a Temporal for whoever wants it; nothing of ours."""
    with running(folder, url) as made:
        made.temporal.start()
        made.sandbox()
        slow(made)
        yield made


def slow(stack: Stack) -> None:
    """The vendor takes its time over every call."""
    stack.script({"delay_ms": VENDOR_MS, "times": 1_000_000})


async def wave(
    stack: Stack, api: str, *, reminders: int, users: int, channel: str, lanes: int
) -> Wave:
    due = datetime.now(UTC) + LEAD + timedelta(seconds=reminders / 4000)
    due = due.replace(microsecond=0)
    since = newest(stack)
    promised = seeds.due_at_once(
        stack.url, due, reminders=reminders, users=users, channel=channel, lanes=lanes
    )
    if datetime.now(UTC) > due - timedelta(seconds=3):
        raise RuntimeError("seeding took too long: this machine is too busy for this bench")
    async with writers(api, Random(1)) as people:  # noqa: S311 - which user writes, nothing more
        p99 = await _meanwhile(stack, people, due, lanes)
    if channel == "email":
        arrived = arrivals(ledger(stack, since), promised)
    else:
        arrived = _shown(stack, promised)
    name = f"{reminders:,} {channel.replace('_', '-')}, {users:,} user{'s' * (users > 1)}"
    return Wave(name, due, promised, arrived, p99)


def newest(stack: Stack) -> int:
    with stack.vendor() as http:
        seq: int = http.get("/latest.json").json()["seq"]
    return seq


def ledger(stack: Stack, since: int) -> list[dict[str, Any]]:
    """The vendor's rows after `since`."""
    with stack.vendor() as http:
        rows: list[dict[str, Any]] = http.get("/ledger.json", params={"since": since}).json()
    return [row for row in rows if row["kind"] == "mail.send"]


async def _meanwhile(stack: Stack, people: Writers, due: datetime, lanes: int) -> float:
    """Use the API until all is over; p99 of what was asked between the second and then."""
    wait = (due - datetime.now(UTC)).total_seconds()
    due_at = time.monotonic() + wait
    using = asyncio.create_task(people.write(wait + PATIENCE_S, rate=CALLS_PER_S))
    over_at = due_at
    while time.monotonic() < due_at + PATIENCE_S:
        await asyncio.sleep(LOOK_EVERY_S)
        over_at = time.monotonic()
        if over_at > due_at and not await asyncio.to_thread(_open, stack, due, lanes):
            break
    using.cancel()
    await asyncio.gather(using, return_exceptions=True)
    answers = [each for each in people.answers if each.ended >= due_at and each.began <= over_at]
    bad = [each.status for each in answers if each.status != 201]
    if bad:
        raise RuntimeError(f"of {len(answers)} the API answered {bad}")
    return p99_ms(answers)


def _open(stack: Stack, due: datetime, lanes: int) -> bool:
    """Any of that second still waits; asked so that it costs what is measured next to nothing."""
    [(waits,)] = stack.rows(
        "SELECT EXISTS (SELECT FROM reminders WHERE lane = ANY (%(lanes)s::int[])"
        " AND next_at = %(due)s)",
        lanes=list(range(lanes)),
        due=due,
    )
    return bool(waits)


def _shown(stack: Stack, promised: list[str]) -> dict[str, list[datetime]]:
    rows = stack.rows(
        "SELECT d.id::text, d.sent_at FROM deliveries d JOIN notifications n"
        " ON n.workspace_id = d.workspace_id AND n.id = d.id WHERE d.id = ANY (%(ids)s::uuid[])",
        ids=promised,
    )
    return {key: [at] for key, at in rows}
