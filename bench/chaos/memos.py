"""Workers are killed at every stage of recordings, one after the other.

Each recording asks for a todo of its own. Some owners complete, edit or delete it as soon as they
see it, and some have theirs processed anew. In the end every recording is over, its todo was made
once, and stands as its owner left it.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, islice, pairwise
from random import Random
from typing import Any
from uuid import uuid4

import httpx2

from bench.chaos import workers
from bench.chaos.report import Report
from bench.chaos.spoken import Spoken
from bench.chaos.stack import Stack
from core.models.memos import MemoStatus
from tests.people import API, PASSWORD, address

TRIAL = "voice memo"
STAGES = (
    *(workers.ANY_MOMENT, "memo_listened", "memo_before_vendor", "memo_heard"),
    *(workers.ANY_MOMENT, "memo_transcribed", "memo_understood"),
)
AT_ONCE = 4  # recordings of each feed
DRAIN_S = 420.0  # a provider that was asked in vain thrice rests for minutes, by and by
LOOK_EVERY_S = 0.25
ANEW = 0.3  # of those that are done
SLOW: dict[str, object] = {"vendor": "transcription", "delay_ms": 300, "times": 1_000_000}
TROUBLES: tuple[dict[str, object], ...] = ({"status": 503}, {"drop": "after"})
TROUBLED = 0.2  # of the feeds
_BUSY = """
    SELECT EXISTS (SELECT FROM voice_memos WHERE status IN ('transcribing', 'understanding'))
"""
_TODOS = "SELECT title, id::text FROM todos WHERE title = ANY (%(titles)s) AND deleted_at IS NULL"
_OPEN = "SELECT count(*) FROM jobs WHERE kind = 'voice_memo' AND finished_at IS NULL"
_FOUND = """
    SELECT id::text, title, status, deleted_at IS NOT NULL,
           (SELECT count(*) FROM events e WHERE e.subject_id = t.id AND e.type = 'todo.created')
    FROM todos t
"""
_JOBS = """
    SELECT j.id::text, j.result->>'memo_id', j.status, j.result->>'outcome',
           (SELECT count(*) FROM notifications n WHERE n.id = j.id),
           (SELECT count(*) FROM transcriptions t WHERE t.id = j.id)
    FROM jobs j WHERE kind = 'voice_memo'
"""


@dataclass(slots=True)
class _Memo:
    """`act` is what its owner does with the todo; `todo_id` once that is done."""

    id: str
    title: str
    act: str
    anew: bool
    todo_id: str = ""


@dataclass(slots=True)
class _Household:
    """One person with many recordings, who meddles with what comes of them."""

    stack: Stack
    http: httpx2.Client
    rng: Random
    spoken: Spoken
    email: str = field(default_factory=lambda: address("memos"))
    memos: dict[str, _Memo] = field(default_factory=dict)  # by title
    calls: list[tuple[str, datetime, int | None]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    _seen: int = 0
    _next_look: float = 0.0

    def enter(self, way: str = "login") -> None:
        body = {"email": self.email, "password": PASSWORD}
        told = self.http.post(f"{API}/auth/{way}", json=body).raise_for_status().json()
        self.http.headers["authorization"] = f"Bearer {told['access_token']}"

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        answer = self.http.request(method, API + path, **options)
        if answer.status_code == 401:
            self.enter()
            answer = self.http.request(method, API + path, **options)
        return answer

    def feed(self) -> None:
        """Some more recordings; and the vendor is slow, and now and then in trouble."""
        troubles = [self.rng.choice(TROUBLES)] if self.rng.random() < TROUBLED else []
        self.stack.script(*({**SLOW, **each, "times": 1} for each in troubles), SLOW)
        with self.stack.vendor() as vendor:
            for _ in range(AT_ONCE):
                audio, title = next(self.spoken)
                self.spoken.script(vendor, audio, title)
                self._upload(audio, title)
        self.read()

    def read(self) -> None:
        """What the vendor was asked since the last time."""
        with self.stack.vendor() as vendor:
            for row in vendor.get("/ledger.json", params={"since": self._seen}).json():
                self._seen = row["seq"]
                if row["vendor"] == "transcription":
                    key = row["request"]["headers"]["idempotency-key"]
                    at = datetime.fromisoformat(row["at"])
                    self.calls.append((key, at, row["response_status"]))

    def busy(self) -> bool:
        """Asked all the time, so this is where its owner looks at the todos, too."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_EVERY_S
            self.meddle()
        [(found,)] = self.stack.rows(_BUSY)
        return bool(found)

    def meddle(self) -> None:
        """Do with each todo that is new what its owner wants."""
        waiting = [memo.title for memo in self.memos.values() if not memo.todo_id]
        for title, todo_id in self.stack.rows(_TODOS, titles=waiting):
            memo = self.memos[title]
            memo.todo_id = todo_id
            if memo.act == "delete":
                self._must("DELETE", f"/todos/{todo_id}")
            elif memo.act == "edit":
                self._must("PATCH", f"/todos/{todo_id}", json={"title": f"{title}, edited"})
            elif memo.act == "complete":
                self._must("POST", f"/todos/{todo_id}/complete")
        for memo in self.memos.values():
            # 409 as long as the first processing is not over: then with one of the next looks.
            if memo.anew and memo.todo_id:
                body = {"language": "en"} if self.rng.random() < 0.5 else {}
                answer = self.ask("POST", f"/voice/memos/{memo.id}/reprocess", json=body)
                memo.anew = answer.status_code != 202

    def _upload(self, audio: bytes, title: str) -> None:
        answer = self.ask(
            "POST",
            "/voice/memos",
            files={"audio": ("memo.wav", audio, "audio/wav")},
            data={"capture_id": str(uuid4()), "language": "en"},
        )
        memo_id = answer.raise_for_status().json()["result"]["memo_id"]
        act = self.rng.choice(("leave", "delete", "edit", "complete"))
        self.memos[title] = _Memo(memo_id, title, act, self.rng.random() < ANEW)

    def _must(self, method: str, path: str, **options: Any) -> None:
        answer = self.ask(method, path, **options)
        if not answer.is_success:
            self.violations.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")


def killed(
    stack: Stack,
    kills: int,
    rng: Random,
    *,
    faults: Sequence[str] = STAGES,
    at_a_time: int = 3,
) -> Report:
    report = Report(TRIAL)
    stack.temporal.start()
    sandbox = stack.sandbox()
    stack.environment |= {
        "VOICETODO_TRANSCRIBERS": "openai",
        "VOICETODO_OPENAI_TRANSCRIPTION_PROFILE": "speaches",
        "VOICETODO_OPENAI_TRANSCRIPTION_URL": f"{sandbox.url}/speaches/v1",
        "VOICETODO_TRANSCRIPTIONS_OPENAI": "100",
        "VOICETODO_RATE_LIMIT_UPLOADS": "1000000000",
        "VOICETODO_VOICE_PROCESSES": "1",
    }
    api = stack.api()
    began = time.monotonic()
    with httpx2.Client(base_url=api.url, trust_env=False, timeout=30) as http:
        home = _Household(stack, http, rng, Spoken(rng))
        home.enter("register")
        plan = islice(cycle(faults), kills)
        ended = workers.kill(
            stack, rng, plan, at_a_time, feed=home.feed, busy=home.busy, report=report
        )
        report.kills = len(ended)
        for _ in range(2):
            stack.worker()
        took = _until_over(stack, home)
        home.read()
        _judge(stack, report, home, ended)
    report.figure += (
        f"; all over {took:.0f} s after the last kill; {time.monotonic() - began:.0f} s"
    )
    return report


def _until_over(stack: Stack, home: _Household) -> float:
    began = time.monotonic()
    while time.monotonic() < began + DRAIN_S:
        home.meddle()
        [(working,)] = stack.rows(_OPEN)
        if not working and not any(each.anew or not each.todo_id for each in home.memos.values()):
            break
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - began


def _judge(stack: Stack, report: Report, home: _Household, kills: Sequence[datetime]) -> None:
    report.operations = len(home.memos)
    report.violations += home.violations
    found = defaultdict(list)
    for todo_id, title, status, deleted, made in stack.rows(_FOUND):
        found[title.removesuffix(", edited")].append((todo_id, title, status, deleted))
        report.demand(made == 1, f"{title} was made {made} times")
    strangers = found.keys() - home.memos.keys()
    report.demand(not strangers, f"{len(strangers)} todos that nobody asked for: {strangers}")
    statuses = Counter(status for (status,) in stack.rows("SELECT status FROM voice_memos"))
    report.demand(set(statuses) == {MemoStatus.DONE}, f"recordings stand as {dict(statuses)}")
    for memo in home.memos.values():
        todos = found.get(memo.title, [])
        report.lost += not todos
        report.duplicates += max(len(todos) - 1, 0)
        report.demand(len(todos) == 1, f"{memo.title}: {len(todos)} todos")
        for todo in todos:
            report.demand(_as_left(memo, todo), f"{memo.title}, {memo.act}: stands as {todo}")
    jobs = stack.rows(_JOBS)
    for job_id, memo_id, status, outcome, told, bills in jobs:
        over = (status, outcome) == ("succeeded", "done")
        report.demand(over, f"{memo_id} was {status}, {outcome}")
        report.demand(told == 1, f"{memo_id} was told of {told} times")
        report.demand(bills <= 1, f"{job_id} was billed {bills} times")
    asked = _vendor(report, home, kills)
    acts = Counter(each.act for each in home.memos.values())
    report.figure = (
        f"at {len(set(STAGES)) - 1} fault points and at any moment; {acts['delete']} deleted, "
        f"{acts['edit']} edited, {acts['complete']} completed at once, "
        f"{len(jobs) - len(home.memos)} processed anew; {asked}"
    )


def _as_left(memo: _Memo, todo: tuple[str, str, str, bool]) -> bool:
    todo_id, title, status, deleted = todo
    return (
        todo_id == memo.todo_id
        and deleted == (memo.act == "delete")
        and title.endswith(", edited") == (memo.act == "edit")
        and (status == "completed") == (memo.act == "complete")
    )


def _vendor(report: Report, home: _Household, kills: Sequence[datetime]) -> str:
    """A second call needs a reason: the first got no good answer, or a worker died after it."""
    calls: Mapping[str, list[tuple[datetime, int | None]]] = defaultdict(list)
    for key, at, status in home.calls:
        calls[key].append((at, status))
    again = 0
    for key, each in calls.items():
        for (at, status), (later, _) in pairwise(each):
            again += 1
            died = any(at < kill for kill in kills if kill < later)
            report.demand(status != 200 or died, f"{key} was asked for twice for no reason")
    report.ambiguous = again
    most = max(map(len, calls.values()), default=0)
    return f"{len(home.calls)} calls of the vendor, {again} of them repetitions, at most {most}"
