"""What it costs to understand an utterance, without a server and a database around it.

All utterances of tests/data/utterances, those of whole conversations one by one. Beside it what
no program of this kind can leave out: the text folded and taken apart into words. No other library
understands whole commands, so there is no peer to be measured in the same run.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from rich.console import Console
from rich.table import Table

from api.trials import cases
from api.trials.cases import Case
from bench.results import keep
from bench.voice.figures import at
from bench.voice.titles import titles
from core.rules.understanding import reading, shortlist, targets
from core.rules.understanding.commands import Candidate, Intent
from core.rules.understanding.text import normalise

ROUNDS = int(os.environ.get("ROUNDS", "5"))
NOBODY = UUID(int=0)
TODOS = 1000
SAID = ("the boiler one with Anna", "call Anna about the boiler", "milk")


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds to understand an utterance, and to take it apart only."""

    first: float
    usual: float
    floor: float


def measure(console: Console) -> None:
    names = ("p50", "p95", "p99", "longest", "first", "a minute on one core", "times the floor")
    table = Table("language", "utterances", *names)
    everything: list[Cost] = []
    for language in cases.languages():
        costs = [_cost(case, text) for case in cases.load(language) for text in case.say]
        everything += costs
        table.add_row(language, *_cells(costs))
    table.add_row("all of them", *_cells(everything))
    among = [Cost(*_timed(partial(_chosen, said, titles(TODOS))), 0.0) for said in SAID]
    table.add_row(f"which of {TODOS:,} todos is meant", *_cells(among))
    console.print(table)
    note = (
        f"pure rules, language told, median of {ROUNDS} of each utterance; aim ≥ 1,000 a minute; "
        "`first` is the longest that one took when it was the first to need some of its language's "
        "patterns, which are compiled then, once in a process; "
        "the floor only folds the text and takes it apart into words"
    )
    keep("Understanding", "python -m bench.voice understanding", table, note=note)


def _cost(case: Case, text: str) -> Cost:
    read = partial(
        reading.read,
        text,
        now=case.now,
        zone=case.zone,
        language=case.language,
        default=Intent.CREATE if case.quick else None,
        lists=case.lists,
        tags=case.tags,
    )
    _, floor = _timed(partial(normalise, text))
    return Cost(*_timed(read), floor)


def _chosen(said: str, among: list[str]) -> None:
    """As the text door does it."""
    near = [Candidate(NOBODY, among[nth], (nth,)) for nth in shortlist.likely(said, among)]
    targets.choose(said, near, language="en")


def _timed(step: Callable[[], object]) -> tuple[float, float]:
    """The first time, and the median of the others.

    Of this thread's own processor time: what else runs on the machine does not count.
    """
    taken = []
    for _ in range(1 + ROUNDS):
        began = time.thread_time_ns()
        step()
        taken.append((time.thread_time_ns() - began) / 1000)
    return taken[0], statistics.median(taken[1:])


def _cells(costs: list[Cost]) -> list[str]:
    spent = [each.usual for each in costs]
    floor = sum(each.floor for each in costs)
    figures = [f"{at(spent, share):,.0f} µs" for share in (0.5, 0.95, 0.99, 1)]
    figures.append(f"{max(each.first for each in costs) / 1000:,.0f} ms")
    rate = f"{len(spent) / sum(spent) * 60e6:,.0f}"
    return [f"{len(spent):,}", *figures, rate, f"{sum(spent) / floor:.0f}" if floor else ""]
