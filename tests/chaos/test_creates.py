"""The API killed around its commit, a few times; `make chaos` does it a thousand times."""

from random import Random

from bench.chaos import creates
from bench.chaos.stack import Stack

RNG = Random(1)  # noqa: S311 - repeatable, which is the point


async def test_killed_after_the_commit_the_retry_gets_the_stored_answer(stack: Stack) -> None:
    report = await creates.after_commit(stack, 4, RNG)
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (4, 0, 0)


async def test_killed_before_the_commit_nothing_is_there_and_the_retry_makes_it(
    stack: Stack,
) -> None:
    report = await creates.before_commit(stack, 2, RNG)
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (2, 0, 0)
