"""Reminders while everything breaks: what was promised through the API, against what arrived."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import httpx2

from bench.chaos.client import Account, Asking
from bench.chaos.journal import Fate, check
from bench.chaos.lives import WITHIN_S, Life
from bench.chaos.nemesis import Nemesis, Strike, nemesis, plan
from bench.chaos.promises import Arrivals, Entry, Judgement, Standing, judge
from bench.chaos.recurring import RecurringLife
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from integrations.http import vendor_client
from integrations.http_transport import Limits
from tests.people import register

PEOPLE = 8
WORKERS = 3
LANES = 4
RECUR_FOR_S = 90.0
DRAIN_S = 60.0
PATIENCE_S = 10.0
LOOK_EVERY_S = 0.5
WRONG_STATUSES = {500, 502, 504}


async def under_nemesis(
    stack: Stack,
    seconds: float,
    kills: int,
    rng: Random,
    *,
    rate: float = 2.0,
    recurring: float = 0.06,
    within: float = WITHIN_S,
) -> Report:
    """`rate`: todos a second that begin to live, that share of them `recurring`.

    Each does two things with its reminder or so, which is due `within` seconds.
    """
    report = Report("reminders")
    stack.environment["VOICETODO_LANES"] = str(LANES)
    stack.temporal.start()
    stack.sandbox()
    with nemesis(stack, WORKERS, rng) as foe:
        api = stack.api(**foe.workers.clocks.one_more())
        for worker in foe.workers.alive:
            await asyncio.to_thread(worker.ready)
        async with httpx2.AsyncClient(base_url=api.url, trust_env=False) as http:
            people = [await register(http, f"p{nth}") for nth in range(PEOPLE)]
        accounts = [Account(person, person.access_token) for person in people]
        async with vendor_client(Limits(timeout=PATIENCE_S, connections=1000)) as client:
            asking = Asking(api.url, client)
            blows = plan(seconds, kills, rng)
            striking = asyncio.create_task(foe.strike(blows))

            def life() -> Life:
                own = Random(rng.random())  # noqa: S311 - repeatable, which is the point
                account = rng.choice(accounts)
                if rng.random() >= recurring:
                    return Life(asking, account, own, within=within)
                lasts = rng.uniform(0.5, 1.5) * RECUR_FOR_S
                return RecurringLife(asking, account, own, seconds=lasts)

            lives = await _live(life, rng, seconds, rate)
            await striking
        ids = [person.id for person in people]
        await _drained(stack, ids)
        _judge_journal(report, stack, asking, lives, ids)
        judged = _judge_reminders(stack, lives, ids)
        _tell(report, stack, foe, asking, judged)
    return report


async def _live(life: Callable[[], Life], rng: Random, seconds: float, rate: float) -> list[Life]:
    """New todos for so long; returns when the last of them has done what it does."""
    lives: list[Life] = []
    ends = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        while time.monotonic() < ends:
            lives.append(life())
            group.create_task(lives[-1].live())
            await asyncio.sleep(rng.expovariate(rate))
    return lives


async def _drained(stack: Stack, people: list[UUID]) -> None:
    """Wait until nothing is due and nothing is on its way, or for longer than is right."""
    deadline = time.monotonic() + DRAIN_S * 4  # waits for a vendor that failed are minutes
    while time.monotonic() < deadline:
        [(left,)] = await asyncio.to_thread(
            stack.rows,
            "SELECT (SELECT count(*) FROM reminders WHERE workspace_id = ANY (%(people)s)"
            "        AND next_at IS NOT NULL)"
            " + (SELECT count(*) FROM deliveries WHERE workspace_id = ANY (%(people)s)"
            "    AND status IN ('pending', 'held', 'sending'))",
            people=people,
        )
        if not left:
            return
        await asyncio.sleep(LOOK_EVERY_S)


def _judge_journal(
    report: Report, stack: Stack, asking: Asking, lives: list[Life], people: list[UUID]
) -> None:
    """What the API acknowledged is there, what it refused is not, and versions only grew."""
    report.operations = len(asking.journal)
    rows = stack.rows(
        "SELECT id, title, status, deleted_at IS NOT NULL, version FROM todos"
        " WHERE workspace_id = ANY (%(people)s)",
        people=people,
    )
    found_as = {key: told for key, _, *told in rows}
    titles = Counter(title for _, title, *_ in rows)
    changes = stack.rows(
        "SELECT DISTINCT change_set_id FROM events WHERE workspace_id = ANY (%(people)s)"
        " AND actor_id IS NOT NULL AND split_part(type, '.', 1) IN ('todo', 'reminder')",
        people=people,
    )
    found = {change_set for (change_set,) in changes}
    # Creates are found by their titles, everything else by the change set it was answered with.
    creates = {life.title for life in lives}
    for life in lives:
        if isinstance(life, RecurringLife) and life.title in titles:
            made = titles.pop(life.title)
            expected = life.completions + 1
            report.demand(made == expected, f"{life.series_id}: {made} todos, not {expected}")
            titles[life.title] = 1
    others = [key for change, key in asking.change_sets.items() if change in found]
    others += asking.silent
    state = [*titles.elements(), *(key for key in others if key not in creates)]
    verdict = check(asking.journal, state)
    report.violations += verdict.violations
    report.lost, report.duplicates = len(verdict.lost), len(verdict.twice)
    strangers = len(found - asking.change_sets.keys())
    report.demand(
        strangers <= asking.unclaimed, f"{strangers} change sets, {asking.unclaimed} unanswered"
    )
    wrong = {status: n for status, n in asking.statuses.items() if status in WRONG_STATUSES}
    report.demand(not wrong, f"answered {wrong}")
    for life in lives:
        report.violations += life.violations
        if life.todo_id is None or not life.certain or isinstance(life, RecurringLife):
            continue
        status, deleted, version = found_as.get(life.todo_id, ("missing", False, 0))
        stands, told = "deleted" if deleted else status, "deleted" if life.deleted else life.status
        report.demand(stands == told, f"{life.todo_id} is {stands}, not {told}")
        grew = version >= max(life.versions)
        report.demand(grew, f"{life.todo_id} has version {version} after {life.versions}")


def _judge_reminders(stack: Stack, lives: list[Life], people: list[UUID]) -> Judgement:
    rows = stack.rows(
        "SELECT id::text, subject_id, due_at, channel, status, ambiguous, attempts,"
        " ARRAY(SELECT l->>'what' FROM jsonb_array_elements(log) l)"
        " FROM deliveries WHERE kind = 'reminder' AND workspace_id = ANY (%(people)s)",
        people=people,
    )
    shown = stack.rows(
        "SELECT id::text, created_at FROM notifications"
        " WHERE kind = 'reminder' AND workspace_id = ANY (%(people)s)",
        people=people,
    )
    arrived = {"email": _mails(stack.mails()), "in_app": {key: [at] for key, at in shown}}
    ledger = [Entry(*[*columns, tuple(story)]) for *columns, story in rows]
    return judge((each for life in lives for each in life.armings), ledger, arrived)


def _mails(mails: list[dict[str, Any]]) -> Arrivals:
    found: dict[str, list[datetime]] = {}
    for mail in mails:
        if mail["category"] == "reminder":
            found.setdefault(mail["delivery_id"], []).append(datetime.fromisoformat(mail["at"]))
    return found


def _tell(report: Report, stack: Stack, foe: Nemesis, asking: Asking, judged: Judgement) -> None:
    report.violations += judged.violations
    report.kills = foe.done[Strike.KILL]
    report.lost += judged.lost
    report.duplicates += judged.repeated
    report.ambiguous = judged.ambiguous
    report.demand(set(foe.ended) <= {-9}, f"workers ended by themselves: {set(foe.ended)}")
    [(last,)] = stack.rows(
        "SELECT max(sent_at) FROM deliveries WHERE kind = 'reminder' AND due_at < %(healed)s"
        ' AND NOT log @> \'[{"what": "failed"}]\'',  # those wait as they should
        healed=foe.over_at,
    )
    drain = max((last - foe.over_at).total_seconds(), 0) if last and foe.over_at else 0
    report.demand(drain <= DRAIN_S, f"the backlog was out {drain:.0f} s after the last fault")
    late, calm = sorted(judged.lateness) or [0.0], max(judged.unfailed, default=0.0)
    told = Counter({each: count for each, count in foe.done.items() if each is not Strike.KILL})
    unknown = len(asking.journal.of(Fate.UNKNOWN))
    stands, withdrawn = judged.standings[Standing.STANDS], judged.standings[Standing.WITHDRAWN]
    report.figure = (
        f"{', '.join(f'{count} {each}' for each, count in sorted(told.items()))}; "
        f"{stands:,} reminders promised, {withdrawn:,} withdrawn in time, "
        f"{judged.standings[Standing.CONTESTED]:,} about then; {judged.early} early; "
        f"late p50 {late[len(late) // 2]:.2f} s, p99 {late[int(len(late) * 0.99)]:.1f} s, "
        f"max {late[-1]:.1f} s, {calm:.1f} s where no vendor failed; backlog out {drain:.0f} s "
        f"after the last fault; {unknown} answers never came"
    )
