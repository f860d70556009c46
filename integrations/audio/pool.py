"""Processes that work on what strangers recorded: one that dies or hangs is replaced.

Not `concurrent.futures`: there the death of one process fails whatever the others were doing, a
task cannot be ended, and answers are unpickled, which runs what a hijacked process wants.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from core import logs
from core.errors import Unavailable
from integrations.audio.child import HEAD, Refused, Reply, pack
from integrations.closing import Closing

log = logs.get(__name__)

START_S: Final = 60.0  # a model is read; on a machine that does much else, too
TASKS_EACH: Final = 200  # then another takes over: what libraries leak goes with it
LONGEST_TEXT: Final = 4 * 1024 * 1024
LONGEST_DATA: Final = 64 * 1024 * 1024
PROGRAM: Final = "from integrations.audio.child import main; main()"
ROOT: Final = Path(__file__).resolve().parents[2]
# No setting and no secret of ours: there is nothing in there to be stolen.
KEPT: Final = ("PATH", "LANG", "LC_ALL", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Pool(Closing):
    """Use as an async context manager; share one in each process.

    `tasks` is the name of a module whose `prepare()` gives what can be asked for. Processes are
    started when they are needed, at most `size`; the rest of the work waits for its turn.
    """

    def __init__(
        self, tasks: str, *, size: int, tasks_each: int = TASKS_EACH, start_s: float = START_S
    ) -> None:
        self._tasks = tasks
        self._start_s = start_s
        self._tasks_each = tasks_each
        self._slots = asyncio.Semaphore(size)
        self._idle: list[_Worker] = []

    async def run(
        self, task: str, data: bytes, *, cpu_s: float, wall_s: float, **asked: object
    ) -> Reply:
        """Carry out the task within `cpu_s` of processor time and `wall_s` of anybody's.

        Raises Refused for good: as the task says, or `too_hard` when the processor time was not
        enough or two processes in turn died of it. Raises Unavailable when `wall_s` were not
        enough, or a process could not be started.
        """
        order = {"task": task, "cpu_s": cpu_s, **asked}
        async with self._slots:
            try:
                return await self._run(order, data, wall_s)
            except _Died as died:
                # Whoever kills processes has most likely hit this one by chance; once.
                log.warning("recordings.process_died", reason=died.reason, kind=task)
            try:
                return await self._run(order, data, wall_s)
            except _Died as died:
                log.warning("recordings.process_died", reason=died.reason, kind=task)
                raise Refused("too_hard") from died

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().end()

    async def _run(self, order: Mapping[str, object], data: bytes, wall_s: float) -> Reply:
        worker = await self._free()
        is_well = False
        try:
            async with asyncio.timeout(wall_s):
                said, answer = await worker.ask(order, data)
            is_well = True
        except TimeoutError as error:
            raise Unavailable("the recording took too long to work on") from error
        finally:
            # A cancelled caller, too, leaves a process behind that works on for nobody.
            if is_well and worker.done < self._tasks_each:
                self._idle.append(worker)
            else:
                await worker.end()
        if refused := said.get("refused"):
            raise Refused(str(refused))
        return said, answer

    async def _free(self) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            if worker.process.returncode is None:
                return worker
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", PROGRAM, self._tasks),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_environment(),
        )
        worker = _Worker(process)
        try:
            async with asyncio.timeout(self._start_s):
                await worker.hear()
        except BaseException as error:
            await worker.end()
            if isinstance(error, (TimeoutError, _Died)):
                raise Unavailable("no process could be started to work on recordings") from error
            raise
        return worker


class _Died(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Worker:
    process: Process
    done: int = field(default=0)

    async def ask(self, order: Mapping[str, object], data: bytes) -> Reply:
        self.done += 1
        with suppress(ConnectionError):  # it died: `hear` says of what
            assert self.process.stdin is not None  # noqa: S101 - asked for when it was started
            self.process.stdin.write(pack(order, data))
            self.process.stdin.write(data)
            await self.process.stdin.drain()
        return await self.hear()

    async def hear(self) -> Reply:
        assert self.process.stdout is not None  # noqa: S101 - asked for when it was started
        try:
            head = await self.process.stdout.readexactly(HEAD.size)
            text_bytes, data_bytes = HEAD.unpack(head)
            if text_bytes > LONGEST_TEXT or data_bytes > LONGEST_DATA:
                raise _Died("an answer of no use")
            said: dict[str, Any] = orjson.loads(await self.process.stdout.readexactly(text_bytes))
            return said, await self.process.stdout.readexactly(data_bytes)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            code = await self.process.wait()
            if code == -signal.SIGXCPU:
                raise Refused("too_hard") from error
            raise _Died(f"exit {code}") from error

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**kept, **ONE_THREAD, "PYTHONPATH": path}
