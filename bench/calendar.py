"""The first sync of many todos with a calendar, what it costs, and how soon changes follow later.

python -m bench.calendar     TODOS, EDITS (each way, later) by environment

Real processes: API, worker, Temporal, PostgreSQL, and the sandbox as Google. Several people have as
many todos each: one is left in peace, one's calendar asks for a pause now and then, the worker of
one is killed half-way; of one, with fewer, the calendar takes 50 ms for an answer. The floor makes
the same events with the same client and as many calls at a time, and does nothing else: what is
between them is reading and planning todos, and the rows.
"""

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import psycopg
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from activities.calendar_pairs import AT_A_TIME
from bench.chaos.diary import Diary, due, origins, times
from bench.chaos.owner import ZONE
from bench.chaos.stack import Process, Stack, running
from bench.processes import cpu_s, memory_mb
from bench.results import keep
from core.ids import uuid7
from integrations.calendars import SANDBOX
from integrations.google_calendar import Access, GoogleCalendar

TODOS: Final = int(os.environ.get("TODOS", "10000"))
EDITS: Final = int(os.environ.get("EDITS", "50"))
LOOK_EVERY_S: Final = 0.2
GIVE_UP_S: Final = 1800.0
FEWER: Final = 4  # times, where each answer takes 50 ms
PAUSES: Final = 8  # that the calendar asks for, in all
ASKED_S: Final = 6  # each
UNDER_WAY_S: Final = 0.5  # calls that were made before the answer came
FIRST_DUE: Final = datetime(2030, 1, 7, 9)  # noqa: DTZ001 - a wall time
LIMITED: Final = frozenset({403, 429})
INSERT: Final = "events.insert"
SLOW: Final[Mapping[str, object]] = {"kind": INSERT, "delay_ms": 50, "times": 10**9}
HEADS: Final = (
    *("what", "todos", "seconds", "/s", "floor /s", "of the floor"),
    *("ms of the worker's core, each", "floor", "worker MB", "API MB", "progress"),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """The processes of a run; the worker is another one once it was killed."""

    stack: Stack
    api: Process
    workers: list[Process]

    @property
    def worker(self) -> Process:
        return self.workers[-1]

    def kill_worker(self) -> None:
        self.worker.kill()
        self.workers.append(self.stack.worker())


@dataclass(slots=True)
class First:
    """A first sync as it went. `read`: seconds -> how far it was said to be."""

    name: str
    todos: int
    seconds: float = 0.0
    cpu_ms: float = 0.0
    worker_mb: float = 0.0
    api_mb: float = 0.0
    pauses: int = 0  # that it was asked for
    read: dict[float, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.todos / self.seconds

    def look(self, at: Parts) -> None:
        """At the memory of the processes."""
        self.worker_mb = max(self.worker_mb, memory_mb(at.worker.popen.pid))
        self.api_mb = max(self.api_mb, memory_mb(at.api.popen.pid))

    def told(self) -> str:
        """Some of what a person saw, from the beginning to the end."""
        wanted, cells = [0.0, 0.25, 0.5, 0.75], []
        for at, done in sorted(self.read.items()):
            if wanted and done >= wanted[0]:
                cells.append(f"{done:.0%} at {at:.0f} s")
                wanted = [each for each in wanted if each > done]
        return ", ".join(cells)


@dataclass(frozen=True, slots=True)
class Floor:
    """Events a second of a bare client, and milliseconds of its process for each."""

    per_second: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Measured:
    """`runs` beside their floors; seconds of each change later on, and memory after these."""

    runs: list[tuple[First, Floor]]
    to_events: list[float]
    to_todos: list[float]
    worker_mb: float
    api_mb: float

    @property
    def wrong(self) -> list[str]:
        return [f"{run.name}: {problem}" for run, _ in self.runs for problem in run.wrong]


@contextmanager
def parts(folder: Path) -> Iterator[Parts]:
    with running(folder) as stack:
        stack.temporal.start()
        api = stack.listening_api()  # before the sandbox, which tells it of news
        stack.sandbox()
        worker = stack.worker()
        worker.ready()
        yield Parts(stack, api, [worker])


def write_todos(stack: Stack, owner: UUID, count: int) -> None:
    """An hour apart from one another, three times a day of work."""
    with psycopg.connect(stack.url) as connection, connection.cursor() as cursor:
        with cursor.copy(
            "COPY todos (workspace_id, id, title, position, due_on, due_time, due_zone, due_at,"
            " created_by) FROM STDIN"
        ) as copy:
            for nth in range(count):
                at = FIRST_DUE + timedelta(hours=8 * nth)
                row = (
                    f"Call number {nth}",
                    nth,
                    at.date(),
                    at.time(),
                    ZONE,
                    at.replace(tzinfo=UTC),
                )
                copy.write_row((owner, uuid7(), *row, owner))
        cursor.execute("ANALYZE todos")


def first_sync(
    at: Parts,
    name: str,
    count: int,
    faults: Sequence[Mapping[str, object]] = (),
    *,
    kill: bool = False,
) -> tuple[First, Diary]:
    """Somebody new connects, whose calendar has these faults; `kill`: its worker, half-way."""
    diary = Diary.of(at.stack, at.api.url)
    write_todos(at.stack, diary.owner.id, count)
    diary.script(*faults)
    since, found, lives = diary.latest(), First(name, count), len(at.workers)
    spent = {at.worker.popen.pid: -cpu_s(at.worker.popen.pid)}
    began = time.monotonic()
    diary.connect("none")
    with Progress(transient=True) as bars:
        bar = bars.add_task(name, total=1.0)
        while not diary.is_over():
            _demand(time.monotonic() - began < GIVE_UP_S, f"{name}: {diary.status()}")
            done = diary.status()["sync"]["progress"]
            if done is not None:
                bars.update(bar, completed=done)
                found.read[time.monotonic() - began] = done
            found.look(at)
            if kill and len(at.workers) == lives and done is not None and done >= 1 / 2:
                spent[0] = cpu_s(at.worker.popen.pid)
                at.kill_worker()
                spent[at.worker.popen.pid] = 0.0
            time.sleep(LOOK_EVERY_S)
    found.seconds = time.monotonic() - began
    found.cpu_ms = (sum(spent.values()) + cpu_s(at.worker.popen.pid)) / count * 1000
    diary.script()
    judge(found, diary, since)
    if kill and len(at.workers) == lives:
        found.wrong.append("it was over before anybody could be killed")
    return found, diary


def judge(found: First, diary: Diary, since: int) -> None:
    """Each todo has one event, and a pause that was asked for was kept."""
    made = Counter(origins(diary.events()))
    twice = sum(count - 1 for count in made.values())
    if twice or len(made) != found.todos:
        found.wrong.append(f"{len(made)} of {found.todos} todos have events, {twice} are twice")
    calls = inserts(diary, since)
    came = [datetime.fromisoformat(each["at"]) for each in calls]
    for call in calls:
        if call["response_status"] in LIMITED:
            found.pauses += 1
            at = datetime.fromisoformat(call["at"])
            begins, ends = at + timedelta(seconds=UNDER_WAY_S), at + timedelta(seconds=ASKED_S)
            if early := sum(begins < each < ends for each in came):
                found.wrong.append(f"{early} calls in a pause that was asked for")


def limits(todos: int, pauses: int = PAUSES) -> list[Mapping[str, object]]:
    """So many pauses, in either of the ways in which Google says it."""
    wait, found = {"Retry-After": str(ASKED_S)}, list[Mapping[str, object]]()
    for nth in range(pauses):
        found.append({"kind": INSERT, "delay_ms": 0, "times": max(todos // (pauses + 1), 1)})
        status = 429 if nth % 2 else 403
        found.append({"kind": INSERT, "status": status, "headers": wait, "times": 1})
    return found


async def floor(
    diary: Diary, bodies: Sequence[dict[str, Any]], faults: Sequence[Mapping[str, object]] = ()
) -> Floor:
    """The events of a bare client."""
    diary.script(*faults)
    base = f"{diary.vendor.base_url}".rstrip("/") + "/google"
    access = Access(uuid4(), SecretStr(diary.by_hand()))
    waiting = iter(bodies)
    async with GoogleCalendar(base, f"{base}/token", *SANDBOX) as google:

        async def work() -> None:
            for body in waiting:
                await google.insert_event(access, "primary", uuid4().hex, body)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Floor(len(bodies) / took, cpu / len(bodies) * 1000)


def inserts(diary: Diary, since: int = 0) -> list[dict[str, Any]]:
    return [each for each in diary.calls(since) if each["kind"] == INSERT]


def bodies_of(diary: Diary) -> list[dict[str, Any]]:
    """What was inserted, without its ids."""
    found = (orjson.loads(each["request"]["body"]) for each in inserts(diary))
    return [{name: value for name, value in body.items() if name != "id"} for body in found]


def to_events(diary: Diary, edits: int) -> list[float]:
    """Seconds from a todo's change to the call that carries it to the calendar."""
    late = []
    for nth, (todo_id, event_id) in enumerate(list(diary.pairs().items())[:edits]):
        since, began = diary.latest(), time.time()
        at = FIRST_DUE + timedelta(days=3650, hours=nth)
        diary.owner.must("PATCH", f"/todos/{todo_id}", json={"due": due(at)})
        call = _until(partial(_patched, diary, since, event_id))
        late.append(datetime.fromisoformat(call["at"]).timestamp() - began)
    return late


def to_todos(diary: Diary, edits: int) -> list[float]:
    """Seconds from an event's change to the todo that the API shows."""
    late = []
    for nth, (todo_id, event_id) in enumerate(list(diary.pairs().items())[edits : 2 * edits]):
        at = FIRST_DUE + timedelta(days=7300, hours=nth)
        began = time.time()
        diary.change(event_id, **times(at))
        _until(partial(_is_due, diary, todo_id, at))
        late.append(time.time() - began)
    return late


def _patched(diary: Diary, since: int, event_id: str) -> dict[str, Any] | None:
    calls = (each for each in diary.calls(since) if each["kind"] == "events.patch")
    return next((each for each in calls if event_id in each["request"]["path"]), None)


def _is_due(diary: Diary, todo_id: str, at: datetime) -> bool:
    found = diary.owner.must("GET", f"/todos/{todo_id}")["due"]
    return bool((found["date"], found["time"][:5]) == (at.date().isoformat(), f"{at:%H:%M}"))


def _until(look: Callable[[], Any], within_s: float = 60.0) -> Any:
    ends = time.monotonic() + within_s
    while not (found := look()):
        _demand(time.monotonic() < ends, f"nothing came within {within_s:.0f} s")
        time.sleep(0.02)
    return found


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 (a condition, as in assert)
    if not holds:
        raise RuntimeError(otherwise)


def measure(folder: Path, todos: int, edits: int) -> Measured:
    with parts(folder) as at:
        peace, diary = first_sync(at, "first sync", todos)
        there, here = to_events(diary, edits), to_todos(diary, edits)
        after = memory_mb(at.worker.popen.pid), memory_mb(at.api.popen.pid)
        bodies, nobody = bodies_of(diary), Diary.of(at.stack, at.api.url)
        bare = asyncio.run(floor(nobody, bodies))
        few = max(todos // FEWER, 1)
        bare_slow = asyncio.run(floor(nobody, bodies[:few], [SLOW]))
        slow, _ = first_sync(at, "each answer after 50 ms", few, [SLOW])
        paused, _ = first_sync(
            at, f"asked to pause for {ASKED_S} s, {PAUSES} times", todos, limits(todos)
        )
        killed, _ = first_sync(at, "worker killed half-way", todos, kill=True)
        if paused.pauses != PAUSES:
            paused.wrong.append(f"it was asked for {paused.pauses} pauses")
        runs = [(peace, bare), (killed, bare), (paused, bare), (slow, bare_slow)]
        return Measured(runs, there, here, *after)


def tabulate(found: Measured) -> Table:
    table = Table(*HEADS)
    for run, bare in found.runs:
        table.add_row(
            run.name,
            f"{run.todos:,}",
            f"{run.seconds:.0f}",
            f"{run.per_second:,.0f}",
            f"{bare.per_second:,.0f}",
            f"{run.per_second / bare.per_second:.0%}",
            f"{run.cpu_ms:.2f}",
            f"{bare.cpu_ms:.2f}",
            f"{run.worker_mb:.0f}",
            f"{run.api_mb:.0f}",
            run.told(),
        )
    for name, late in (
        ("later: a todo's change to its event", found.to_events),
        ("later: an event's change to its todo", found.to_todos),
    ):
        p95 = quantiles(late, n=20)[18]
        cells = (str(len(late)), f"p50 {median(late):.2f}, p95 {p95:.2f}", "", "", "", "", "")
        table.add_row(name, *cells, f"{found.worker_mb:.0f}", f"{found.api_mb:.0f}", "")
    return table


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        found = measure(Path(folder), TODOS, EDITS)
    table = tabulate(found)
    Console(width=240).print(table)
    verdict = "; ".join(found.wrong) or "each todo has one event, every pause was kept"
    note = f"floor: the same events by a bare client, {AT_A_TIME} calls at a time; {verdict}"
    keep("Calendar", "python -m bench.calendar", table, note=note)
    if found.wrong:
        raise SystemExit(verdict)


if __name__ == "__main__":
    main()
