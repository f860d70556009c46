"""Todos that live: made, reminded of, snoozed, moved, completed, reopened, deleted, by the API.

Each todo is one person's, who does one thing after the other; so what was promised is known at
every moment, but for the while in which an answer is awaited.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID, uuid4

from bench.chaos.client import Account, Asking, Told
from bench.chaos.promises import Arming

CHANNELS = (("email",), ("email",), ("email", "in_app"), ("in_app",))
MOST_ACTS = 4
WITHIN_S = 25.0
ABOUT = 0.25  # of all that is done happens about when the reminder fires
CONTENT = 0.8  # of those who were reminded do nothing more: what was promised stands
WRONG = 0.03  # of the todos ask for something that is refused
A_SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Life:
    """One todo with one reminder. `certain`: what was asked for last is known to be done or not."""

    asking: Asking
    account: Account
    rng: Random
    within: float = WITHIN_S  # a reminder is due so many seconds later, at most
    title: str = field(default_factory=lambda: uuid4().hex)
    todo_id: UUID | None = None
    status: str = "pending"
    deleted: bool = False
    certain: bool = True
    versions: list[int] = field(default_factory=list)
    armings: list[Arming] = field(default_factory=list)
    current: Arming | None = None
    violations: list[str] = field(default_factory=list)
    _reminder_id: UUID | None = None
    _wish: datetime | None = None
    _channels: tuple[str, ...] = ()

    async def live(self) -> None:
        if self.rng.random() < WRONG:
            await self._ask_for_the_past()
            return
        await self._make()
        if self.todo_id is None:
            return
        for _ in range(self.rng.randrange(MOST_ACTS + 1)):
            await self._wait()
            if self._has_fired() and self.rng.random() < CONTENT:
                break
            await self.rng.choice(self._acts())()
            if self.deleted or not self.certain:
                return
        if any(later < earlier for earlier, later in pairwise(self.versions)):
            self.violations.append(f"{self.todo_id} went from version to version {self.versions}")

    def _acts(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        if self.status == "completed":
            return (self._reopen, self._delete)
        acts = (self._edit, self._complete, self._delete)
        of_reminder = (self._snooze, self._snooze, self._reschedule, self._forget)
        return acts if self._reminder_id is None else (*acts, *of_reminder)

    async def _wait(self) -> None:
        """Some time before it fires, or about the moment at which it does."""
        if self.current is None:
            await asyncio.sleep(self.rng.uniform(0, 3))
            return
        left = (self.current.due - datetime.now(UTC)).total_seconds()
        about = self.rng.random() < ABOUT
        wait = left + self.rng.uniform(-1, 2) if about else self.rng.uniform(0, left)
        await asyncio.sleep(max(wait, 0))

    def _has_fired(self) -> bool:
        return self.current is not None and self.current.due <= datetime.now(UTC)

    async def _make(self) -> None:
        self._channels = self.rng.choice(CHANNELS)
        self._wish = self._moment().replace(microsecond=0)
        reminder = {"at": wall(self._wish), "channels": self._channels}
        told = await self._ask("POST", "/todos", {"title": self.title, "reminders": [reminder]})
        if told.body is not None:
            self.todo_id = UUID(told.body["id"])
            self._reminder_id = UUID(told.body["reminders"][0]["id"])
            self._read(told.body)
            self._promised(told, self._wish, told.body["reminders"][0])

    async def _ask_for_the_past(self) -> None:
        past = {"at": wall(datetime.now(UTC) - timedelta(days=1)), "channels": ["email"]}
        told = await self._ask("POST", "/todos", {"title": self.title, "reminders": [past]})
        if told.done:
            self.violations.append(f"a reminder in the past was answered {told.status}")

    async def _snooze(self) -> None:
        until = self._moment().replace(microsecond=self.rng.randrange(1, 1000) * 1000)
        await self._move("POST", "/snooze", {"until": until.isoformat()}, until)

    async def _reschedule(self) -> None:
        wish = self._moment().replace(microsecond=0)
        while any(each.due == wish for each in self.armings):
            wish += A_SECOND
        if (await self._move("PATCH", "", {"at": wall(wish)}, wish)).done:
            self._wish = wish

    async def _move(self, method: str, path: str, body: dict[str, object], to: datetime) -> Told:
        told = await self._ask(method, f"/reminders/{self._reminder_id}{path}", body)
        self._withdrawn(told)
        if told.done or told.granted is None:
            self._promised(told, to, told.body)
        return told

    async def _forget(self) -> None:
        told = await self._ask("DELETE", f"/reminders/{self._reminder_id}")
        self._withdrawn(told)
        if told.done:
            self._reminder_id = None

    async def _edit(self) -> None:
        """No matter of the reminder's."""
        told = await self._ask("PATCH", f"/todos/{self.todo_id}", {"description": uuid4().hex})
        if told.body:
            self._read(told.body)

    async def _complete(self) -> None:
        told = await self._ask("POST", f"/todos/{self.todo_id}/complete")
        self._withdrawn(told)
        if told.body:
            self._read(told.body["completed"])

    async def _reopen(self) -> None:
        told = await self._ask("POST", f"/todos/{self.todo_id}/reopen")
        if told.body:
            self._read(told.body)
        if self._reminder_id is None or self._wish is None:
            return
        found = told.body["reminders"][0] if told.body else None
        if told.granted is None or (found and found["next_fire_at"]):
            self._promised(told, self._wish, found)

    async def _delete(self) -> None:
        told = await self._ask("DELETE", f"/todos/{self.todo_id}")
        self._withdrawn(told)
        self.deleted = self.deleted or told.done

    async def _ask(self, method: str, path: str, body: dict[str, object] | None = None) -> Told:
        told = await self.asking.ask(self.account, method, path, body)
        if told.granted is None:
            self.certain = False
        return told

    def _read(self, todo: dict[str, Any]) -> None:
        self.status = todo["status"]
        self.versions.append(todo["version"])

    def _withdrawn(self, told: Told) -> None:
        """Something else was asked for: the moment that was promised last need not come."""
        if self.current is None or not (told.done or told.granted is None):
            return
        self.current.asked, self.current.granted = told.asked, told.granted
        self.current = None

    def _promised(self, told: Told, wanted: datetime, reminder: dict[str, Any] | None) -> None:
        """A moment was asked for. Answered without one, it passed while the answer was awaited."""
        assert self._reminder_id is not None  # noqa: S101 (who asks has one)
        answered = reminder and reminder["next_fire_at"]
        if answered and datetime.fromisoformat(answered) != wanted:
            self.violations.append(f"{self._reminder_id}: {answered} promised for {wanted}")
        made = next((each for each in self.armings if each.due == wanted), None)
        if made is None:
            made = Arming(self._reminder_id, wanted, self._channels)
            self.armings.append(made)
        made.asked, made.granted = (None, None) if answered else (told.asked, None)
        self.current = made if answered else None

    def _moment(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.rng.uniform(4, self.within))


def wall(at: datetime) -> dict[str, str]:
    return {"date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M:%S}", "timezone": "UTC"}
