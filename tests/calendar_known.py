"""What is known of todos and events that people and a sync edit, and what must hold of them."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import orjson

from activities.calendars import Sliced
from core.rules import calendar_events as events
from core.rules.calendar_snapshot import Snapshot, of_event, of_todo
from core.services import calendar_views
from tests.calendars import Desk
from tests.core.rules.calendar_sim.judging import Subject, alike, problems
from tests.teams import sql

ZONE: Final = "Europe/Berlin"
WRITES: Final = ("events.insert", "events.patch", "events.delete")

Event = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """`most`: writes of one side for each edit of the other, of the pair that had most."""

    problems: list[str] = field(default_factory=list)
    edits: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    most: float = 0.0

    def add(self, other: "Outcome") -> None:
        self.problems += other.problems
        self.edits += other.edits
        self.writes += other.writes
        self.faults += other.faults
        self.most = max(self.most, other.most)

    def told(self) -> str:
        faults = ", ".join(f"{name} {count:,}" for name, count in sorted(self.faults.items()))
        return (
            f"{self.edits.total():,} edits, {self.writes.total():,} writes, at most"
            f" {self.most:.2f} of a side for an edit of the other; faults: {faults}"
        )


@dataclass(slots=True)
class Late:
    """Requests that nobody waits for any more, as the ledger has them."""

    since: int
    waiting: list[Event] = field(default_factory=list)


class Known:
    """Of somebody's desk, on both sides. `outcome` is what came of it."""

    def __init__(self, at: Desk, seed: str) -> None:
        self._at = at
        self._rng = Random(seed)  # noqa: S311 (repeatable, which is the point)
        self._used = 0
        self._begun = at.world.latest()
        self._late = Late(self._begun)
        self._workers: list[asyncio.Task[Sliced]] = []
        self._killed: list[asyncio.Task[Sliced]] = []
        self._subjects: list[Subject] = []
        self._of_todo: dict[UUID, Subject] = {}
        self._of_event: dict[str, Subject] = {}  # events that people made
        self._removed: dict[UUID, str] = {}  # todo -> the change set that deleted it
        self._recurs: set[int] = set()
        self.outcome = Outcome()

    def _met(self, what: str) -> None:
        self.outcome.faults[what] += 1

    def _demand(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 (a condition, as in assert)
        if not holds:
            self.outcome.problems.append(otherwise)

    def _told(self, subject: Subject, side: str, what: str) -> None:
        subject.edits[side] += 1
        subject.last = f"{what} at {side}"

    def _followed(self, answer: Any, subject: Subject, name: str, before: Any, after: Any) -> None:
        if answer.is_success:
            subject.after.setdefault(name, {})[after] = before

    def _key(self, subject: Subject, due: dict[str, Any] | None) -> tuple[Any, ...]:
        if due is None:
            return subject.none
        at = due["time"]
        return date.fromisoformat(due["date"]), at and datetime.fromisoformat(
            f"{due['date']}T{at}"
        ).time()

    async def _is_calm(self, subject: Subject | None) -> bool:
        """Nothing is under way, and both sides say the same of it."""
        if self._late.waiting or any(not each.done() for each in self._workers):
            return False
        leaving = await self._sql(
            "SELECT 1 FROM calendar_links WHERE workspace_id = %s AND state = 'leaving'"
        )
        if leaving or subject is None:
            return not leaving
        todos, there = await self._sides(subject)
        return len(todos) == len(there) == 1 and alike(todos[0], there[0])

    async def _ours(self) -> list[UUID]:
        """Todos that stand for themselves, by whoever made them."""
        found = await self._sql(
            "SELECT t.id, coalesce(s.todo_id, t.id) FROM todos t LEFT JOIN series s"
            " ON s.workspace_id = t.workspace_id AND s.id = t.series_id"
            " WHERE t.workspace_id = %s ORDER BY 1"
        )
        made = await self._sql(  # only now: more may have been made meanwhile
            "SELECT todo_id, remote_id FROM connection_activity"
            " WHERE workspace_id = %s AND action = 'todo.created'"
        )
        for todo_id, event_id in made:
            self._of_todo.setdefault(todo_id, self._of_event[event_id])
        for todo_id, speaks in found:
            self._of_todo.setdefault(speaks, self._of_todo[todo_id])
        return list(dict.fromkeys(speaks for _, speaks in found))

    def _of(self, event: Event) -> Subject | None:
        tags = events.tags(event.get("extendedProperties", {}).get("private", {}))
        if event["id"] in self._of_event or tags is None:
            return self._of_event.get(event["id"])
        return self._of_todo.get(UUID(tags.todo_id))

    async def _sides(self, subject: Subject) -> tuple[list[Snapshot], list[Snapshot]]:
        there = [
            of_event(events.read(each, zone=ZONE))
            for each in self._all()
            if each["status"] != "cancelled" and self._of(each) is subject
        ]
        ids = [each for each in await self._ours() if self._of_todo[each] is subject]
        async with self._at.app_db.transaction() as tx:
            tx.act_for(self._at.person.id, limit_key="life")
            named: Any = SimpleNamespace(
                workspace_id=self._at.person.id, id=self._at.id, user_id=self._at.person.id
            )
            found = await calendar_views.lock(tx, named, ids)
        return [of_todo(each.view) for each in found.values() if not each.view.deleted], there

    async def _judge(self) -> None:
        await self._ours()
        await self._count()
        for subject in self._subjects:
            found = problems(subject, *await self._sides(subject))
            self.outcome.problems += [f"{each} (last {subject.last})" for each in found]
            self.outcome.edits += subject.edits
            self.outcome.writes += subject.writes
            for side, other in (("event", "todo"), ("todo", "event")):
                edits = max(subject.edits[other] + subject.in_doubt, 1)
                self.outcome.most = max(self.outcome.most, subject.writes[side] / edits)

    async def _count(self) -> None:
        """Writes that took effect: there by the sandbox's ledger, here by what the sync tells."""
        by_id = {each["id"]: self._of(each) for each in self._all()}
        occurrences = set[tuple[str, ...]]()
        for row in self._at.world.sandbox.get(
            "/ledger.json", params={"since": self._begun, "vendor": "google_calendar"}
        ).json():
            if row["kind"] not in WRITES or row["response_status"] not in {200, 204}:
                continue
            asked = row["request"]
            event_id, _, place = _event_of(asked).partition("_")
            if place and (event_id, place, asked["body"]) in occurrences:
                continue  # said again, as nobody heard of it: that is no condition's to refuse
            occurrences.add((event_id, place, asked["body"]))
            subject = by_id[event_id]
            assert subject is not None, event_id
            subject.writes["event"] += 1
        for todo_id, count in await self._sql(
            "SELECT todo_id, sum(count) FROM connection_activity WHERE workspace_id = %s"
            " AND direction = 'read' AND todo_id IS NOT NULL GROUP BY 1"
        ):
            self._of_todo[todo_id].writes["todo"] += int(count)

    async def _sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return await sql(self._at.world.database_url, statement, self._at.person.id, *values)

    def _all(self) -> list[Event]:
        """Every event that there ever was, but single occurrences."""
        found: list[Event] = self._door("GET", "", None)
        return [each for each in found if "recurringEventId" not in each]

    def _changes(self, event: Event, body: Event) -> Event | None:
        found: Event | None = self._door("PATCH", f"/{event['id']}", body, event["etag"])
        return found

    def _door(self, method: str, path: str, body: Event | None, etag: str | None = None) -> Any:
        """Null when it was changed meanwhile."""
        answer = self._at.world.sandbox.request(
            method,
            f"/google/client/events{path}",
            params={"account": self._at.account},
            json=body,
            headers={"If-Match": etag} if etag else {},
        )
        if answer.status_code == 412:
            return None
        answer.raise_for_status()
        return answer.json()


def _event_of(asked: Event) -> str:
    """Whose id is in the path, or in the body of an insert."""
    if asked["method"] == "POST":
        return str(orjson.loads(asked["body"])["id"])
    return str(asked["path"].partition("?")[0].rpartition("/")[2])
