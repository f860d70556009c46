"""People edit a calendar and their todos while workers sync them over real parts, by seed.

The sandbox's Google loses answers, is late, forgets tokens and fails, but does not lie; workers are
killed between any two steps, or two work at once. What must hold then is judged as in the
simulation of the rules.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID, uuid4

import httpx2
import orjson

from activities.calendars import Sliced, State
from core.messages import CalendarMessage
from core.rules import calendar_events as events
from core.rules.calendar_snapshot import MARK, Snapshot, of_event, of_todo
from core.services import calendar_views
from tests.calendars import ENDS, Desk, times
from tests.core.rules.calendar_sim.judging import Subject, alike, key_of, problems
from tests.teams import sql

STEPS: Final = 30
ROUNDS: Final = 8  # without faults, until nothing is left to do
ZONE: Final = "Europe/Berlin"
FIRST: Final = datetime(2031, 5, 1, 6)  # noqa: DTZ001 - a wall
LATE: Final = 503  # to us a failure; the request is under way and arrives later
WRITES: Final = ("events.insert", "events.patch", "events.delete")
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


class Life:
    """One seed at a desk that was never synced: `live` tells what came of it."""

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

    # Workers and what befalls them

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

    # People

    def _fresh(self) -> int:
        self._used += 1
        return self._used

    def _title(self) -> str:
        return f"{self._rng.choice(('Milk', 'Ärzte', '牛奶'))} {self._fresh()}"

    def _due(self, *, timed: bool = False) -> tuple[date, str | None]:
        """A wall time that was never used."""
        nth = self._fresh()
        if not timed and self._rng.random() < 0.2:
            return (FIRST + timedelta(days=100 + nth)).date(), None
        at = FIRST + timedelta(minutes=nth)
        return at.date(), at.time().isoformat("minutes")

    async def _makes_todo(self, **more: Any) -> None:
        on, at = self._due(timed=bool(more))
        due = {"date": on.isoformat(), "time": at, "timezone": ZONE if at else None}
        body = {"title": self._title(), "due": due, **more}
        answer = await self._at.person.post("/todos", json=body)
        assert answer.status_code == 201, answer.text
        subject = Subject(edits=Counter(todo=1))
        if more:
            self._recurs.add(id(subject))
        self._subjects.append(subject)
        self._of_todo[UUID(answer.json()["id"])] = subject

    async def _makes_event(self) -> None:
        body = {"id": f"hand{uuid4().hex}", "summary": self._title(), **self._there()}
        subject = Subject(edits=Counter(event=1))
        self._subjects.append(subject)
        self._of_event[body["id"]] = subject
        assert self._door("POST", "", body) is not None

    def _there(self, *, timed: bool = False) -> Event:
        on, at = self._due(timed=timed)
        cleared = {"date": None} if at else {"dateTime": None, "timeZone": None}
        found: Event = times(f"{on}T{at}" if at else on.isoformat(), ZONE)
        return {name: {**cleared, **each} for name, each in found.items()}

    async def _edits_todo(self) -> None:
        known = await self._ours()
        if not known:
            return
        todo_id = self._rng.choice(list(known))
        subject, person = self._of_todo[todo_id], self._at.person
        answer = await person.get(f"/todos/{todo_id}")
        if answer.status_code == 404:
            await self._restores(todo_id, subject)
            return
        todo, if_match = answer.json(), {"If-Match": answer.headers["etag"]}
        recurs = todo["recurrence"] is not None
        chosen = self._rng.choice(
            ("title", "done") if recurs else ("title", "due", "due", "done", "delete", "none")
        )
        path = f"/todos/{todo_id}"
        if chosen == "title":
            title = self._title()
            scope = {"params": {"scope": "following"}} if recurs else {}
            answer = await person.patch(path, json={"title": title}, headers=if_match, **scope)
            self._followed(answer, subject, "title", (todo["title"],), (title,))
        elif chosen in {"due", "none"}:
            subject_none = ("none", self._fresh())
            on, at = self._due()
            due = {"date": on.isoformat(), "time": at, "timezone": ZONE if at else None}
            body = {"due": None if chosen == "none" else due}
            answer = await person.patch(path, json=body, headers=if_match)
            before, after = self._key(subject, todo["due"]), self._key(subject, body["due"])
            if chosen == "none":
                after = subject_none
                if answer.is_success:
                    subject.none = subject_none
            self._followed(answer, subject, "when", before, after)
        elif chosen == "done":
            verb = "reopen" if todo["status"] == "completed" else "complete"
            answer = await person.post(f"{path}/{verb}", headers=if_match)
        else:
            subject.agreed_then = await self._is_calm(subject)
            answer = await person.delete(path, headers=if_match)
            self._removed[todo_id] = answer.headers.get("change-set", "")
        if answer.is_success:
            what = {"delete": "deleted", "done": "marked"}.get(chosen, "edited")
            self._told(subject, "todo", what)

    async def _restores(self, todo_id: UUID, subject: Subject) -> None:
        change_set = self._removed.pop(todo_id, "")
        if not change_set:
            return
        await self._at.person.post("/undo", json={"change_set": change_set})
        if (await self._at.person.get(f"/todos/{todo_id}")).is_success:
            self._told(subject, "todo", "restored")

    async def _edits_event(self) -> None:
        await self._ours()
        found = [each for each in self._all() if self._of(each) is not None]
        if not found:
            return
        event = self._rng.choice(found)
        subject = self._of(event)
        assert subject is not None
        recurs = id(subject) in self._recurs
        chosen = self._rng.choice(("title", "start", "start", "done", "delete", "others"))
        if event["status"] == "cancelled":
            if not recurs:
                await self._brings_back(event, subject)
        elif chosen in {"title", "others"} or not recurs:
            await self._edits(event, subject, chosen)

    async def _edits(self, event: Event, subject: Subject, chosen: str) -> None:
        there = of_event(events.read(event, zone=ZONE))
        if chosen == "others":  # nothing of ours, but another etag
            self._changes(event, {"location": f"Room {self._fresh()}"})
        elif chosen == "title":
            title = self._title()
            if self._changes(event, {"summary": MARK * there.done + title}):
                subject.after.setdefault("title", {})[title,] = (there.title,)
                self._told(subject, "event", "edited")
        elif chosen == "start":
            body = self._there()
            if answer := self._changes(event, body):
                now = of_event(events.read(answer, zone=ZONE))
                before, after = key_of(subject, there), key_of(subject, now)
                subject.after.setdefault("when", {})[after] = before
                self._told(subject, "event", "edited")
        elif chosen == "done":
            summary = there.title if there.done else f"{MARK}{there.title}"
            if self._changes(event, {"summary": summary}):
                self._told(subject, "event", "marked")
        else:
            calm = await self._is_calm(subject)
            if self._changes(event, {"status": "cancelled"}):
                subject.event_deleted = True
                subject.agreed_then = calm
                self._told(subject, "event", "deleted")

    async def _brings_back(self, event: Event, subject: Subject) -> None:
        """From the bin of the calendar: one of a todo that is known to be gone, too."""
        ended = await self._sql(
            "SELECT 1 FROM calendar_links WHERE workspace_id = %s AND event_id = %s"
            " AND state = 'ended' AND todo_id IS NOT NULL AND base IS NOT NULL",
            event["id"],
        )
        if not ended or not await self._is_calm(None):
            return
        if self._changes(event, {"status": "confirmed"}):
            self._met("event brought back")
            subject.event_deleted = True  # as it was, whatever its todo was edited to
            self._told(subject, "event", "brought back")

    # What is known of it

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


def _name(fault: Mapping[str, object]) -> str:
    """As it is told of."""
    drops = {"before": "request lost", "midway": "answer lost", "after": "answer lost"}
    return drops.get(str(fault.get("drop"))) or str(fault["status"])
