"""What breaks everything, at moments that a seed decides: a plan, and the hand that carries it out.

Workers are killed and frozen, Temporal is killed, PostgreSQL restarts without a word, the mail
service refuses, dawdles and hangs up, and the clocks of workers and API are set by an hour.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from random import Random

from bench.chaos import restarts
from bench.chaos.stack import Process, Stack

CALM_S = 3.0  # at the beginning
AN_HOUR_S = 3600
SHORTEST_FROZEN_S, FROZEN_S = 5.0, 25.0  # a lease is in between
CATCH_SENDING_S = 1.0  # a kill waits so long for something to be on its way
CATCH_DAWDLING_S = 5.0  # a freeze as well
DAWDLING: Mapping[str, object] = {"delay_ms": 2000, "times": 8}
TRUNCATED = '{"errors": [{"message": "internal se'
GARBAGE = "\x00\ufffd{]<html>"
SLOW: Mapping[str, object] = {"delay_ms": 150, "times": 1_000_000}
FAULTS: tuple[Mapping[str, object], ...] = (
    {"status": 429, "headers": {"Retry-After": "2"}, "times": 3},
    {"status": 500, "times": 3},
    {"status": 500, "body": TRUNCATED, "times": 2},
    {"status": 503, "body": GARBAGE, "headers": {"Retry-After": "soon"}, "times": 2},
    {"delay_ms": 3000, "times": 4},
    {"delay_ms": 6000, "times": 1},  # accepted after our patience
    {"drop": "before", "times": 2},
    {"drop": "after", "times": 2},
)


class Strike(StrEnum):
    KILL = "kill"
    FREEZE = "freeze"
    TEMPORAL = "temporal"
    POSTGRES = "postgres"
    VENDOR = "vendor"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Blow:
    """`at` seconds after the beginning; `lasts` what is down, or frozen, for as long."""

    at: float
    strike: Strike
    lasts: float = 0.0


def plan(seconds: float, kills: int, rng: Random) -> list[Blow]:
    """The same for the same seed. One outage of a kind is over before the next begins."""
    room = seconds - CALM_S

    def spread(count: int) -> Iterator[float]:
        return (CALM_S + (nth + rng.uniform(0, 0.5)) * room / count for nth in range(count))

    def often(every: float) -> int:
        return max(round(room / every), 1)

    blows = [Blow(at, Strike.KILL) for at in spread(kills)]
    longest = max(min(FROZEN_S, seconds / 2), SHORTEST_FROZEN_S)
    blows += [
        Blow(at, Strike.FREEZE, rng.uniform(SHORTEST_FROZEN_S, longest)) for at in spread(often(30))
    ]
    blows += [Blow(at, Strike.TEMPORAL, rng.uniform(1, 8)) for at in spread(often(120))]
    blows += [Blow(at, Strike.POSTGRES, rng.uniform(0.2, 4)) for at in spread(often(120))]
    blows += [Blow(at, Strike.VENDOR) for at in spread(often(8))]
    blows += [Blow(at, Strike.CLOCK) for at in spread(often(12))]
    return sorted(blows, key=lambda blow: blow.at)


@dataclass(slots=True)
class Workers:
    """So many, whatever happens: one that was killed is followed by another, as `up` does it."""

    stack: Stack
    clocks: "Clocks"
    alive: list[Process] = field(default_factory=list)
    frozen: list[Process] = field(default_factory=list)

    def start(self, count: int) -> None:
        self.alive += [self.stack.worker(**self.clocks.one_more()) for _ in range(count)]

    def kill(self, victim: Process) -> int:
        """How it ended."""
        victim.kill()
        self.alive.remove(victim)
        self.frozen = [each for each in self.frozen if each is not victim]
        self.start(1)
        return int(victim.popen.returncode)

    def freeze(self, victim: Process) -> None:
        self.frozen.append(victim)
        victim.popen.send_signal(signal.SIGSTOP)

    def thaw(self, victim: Process) -> None:
        if victim in self.frozen:
            self.frozen.remove(victim)
            victim.popen.send_signal(signal.SIGCONT)


@dataclass(slots=True)
class Clocks:
    """A file for each process, which says by how much its machine's clock is wrong."""

    folder: Path
    files: list[Path] = field(default_factory=list)

    def one_more(self) -> dict[str, str]:
        file = self.folder / f"clock.{len(self.files)}"
        self.files.append(file)
        self.set(file, 0)
        return {"CLOCK_FILE": str(file)}

    def set(self, file: Path, seconds: int) -> None:
        new = file.with_name(f"{file.name}.new")
        new.write_text(str(seconds))
        new.rename(file)  # nobody reads half a number


@dataclass(slots=True)
class Nemesis:
    stack: Stack
    workers: Workers
    rng: Random
    servers: ExitStack
    done: Counter[Strike] = field(default_factory=Counter)
    over_at: datetime | None = None  # when the last outage was
    ended: list[int] = field(default_factory=list)  # how workers that were killed ended

    async def strike(self, blows: list[Blow]) -> None:
        """Carry out the plan; returns when the last outage is over."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for blow in blows:
                await asyncio.sleep(max(began + blow.at - time.monotonic(), 0))
                self.done[blow.strike] += 1
                group.create_task(self._hit(blow))
        await asyncio.to_thread(self.stack.script)
        self.over_at = datetime.now(UTC)

    async def _hit(self, blow: Blow) -> None:
        match blow.strike:
            case Strike.KILL:
                await asyncio.to_thread(self._catch_sending)
                victim = self.rng.choice(self.workers.alive)
                self.ended.append(await asyncio.to_thread(self.workers.kill, victim))
            case Strike.FREEZE:
                await self._freeze(blow.lasts)
            case Strike.TEMPORAL:
                self.stack.temporal.kill()
                await asyncio.sleep(blow.lasts)
                await asyncio.to_thread(self.stack.temporal.start)
            case Strike.POSTGRES:
                folder, servers = self.stack.folder, self.servers
                await asyncio.to_thread(restarts.restart, folder, blow.lasts, servers)
            case Strike.VENDOR:
                fault = self.rng.choice(FAULTS)
                await asyncio.to_thread(self.stack.script, fault, SLOW)
            case Strike.CLOCK:
                clocks = self.workers.clocks
                for file in clocks.files:
                    clocks.set(file, self.rng.choice((-AN_HOUR_S, 0, AN_HOUR_S)))

    async def _freeze(self, seconds: float) -> None:
        """All but one, while something is on its way: one of them comes back with a late word."""
        await asyncio.to_thread(self.stack.script, DAWDLING, SLOW)
        await asyncio.to_thread(self._catch_sending, CATCH_DAWDLING_S)
        moving = [each for each in self.workers.alive if each not in self.workers.frozen]
        victims = self.rng.sample(moving, max(len(moving) - 1, 0))
        for victim in victims:
            self.workers.freeze(victim)
        await asyncio.sleep(seconds)
        for victim in victims:
            self.workers.thaw(victim)

    def _catch_sending(self, patience: float = CATCH_SENDING_S) -> None:
        """Return when a message is on its way, or nobody can say so."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not self.stack.is_sending():
            time.sleep(0.01)


@contextmanager
def nemesis(stack: Stack, workers: int, rng: Random) -> Iterator[Nemesis]:
    """With as many workers, which know nothing yet. What it started ends with the block."""
    with ExitStack() as servers:
        crew = Workers(stack, Clocks(stack.folder))
        crew.start(workers)
        yield Nemesis(stack, crew, rng, servers)
