"""F1 and F2: the API is killed while it creates a todo, and the client asks again.

F1, after the commit and before the answer: the retry is given the stored answer, whoever gives it.
F2, before the commit: nothing is there, and the retry makes it.
"""

import asyncio
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

import httpx2

from bench.chaos.journal import Journal, check
from bench.chaos.report import Report
from bench.chaos.stack import Process, Stack
from tests.patience import PATIENCE_S
from tests.people import API, Person, register

SPARE = 4  # servers that wait to be killed; one client, so that none dies with two connections
PEOPLE = 8
KEPT = ("location", "etag", "change-set", "content-type")
REPLAYED = "idempotency-replayed"


@dataclass(slots=True)
class _Round:
    """What the two retries of one create answered."""

    answers: list[tuple[object, ...]] = field(default_factory=list)
    replayed: list[bool] = field(default_factory=list)
    there_after_the_kill: int = 0


async def after_commit(stack: Stack, rounds: int, rng: Random) -> Report:
    return await _creates(stack, "F1", "after_commit_before_response", rounds, rng)


async def before_commit(stack: Stack, rounds: int, rng: Random) -> Report:
    return await _creates(stack, "F2", "before_commit", rounds, rng)


async def _creates(stack: Stack, trial: str, fault: str, rounds: int, rng: Random) -> Report:
    report = Report(trial, operations=rounds)
    journal = Journal()
    began = time.monotonic()
    living = stack.api()
    limits = httpx2.Limits(max_keepalive_connections=0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        doomed = stack.doomed_api(fault, listener.fileno(), SPARE)
        async with (
            httpx2.AsyncClient(base_url=living.url, trust_env=False, timeout=PATIENCE_S) as http,
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                trust_env=False,
                timeout=PATIENCE_S,
                limits=limits,
            ) as to_die,
        ):
            people = [await register(http, f"p{nth}") for nth in range(PEOPLE)]
            found: dict[str, _Round] = {}
            for _ in range(rounds):
                await _one(stack, journal, found, rng.choice(people), to_die, report)
    report.kills = _kills(doomed, report)
    living.kill()
    took = time.monotonic() - began
    _judge(stack, report, journal, found, [person.id for person in people])
    report.figure += f" in {took:.0f} s"
    return report


async def _one(
    stack: Stack,
    journal: Journal,
    found: dict[str, _Round],
    person: Person,
    to_die: httpx2.AsyncClient,
    report: Report,
) -> None:
    key = uuid4().hex
    headers = {**person.headers, "Idempotency-Key": key}
    body = {"title": key, "tags": ["chaos"]}
    mine = found[key] = _Round()
    journal.invoked(key)
    try:
        answer = await to_die.post(f"{API}/todos", json=body, headers=headers)
    except httpx2.TransportError:
        journal.unknown(key)
    else:
        report.violations.append(f"answered {answer.status_code} instead of dying")
    [(mine.there_after_the_kill,)] = await asyncio.to_thread(
        stack.rows, "SELECT count(*) FROM todos WHERE title = %(key)s", key=key
    )
    for _ in range(2):
        answer = await _asked(person, body, headers)
        if answer.status_code == 201:
            journal.acknowledged(key)
        kept = tuple(answer.headers.get(name) for name in KEPT)
        mine.answers.append((answer.status_code, answer.content, kept))
        mine.replayed.append(REPLAYED in answer.headers)


async def _asked(
    person: Person, body: Mapping[str, object], headers: Mapping[str, str]
) -> httpx2.Response:
    """As a client does: again while the first try is still under way or the server is busy."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = await person.post("/todos", json=body, headers=headers)
        if answer.status_code not in {409, 503} or time.monotonic() > deadline:
            return answer
        await asyncio.sleep(0.02)


def _kills(doomed: Process, report: Report) -> int:
    """How many servers died as they were to; the spare ones die now."""
    ended = doomed.ended()
    report.demand(set(ended) <= {-9}, f"servers ended by themselves: {set(ended)}")
    return len(ended)


def _judge(
    stack: Stack, report: Report, journal: Journal, found: Mapping[str, _Round], people: list[UUID]
) -> None:
    rows = stack.rows(
        """
        SELECT t.title, t.id::text, t.version,
               (SELECT count(*) FROM events e
                WHERE e.workspace_id = t.workspace_id AND e.subject_id = t.id),
               (SELECT string_agg(DISTINCT e.change_set_id::text, ' ') FROM events e
                WHERE e.workspace_id = t.workspace_id AND e.subject_id = t.id)
        FROM todos t WHERE t.workspace_id = ANY (%(people)s)
        """,
        people=people,
    )
    verdict = check(journal, (row[0] for row in rows))
    report.violations += verdict.violations
    report.lost, report.duplicates = len(verdict.lost), len(verdict.twice)
    n = report.operations
    at_once = n if report.trial == "F1" else 0
    there = sum(each.there_after_the_kill for each in found.values())
    report.demand(there == at_once, f"{there} there after the kill instead of {at_once}")
    report.demand(report.kills == n, f"{report.kills} kills instead of {n}")
    identical = sum(len(set(each.answers)) == 1 for each in found.values())
    report.demand(identical == n, f"{n - identical} were answered differently the second time")
    replays = [report.trial == "F1", True]
    odd = sum(each.replayed != replays for each in found.values())
    report.demand(odd == 0, f"{odd} were not answered from memory when they should be")
    for title, todo_id, version, events, change_sets in rows:
        status, body, kept = found[title].answers[0]
        same = status == 201 and todo_id.encode() in bytes(body) and change_sets == kept[2]  # type: ignore[call-overload, index]  # as put there
        report.demand(same, f"{todo_id} is not what was answered")
        report.demand((version, events) == (1, 1), f"{todo_id} has {events} events")
    report.figure = f"{identical:,}/{n:,} identical answers, one event and Change-Set each"
