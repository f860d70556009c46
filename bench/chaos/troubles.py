"""F12 and F13: a vendor asks some to wait, or is down for minutes; who is not held up by that."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random

from bench.chaos.mailing import Mailing
from bench.chaos.pushing import Pushing
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from bench.processes import memory_mb

ASKED = timedelta(seconds=10)
ON_TIME_S = 5.0
SOME = 15  # who are asked to wait: fewer than a vendor that is down would refuse
DRAIN_S = 120.0
BURST = 0.5  # of the messages fall due at the first moment, the others all the while
MORE_MB = 50
WORKFLOWS_AT_MOST = 100
EVERY_S = 0.25
TROUBLES: tuple[dict[str, object], ...] = (
    {"status": 503},
    {"drop": "before"},
    {"status": 500, "body": '{"errors": [{"mess'},
    {"delay_ms": 7000, "status": 504},
    {"status": 502, "body": "\x00<html>"},
)


def throttled(stack: Stack, people: int, *, by: type[Mailing] = Mailing) -> Report:
    """F12: everybody's falls due in one second; who met a 429 waits as asked, nobody else does."""
    report = Report(f"F12 {by.channel}")
    stack.temporal.start()
    stack.sandbox()
    stack.worker().ready()
    mailing = by(stack)
    wait = {"Retry-After": str(int(ASKED.total_seconds()))}
    stack.script(mailing.vendor | {"status": 429, "headers": wait, "times": SOME})
    due = datetime.now(UTC) + timedelta(seconds=3 + people / mailing.per_second)
    for _ in range(people):
        mailing.write([due])
    late = datetime.now(UTC) - due
    report.demand(late < timedelta(), f"all were written {late} after they were due")
    took = mailing.until_over(DRAIN_S)
    mailing.judge(report)
    first = {key: min(at) - due for key, at in mailing.sent_at().items()}
    asked = {str(key) for (key,) in stack.rows(_TRIED_TWICE)}
    report.demand(len(asked) == SOME, f"{len(asked)} were asked to wait, not {SOME}")
    early = [str(late) for key, late in first.items() if key in asked and late < ASKED]
    report.demand(not early, f"asked to wait {ASKED}, came after {early}")
    others = _p99(late.total_seconds() for key, late in first.items() if key not in asked)
    report.demand(others <= ON_TIME_S, f"the others came with a p99 of {others:.1f} s")
    report.figure = (
        f"{people} due in one second, {SOME} of them asked to wait {ASKED.seconds} s and did; "
        f"the others late by {others:.1f} s (p99); all over after {took:.0f} s"
    )
    return report


def down(stack: Stack, seconds: float, messages: int, rng: Random) -> Report:
    """F13: the mail service is down in every way we know; push messages do not notice."""
    report = Report("F13")
    stack.temporal.start()
    stack.sandbox()
    worker = stack.worker()
    worker.ready()
    mailing, pushing = Mailing(stack), Pushing(stack)
    begins = datetime.now(UTC) + timedelta(seconds=3 + messages / mailing.per_second)
    for nth in range(messages):
        burst = nth < messages * BURST
        mailing.write([begins + timedelta(seconds=0 if burst else rng.uniform(0, seconds))])
    for nth in range(int(seconds / EVERY_S)):
        pushing.write([begins + timedelta(seconds=nth * EVERY_S)])
    before = memory_mb(worker.popen.pid)
    most = before
    ends = time.monotonic() + (begins - datetime.now(UTC)).total_seconds() + seconds
    for trouble in cycle(TROUBLES):
        stack.script({"vendor": "sendgrid", "times": 1_000_000} | trouble)
        time.sleep(1)
        most = max(most, memory_mb(worker.popen.pid))
        if time.monotonic() >= ends:
            break
    stack.script()
    took = mailing.until_over(DRAIN_S)
    pushing.until_over(DRAIN_S)
    mailing.judge(report)
    pushing.judge(report)
    late = _p99(
        (min(at) - pushing.due(key)).total_seconds() for key, at in pushing.sent_at().items()
    )
    [(workflows,)] = stack.rows("SELECT count(*) FROM executions")
    report.demand(late <= ON_TIME_S, f"push messages came with a p99 of {late:.1f} s")
    report.demand(most - before <= MORE_MB, f"memory grew from {before:.0f} to {most:.0f} MB")
    report.demand(workflows <= WORKFLOWS_AT_MOST, f"{workflows} workflows were started")
    report.demand(not report.duplicates, f"{report.duplicates} came twice")
    report.demand(not worker.dead, "the worker did not live through it")
    report.figure = (
        f"{messages} e-mails, the service down for {seconds:.0f} s: {workflows} workflows, memory "
        f"+{most - before:.0f} MB, push late by {late:.1f} s (p99); all out {took:.0f} s after"
    )
    return report


_TRIED_TWICE = "SELECT id FROM deliveries WHERE attempts > 1"


def _p99(seconds: Iterator[float]) -> float:
    found = sorted(seconds) or [0.0]
    return found[int(len(found) * 0.99)]
