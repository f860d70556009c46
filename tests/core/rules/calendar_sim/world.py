"""People edit both sides while workers sync them; what must hold then is looked at."""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from core.rules import calendar_events as events
from core.rules import calendar_recurrence as repeating
from core.rules.calendar_events import Moment
from core.rules.calendar_policy import Policy
from core.rules.calendar_snapshot import MARK, Snapshot, of_event, of_todo
from core.rules.recurrence import Recurrence
from core.rules.rrule import parse
from tests.core.rules.calendar_sim.app import App
from tests.core.rules.calendar_sim.judging import RESTLESS, Key, Subject, alike, key_of, problems
from tests.core.rules.calendar_sim.provider import Event, Faults, Provider, epoch
from tests.core.rules.calendar_sim.sync import Sync

ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu")
RULES: Final = ("FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=2", "FREQ=WEEKLY;COUNT=9")
ROUNDS: Final = 12  # without faults, until nothing is left to do
_WHAT: Final = {"delete": "deleted", "done": "marked"}  # marked twice is as if it never was


@dataclass(slots=True)
class Result:
    """`edits` by the side that people made them on, `writes` by the side that the sync wrote.

    `most`: writes of one side for each edit of the other, of the pair that had most; a deleted
    event that was not shown may cost one more.
    """

    edits: Counter[str]
    writes: Counter[str]
    faults: Counter[str]
    most: float
    problems: list[str]


class World:
    """One seed: `run` tells what came of it."""

    def __init__(self, seed: str, *, steps: int = 60) -> None:
        self.rng = Random(seed)  # noqa: S311 (repeatable, which is the point)
        self._steps = steps
        self._at = epoch()
        self._skew = timedelta(seconds=self.rng.choice((0, 0, -600, -5, 5, 600)))
        self._used = 0
        self.subjects: list[Subject] = []
        self._of_todo: dict[UUID, Subject] = {}
        self._of_event: dict[str, Subject] = {}
        self.faults = Faults(self.rng.choice((0.0, 0.05, 0.15, 0.3)))
        self.provider = Provider(
            self.rng, self.faults, lambda: self._at + self._skew, self._event_written, self._hidden
        )
        self.app = App(self.rng, lambda: self._at, self._todo_written)
        self._syncs: list[Sync] = []

    def run(self) -> Result:
        for _ in range(self.rng.randint(2, 6)):
            self._person_makes_todo()
        for _ in range(self.rng.randint(1, 4)):
            self._person_makes_event()
        workers: list[Iterator[None]] = []
        for _ in range(self._steps):
            self._at += timedelta(seconds=self.rng.choice((1, 1, 7, 90)))
            self._step(workers)
        self._quiet()
        ratios = [
            each.writes[side] / max(each.edits[other] + each.in_doubt, 1)
            for each in self.subjects
            for side, other in (("event", "todo"), ("todo", "event"))
        ]
        return Result(
            sum((each.edits for each in self.subjects), Counter()),
            sum((each.writes for each in self.subjects), Counter()),
            Counter(self.faults.met),
            max(ratios),
            self._problems(),
        )

    def _sync(self) -> Sync:
        self._syncs.append(Sync(self.app, self.provider, Policy.ALL))
        return self._syncs[-1]

    def _step(self, workers: list[Iterator[None]]) -> None:
        chosen = self.rng.random()
        if chosen < 0.25:
            self.rng.choice(self._people())()
        elif chosen < 0.28 and workers:
            self.faults.met_by_the_way("worker killed")
            workers.pop(self.rng.randrange(len(workers)))
        elif chosen < 0.32:
            self.provider.arrive()
        elif not workers or (len(workers) < 2 and chosen > 0.95):
            if workers:
                self.faults.met_by_the_way("two workers")
            workers.append(self._sync().run())
        else:
            worker = self.rng.choice(workers)
            for _ in range(self.rng.randint(1, 8)):
                if next(worker, "over") == "over":
                    workers.remove(worker)
                    break

    def _quiet(self) -> None:
        """Everything that is under way comes in, nothing breaks any more, people decide."""
        while self.provider.under_way:
            self.provider.arrive()
        self.faults.chance = 0.0
        for _ in range(ROUNDS):
            self._at += timedelta(minutes=15)
            before = len(self.provider.history), len(self.app.feed)
            for _ in self._sync().run():
                pass
            sync = self._sync()
            for pair in [each for each in self.app.pairs if each.waits]:
                sync.adopt_fence()
                for _ in sync.follow(pair):
                    pass
            if before == (len(self.provider.history), len(self.app.feed)):
                return
        self.subjects.append(Subject(last=RESTLESS))

    # People

    def _people(self) -> list[Any]:
        todo = (
            self._person_makes_todo,
            *[self._person_edits_todo] * 6,
            self._person_changes_zone,
            *[self._time_goes_on] * 2,
        )
        if self.rng.random() < 0.02:
            return [self._accident]
        event = (*[self._person_edits_event] * 7, *[self._person_brings_back] * 2)
        return [*todo, self._person_makes_event, *event]

    def _fresh(self) -> int:
        self._used += 1
        return self._used

    def _title(self) -> str:
        return f"{self.rng.choice(('Milk', 'Ärzte', '牛奶'))} {self._fresh()}"

    def _moment(self, zones: tuple[str | None, ...], *, timed: bool = False) -> Moment:
        """A wall time that was never used."""
        nth = self._fresh()
        if not timed and self.rng.random() < 0.2:
            return Moment(date(2027, 1, 1) + timedelta(days=nth), None, None)
        wall = datetime(2026, 11, 20, 5, tzinfo=UTC) + timedelta(minutes=nth)
        return Moment(wall.date(), wall.time(), self.rng.choice(zones))

    def _person_makes_todo(self) -> None:
        subject = Subject(edits=Counter(todo=1))
        due = self._moment((None, *ZONES)) if self.rng.random() < 0.9 else None
        todo = self.app.add(self._title(), due)
        self.subjects.append(subject)
        self._of_todo[todo.id] = subject

    def _person_makes_event(self) -> None:
        subject = Subject(edits=Counter(event=1))
        start = self._moment(ZONES)
        event: Event = {"id": f"theirs{self._fresh()}", "status": "confirmed"}
        event |= {"summary": self._title(), "colorId": "5", "attendees": [{"email": "b@x.test"}]}
        self.subjects.append(subject)
        self._of_event[event["id"]] = subject
        self.provider.put(event | _times(start, 45))

    def _person_edits_todo(self) -> None:
        todo = self.rng.choice([*self.app.todos.values()])
        subject, before = self._of_todo[todo.id], of_todo(todo)
        chosen = self.rng.choice(("title", "due", "due", "done", "delete", "none", "rule"))
        if todo.deleted:
            if chosen == "title":
                self._told(subject, "todo", "restored")
                self.app.put(todo.id, deleted=False)
            return
        recurs = todo.series is not None
        if recurs and chosen not in {"title", "delete"}:
            return
        if chosen == "rule" and (todo.due is None or todo.done):
            return
        self._told(subject, "todo", _WHAT.get(chosen, "edited"))
        if chosen == "title":
            title, series = self._title(), todo.series
            self._followed(subject, "title", (before.title,), (title,))
            self.app.put(todo.id, title=title, series=series and replace(series, title=title))
        elif chosen == "due":
            due = self._moment((None, *ZONES))
            self._followed(subject, "when", key_of(subject, before), (due.on, due.at))
            self.app.put(todo.id, due=due)
        elif chosen == "rule":
            due = self._moment((None, *ZONES), timed=True)
            recurrence = Recurrence(parse(self.rng.choice(RULES)))
            self._followed(subject, "when", key_of(subject, before), ("recurs", due.at))
            standing = self.app.standing(recurrence, due, todo.title)
            self.app.put(todo.id, due=due, series=standing)
        elif chosen == "done":
            self.app.put(todo.id, done=not todo.done)
        elif chosen == "none":
            key = key_of(subject, before)
            subject.none = ("none", self._fresh())
            self._followed(subject, "when", key, subject.none)
            self.app.put(todo.id, due=None)
        else:
            self.app.put(todo.id, deleted=True)

    def _accident(self) -> None:
        """All that is there is deleted, by a script or a slip, on either side."""
        self.faults.met_by_the_way("everything deleted")
        if self.rng.random() < 0.5:
            for event in self.provider.living():
                subject = self._of_event[event["id"]]
                self._told(subject, "event", "deleted")
                subject.event_deleted = True
                self.provider.put(deepcopy(event) | {"status": "cancelled"})
            return
        for todo in list(self.app.todos.values()):
            if not todo.deleted:
                self._told(self._of_todo[todo.id], "todo", "deleted")
                self.app.put(todo.id, deleted=True)

    def _time_goes_on(self) -> None:
        """Series stand at their next occurrence: no event is written for it."""
        for todo in list(self.app.todos.values()):
            if not todo.deleted and self.rng.random() < 0.7:
                self.app.advance(todo.id)

    def _person_changes_zone(self) -> None:
        if self.rng.random() > 0.3:
            return
        self.app.zone = self.rng.choice(ZONES)
        for todo in self.app.todos.values():
            floats = todo.due is not None and todo.due.at is not None and todo.due.zone is None
            if floats and not todo.deleted:
                self._of_todo[todo.id].edits["todo"] += 1
                self._of_todo[todo.id].agreed_then = False
                self.app.feed.append(todo.id)

    def _person_edits_event(self) -> None:
        found = self.provider.living()
        if not found:
            return
        event = deepcopy(self.rng.choice(found))
        subject = self._of_event[event["id"]]
        there = of_event(events.read(event, zone="UTC"))
        chosen = self.rng.choice(("title", "start", "start", "done", "delete", "others", "rule"))
        recurs = bool(there.when.rules)
        if recurs and chosen in {"rule", "done"}:
            return
        if chosen == "others":  # nothing of ours, but another etag
            event["location"] = f"Room {self._fresh()}"
            self.provider.put(event)
            return
        self._told(subject, "event", _WHAT.get(chosen, "edited"))
        if chosen == "title":
            title = self._title()
            self._followed(subject, "title", (there.title,), (title,))
            event["summary"] = f"{MARK} {title}" if there.done else f" {title} "
        elif chosen in {"start", "rule"}:
            recurs = recurs or chosen == "rule"
            start = self._moment(ZONES, timed=recurs)
            key: Key = ("recurs", start.at) if recurs else (start.on, start.at)
            self._followed(subject, "when", key_of(subject, there), key)
            event |= _times(start, self.rng.choice((30, 90)))
            if chosen == "rule":
                event["recurrence"] = [f"RRULE:{self.rng.choice(RULES)}"]
        elif chosen == "done":
            event["summary"] = there.title if there.done else f"{MARK} {there.title}"
        else:
            subject.event_deleted = True
            event["status"] = "cancelled"
        self.provider.put(event)

    def _person_brings_back(self) -> None:
        """An event from the bin, whose todo is known to be gone as well."""
        over = [
            each
            for each in self.app.pairs
            if each.over and each.link.base is not None and self.app.todos[each.todo_id].deleted
        ]
        found = [self.provider.now_of(each.link.event_id) for each in over]
        binned = [each for each in found if each is not None and each["status"] == "cancelled"]
        if binned:
            event = deepcopy(self.rng.choice(binned)) | {"status": "confirmed"}
            self.faults.met_by_the_way("brought back")
            subject = self._of_event[event["id"]]
            subject.event_deleted = True  # as it was, whatever its todo was edited to
            self._told(subject, "event", "brought back")
            self.provider.put(event)

    # What is known of it

    def _told(self, subject: Subject, side: str, what: str) -> None:
        subject.edits[side] += 1
        subject.agreed_then = self._agree(subject)
        subject.last = f"{what} at {side}"
        subject.outdated = subject.event_deleted and self._skew > timedelta()

    def _followed(self, subject: Subject, name: str, before: Key, value: Key) -> None:
        subject.after.setdefault(name, {})[value] = before

    def _event_written(self, event: Event) -> None:
        tags = events.tags(event.get("extendedProperties", {}).get("private", {}))
        if tags is None:
            return
        subject = self._of_todo[UUID(tags.todo_id)]
        self._of_event[event["id"]] = subject
        subject.writes["event"] += 1

    def _hidden(self, event_id: str) -> None:
        self._of_event[event_id].in_doubt += 1

    def _todo_written(self, todo_id: UUID) -> None:
        if todo_id not in self._of_todo:
            self._of_todo[todo_id] = self._of_event[self.app.making]
        self._of_todo[todo_id].writes["todo"] += 1

    def _sides(self, subject: Subject) -> tuple[list[Snapshot], list[Snapshot]]:
        todos = [
            of_todo(replace(each, zone=self.app.zone))
            for each in self.app.todos.values()
            if self._of_todo.get(each.id) is subject and not each.deleted
        ]
        there = [
            of_event(events.read(each, zone="UTC"))
            for each in self.provider.living()
            if self._of_event[each["id"]] is subject
        ]
        return todos, there

    def _agree(self, subject: Subject) -> bool:
        todos, there = self._sides(subject)
        if len(todos) != 1 or len(there) != 1:
            return False
        # While one of ours is under way, nobody can tell another deletion from it.
        if any(
            each.link.leaving and self._of_todo[each.todo_id] is subject for each in self.app.pairs
        ):
            return False
        return alike(todos[0], there[0])

    def _problems(self) -> list[str]:
        bulk = [
            f"bulk deletion: {count} of {each.linked}"
            for each in self._syncs
            for count in each.carried.values()
            if count > 10 or (each.linked >= 5 and count * 5 > each.linked)
        ]
        return bulk + [
            f"{problem} (last {subject.last})"
            for subject in self.subjects
            for problem in problems(subject, *self._sides(subject))
        ]


def _times(start: Moment, minutes: int) -> dict[str, Any]:
    """As Google's own pages write them."""
    if start.at is None:
        return {
            "start": {"date": start.on.isoformat()},
            "end": {"date": (start.on + timedelta(days=1)).isoformat()},
        }
    at = repeating.instant(start)
    return {
        name: {"dateTime": each.isoformat(), "timeZone": start.zone}
        for name, each in (("start", at), ("end", at + timedelta(minutes=minutes)))
    }
