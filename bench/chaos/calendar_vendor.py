"""F12 to F15 for calendars: asked to wait, down in every way, answers lost, access withdrawn."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from typing import Final

from bench.chaos.calendars import FIRST, WRITES
from bench.chaos.diary import Diary, due, origins
from bench.chaos.pushing import Pushing
from bench.chaos.report import Report
from bench.chaos.stack import Process, Stack
from bench.processes import memory_mb

TRIAL: Final = "calendar-vendor"
PEOPLE: Final = 6
EACH: Final = 5  # todos
ASKED_S: Final = 10
ON_TIME_S: Final = 5.0
MORE_MB: Final = 50
CALLS: Final = 3  # with an access that was withdrawn
REFUSED: Final = frozenset({400, 401})  # a refresh token, an access token
DRAIN_S: Final = 400.0  # who failed often is asked again after minutes
UNDER_WAY_S: Final = 0.5
EVERY_S: Final = 0.25
DOWN: Final[tuple[Mapping[str, object], ...]] = (
    {"status": 503},
    {"drop": "before"},
    {"status": 500, "body": '{"error": {"co'},
    {"drop": "midway"},
    {"delay_ms": 20_000, "status": 504},
    {"status": 200, "body": '{"items": ['},
)
_PAUSES: Final = """
    SELECT count(*) FROM notifications WHERE user_id = %(id)s AND kind = 'connection_paused'
"""
_times: Iterator[int] = count()


def faults(stack: Stack, seconds: float) -> Report:
    """The provider is down for so many seconds."""
    report = Report(TRIAL)
    stack.temporal.start()
    api = stack.listening_api()  # before the sandbox, which tells it of news
    stack.sandbox()
    worker = stack.worker()
    worker.ready()
    people = [Diary.of(stack, api.url) for _ in range(PEOPLE)]
    for each in people:
        each.connect()
    _settle(report, people)
    waited = _asked_to_wait(report, people)
    _unheard(report, people)
    told = _down(report, people, worker, seconds)
    calls = _withdrawn(report, people)
    report.demand(not worker.dead, "the worker did not live through it")
    for each in people[1:]:
        _judge(report, each)
    report.figure = (
        f"asked for {ASKED_S} s: {waited}; down for {seconds:.0f} s: {told}; access withdrawn: "
        f"{calls} more calls, told once"
    )
    return report


def _asked_to_wait(report: Report, people: Sequence[Diary]) -> str:
    """F12: the first one is; the others notice nothing."""
    first, *others = people
    since = first.latest()
    wait = {"Retry-After": str(ASKED_S)}
    first.script({"kind": "events.insert", "status": 429, "headers": wait, "times": 1})
    _write(first)
    while not any(each["response_status"] == 429 for each in first.calls(since)):
        time.sleep(EVERY_S)
    refused_at = datetime.now(UTC)
    began = time.monotonic()
    for each in others:
        _write(each)
    late = 0.0
    for each in others:
        each.until_over(DRAIN_S)
        late = max(late, time.monotonic() - began)
    _settle(report, people)
    later = [
        at - refused_at
        for call in first.calls(since)
        if first.account in call["request"]["path"] or call["kind"] == "events.insert"
        if (at := datetime.fromisoformat(call["at"])) > refused_at + timedelta(seconds=late + 1)
    ]
    waited = min(later, default=timedelta()).total_seconds()
    report.demand(waited >= ASKED_S - 1, f"asked for {ASKED_S} s, and came after {waited:.1f} s")
    report.demand(late <= ON_TIME_S, f"the others were in step after {late:.1f} s")
    return f"came after {waited:.0f} s, {len(others)} others in step within {late:.1f} s"


def _unheard(report: Report, people: Sequence[Diary]) -> None:
    """F14: inserts and changes are taken, and nobody hears of it."""
    for each in people:
        for kind in ("events.insert", "events.patch"):
            each.script({"kind": kind, "drop": "after", "times": 2})
            _write(each)
            for todo_id in list(each.pairs())[:2]:
                each.owner.must("PATCH", f"/todos/{todo_id}", json={"due": due(_time())})
    time.sleep(ON_TIME_S)
    _settle(report, people)


def _down(report: Report, people: Sequence[Diary], worker: Process, seconds: float) -> str:
    """F13: push messages do not notice, memory stays, and then each todo gets its one event."""
    pushing = Pushing(people[0].stack)
    before = most = memory_mb(worker.popen.pid)
    ends, trouble = time.monotonic() + seconds, cycle(DOWN)
    people[0].script({**next(trouble), "times": 1_000_000})
    for each in people:
        _write(each)
    while time.monotonic() < ends:
        people[0].script({**next(trouble), "times": 1_000_000})
        for _ in range(4):
            pushing.write([datetime.now(UTC) + timedelta(seconds=1)])
            time.sleep(EVERY_S)
        most = max(most, memory_mb(worker.popen.pid))
    people[0].script()
    began = time.monotonic()
    _settle(report, people)
    took = time.monotonic() - began
    pushing.until_over(ON_TIME_S * 2)
    pushing.judge(report)
    late = sorted(
        (min(at) - pushing.due(key)).total_seconds() for key, at in pushing.sent_at().items()
    )
    p99 = late[int(len(late) * 0.99)]
    report.demand(p99 <= ON_TIME_S, f"push messages came with a p99 of {p99:.1f} s")
    grew = most - before
    report.demand(grew <= MORE_MB, f"memory grew by {grew:.0f} MB")
    return f"push late by {p99:.1f} s (p99), memory +{grew:.0f} MB, in step {took:.0f} s after"


def _withdrawn(report: Report, people: Sequence[Diary]) -> int:
    """F15: the first one removes the app at the provider; how often that was called after."""
    first = people[0]
    first.vendor.post("/google/removed", params={"account": first.account}).raise_for_status()
    _settle(report, people[1:])
    since = first.latest()
    _write(first)
    ends = time.monotonic() + DRAIN_S
    while first.status()["status"] != "needs_reauth" and time.monotonic() < ends:
        time.sleep(EVERY_S)
    _write(first)
    time.sleep(ON_TIME_S)
    calls = sum(each["response_status"] in REFUSED for each in first.calls(since))
    report.demand(calls <= CALLS, f"{calls} calls with an access that was withdrawn")
    shown = first.status()
    report.demand(shown["status"] == "needs_reauth", f"stands as {shown['status']}")
    [(told,)] = first.stack.rows(_PAUSES, id=first.owner.id)
    report.demand(told == 1, f"told {told} times")
    return calls


def _write(diary: Diary) -> None:
    for _ in range(EACH):
        diary.todo("Call the dentist", _time())


def _settle(report: Report, people: Sequence[Diary]) -> None:
    for each in people:
        took = each.until_over(DRAIN_S)
        report.demand(took < DRAIN_S, f"not in step: {each.status()['sync']}")


def _judge(report: Report, diary: Diary) -> None:
    """Each todo has one event; and once in step, nothing is written."""
    todos = {each["id"]: each for each in diary.todos()}
    made = Counter(str(each) for each in origins(diary.events()))
    report.operations += len(todos)
    report.lost += len(todos.keys() - made.keys())
    report.duplicates += sum(each - 1 for each in made.values())
    report.demand(made.keys() == todos.keys(), f"{len(made)} events of {len(todos)} todos")
    report.demand(set(made.values()) <= {1}, "a todo has several events")
    starts = {str(key): event["start"] for event in diary.events() for key in origins([event])}
    for key, todo in todos.items():
        wanted = f"{todo['due']['date']}T{todo['due']['time'][:5]}"
        says = starts.get(key, {}).get("dateTime", "")
        report.demand(says.startswith(wanted), f"{key} is at {wanted}, its event says {says}")
    since = diary.latest()
    diary.sync()
    echoes = [each["kind"] for each in diary.calls(since) if each["kind"] in WRITES]
    report.demand(not echoes, f"in step, and yet wrote {echoes}")


def _time() -> datetime:
    return FIRST + timedelta(hours=next(_times))
