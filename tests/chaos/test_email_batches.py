from random import Random

import pytest

from bench.chaos import workers
from bench.chaos.stack import Stack


@pytest.mark.long
def test_killed_with_many_in_one_call_the_ledger_holds(stack: Stack) -> None:
    """Each kill behind a call leaves all of its deliveries in doubt, and each of them flagged."""
    stack.environment["VOICETODO_SENDGRID_BATCH"] = "1000"
    rng = Random(2)  # noqa: S311 - repeatable, which is the point
    report = workers.killed(stack, 4, rng, faults=workers.FIRST_ATTEMPTS, at_a_time=2, lanes=3)
    assert report.violations == []
    assert (report.kills, report.lost) == (4, 0)
    assert 0 < report.duplicates <= report.ambiguous
    calls = [row["request"]["body"].count('"delivery_id"') for row in _ledger(stack)]
    assert max(calls) > 1  # else nothing was sent together


def _ledger(stack: Stack) -> list[dict[str, dict[str, str]]]:
    with stack.vendor() as http:
        rows: list[dict[str, dict[str, str]]] = http.get("/ledger.json").json()
    return rows
