"""Workers are killed while a calendar and its todos come into step, and both are being edited.

Of most pairs the title is changed on one side and the time on the other, often at once: then the
last word on each is known, and both sides must say it in the end. Of some, both sides change the
title: then either word is right, as long as it is the same one. Meanwhile the calendar is slow, and
now and then refuses, hangs up, or forgets where a listing was.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import cycle, islice
from random import Random
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from bench.chaos import workers
from bench.chaos.diary import Diary, due, origins, times
from bench.chaos.owner import ZONE
from bench.chaos.report import Report
from bench.chaos.stack import Stack

TRIAL: Final = "calendar"
STAGES: Final = (
    *(workers.ANY_MOMENT, workers.ANY_MOMENT, "calendar_after_write"),
    *(workers.ANY_MOMENT, workers.ANY_MOMENT, "calendar_step"),
)
# A slice whose worker is dead is begun anew after ten seconds or so: killed oftener, none goes on.
LIVES_S: Final = (6.0, 16.0)
DELETED_AT_ONCE: Final = 3
AT_FIRST: Final = 20  # pairs, before anybody is killed
NEW: Final = 1  # of each feed
EDITED: Final = 5
MOST: Final = 120  # pairs in all
DRAIN_S: Final = 420.0  # a calendar that failed often is asked again after minutes
DONE: Final = "✓ "
SLOW: Final[Mapping[str, object]] = {"delay_ms": 60, "times": 1_000_000}
TROUBLES: Final[tuple[Mapping[str, object], ...]] = (
    {"status": 429, "headers": {"Retry-After": "2"}},
    {"status": 503},
    {"status": 500, "body": '{"error": {"co'},
    {"drop": "before"},
    {"drop": "after"},
    {"drop": "midway"},
    {"status": 410, "kind": "events.list"},
)
TROUBLED: Final = 0.15  # of the feeds
FORGETFUL: Final = 0.1
WRITES: Final = frozenset({"events.insert", "events.patch", "events.update", "events.delete"})
FIRST: Final = datetime(2031, 3, 3, 9)  # noqa: DTZ001 - a wall time
_RUNNING: Final = "SELECT EXISTS (SELECT FROM calendar_syncs WHERE state = 'running')"
_CHANGES: Final = """
    SELECT count(*) FROM events WHERE workspace_id = %(id)s AND type LIKE 'todo.%%'
    AND NOT change_set_id = ANY (%(ours)s::uuid[])
"""
_STORY: Final = """
    SELECT 'link', state, gone, quarantined, dirty::text, todo_version::text, updated_at::text
    FROM calendar_links WHERE event_id = %(event)s
    UNION ALL
    SELECT 'did', direction, action, reason, remote_id, count::text, at::text
    FROM connection_activity WHERE todo_id = %(todo)s::uuid OR remote_id = %(event)s
"""


class Way(StrEnum):
    """Which side changes the title; the other one changes the time, if there is another."""

    TODO = "todo"
    EVENT = "event"
    BOTH = "both"


@dataclass(slots=True)
class _Thing:
    """A pair, by the word that its title begins with, and what was last said of it.

    `titles`: those of which one must stand in the end.
    """

    tag: str
    way: Way
    at: datetime
    titles: dict[Way, str]
    todo_id: str | None = None
    event_id: str | None = None
    edited: bool = False
    done: bool = False
    deleted: Way | None = None  # never of what was edited: an edit beats a deletion

    @property
    def is_open(self) -> bool:
        return not self.done and self.deleted is None and None not in (self.todo_id, self.event_id)


@dataclass(slots=True)
class _Life:
    """What is done to the pairs, on both sides."""

    diary: Diary
    rng: Random
    things: dict[str, _Thing] = field(default_factory=dict)
    ours: list[str] = field(default_factory=list)  # change sets of what was done through the API
    edits: Counter[Way] = field(default_factory=Counter)
    linked: set[str] = field(default_factory=set)  # todos
    said: int = 0

    def feed(self) -> None:
        """Some more is done; and the calendar is slow, and now and then in trouble."""
        rng = self.rng
        troubles = [rng.choice(TROUBLES)] if rng.random() < TROUBLED else []
        self.diary.script(*({**SLOW, **each, "times": 1} for each in troubles), SLOW)
        if rng.random() < FORGETFUL:
            self.diary.vendor.post("/google/expire").raise_for_status()
        self._link()
        self.begin(NEW if len(self.things) < MOST else 0)
        known = [each for each in self.things.values() if each.is_open]
        for thing in rng.sample(known, min(EDITED, len(known))):
            self._edit(thing)

    def begin(self, count: int) -> None:
        """So many pairs more."""
        for _ in range(count):
            self._begin()

    def busy(self) -> bool:
        [(found,)] = self.diary.stack.rows(_RUNNING)
        return bool(found)

    def _link(self) -> None:
        """Who belongs to whom by now."""
        pairs = self.diary.pairs()
        self.linked = set(pairs)
        events = {event_id: todo_id for todo_id, event_id in pairs.items()}
        for each in self.things.values():
            if each.event_id is None and each.todo_id is not None:
                each.event_id = pairs.get(each.todo_id)
            elif each.todo_id is None and each.event_id is not None:
                each.todo_id = events.get(each.event_id)

    def _begin(self) -> None:
        tag = f"k{len(self.things)}"
        way = self.rng.choices(tuple(Way), (4, 4, 1))[0]
        thing = _Thing(tag, way, self._time(), {})
        title = thing.titles[way] = self._title(tag)
        if self.rng.random() < 1 / 2:
            body = {"title": title, "due": due(thing.at)}
            thing.todo_id = str(self._ask("POST", "/todos", body)["id"])
        else:
            thing.event_id = self.diary.event(title, thing.at)
            self.edits[Way.EVENT] += 1
        self.things[tag] = thing

    def _edit(self, thing: _Thing) -> None:
        chance = self.rng.random()
        if not thing.edited and chance < 0.15 and self._may_delete():
            self._delete(thing)
            return
        thing.edited = True
        if chance < 0.1:
            thing.done = True
            self._ask("POST", f"/todos/{thing.todo_id}/complete")
        elif thing.way is Way.BOTH:
            self._rename(thing, Way.TODO)
            self._rename(thing, Way.EVENT)
        else:
            if chance < 0.7:
                self._rename(thing, thing.way)
            if chance > 0.4:
                self._move(thing, Way.EVENT if thing.way is Way.TODO else Way.TODO)

    def _may_delete(self) -> bool:
        """Many deletions at once would wait for a person."""
        under_way = [each for each in self.things.values() if each.deleted is not None]
        return sum(each.todo_id in self.linked for each in under_way) < DELETED_AT_ONCE

    def _delete(self, thing: _Thing) -> None:
        thing.deleted = self.rng.choice((Way.TODO, Way.EVENT))
        if thing.deleted is Way.TODO:
            self._ask("DELETE", f"/todos/{thing.todo_id}")
        else:
            self.diary.remove(str(thing.event_id))
            self.edits[Way.EVENT] += 1

    def _rename(self, thing: _Thing, side: Way) -> None:
        title = thing.titles[side] = self._title(thing.tag)
        if side is Way.TODO:
            self._ask("PATCH", f"/todos/{thing.todo_id}", {"title": title})
        else:
            self.diary.change(str(thing.event_id), summary=title)
            self.edits[Way.EVENT] += 1

    def _move(self, thing: _Thing, side: Way) -> None:
        thing.at = self._time()
        if side is Way.TODO:
            self._ask("PATCH", f"/todos/{thing.todo_id}", {"due": due(thing.at)})
        else:
            self.diary.change(str(thing.event_id), **times(thing.at))
            self.edits[Way.EVENT] += 1

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self.diary.owner.ask(method, path, json=body)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        self.ours.append(answer.headers["change-set"])
        self.edits[Way.TODO] += 1
        return answer.json() if answer.content else None

    def _title(self, tag: str) -> str:
        self.said += 1
        return f"{tag} said {self.said}"

    def _time(self) -> datetime:
        return FIRST + timedelta(minutes=30 * self.rng.randrange(10_000))


def killed(
    stack: Stack, kills: int, rng: Random, *, faults: Sequence[str] = STAGES, at_a_time: int = 3
) -> Report:
    report = Report(TRIAL)
    stack.temporal.start()
    api = stack.listening_api()  # before the sandbox, which tells it of news
    stack.sandbox()
    diary = Diary.of(stack, api.url)
    diary.connect()
    since, life = diary.latest(), _Life(diary, rng)
    life.begin(AT_FIRST)
    first = stack.worker()
    diary.until_over(DRAIN_S)
    first.kill()
    began = time.monotonic()
    plan = islice(cycle(faults), kills)
    ended = workers.kill(
        stack, rng, plan, at_a_time, feed=life.feed, busy=life.busy, report=report, lives_s=LIVES_S
    )
    report.kills = len(ended)
    diary.script()
    for _ in range(2):
        stack.worker()
    took = diary.until_over(DRAIN_S)
    report.demand(took < DRAIN_S, f"not in step after {took:.0f} s: {diary.status()['sync']}")
    diary.sync()
    _judge(report, life)
    calls = diary.calls(since)
    _count(report, life, calls)
    later = diary.latest()
    diary.sync()
    echoes = [each["kind"] for each in diary.calls(later) if each["kind"] in WRITES]
    report.demand(not echoes, f"in step, and yet wrote {echoes}")
    report.figure = (
        f"at {len(set(faults) - {workers.ANY_MOMENT})} fault points and at any moment; "
        f"{report.figure}; in step {took:.0f} s after the last kill; "
        f"{time.monotonic() - began:.0f} s"
    )
    return report


def _judge(report: Report, life: _Life) -> None:
    """Both sides say the last word on everything, once."""
    todos, events = defaultdict(list), defaultdict(list)
    for todo in life.diary.todos():
        todos[todo["title"].split()[0]].append(todo)
    there = life.diary.events()
    for event in there:
        events[event["summary"].removeprefix(DONE).split()[0]].append(event)
    strangers = (todos.keys() | events.keys()) - life.things.keys()
    report.demand(not strangers, f"nobody asked for {strangers}")
    made = Counter(origins(there))
    twice = [str(key) for key, count in made.items() if count > 1]
    report.demand(not twice, f"several events of the todos {twice}")
    for thing in life.things.values():
        counts = len(todos[thing.tag]), len(events[thing.tag])
        report.duplicates += sum(max(count - 1, 0) for count in counts)
        wanted = (1, 1) if thing.deleted is None else (0, 0)
        if counts != wanted:
            report.lost += 0 in counts and thing.deleted is None
            story = life.diary.stack.rows(_STORY, todo=thing.todo_id, event=thing.event_id)
            report.violations.append(f"{thing}: {counts[0]} todos, {counts[1]} events: {story}")
        elif thing.deleted is None:
            _compare(report, thing, todos[thing.tag][0], events[thing.tag][0])


def _compare(
    report: Report, thing: _Thing, todo: Mapping[str, Any], event: Mapping[str, Any]
) -> None:
    title = event["summary"].removeprefix(DONE)
    at = (todo["due"]["date"], todo["due"]["time"][:5])
    lost = {
        "title": {todo["title"], title} - set(thing.titles.values()) or todo["title"] != title,
        "time": {at, _wall(event)} != {(thing.at.date().isoformat(), f"{thing.at:%H:%M}")},
        "done": {todo["status"] == "completed", event["summary"].startswith(DONE)} != {thing.done},
    }
    for what, is_lost in lost.items():
        if is_lost:
            report.lost += 1
            says = f"todo {todo['title']!r} {at} {todo['status']}, event {event['summary']!r}"
            report.violations.append(f"{what} of {thing}: {says} {_wall(event)}")


def _wall(event: Mapping[str, Any]) -> tuple[str, str]:
    at = datetime.fromisoformat(event["start"]["dateTime"])
    here = at.astimezone(ZoneInfo(ZONE)) if at.tzinfo else at
    return here.date().isoformat(), f"{here:%H:%M}"


def _count(report: Report, life: _Life, calls: Sequence[Mapping[str, Any]]) -> None:
    """Writes of a side for each edit of the other."""
    report.operations = life.edits.total()
    writes = Counter(
        each["kind"].partition(".")[2]
        for each in calls
        if each["kind"] in WRITES and each["response_status"] in (200, 204, None)
    )
    report.ambiguous = sum(each["response_status"] is None for each in calls)
    ours = [UUID(each) for each in life.ours]
    [(changed,)] = life.diary.stack.rows(_CHANGES, id=life.diary.owner.id, ours=ours)
    there = writes.total() / max(life.edits[Way.TODO], 1)
    here = changed / max(life.edits[Way.EVENT], 1)
    report.demand(here <= 1, f"{here:.2f} changes of todos for an edit there")
    report.figure = (
        f"{len(life.things)} pairs, {life.edits[Way.TODO]} edits here and {life.edits[Way.EVENT]} "
        f"there; {there:.2f} writes there for an edit here, {here:.2f} here for one there"
    )
