"""F8: PostgreSQL goes down at once, without a word to anybody, and is started again."""

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random

from bench.chaos.journal import Fate, check
from bench.chaos.load import Answer, writers
from bench.chaos.report import Report
from bench.chaos.stack import Stack
from core import embedded_cluster, embedded_postgres
from core.children import die_with_parent

RATE = 200
CALM_S = 3
DOWN_S = 20.0  # long enough for whatever waits longer after each vain try
BACK_WITHIN_S = 10.0


async def postgres_restarted(
    stack: Stack, seconds: float, rng: Random, *, down: float = DOWN_S
) -> Report:
    report = Report("F8", kills=1)
    with ExitStack() as servers:
        async with writers(stack.api().url, rng) as load:
            writing = asyncio.create_task(load.write(CALM_S + down + seconds, rate=RATE))
            await asyncio.sleep(CALM_S)
            stopped = time.monotonic()
            await asyncio.to_thread(restart, stack.folder, down, servers)
            back = time.monotonic()
            await writing
            unknown = len(load.journal.of(Fate.UNKNOWN))
            await load.again()
        rows = stack.rows(
            "SELECT title FROM todos WHERE workspace_id = ANY (%(people)s)",
            people=[person.id for person in load.people],
        )
    took = _judge_answers(report, load.answers, back)
    verdict = check(load.journal, (title for (title,) in rows))
    report.violations += verdict.violations
    left = len(load.journal.of(Fate.UNKNOWN))
    report.demand(left == 0, f"{left} were refused again when asked again")
    report.lost, report.duplicates = len(verdict.lost), len(verdict.twice)
    report.figure = (
        f"{RATE}/s, away for {back - stopped:.1f} s; {unknown:,} answers of 503, the last one "
        f"{took:.1f} s after its return; all of them repeated with their keys"
    )
    return report


def _judge_answers(report: Report, answers: list[Answer], back: float) -> float:
    """The seconds after its return until all was well again."""
    report.operations = len(answers)
    statuses = Counter(each.status for each in answers)
    report.demand(set(statuses) == {201, 503}, f"answered {dict(statuses)}")
    mute = sum(each.status == 503 and not each.retry_after for each in answers)
    report.demand(mute == 0, f"{mute} without Retry-After")
    slowest = max(each.seconds for each in answers)
    report.demand(slowest <= BACK_WITHIN_S, f"one answer took {slowest:.1f} s")
    took = max((each.ended for each in answers if each.status != 201), default=back) - back
    report.demand(took <= BACK_WITHIN_S, f"refused until {took:.1f} s after its return")
    return max(took, 0)


def restart(folder: Path, down: float, servers: ExitStack) -> None:
    """As `pg_ctl stop -m immediate` and a start, `down` seconds apart; `servers` end it."""
    pgdata = embedded_cluster.pgdata(folder)
    postmaster = int((pgdata / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGQUIT)
    time.sleep(down)
    server = subprocess.Popen(
        embedded_postgres.command(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - one prctl, no locks
        **embedded_cluster.run_as(),
    )
    servers.callback(server.wait)
    servers.callback(server.send_signal, signal.SIGINT)  # called first
    while not embedded_postgres.ready(folder):
        time.sleep(0.02)
