from random import Random

import pytest

from bench.chaos import workers
from bench.chaos.pushing import Pushing
from bench.chaos.slacking import Slacking
from bench.chaos.stack import Stack


@pytest.mark.long
def test_killed_while_sending_nothing_is_lost_and_what_went_twice_is_flagged(stack: Stack) -> None:
    rng = Random(1)  # noqa: S311 - repeatable, which is the point
    report = workers.killed(stack, 5, rng, faults=workers.FIRST_ATTEMPTS, at_a_time=3, lanes=3)
    assert report.violations == []
    assert (report.kills, report.lost) == (5, 0)
    assert report.duplicates <= report.ambiguous
    assert report.ambiguous > 0  # else nobody was killed in the middle


@pytest.mark.long
def test_killed_while_pushing_nothing_is_lost_and_nothing_is_seen_twice(stack: Stack) -> None:
    rng = Random(2)  # noqa: S311 - repeatable, which is the point
    report = workers.killed(
        stack, 5, rng, faults=workers.FIRST_ATTEMPTS, at_a_time=3, lanes=3, by=Pushing
    )
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (5, 0, 0)
    assert report.ambiguous > 0  # else nobody was killed in the middle


@pytest.mark.long
def test_killed_while_posting_nothing_is_lost_and_nothing_is_posted_twice(stack: Stack) -> None:
    rng = Random(3)  # noqa: S311 - repeatable, which is the point
    report = workers.killed(
        stack, 5, rng, faults=workers.FIRST_ATTEMPTS, at_a_time=3, lanes=3, by=Slacking
    )
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (5, 0, 0)
    assert report.ambiguous > 0  # else nobody was killed in the middle


@pytest.mark.long
def test_killed_while_sending_nothing_comes_twice_where_the_vendor_tells(stack: Stack) -> None:
    rng = Random(4)  # noqa: S311 - repeatable, which is the point
    at = ["reminder_after_send", "reminder_after_begin", "delivery_after_send"]
    report = workers.killed(stack, 3, rng, faults=at, at_a_time=3, lanes=3, told=True)
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (3, 0, 0)
