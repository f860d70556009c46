"""Kills parts of a running system and looks at what must still be true.

    make chaos                       all of it, an hour and a half
    python -m bench.chaos f1 f6      some trials

Sizes by environment: F1_ROUNDS, F2_ROUNDS, F4_KILLS, F6_SECONDS, F7_REMINDERS, F8_SECONDS,
F12_PEOPLE, F13_SECONDS, F13_MESSAGES, NEMESIS_SECONDS, NEMESIS_KILLS, VOICE_KILLS, RUNS (seeds of
calendar-sim), SEEDS (of calendar-real), CALENDAR_KILLS, VENDOR_SECONDS, SLACK_THINGS, SLACK_KILLS,
WEBHOOK_KILLS. SEED repeats a run. Ends with code 1 when anything that must hold did not.
"""

import asyncio
import inspect
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from rich.console import Console

from bench.chaos import (
    calendar_real,
    calendar_sim,
    calendar_vendor,
    calendars,
    creates,
    hooks,
    memos,
    outages,
    reminders,
    restarts,
    slack_app,
    troubles,
    uploads,
    vendor,
    workers,
    zones,
)
from bench.chaos.pushing import Pushing
from bench.chaos.report import TITLE, Report, kept, tabulate
from bench.chaos.slacking import Slacking
from bench.chaos.stack import Stack, running
from bench.results import RESULTS, keep

Trial = Callable[[Stack, Random], Report | Awaitable[Report]]


def _size(name: str, default: int) -> int:
    return int(os.environ.get(name, default))


TRIALS: dict[str, Trial] = {
    "calendar": lambda stack, rng: calendars.killed(stack, _size("CALENDAR_KILLS", 50), rng),
    "calendar-real": lambda stack, rng: calendar_real.lives(stack, _size("SEEDS", 100), rng),
    "calendar-sim": lambda _, rng: calendar_sim.hostile(_size("RUNS", 2000), rng.getrandbits(20)),
    "calendar-vendor": lambda stack, _: calendar_vendor.faults(stack, _size("VENDOR_SECONDS", 60)),
    "f1": lambda stack, rng: creates.after_commit(stack, _size("F1_ROUNDS", 1000), rng),
    "f2": lambda stack, rng: creates.before_commit(stack, _size("F2_ROUNDS", 1000), rng),
    "f4": lambda stack, rng: workers.killed(stack, _size("F4_KILLS", 100), rng),
    "f4-push": lambda stack, rng: workers.killed(stack, _size("F4_KILLS", 100), rng, by=Pushing),
    "f4-slack": lambda stack, rng: workers.killed(stack, _size("F4_KILLS", 100), rng, by=Slacking),
    "f4-told": lambda stack, rng: workers.killed(stack, _size("F4_KILLS", 100), rng, told=True),
    "f6": lambda stack, rng: outages.temporal_away(stack, _size("F6_SECONDS", 60), rng),
    "f7": lambda stack, rng: outages.temporal_wiped(stack, _size("F7_REMINDERS", 200), rng),
    "f8": lambda stack, rng: restarts.postgres_restarted(stack, _size("F8_SECONDS", 20), rng),
    "f12": lambda stack, _: troubles.throttled(stack, _size("F12_PEOPLE", 1000)),
    "f12-slack": lambda stack, _: troubles.throttled(stack, _size("F12_PEOPLE", 1000), by=Slacking),
    "f13": lambda stack, rng: troubles.down(
        stack, _size("F13_SECONDS", 120), _size("F13_MESSAGES", 2000), rng
    ),
    "f18": lambda *_: zones.everywhere(),
    "reminders": lambda stack, rng: reminders.under_nemesis(
        stack, _size("NEMESIS_SECONDS", 600), _size("NEMESIS_KILLS", 50), rng
    ),
    "slack-inbound": lambda stack, rng: slack_app.inbound(
        stack, _size("SLACK_THINGS", 200), _size("SLACK_KILLS", 10), rng
    ),
    "voice-memo": lambda stack, rng: memos.killed(stack, _size("VOICE_KILLS", 100), rng),
    "voice-upload": lambda stack, rng: uploads.killed(stack, _size("VOICE_KILLS", 100), rng),
    "vendor": lambda stack, _: vendor.faults(stack),
    "vendor-told": lambda stack, _: vendor.faults(stack, told=True),
    "vendor-push": lambda stack, _: vendor.faults(stack, by=Pushing),
    "vendor-slack": lambda stack, _: vendor.faults(stack, by=Slacking),
    "webhooks-out": lambda stack, rng: hooks.killed(stack, _size("WEBHOOK_KILLS", 50), rng),
    "webhooks-vendor": lambda stack, _: hooks.vendor(stack, _size("VENDOR_SECONDS", 60)),
}


def _judged(name: str, stack: Stack, rng: Random) -> Report:
    """A trial that breaks has failed; the others are run all the same."""
    try:
        return asyncio.run(_run(TRIALS[name], stack, rng))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and counts
        traceback.print_exc()
        return Report(name, violations=[f"it broke: {type(error).__name__}"])


async def _run(trial: Trial, stack: Stack, rng: Random) -> Report:
    report = trial(stack, rng)
    return await report if inspect.isawaitable(report) else report


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in TRIALS]
    if unknown:
        sys.stderr.write(f"no such trial: {', '.join(unknown)}; there are {', '.join(TRIALS)}\n")
        return 2
    console = Console(width=160)
    seed = _size("SEED", time.time_ns() % 1_000_000)
    reports = []
    for name in names or TRIALS:
        console.print(f"{name} …")
        with tempfile.TemporaryDirectory(prefix="vt-") as folder, running(Path(folder)) as stack:
            rng = Random(f"{seed} {name}")  # noqa: S311 - repeatable, which is the point
            report = _judged(name, stack, rng)
        reports.append(report)
        table = tabulate([report], seed=seed, earlier=kept(RESULTS))
        keep(TITLE, "python -m bench.chaos", table, note="the last run of each trial")
    console.print(tabulate(reports, seed=seed))
    return 1 if any(report.violations for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main([name.lower() for name in sys.argv[1:]]))
