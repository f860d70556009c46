import pytest

from tests.dealing import LONG, dealt

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
