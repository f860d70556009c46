from itertools import groupby

import pytest

from tests.dealing import LONG, dealt, shuffled

LONG_ONES = [f"{nth} {name}" for name in LONG for nth in range(3)]
TESTS = [f"{nth} tests/core/test_x.py" for nth in range(50)] + LONG_ONES


def module(test: str) -> str:
    return test.partition(" ")[2]


@pytest.mark.parametrize("processes", [1, 2, 4, 7, 200])
def test_none_is_lost_and_long_ones_begin_each_share(processes: int) -> None:
    order = dealt(TESTS, processes, module)
    assert sorted(order) == sorted(TESTS)
    left = len(order)
    for nth in range(min(processes, len(LONG))):
        assert module(order[len(order) - left]).startswith(LONG)
        left -= left // (processes - nth)


def test_shuffled_they_are_the_same_and_modules_stay_together() -> None:
    order = shuffled(TESTS, "7", module)
    assert order != TESTS
    assert sorted(order) == sorted(TESTS)
    assert order == shuffled(TESTS, "7", module) != shuffled(TESTS, "8", module)
    assert len(list(groupby(order, module))) == len(list(groupby(TESTS, module)))
