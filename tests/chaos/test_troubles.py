from random import Random

import pytest

from bench.chaos import troubles
from bench.chaos.mailing import Mailing
from bench.chaos.slacking import Slacking
from bench.chaos.stack import Stack

pytestmark = pytest.mark.long


@pytest.mark.parametrize("by", [Mailing, Slacking])
def test_who_was_asked_to_wait_holds_up_nobody(stack: Stack, by: type[Mailing]) -> None:
    report = troubles.throttled(stack, 60, by=by)
    assert report.violations == []
    assert (report.operations, report.lost, report.duplicates) == (60, 0, 0)


def test_a_mail_service_that_is_down_holds_up_no_push(stack: Stack) -> None:
    report = troubles.down(stack, 12, 150, Random(1))  # noqa: S311 - repeatable, which is the point
    assert report.violations == []
    assert (report.lost, report.duplicates) == (0, 0)
    assert report.operations == 150 + 48
