"""The plan of what breaks, and a short run of it; `make chaos` runs it for ten minutes."""

import tempfile
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from bench.chaos import reminders
from bench.chaos.nemesis import CALM_S, Strike, plan
from bench.chaos.stack import running


def rng(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - repeatable, which is the point


@pytest.mark.parametrize(("seconds", "kills"), [(20, 2), (60, 5), (600, 50), (6000, 500)])
def test_a_plan_has_everything_in_it_and_no_outage_twice_at_a_time(
    seconds: float, kills: int
) -> None:
    blows = plan(seconds, kills, rng(1))
    assert {blow.strike for blow in blows} == set(Strike)
    assert sum(blow.strike is Strike.KILL for blow in blows) == kills
    assert all(CALM_S <= blow.at < seconds for blow in blows)
    for strike in (Strike.TEMPORAL, Strike.POSTGRES):
        of_kind = [blow for blow in blows if blow.strike is strike]
        assert all(first.at + first.lasts < then.at for first, then in pairwise(of_kind))


def test_a_seed_repeats_a_plan() -> None:
    assert plan(600, 50, rng(7)) == plan(600, 50, rng(7)) != plan(600, 50, rng(8))


@pytest.mark.long
async def test_what_was_promised_comes_whatever_breaks() -> None:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder, running(Path(folder)) as stack:
        report = await reminders.under_nemesis(stack, 15, 2, rng(1), recurring=0, within=8)
    assert report.violations == []
    assert (report.kills, report.lost) == (2, 0)
    assert report.operations > 30
