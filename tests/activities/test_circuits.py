"""When a vendor is asked, and when it is let be; the seconds are the test's."""

from datetime import timedelta
from uuid import UUID

import pytest

from activities.circuits import FIRST_WAIT_S, LONGEST_WAIT_S, MANY, PROBE_S, Circuits
from tests.activities.conftest import Time

SECOND = timedelta(seconds=1)
PEOPLE = [UUID(int=n) for n in range(1, 100)]
ADA, BOB, *_ = PEOPLE


@pytest.fixture
def circuits(time: Time) -> Circuits:
    return Circuits(time)


def fail(circuits: Circuits, people: list[UUID], asked: timedelta | None = None) -> list[bool]:
    return [circuits.failed("email", each, asked=asked) for each in people]


def test_many_failures_open_it_for_everybody(circuits: Circuits) -> None:
    assert fail(circuits, PEOPLE[:MANY]) == [False] * (MANY - 1) + [True]
    assert circuits.admit("email", UUID(int=1000)) == FIRST_WAIT_S * SECOND
    assert circuits.admit("push one.example", ADA) is None


def test_a_few_failures_do_not(circuits: Circuits, time: Time) -> None:
    fail(circuits, PEOPLE[: MANY - 1])
    time.at += 10
    assert not any(fail(circuits, PEOPLE[: MANY // 2 - 1]))
    assert circuits.admit("email", ADA) is None


def test_more_answers_than_failures_keep_it_closed(circuits: Circuits) -> None:
    """Those that fail are many all the same: no workflow for each of them."""
    circuits.failed("email", ADA, asked=None)
    for each in PEOPLE[:40]:
        circuits.answered("email", each)
    assert fail(circuits, PEOPLE[:38])[-1]
    assert circuits.admit("email", BOB) is None
    fail(circuits, PEOPLE[:3])
    assert circuits.admit("email", BOB) is not None


def test_one_tenant_s_trouble_is_its_own(circuits: Circuits) -> None:
    assert fail(circuits, [ADA] * 100)[-1]
    assert circuits.admit("email", ADA) is not None
    assert circuits.admit("email", BOB) is None


def test_a_limit_of_each_tenant_s_says_nothing_of_the_vendor(circuits: Circuits) -> None:
    for each in PEOPLE:
        assert not circuits.failed("slack", each, asked=SECOND, own=True)
    assert circuits.admit("slack", ADA) is None
    many = [circuits.failed("slack", ADA, asked=SECOND, own=True) for _ in range(MANY)]
    assert many[-1]
    assert circuits.admit("slack", ADA) is not None
    assert circuits.admit("slack", BOB) is None


def test_one_message_finds_out_for_all(circuits: Circuits, time: Time) -> None:
    fail(circuits, PEOPLE)
    time.at += FIRST_WAIT_S
    assert circuits.rests("email", ADA) == timedelta(0)
    assert circuits.admit("email", ADA) is None
    assert circuits.admit("email", BOB) == PROBE_S * SECOND
    circuits.answered("email", ADA)
    assert circuits.rests("email", BOB) is None
    assert circuits.admit("email", BOB) is None


def test_its_failure_doubles_the_wait(circuits: Circuits, time: Time) -> None:
    fail(circuits, PEOPLE)
    waits = []
    for _ in range(5):
        rest = circuits.rests("email", ADA)
        assert rest is not None
        waits.append(rest.total_seconds())
        time.at += waits[-1]
        assert circuits.admit("email", ADA) is None
        circuits.failed("email", ADA, asked=None)
    assert waits == [FIRST_WAIT_S, 10, 20, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_one_that_never_comes_back_does_not_close_the_door(circuits: Circuits, time: Time) -> None:
    fail(circuits, PEOPLE)
    time.at += FIRST_WAIT_S
    assert circuits.admit("email", ADA) is None
    time.at += PROBE_S
    assert circuits.admit("email", BOB) is None


def test_the_vendor_s_wish_is_kept(circuits: Circuits, time: Time) -> None:
    fail(circuits, PEOPLE, asked=60 * SECOND)
    time.at += 59
    assert circuits.admit("email", ADA) == SECOND


def test_late_answers_of_earlier_calls_do_not_close_it(circuits: Circuits) -> None:
    fail(circuits, PEOPLE)
    for each in PEOPLE:
        circuits.answered("email", each)
    assert circuits.admit("email", ADA) is not None
