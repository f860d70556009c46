"""Calendars, Slack and webhooks while parts are killed, a few times; `make chaos` does it more."""

from random import Random

import pytest

from bench.chaos import calendar_vendor, calendars, hooks, slack_app
from bench.chaos.stack import Stack

pytestmark = pytest.mark.long


def test_a_calendar_and_its_todos_agree_after_workers_were_killed(stack: Stack) -> None:
    report = calendars.killed(stack, 4, Random(1))  # noqa: S311 - repeatable, which is the point
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (4, 0, 0)
    assert report.operations > 10


def test_a_calendar_that_is_down_is_in_step_when_it_returns(stack: Stack) -> None:
    report = calendar_vendor.faults(stack, 6)
    assert report.violations == []
    assert (report.lost, report.duplicates) == (0, 0)


def test_what_slack_tells_ten_times_is_done_once(stack: Stack) -> None:
    report = slack_app.inbound(stack, 20, 2, Random(1), each=5)  # noqa: S311 - as above
    assert report.violations == []
    assert (report.kills, report.lost, report.duplicates) == (2, 0, 0)
    assert report.operations >= 20


def test_webhooks_are_told_under_one_id_however_many_workers_die(stack: Stack) -> None:
    report = hooks.killed(stack, 4, Random(1))  # noqa: S311 - as above
    assert report.violations == []
    assert (report.kills, report.lost) == (4, 0)


def test_a_receiver_that_is_down_holds_up_nobody_else(stack: Stack) -> None:
    report = hooks.vendor(stack, 6)
    assert report.violations == []
    assert report.lost == 0
