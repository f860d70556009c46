"""One parent for a handful of processes: started in order, watched, restarted, stopped in reverse.

Written out because what exists does not hold: honcho left every process behind when it was killed
itself, and it knows no readiness. Nothing here knows which parts there are; `api/up.py` does.
"""

import asyncio
import os
import re
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.children import die_with_parent
from core.errors import Misconfigured

START_SECONDS = 60
STOP_SECONDS = 15  # per part, then it is killed
STEADY_SECONDS = 10  # who lived so long was not dying at once
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
POLL_SECONDS = 0.05
LONGEST_LINE = 64 * 1024
_GUARD = Path(__file__).with_name("guard.py")


async def _at_once() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """A process to keep alive, or with `once` a step that must end with exit code 0.

    `ready` is asked after every start until it says yes, so what must be done to a fresh server
    belongs into it. `prepare` runs in a thread before every start and may raise Misconfigured.
    `options` go to `Popen`; lines that `noise` finds are not shown. If the parent is killed,
    the part gets `orphan_signal`: from the kernel, or where that cannot do it from `api/guard.py`.
    """

    name: str
    command: Sequence[str]
    after: tuple[str, ...] = ()
    ready: Callable[[], Awaitable[bool]] = _at_once
    once: bool = False
    prepare: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    options: Mapping[str, Any] = field(default_factory=dict)
    noise: re.Pattern[str] | None = None
    remedy: str = "its lines above say why"


class Supervisor:
    """Runs `parts`, listed in their order of start; `log` takes (name, line), `note` (name, news).

    Call `run` from the main thread: signals arrive there, and the kernel ties children to it.
    With `pids` that folder holds `<name>.pid` of every part that runs.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        env: Mapping[str, str],
        log: Callable[[str, str], None],
        note: Callable[[str, str], None],
        pids: Path | None = None,
        guarded: bool = sys.platform != "linux",
    ) -> None:
        self._parts = parts
        self._env = dict(env)
        self._log = log
        self._note = note
        self._pids = pids
        self._up = {part.name: asyncio.Event() for part in parts}
        self._processes: dict[str, Process] = {}
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._last_line: dict[str, str] = {}
        self._stop = asyncio.Event()
        self._guarded = guarded
        self._guard: Process | None = None

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Return after SIGINT, SIGTERM or SIGHUP with every part stopped; a second one kills them.

        Misconfigured if a part does not come up the first time; then too everything is stopped.
        """
        self._forget_pids()
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in signals:
            loop.add_signal_handler(number, self._interrupted)
        if self._guarded:
            self._guard = await asyncio.create_subprocess_exec(
                *(sys.executable, "-IS", str(_GUARD)), stdin=PIPE, process_group=0
            )
        keepers = [asyncio.create_task(self._keep(part)) for part in self._parts]
        stopped = asyncio.create_task(self._stop.wait())
        announced = asyncio.create_task(self._announce(on_ready))
        pending: set[asyncio.Task[Any]] = {stopped, announced, *keepers}
        try:
            while not stopped.done():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (stopped, announced, *keepers):
                task.cancel()
            await asyncio.gather(stopped, announced, *keepers, return_exceptions=True)
            await self._stop_all()
            await self._dismiss_guard()
            for number in signals:
                loop.remove_signal_handler(number)

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        for event in self._up.values():
            await event.wait()
        on_ready()

    async def _keep(self, part: Part) -> None:
        for name in part.after:
            await self._up[name].wait()
        failures = 0
        while True:
            began = time.monotonic()
            first = not self._up[part.name].is_set()
            try:
                ended = await self._live(part)
            except Misconfigured as error:
                if first:
                    raise
                ended = error.detail
            if part.once:
                return
            failures = 0 if time.monotonic() - began > STEADY_SECONDS else failures + 1
            wait = min(FIRST_WAIT_SECONDS * 2 ** max(failures - 1, 0), LONGEST_WAIT_SECONDS)
            self._note(part.name, f"{ended}; starting it again in {wait:.1f} s")
            await asyncio.sleep(wait)

    async def _live(self, part: Part) -> str:
        """Start a part, see it ready, stay until it ends and tell how; Misconfigured if unready."""
        if part.prepare is not None:
            await asyncio.to_thread(part.prepare)
        began = time.monotonic()
        process = await self._spawn(part)
        is_ready = await self._becomes_ready(part, process)
        if is_ready:
            self._note(part.name, f"ready in {time.monotonic() - began:.1f} s")
            self._up[part.name].set()
            if part.once:
                self._ended(part, process)
                return "done"
            await process.wait()
        hung = process.returncode is None
        _signal_group(process.pid, signal.SIGKILL)  # what a dead part started goes with it
        await process.wait()
        self._ended(part, process)
        await asyncio.wait({self._pumps[part.name]}, timeout=1)
        if is_ready:
            return f"ended unasked ({_how(process)})"
        how = f"no answer within {START_SECONDS} s" if hung else _how(process)
        said = self._last_line.get(part.name, "it said nothing")
        raise Misconfigured(f"{part.name} does not start ({how}): {said} - {part.remedy}")

    async def _becomes_ready(self, part: Part, process: Process) -> bool:
        deadline = time.monotonic() + START_SECONDS
        if part.once:
            return await process.wait() == 0
        while process.returncode is None and time.monotonic() < deadline:
            # The answer counts only if the process outlived it: another may hold its port.
            if await part.ready() and process.returncode is None:
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _spawn(self, part: Part) -> Process:
        process = await asyncio.create_subprocess_exec(
            *part.command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=self._env,
            process_group=0,  # the terminal's Ctrl-C reaches the parent alone
            umask=0o077,
            preexec_fn=die_with_parent(part.orphan_signal),
            **part.options,
        )
        self._processes[part.name] = process
        self._write_pid(part, process)
        self._pumps[part.name] = asyncio.create_task(self._pump(part, process))
        self._tell_guard(f"{process.pid} {int(part.orphan_signal)}")
        return process

    def _forget_pids(self) -> None:
        """What a killed parent left names processes that are not ours."""
        if self._pids is not None:
            for stale in self._pids.glob("*.pid"):
                stale.unlink()

    def _write_pid(self, part: Part, process: Process) -> None:
        if self._pids is not None:
            self._pids.mkdir(mode=0o700, exist_ok=True)
            draft = self._pids / f"{part.name}.new"
            draft.write_text(f"{process.pid}\n", encoding="ascii")
            draft.replace(self._pids / f"{part.name}.pid")  # whoever reads sees all of it

    def _ended(self, part: Part, process: Process) -> None:
        self._tell_guard(f"{process.pid} 0")
        if self._pids is not None:
            (self._pids / f"{part.name}.pid").unlink(missing_ok=True)

    async def _pump(self, part: Part, process: Process) -> None:
        if process.stdout is None:
            return
        rest = b""
        while chunk := await process.stdout.read(LONGEST_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._show(part, line)
        self._show(part, rest)

    def _show(self, part: Part, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text:
            self._last_line[part.name] = text
            if part.noise is None or not part.noise.search(text):
                self._log(part.name, text)

    def _tell_guard(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.write(f"{line}\n".encode())

    async def _dismiss_guard(self) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            await self._guard.wait()

    def _interrupted(self) -> None:
        if self._stop.is_set():
            for process in self._processes.values():
                if process.returncode is None:
                    _signal_group(process.pid, signal.SIGKILL)
        self._stop.set()

    async def _stop_all(self) -> None:
        self._stop.set()  # from here on an interruption kills
        for part in reversed(self._parts):
            process = self._processes.get(part.name)
            if process is None:
                continue
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(part.stop_signal)
                try:
                    await asyncio.wait_for(process.wait(), STOP_SECONDS)
                except TimeoutError:
                    self._note(part.name, f"killed, still there after {STOP_SECONDS} s")
                _signal_group(process.pid, signal.SIGKILL)
                await process.wait()
                self._ended(part, process)
                self._note(part.name, "stopped")
            await asyncio.wait({self._pumps[part.name]}, timeout=1)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
        os.killpg(group, number)


def _how(process: Process) -> str:
    code = process.returncode or 0
    return f"by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
