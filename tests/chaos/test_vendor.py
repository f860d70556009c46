from bench.chaos import vendor
from bench.chaos.stack import Stack


def test_one_mail_each_or_a_failure_that_is_seen(stack: Stack) -> None:
    report = vendor.faults(stack)
    assert report.violations == []
    assert (report.operations, report.lost) == (8, 0)
    assert report.duplicates <= report.ambiguous
