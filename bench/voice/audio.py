"""A thousand recordings a minute, and a transcriber that takes one to three seconds over each.

Everything is a process of its own, as in production: API, worker, PostgreSQL, Temporal, vendor.
Recordings are sent when they are due, whether or not earlier ones were answered.
"""

import asyncio
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx2
from rich.console import Console
from rich.table import Table
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

from bench.chaos.stack import Stack, running
from bench.processes import cpu_s, group, memory_mb
from bench.results import keep
from bench.voice.figures import at
from bench.voice.slow_vendor import FASTEST_S, SERVER, SLOWEST_S
from tests.people import Person, register
from tests.recordings import recording

COMMAND = "python -m bench.voice audio"
MEMOS = int(os.environ.get("MEMOS", "1000"))  # a minute
SECONDS = float(os.environ.get("MEMO_SECONDS", "60"))
PROCESSES = os.environ.get("VOICE_PROCESSES", "2")
PEOPLE = 20
SAMPLED = 200  # histories that are looked at
DRAIN_S = 900.0
LOOK_EVERY_S = 0.5
STEPS = {
    "listen_to_memo": "decode, look for speech",
    "transcribe_memo": "transcribe",
    "understand_memo": "understand, apply",
}
HANDED = "until Temporal has it"
DECIDES = "the workflow itself, all its turns"
_OVER = """
    SELECT extract(epoch FROM j.finished_at - m.created_at)::float8
    FROM jobs j JOIN voice_memos m ON m.job_id = j.id WHERE m.status = 'done'
"""
_OPEN = "SELECT count(*) FROM jobs WHERE kind = 'voice_memo' AND finished_at IS NULL"
_BEGUN = "SELECT j.id::text, m.created_at FROM jobs j JOIN voice_memos m ON m.job_id = j.id"


@dataclass(slots=True)
class _Flood:
    """`latencies` of uploads in seconds, from the moment each was due; `memory` in MB."""

    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    most_open: int = 0
    drained_s: float = 0.0
    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    spent: dict[str, float] = field(default_factory=dict)  # seconds of processor time


def measure(console: Console) -> None:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder, running(Path(folder)) as stack:
        tables = asyncio.run(_measured(stack))
    note = (
        f"{MEMOS:,} a minute for {SECONDS:g} s, 1.8 s of speech each, one worker with {PROCESSES} "
        f"processes for audio, transcriber {FASTEST_S:g} to {SLOWEST_S:g} s"
    )
    for title, table in tables.items():
        console.print(table)
        keep(title, COMMAND, table, note=note)


async def _measured(stack: Stack) -> dict[str, Table]:
    stack.temporal.start()
    sandbox = stack.sandbox("bench.voice.slow_vendor:app")
    stack.environment |= {
        "VOICETODO_TRANSCRIBERS": "openai",
        "VOICETODO_OPENAI_TRANSCRIPTION_PROFILE": "speaches",
        "VOICETODO_OPENAI_TRANSCRIPTION_URL": sandbox.url + SERVER,
        "VOICETODO_TRANSCRIPTIONS_OPENAI": "100",
        "VOICETODO_RATE_LIMIT_UPLOADS": "1000000000",
        "VOICETODO_VOICE_PROCESSES": PROCESSES,
    }
    api, worker = stack.api(), stack.worker()
    worker.ready()
    limits = httpx2.Limits(max_connections=200)
    async with httpx2.AsyncClient(
        base_url=api.url, trust_env=False, timeout=60, limits=limits
    ) as http:
        people = [await register(http, f"p{nth}") for nth in range(PEOPLE)]
        await _send(_Flood(), people[0], time.perf_counter())  # warms up
        await _until_over(stack)
        stack.rows("DELETE FROM voice_memos RETURNING id")
        stack.rows("DELETE FROM jobs RETURNING id")
        processes = {
            "API": api.popen.pid,
            "worker": worker.popen.pid,
            "Temporal": stack.temporal.pid,
        }
        flood = await _flooded(stack, people, processes)
    return {
        "Audio door": _results(stack, flood),
        "Audio door, step by step": await _steps(stack),
    }


async def _flooded(stack: Stack, people: Sequence[Person], processes: Mapping[str, int]) -> _Flood:
    flood = _Flood()
    watching = asyncio.create_task(_watched(stack, flood, processes))
    before = {name: _spent(each) for name, each in processes.items()}
    began, count = time.perf_counter(), int(MEMOS / 60 * SECONDS)
    async with asyncio.TaskGroup() as group:
        for nth in range(count):
            due = began + nth * 60 / MEMOS
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            group.create_task(_send(flood, people[nth % PEOPLE], due))
    flood.drained_s = await _until_over(stack)
    watching.cancel()
    flood.spent = {name: _spent(each) - before[name] for name, each in processes.items()}
    return flood


def _spent(pid: int) -> float:
    return _sum(cpu_s, group(pid))


async def _send(flood: _Flood, person: Person, due: float) -> None:
    answer = await person.post(
        "/voice/memos",
        files={"audio": ("memo.webm", recording("milk.webm"), "audio/webm")},
        data={"capture_id": str(uuid4()), "language": "en"},
    )
    flood.latencies.append(time.perf_counter() - due)
    flood.refused += answer.status_code not in {200, 202}


async def _until_over(stack: Stack) -> float:
    began = time.monotonic()
    while await asyncio.to_thread(_count_open, stack):
        if time.monotonic() > began + DRAIN_S:
            break
        await asyncio.sleep(LOOK_EVERY_S)
    return time.monotonic() - began


def _count_open(stack: Stack) -> int:
    [(count,)] = stack.rows(_OPEN)
    return int(count)


async def _watched(stack: Stack, flood: _Flood, processes: Mapping[str, int]) -> None:
    while True:
        flood.most_open = max(flood.most_open, await asyncio.to_thread(_count_open, stack))
        for name, pid in processes.items():
            flood.memory[name].append(memory_mb(pid))
        mine = processes["worker"]
        others = [each for each in await asyncio.to_thread(group, mine) if each != mine]
        flood.memory["its processes for audio"].append(_sum(memory_mb, others))
        await asyncio.sleep(LOOK_EVERY_S)


def _results(stack: Stack, flood: _Flood) -> Table:
    over = [seconds for (seconds,) in stack.rows(_OVER)]
    table = Table("what", "p50", "p95", "p99", "longest")
    shares = (0.5, 0.95, 0.99, 1)
    upload = [f"{at(flood.latencies, share) * 1000:,.0f} ms" for share in shares]
    table.add_row("upload acknowledged, of when it was due", *upload)
    result = [f"{at(over, share):,.1f} s" for share in shares] if over else [""] * len(shares)
    table.add_row("acknowledged to todo", *result)
    lost = len(flood.latencies) - flood.refused - len(over)
    counts = f"{len(flood.latencies):,} sent, {flood.refused} refused, {lost} lost"
    table.add_row(counts, "", "", "", "")
    open_s = f"at most {flood.most_open:,} under way; the last one {flood.drained_s:.0f} s after"
    table.add_row(open_s, "", "", "", "")
    for name, seen in flood.memory.items():
        table.add_row(f"memory of {name}: {seen[0]:.0f} MB, at most {max(seen):.0f}", *[""] * 4)
    for name, seconds in flood.spent.items():
        each = seconds / len(flood.latencies) * 1000
        table.add_row(f"{name}: {each:.0f} ms of a core for each", *[""] * 4)
    return table


async def _steps(stack: Stack) -> Table:
    """How long each waited for somebody to do it, and how long that took, by Temporal's record."""
    client = await Client.connect(stack.temporal.address)
    waits: dict[str, list[float]] = defaultdict(list)
    takes: dict[str, list[float]] = defaultdict(list)
    begun = stack.rows(_BEGUN)
    for job_id, created_at in begun[:: max(len(begun) // SAMPLED, 1)]:
        history = await client.get_workflow_handle(f"job:{job_id}").fetch_history()
        _read(history, created_at, waits, takes)
    table = Table("step", "waits, p50", "p95", "takes, p50", "p95")
    for step in (HANDED, *STEPS.values(), DECIDES):
        cells = [f"{at(waits[step], share):,.2f} s" for share in (0.5, 0.95)]
        if takes[step]:
            cells += [f"{at(takes[step], share):,.2f} s" for share in (0.5, 0.95)]
        table.add_row(step, *cells, *[""] * (4 - len(cells)))
    return table


def _read(
    history: WorkflowHistory,
    created_at: datetime,
    waits: dict[str, list[float]],
    takes: dict[str, list[float]],
) -> None:
    scheduled: dict[int, tuple[str, datetime]] = {}
    started: dict[int, datetime] = {}
    waited = took = 0.0  # of the workflow's own tasks
    since = created_at
    for event in history.events:
        when = event.event_time.ToDatetime(UTC)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            waits[HANDED].append(_seconds(when - created_at))
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            kind = event.activity_task_scheduled_event_attributes.activity_type.name
            scheduled[event.event_id] = (STEPS.get(kind, kind), when)
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started[event.activity_task_started_event_attributes.scheduled_event_id] = when
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            nth = event.activity_task_completed_event_attributes.scheduled_event_id
            step, put = scheduled[nth]
            waits[step].append(_seconds(started[nth] - put))
            takes[step].append(_seconds(when - started[nth]))
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            since = when
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            waited += _seconds(when - since)
            since = when
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            took += _seconds(when - since)
    waits[DECIDES].append(waited)
    takes[DECIDES].append(took)


def _sum(of: Callable[[int], float], pids: Iterable[int]) -> float:
    """Of those that are still there."""
    total = 0.0
    for pid in pids:
        with suppress(OSError, subprocess.CalledProcessError, ValueError):
            total += of(pid)
    return total


def _seconds(span: timedelta) -> float:
    return span.total_seconds()
