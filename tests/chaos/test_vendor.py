import pytest

from bench.chaos import vendor
from bench.chaos.mailing import Mailing
from bench.chaos.pushing import Pushing
from bench.chaos.slacking import Slacking
from bench.chaos.stack import Stack


@pytest.mark.long
@pytest.mark.parametrize(
    ("by", "told"),
    [
        (Mailing, False),
        (Mailing, True),
        (Pushing, False),
        (Slacking, False),
    ],
)
def test_one_message_each_or_a_failure_that_is_seen(
    stack: Stack,
    by: type[Mailing],
    told: bool,  # noqa: FBT001 - a column of the table
) -> None:
    report = vendor.faults(stack, by=by, told=told)
    assert report.violations == []
    assert (report.operations, report.lost) == (8, 0)
    unseen = told or by is not Mailing
    assert report.duplicates <= (0 if unseen else report.ambiguous)
