"""People edit a calendar and their todos while workers sync them over real parts, by seed.

The sandbox's Google loses answers, is late, forgets tokens and fails, but does not lie; workers are
killed between any two steps, or two work at once. What must hold then is judged as in the
simulation of the rules.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import httpx2

from activities.calendars import Sliced, State
from core.messages import CalendarMessage
from tests.calendar_known import WRITES, Outcome
from tests.calendar_people import People
from tests.calendars import ENDS

STEPS: Final = 30
ROUNDS: Final = 8  # without faults, until nothing is left to do
LATE: Final = 503  # to us a failure; the request is under way and arrives later
LOST: Final[tuple[Mapping[str, object], ...]] = (
    {"drop": "before"},
    {"drop": "midway"},
    {"drop": "midway"},
    {"status": 500},
    {"status": LATE},
    {"status": LATE},
    {"status": 429, "headers": {"Retry-After": "1"}},
)
FAULTS: Final[Mapping[str, tuple[Mapping[str, object], ...]]] = {
    "events.list": (*LOST, {"status": 410, "body": {"error": {"code": 410, "errors": []}}}),
    "events.get": LOST,
    "events.insert": LOST,
    "events.patch": (*LOST, {"status": 412}),
    # Its answer has no body to be cut; the ledger does not say whether it was refused.
    "events.delete": (*LOST, {"drop": "after"}, {"drop": "after"}, {"status": 412}),
}


class Life(People):
    """One seed at a desk that was never synced: `live` tells what came of it."""

    async def live(self) -> Outcome:
        await self._at.settings(events_become_todos="all")
        for _ in range(self._rng.randint(2, 4)):
            await self._makes_todo()
        await self._makes_todo(recurrence={"rrule": "FREQ=WEEKLY"})
        for _ in range(self._rng.randint(1, 3)):
            await self._makes_event()
        for _ in range(STEPS):
            await self._step()
        await self._quiet()
        await self._judge()
        return self.outcome

    async def _step(self) -> None:
        chosen = self._rng.random()
        if chosen < 0.4:
            await self._rng.choice(self._people())()
        elif chosen < 0.6:
            self._fails()
            self._fails()
        elif chosen < 0.66 and self._workers:
            self._met("worker killed")
            self._kill(self._rng.choice(self._workers))
        elif chosen < 0.72:
            await self._arrives()
        elif chosen < 0.75:
            self._met("tokens expired")
            self._at.world.sandbox.post("/google/expire").raise_for_status()
        else:
            await self._works()
        await asyncio.sleep(self._rng.choice((0, 0.002, 0.01, 0.02)))
        self._workers = [each for each in self._workers if not self._is_over(each)]

    def _people(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self._makes_todo,
            self._makes_event,
            *[self._edits_todo] * 5,
            *[self._edits_event] * 5,
        ]

    async def _works(self) -> None:
        """Another slice; now and then while one is at it, with what is then the older fence."""
        if len(self._workers) > 1 or (self._workers and self._rng.random() < 0.6):
            return
        if self._workers:
            self._met("two workers")
        for _ in range(self._rng.choice((0, 1, 1, 2))):
            await self._at.poke()  # told twice is told once
        await self._at.begin()
        self._workers.append(asyncio.create_task(self._run()))

    async def _run(self) -> Sliced:
        row = await self._at.row()
        run = CalendarMessage(self._at.person.id, self._at.id, row["run_no"])
        seconds = self._rng.choice((0.0, 0.01, 3.0))  # 0: a step and no more
        while (done := await self._at.slice(run, slice_s=seconds)).state not in ENDS:
            pass
        return done

    def _kill(self, worker: asyncio.Task[Sliced]) -> None:
        worker.cancel()
        self._workers.remove(worker)
        self._killed.append(worker)

    def _is_over(self, worker: asyncio.Task[Sliced]) -> bool:
        if worker.done() and not worker.cancelled():
            self._demand(worker.result().state is not State.PAUSED, "it was paused")
        return worker.done()

    def _fails(self) -> None:
        """The next call of a kind."""
        kind = self._rng.choice(list(FAULTS))
        how = self._rng.choice(FAULTS[kind])
        self._met(_name(how))
        self._at.world.fault("google_calendar", kind=kind, **how)

    async def _arrives(self) -> None:
        """What nobody waits for any more comes in."""
        for row in self._at.world.sandbox.get(
            "/ledger.json", params={"since": self._late.since, "vendor": "google_calendar"}
        ).json():
            self._late.since = row["seq"]
            if row["kind"] in WRITES and row["response_status"] == LATE:
                self._late.waiting.append(row["request"])
        if not self._late.waiting:
            return
        self._met("request late")
        late = self._late.waiting.pop(self._rng.randrange(len(self._late.waiting)))
        headers = {"authorization": f"Bearer {self._token()}"}
        headers |= {k: v for k, v in late["headers"].items() if k in ("if-match", "content-type")}
        with suppress(httpx2.TransportError):
            self._at.world.sandbox.request(
                late["method"], late["path"], headers=headers, content=late["body"]
            )

    def _token(self) -> str:
        given = {
            "grant_type": "refresh_token",
            "client_id": "voicetodo",
            "client_secret": "any",
            "refresh_token": self._at.hand.refresh_token.get_secret_value(),
        }
        answer = self._at.world.sandbox.post("/google/token", data=given).json()
        return str(answer["access_token"])

    async def _quiet(self) -> None:
        """Nothing breaks any more, all that is under way comes in, people decide."""
        for worker in list(self._workers):
            self._kill(worker)
        await asyncio.wait(self._killed) if self._killed else None
        for never_met in self._at.world.sandbox.get("/faults.json").json():
            self.outcome.faults[_name(never_met)] -= 1
        self._at.world.sandbox.delete("/faults")
        await self._arrives()
        while self._late.waiting:
            await self._arrives()
        for nth in range(ROUNDS):  # the first goes on with what was under way
            since = self._at.world.latest(), await self._version()
            await self._at.poke()
            await self._at.begin()
            done = await self._run()
            self._demand(nth == 0 or done.state is State.SYNCED, f"{done.state} in the end")
            asked = await self._decide()
            unchanged = not self._at.writes(since[0]) and since[1] == await self._version()
            if nth and unchanged and not asked:
                return
        self._demand(holds=False, otherwise="never comes to rest")

    async def _version(self) -> int:
        [(total,)] = await self._sql(
            "SELECT coalesce(sum(version), 0) FROM todos WHERE workspace_id = %s"
        )
        return int(total)

    async def _decide(self) -> bool:
        path = f"/integrations/{self._at.id}/quarantine"
        if not (await self._at.person.get(path)).json()["data"]:
            return False
        self._met("person asked")
        await self._at.person.post(path, json={"decision": "apply"})
        return True


def _name(fault: Mapping[str, object]) -> str:
    """As it is told of."""
    drops = {"before": "request lost", "midway": "answer lost", "after": "answer lost"}
    return drops.get(str(fault.get("drop"))) or str(fault["status"])
