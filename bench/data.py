"""A person's data on their way in, out and to their end: how long, in how much memory.

python -m bench.data     TODOS, AUDIO_MB and GROWTH (sizes, with commas) by environment

Real processes: API, worker, Temporal, PostgreSQL, sandbox. The floors, in the same run, on the same
machine: of an import COPY of the very rows that it wrote, into tables with the same columns, checks
and indexes; of an export zipfile, over the very members that it packed, from disk to disk; of an
erasure the deletion of those copied rows. What is between them is reading, understanding and
checking a file, row-level security, foreign keys, sealing, and steps that can be repeated.
"""

import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.calendar import parts
from bench.chaos.owner import Owner
from bench.chaos.stack import Stack
from bench.data_files import FILES, local
from bench.processes import cpu_s, memory_mb
from bench.results import keep
from core.messages import Store
from tests.people import PASSWORD
from tests.voicing import noise

TODOS: Final = int(os.environ.get("TODOS", "10000"))
AUDIO_MB: Final = int(os.environ.get("AUDIO_MB", "1024"))
GROWTH: Final = [int(each) for each in os.environ.get("GROWTH", "1000,10000").split(",")]
RECORDING_MB: Final = 16
LOOK_EVERY_S: Final = 0.05
GIVE_UP_S: Final = 1800.0
IMPORT_S, EXPORT_S, EXPORT_MB = 20.0, 60.0, 200.0  # what is aimed at
# What an import writes; others hold a row or two of it.
WRITTEN: Final = (
    *("todos", "series", "occurrences", "reminders", "lists"),
    *("events", "import_rows", "import_refs"),
)
HEADS: Final = (
    *("what", "todos", "MB", "seconds", "aim", "floor s", "of the floor", "ms each"),
    *("ms of the worker's core, each", "worker MB", "above idle"),
)


@dataclass(slots=True)
class Run:
    """One of them. `grew` is the worker's memory above what it used when it was idle."""

    name: str
    todos: int
    size_mb: float
    seconds: float
    cpu_s: float
    worker_mb: float
    grew_mb: float
    floor_s: float = 0.0
    aim_s: float | None = None
    aim_mb: float | None = None

    @property
    def each_ms(self) -> float:
        return self.seconds / max(1, self.todos) * 1000

    @property
    def missed(self) -> list[str]:
        found = []
        if self.aim_s is not None and self.seconds > self.aim_s:
            found.append(f"{self.name}: {self.seconds:.1f} s, aimed at {self.aim_s:.0f}")
        if self.aim_mb is not None and self.grew_mb > self.aim_mb:
            found.append(f"{self.name}: {self.grew_mb:.0f} MB, aimed at {self.aim_mb:.0f}")
        return found

    def cells(self) -> tuple[str, ...]:
        return (
            self.name,
            f"{self.todos:,}",
            f"{self.size_mb:.1f}",
            f"{self.seconds:.1f}",
            "" if self.aim_s is None else f"{self.aim_s:.0f}",
            f"{self.floor_s:.1f}",
            f"{self.floor_s / self.seconds:.0%}",
            f"{self.each_ms:.2f}",
            f"{self.cpu_s / max(1, self.todos) * 1000:.2f}",
            f"{self.worker_mb:.0f}",
            f"{self.grew_mb:+.0f}",
        )


class Bench:
    def __init__(self, stack: Stack, api: str, worker: int, bars: Progress) -> None:
        self._stack = stack
        self._api = api
        self._worker = worker
        self._bars = bars
        self._idle_mb = memory_mb(worker)

    def somebody(self) -> Owner:
        """New, with a verified address."""
        owner = Owner.registered(self._api, "bench")
        self._execute("UPDATE users SET email_verified_at = now() WHERE id = %(id)s", owner.id)
        return owner

    def bring(self, owner: Owner, name: str, kind: str, file: bytes, *, todos: int) -> Run:
        """Import it. Raises unless every todo of it was made."""
        sent = {"files": {"file": (f"file.{kind}", file)}, "data": {"format": kind}}
        at = owner.must("POST", "/imports", **sent)["id"]
        run = self._run(name, todos, len(file), lambda: owner.must("GET", f"/imports/{at}"))
        counts = owner.must("GET", f"/imports/{at}")["result"]["counts"]
        _demand(counts["created"] == todos, f"{name}: {counts}")
        run.floor_s = self._copied(owner.id)
        return run

    def take(self, owner: Owner, name: str, *formats: str, todos: int) -> tuple[Run, Path]:
        """Export it; the archive is at the path."""
        at = owner.must("POST", "/exports", json={"formats": formats})["id"]
        run = self._run(name, todos, 0, lambda: owner.must("GET", f"/exports/{at}"))
        archive = self._stack.folder / f"{at}.zip"
        led = owner.ask("GET", f"/exports/{at}/download")
        with owner.http.stream("GET", led.headers["location"]) as answer, archive.open("wb") as to:
            answer.raise_for_status()
            for piece in answer.iter_bytes(1 << 20):
                to.write(piece)
        run.size_mb = archive.stat().st_size / 2**20
        run.floor_s = self._packed(archive)
        return run, archive

    def end(self, owner: Owner, name: str, *, todos: int) -> Run:
        """Erase it."""
        floor = self._deleted(owner.id)
        asked = {"password": PASSWORD, "grace_days": 0}
        receipt = owner.must("POST", "/me/erasure", json=asked)["receipt_id"]
        path = f"/api/v1/erasure-receipts/{receipt}"

        def told() -> dict[str, Any]:
            found: dict[str, Any] = owner.http.get(path).raise_for_status().json()
            over = found["signature"] is not None
            done = sum(each["state"] == "done" for each in found["progress"]) / len(Store)
            return {"status": "succeeded" if over else "running", "progress": done}

        run = self._run(name, todos, 0, told)
        run.floor_s = floor
        return run

    def record(self, owner: Owner, mega: int) -> None:
        """So much audio, as if it had been heard long ago: nothing is left to be done with it."""
        bar = self._bars.add_task("recordings", total=mega)
        for _ in range(0, mega, RECORDING_MB):
            audio = noise(min(RECORDING_MB, mega) * 2**20)
            owner.must("POST", "/voice/memos", files={"audio": ("memo.wav", audio, "audio/wav")})
            self._bars.advance(bar, RECORDING_MB)
        self._bars.remove_task(bar)

        def waiting() -> bool:
            found = self._stack.rows(
                "SELECT 1 FROM jobs WHERE kind = 'voice_memo' AND finished_at IS NULL"
                " AND status <> 'waiting' LIMIT 1"
            )
            return bool(found)

        ends = time.monotonic() + GIVE_UP_S
        while waiting():
            _demand(time.monotonic() < ends, "recordings are worked on for too long")
            time.sleep(0.5)

    def settle(self) -> None:
        """Idle is what it is after a small one of each, as a worker is that has worked before."""
        owner = self.somebody()
        self.bring(owner, "first", "localstorage", local(10), todos=10)
        self.take(owner, "first", "json", todos=10)
        self.end(owner, "first", todos=10)
        time.sleep(1)
        self._idle_mb = memory_mb(self._worker)

    def _run(self, name: str, todos: int, size: int, told: Callable[[], dict[str, Any]]) -> Run:
        bar = self._bars.add_task(f"{name} {todos:,}", total=1.0)
        spent, began = cpu_s(self._worker), time.monotonic()
        with _peak(self._worker) as peak:
            seen = told()
            while seen["status"] not in {"succeeded", "failed", "cancelled"}:
                _demand(time.monotonic() - began < GIVE_UP_S, f"{name}: {seen}")
                self._bars.update(bar, completed=seen["progress"])
                time.sleep(LOOK_EVERY_S)
                seen = told()
            took = time.monotonic() - began
        self._bars.remove_task(bar)
        _demand(seen["status"] == "succeeded", f"{name}: {seen}")
        spent = cpu_s(self._worker) - spent
        return Run(name, todos, size / 2**20, took, spent, peak[0], peak[0] - self._idle_mb)

    def _copied(self, workspace: UUID) -> float:
        """Seconds for COPY of what was written, into tables of the same kind."""
        with psycopg.connect(self._stack.url) as connection:
            kept = {table: _out(connection, table, workspace) for table in WRITTEN}
            self._floor_tables(connection)
            began = time.monotonic()
            for table, rows in kept.items():
                _into(connection, table, rows)
            connection.commit()
            return time.monotonic() - began

    def _deleted(self, workspace: UUID) -> float:
        """Seconds for the deletion of the same rows where nothing else hangs on them."""
        with psycopg.connect(self._stack.url) as connection:
            self._floor_tables(connection)
            for table in WRITTEN:
                _into(connection, table, _out(connection, table, workspace))
            connection.commit()
            began = time.monotonic()
            for table in WRITTEN:
                statement = f"DELETE FROM floor.{table} WHERE workspace_id = %s"  # noqa: S608 - our names
                connection.execute(statement.encode(), (workspace,))
            connection.commit()
            return time.monotonic() - began

    def _floor_tables(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute("DROP SCHEMA IF EXISTS floor CASCADE")
        connection.execute("CREATE SCHEMA floor")
        for table in WRITTEN:
            statement = f"CREATE TABLE floor.{table} (LIKE public.{table} INCLUDING ALL)"
            connection.execute(statement.encode())

    def _packed(self, archive: Path) -> float:
        """Seconds for zipfile over the same members, from disk to disk."""
        folder = self._stack.folder / "unpacked"
        with zipfile.ZipFile(archive) as whole:
            whole.extractall(folder)  # one that we made a moment ago
            members = whole.infolist()
        began = time.monotonic()
        with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as again:
            for each in members:
                again.write(folder / each.filename, each.filename, each.compress_type)
        took = time.monotonic() - began
        folder.with_suffix(".zip").unlink()
        shutil.rmtree(folder)
        return took

    def _execute(self, statement: str, key: UUID) -> None:
        with psycopg.connect(self._stack.url, autocommit=True) as connection:
            connection.execute(statement.encode(), {"id": key})


def _out(connection: psycopg.Connection[Any], table: str, workspace: UUID) -> list[bytes]:
    statement = f"COPY (SELECT * FROM {table} WHERE workspace_id = '{workspace}') TO STDOUT"  # noqa: S608 - our names, a UUID
    with connection.cursor().copy(statement.encode()) as copy:
        return [bytes(piece) for piece in copy]


def _into(connection: psycopg.Connection[Any], table: str, rows: list[bytes]) -> None:
    with connection.cursor().copy(f"COPY floor.{table} FROM STDIN".encode()) as copy:
        for piece in rows:
            copy.write(piece)


@contextmanager
def _peak(pid: int) -> Iterator[list[float]]:
    """The most memory that it used meanwhile, in MB, as one number."""
    most, over = [memory_mb(pid)], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            most[0] = max(most[0], memory_mb(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        over.set()
        looking.join()


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 (a condition, as in assert)
    if not holds:
        raise RuntimeError(otherwise)


def growth(bench: Bench) -> list[Run]:
    """The same for each size: import, export without audio, erasure."""
    imports, exports, ends = [], [], []
    for todos in GROWTH:
        owner = bench.somebody()
        imports.append(
            bench.bring(owner, "import, growing", "localstorage", local(todos), todos=todos)
        )
        made, archive = bench.take(owner, "export, growing", "json", "csv", "ics", todos=todos)
        archive.unlink()
        exports.append(made)
        ends.append(bench.end(owner, "erasure, growing", todos=todos))
    return [*imports, *exports, *ends]


def whole(bench: Bench) -> list[Run]:
    """Each format, and an account with recordings out, in again, and to its end."""
    runs, owners = [], {}
    for kind, make in FILES.items():
        owners[kind] = bench.somebody()
        runs.append(bench.bring(owners[kind], f"import, {kind}", kind, make(TODOS), todos=TODOS))
    owner = owners["ics"]  # with series and reminders
    _, archive = bench.take(owner, "export, json", "json", todos=TODOS)
    other = bench.somebody()
    runs.append(
        bench.bring(other, "import, own archive", "json", archive.read_bytes(), todos=TODOS)
    )
    archive.unlink()
    for run in runs:
        run.aim_s = IMPORT_S * max(1.0, TODOS / 10_000)
    bench.record(owner, AUDIO_MB)
    made, archive = bench.take(
        owner, f"export, with {AUDIO_MB:,} MB of audio", "json", "csv", "ics", "audio", todos=TODOS
    )
    archive.unlink()
    made.aim_s, made.aim_mb = EXPORT_S, EXPORT_MB
    erased = bench.end(owner, f"erasure, with {AUDIO_MB:,} MB of audio", todos=TODOS)
    return [*runs, made, erased]


def measure(folder: Path) -> list[Run]:
    with parts(folder) as at, Progress(transient=True) as bars:
        bench = Bench(at.stack, at.api.url, at.worker.popen.pid, bars)
        bench.settle()
        return [*whole(bench), *growth(bench)]


def main() -> None:
    before = os.getloadavg()[0]  # what others do on this machine
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        runs = measure(Path(folder))
    table = Table(*HEADS)
    for run in runs:
        table.add_row(*run.cells())
    Console(width=200).print(table)
    missed = [each for run in runs for each in run.missed]
    load = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
    note = f"{load}; {'; '.join(missed) or 'every aim is met'}"
    keep("A person's data", "python -m bench.data", table, note=note)
    if missed:
        raise SystemExit("\n".join(missed))


if __name__ == "__main__":
    main()
