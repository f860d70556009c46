"""Recordings while parts are killed, a few times; `make chaos` does it a hundred times each."""

from random import Random

import pytest

from bench.chaos import memos, uploads
from bench.chaos.stack import Stack


async def test_killed_while_recordings_arrive_none_is_lost_and_none_is_there_twice(
    stack: Stack,
) -> None:
    rng = Random(1)  # noqa: S311 - repeatable, which is the point
    report = await uploads.killed(stack, 6, rng, longest_life_s=1)
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (6, 0, 0)
    assert report.ambiguous > 0  # else nobody was cut off


@pytest.mark.long
def test_killed_at_every_stage_each_recording_becomes_one_todo(stack: Stack) -> None:
    report = memos.killed(stack, 7, Random(2))  # noqa: S311 - repeatable, which is the point
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (7, 0, 0)
