"""The project's processes, on private ports and files, to be killed by a trial.

Not `voicetodo up`: that one starts again what a trial wants dead.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from api.up import KEEP_ALIVE_S
from core import embedded, migrate
from core.children import die_with_parent
from tests import plain, temporal
from tests.patience import PATIENCE_S
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
UVICORN = (
    *("--loop", "uvloop", "--http", "httptools", "--log-level", "warning", "--no-access-log"),
    *("--timeout-keep-alive", str(KEEP_ALIVE_S)),
)


class Process:
    """A child with its log in a file. Listening is not awaited: ask `ready`."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        log: Path,
        url: str,
        **options: Any,
    ) -> None:
        self.url = url
        self._log = log
        with log.open("ab") as sink:
            self.popen = subprocess.Popen(
                command,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdout=options.pop("stdout", sink),
                stderr=sink,
                process_group=0,  # what it forked goes with it
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one prctl, no locks
                **options,
            )

    @property
    def dead(self) -> bool:
        return self.popen.poll() is not None

    def is_ready(self, path: str = "/ready") -> bool:
        try:
            return plain.get(self.url + path, timeout=2).is_success
        except httpx2.TransportError:
            return False

    def ready(self, path: str = "/ready") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not self.is_ready(path):
            if self.dead or time.monotonic() > deadline:
                said = self._log.read_text()[-2000:]
                raise RuntimeError(f"{self.popen.args!r} does not start: {said}")
            time.sleep(0.05)

    def ended(self) -> list[int]:
        """Kill it; the numbers it printed, a line each."""
        assert self.popen.stdout is not None  # noqa: S101 (only asked of one that prints)
        self._signal()
        lines: list[bytes] = self.popen.stdout.readlines()
        self.kill()
        return [int(line) for line in lines]

    def kill(self) -> None:
        self._signal()
        self.popen.wait()
        if self.popen.stdout is not None:
            self.popen.stdout.close()

    def _signal(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)


class Stack:
    """Everything shares `folder` and the database; each part is started by whoever needs it."""

    def __init__(self, folder: Path, url: str, **environment: str) -> None:
        self.folder = folder
        self.url = url
        self.temporal = temporal.Server(folder)
        self._sandbox_port = free_port()
        self._processes: list[Process] = []
        self._clients: list[httpx2.Client] = []
        self.environment = {
            "VOICETODO_DATA_DIR": str(folder),
            "VOICETODO_PROFILE": "dev",
            "VOICETODO_TEMPORAL_PORT": str(self.temporal.settings.temporal_port),
            "VOICETODO_SANDBOX_PORT": str(self._sandbox_port),
            "VOICETODO_SANDBOX_EVENTS": "false",  # what comes twice is counted, not prevented
            "VOICETODO_RATE_LIMIT_API": "1000000000",
            "VOICETODO_RATE_LIMIT_AUTH": "1000000000",
            "VOICETODO_RATE_LIMIT_UPLOADS": "1000000000",
            "VOICETODO_PASSWORD_MEMORY_MIB": "8",
            "DATABASE_URL": url,
            **environment,
        }

    def api(self, **environment: str) -> Process:
        port = free_port()
        command = _uvicorn("api.main:app", port)
        started = self._start("api", command, port, environment=environment)
        started.ready()
        return started

    def listening_api(self) -> Process:
        """One that the sandbox, if it is started after this, tells what became of e-mails."""
        port = free_port()
        self.environment["VOICETODO_SANDBOX_EVENTS"] = "true"
        self.environment["VOICETODO_API_PORT"] = str(port)
        started = self._start("api", _uvicorn("api.main:app", port), port)
        started.ready()
        return started

    def sandbox(self, app: str = "integrations.sandbox.app:app") -> Process:
        command = _uvicorn(app, self._sandbox_port)
        started = self._start("sandbox", command, self._sandbox_port)
        started.ready("/health")
        return started

    def worker(self, **environment: str) -> Process:
        """Not awaited: one that is told to die may do so before it is ready."""
        port = free_port()
        command = [sys.executable, "-P", str(ROOT / "worker.py")]
        own = {"VOICETODO_WORKER_METRICS_PORT": str(port), **environment}
        return self._start("worker", command, port, environment=own)

    def doomed_api(self, fault: str, listener: int, spare: int) -> Process:
        """Servers that die at `fault`, one after another; see `bench.chaos.forking`."""
        return self._forking(listener, [str(spare)], FAULT=f"{fault}:kill")

    def mortal_api(
        self, listener: int, spare: int, longest_life_s: float, seed: float, faults: Sequence[str]
    ) -> Process:
        """Servers that die at one of the faults or at any moment, within so many seconds."""
        return self._forking(listener, [str(spare), str(longest_life_s), str(seed), *faults])

    def _forking(self, listener: int, arguments: Sequence[str], **environment: str) -> Process:
        command = [sys.executable, "-m", "bench.chaos.forking", str(listener), *arguments]
        return self._start(
            "doomed",
            command,
            0,
            environment=environment,
            pass_fds=[listener],
            stdout=subprocess.PIPE,
        )

    def rows(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def is_sending(self) -> bool:
        """A message is on its way, for all one knows: a database that is away tells nothing."""
        try:
            [(found,)] = self.rows(
                "SELECT EXISTS (SELECT FROM deliveries WHERE status = 'sending')"
            )
        except psycopg.OperationalError:
            return False
        return bool(found)

    def script(self, *faults: Mapping[str, object]) -> None:
        """These faults of the mail service, instead of those that are left."""
        with self.vendor() as http:
            http.delete("/faults").raise_for_status()
            for fault in faults:
                answer = http.post("/faults", json={"vendor": "sendgrid", "times": 1, **fault})
                answer.raise_for_status()

    def mails(self) -> list[dict[str, Any]]:
        with self.vendor() as http:
            found: list[dict[str, Any]] = http.get("/mail.json").json()
        return found

    def vendor(self) -> httpx2.Client:
        return plain.client(f"http://127.0.0.1:{self._sandbox_port}", timeout=30)

    def closes(self, client: httpx2.Client) -> httpx2.Client:
        """This client, closed when everything stops."""
        self._clients.append(client)
        return client

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        for process in reversed(self._processes):
            process.kill()
        self.temporal.kill()

    def _start(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        *,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Process:
        started = Process(
            command,
            {**self.environment, **(environment or {})},
            self.folder / f"{name}.log",
            f"http://127.0.0.1:{port}",
            **options,
        )
        self._processes.append(started)
        return started


def _uvicorn(app: str, port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", app, "--port", str(port), *UVICORN]


@contextmanager
def running(folder: Path, url: str | None = None, **environment: str) -> Iterator[Stack]:
    """A stack with a migrated database; without `url`, in a PostgreSQL of its own."""
    if url is None:
        with embedded.postgres(folder) as own, running(folder, own, **environment) as stack:
            yield stack
        return
    migrate.run(url)
    stack = Stack(folder, url, **environment)
    try:
        yield stack
    finally:
        stack.stop()
