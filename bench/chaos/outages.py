"""F6 and F7: Temporal is gone for a while, or comes back remembering nothing."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from random import Random

from bench.chaos.journal import check
from bench.chaos.load import p99_ms, writers
from bench.chaos.mailing import Mailing
from bench.chaos.report import Report
from bench.chaos.slacking import Slacking
from bench.chaos.stack import Stack

RATE = 30
CALM_S = 15
BACK_WITHIN_S = 60.0
REBUILT_WITHIN_S = 300.0
ASKED_TO_WAIT = {
    "vendor": "slack",
    "status": 429,
    "headers": {"Retry-After": "60"},
    "times": 1_000_000,
}


async def temporal_away(stack: Stack, seconds: float, rng: Random) -> Report:
    """F6: the API does not notice; what fell due meanwhile is sent soon after."""
    report = Report("F6", kills=1)
    stack.temporal.start()
    stack.sandbox()
    worker = stack.worker()
    worker.ready()
    mailing = Mailing(stack)
    async with writers(stack.api().url, rng, reminded=0.2) as load:
        before = await load.write(CALM_S, rate=RATE)
        stack.temporal.kill()
        during = await load.write(seconds, rate=RATE)
    for each in load.answers:
        if each.reminder is not None:
            mailing.promised(each.reminder[0], each.person.id, each.reminder[1])
    late = mailing.open()
    await asyncio.to_thread(stack.temporal.start)
    took = mailing.until_over(BACK_WITHIN_S * 2)
    mailing.judge(report)
    titles = stack.rows(
        "SELECT title FROM todos WHERE workspace_id = ANY (%(people)s)",
        people=[person.id for person in load.people],
    )
    verdict = check(load.journal, (title for (title,) in titles))
    report.violations += verdict.violations
    report.lost += len(verdict.lost)
    report.operations += len(load.answers)
    refused = [each.status for each in load.answers if each.status != 201]
    report.demand(not refused, f"{len(refused)} creates were refused, such as {refused[:1]}")
    report.demand(late > 0, "no reminder waited for Temporal: nothing was shown")
    report.demand(took <= BACK_WITHIN_S, f"the last one came {took:.0f} s after its return")
    report.demand(not worker.dead, "the worker did not live through it")
    answered = sum(each.status == 201 for each in during)
    report.figure = (
        f"{answered:,}/{len(during):,} answered in {seconds:.0f} s without Temporal, "
        f"p99 {p99_ms(during):.0f} ms (before: {p99_ms(before):.0f} ms); "
        f"{late} overdue reminders out {took:.0f} s after its return"
    )
    return report


def temporal_wiped(stack: Stack, reminders: int, rng: Random) -> Report:
    """F7: deliveries are being retried and reminders wait when its data is deleted.

    By Slack, which asks each workspace by itself to wait. Who refuses everybody is taken for down:
    then nothing is retried by workflows, it waits for that vendor.
    """
    report = Report("F7", kills=1)
    stack.temporal.start()
    stack.sandbox()
    stack.script(ASKED_TO_WAIT)
    worker = stack.worker()
    worker.ready()
    slacking = Slacking(stack)
    spread, later = reminders * 0.05, reminders // 4
    begins = datetime.now(UTC) + timedelta(seconds=(reminders + later) / slacking.per_second)
    for _ in range(reminders):
        slacking.write([begins + timedelta(seconds=rng.uniform(1, 1 + spread))])
    for _ in range(later):
        slacking.write([begins + timedelta(seconds=spread + rng.uniform(40, 60))])
    until = (begins - datetime.now(UTC)).total_seconds() + spread + 60
    deadline = time.monotonic() + until
    while (retried := _open_executions(stack)) < reminders and time.monotonic() < deadline:
        time.sleep(0.2)
    report.demand(retried >= reminders, f"only {retried} were being retried")
    stack.temporal.kill()
    stack.temporal.wipe()
    stack.script()  # nobody is asked to wait any more
    stack.temporal.start()
    began = time.monotonic()
    slacking.until_over(REBUILT_WITHIN_S)
    while _open_executions(stack) and time.monotonic() < began + REBUILT_WITHIN_S:
        time.sleep(0.2)
    took = time.monotonic() - began
    slacking.judge(report)
    left = _open_executions(stack)
    report.demand(left == 0, f"{left} executions are still open")
    [(queued,)] = stack.rows("SELECT count(*) FROM outbox")
    report.demand(queued == 0, f"{queued} rows are left in the outbox")
    report.demand(not worker.dead, "the worker did not live through it")
    report.figure = (
        f"{retried} retries rebuilt and {later} later reminders delivered "
        f"{took:.0f} s after Temporal began anew"
    )
    return report


def _open_executions(stack: Stack) -> int:
    [(count,)] = stack.rows("SELECT count(*) FROM executions WHERE open")
    return int(count)
