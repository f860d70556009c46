"""Todos that recur every minute: reminded of each time, completed, skipped, or left to roll on.

Nobody is told of each moment: the rule promises them. So the armings are known from the rule, up to
what was asked for next.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bench.chaos.client import Told
from bench.chaos.lives import CHANNELS, Life, wall
from bench.chaos.promises import Arming

A_MINUTE = timedelta(minutes=1)
BEYOND = 3 * A_MINUTE  # after what was asked for nothing more comes; looked for so long


@dataclass(slots=True)
class RecurringLife(Life):
    """`seconds`: how long it goes on before the series is completed."""

    seconds: float = 90.0
    completions: int = 0  # acknowledged, with a next one
    series_id: UUID | None = None
    _first: datetime | None = None  # the moment from which the rule promises

    async def live(self) -> None:
        ends = time.monotonic() + self.seconds
        await self._make()
        while self.series_id is not None and self.certain and time.monotonic() < ends:
            await asyncio.sleep(self.rng.uniform(5, 50))
            await self.rng.choice((self._complete, self._skip))()
        if self.series_id is not None:
            self._over(await self._ask("POST", f"/series/{self.series_id}/complete"))

    async def _make(self) -> None:
        self._channels = self.rng.choice(CHANNELS)
        due = self._moment().replace(microsecond=0)
        body: dict[str, object] = {
            "title": self.title,
            "due": wall(due),
            "recurrence": {"rrule": "FREQ=MINUTELY"},
            "reminders": [{"before": "PT0S", "channels": self._channels}],
        }
        told = await self._ask("POST", "/todos", body)
        if told.body is not None:
            self.series_id = UUID(told.body["series_id"])
            self._goes_on(told.body)

    async def _complete(self) -> None:
        told = await self._ask("POST", f"/todos/{self.todo_id}/complete")
        self._over(told)
        if told.body is None:
            return
        if told.body["next"] is None:
            self.violations.append(f"{self.todo_id} was completed, and nothing comes next")
            self.certain = False
            return
        self.completions += 1
        self._goes_on(told.body["next"])

    async def _skip(self) -> None:
        told = await self._ask("POST", f"/todos/{self.todo_id}/skip")
        self._over(told)
        if told.body is not None:
            self._goes_on(told.body)

    def _goes_on(self, todo: dict[str, object]) -> None:
        """From the moment of this todo on, each minute."""
        reminders = todo["reminders"]
        assert isinstance(reminders, list)  # noqa: S101 (an answer of ours)
        self.todo_id = UUID(str(todo["id"]))
        self._reminder_id = UUID(reminders[0]["id"])
        self._first = datetime.fromisoformat(str(todo["due_at"]))

    def _over(self, told: Told) -> None:
        """Something else was asked for: the moments until then were promised, no later ones.

        That of the last minute may not have come yet, and then it need not any more.
        """
        if self._first is None or self._reminder_id is None:
            return
        if not told.done and told.granted is not None:  # refused: all stays as it was
            return
        known = {(each.reminder_id, each.due): each for each in self.armings}
        due = self._first
        while due <= (told.granted or told.asked) + BEYOND:
            stands = due <= told.asked - A_MINUTE
            made = Arming(self._reminder_id, due, self._channels)
            if not stands:
                made.asked, made.granted = told.asked, told.granted
            known[self._reminder_id, due] = made
            due += A_MINUTE
        self.armings = list(known.values())
        self._first = None
