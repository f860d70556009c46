from datetime import timedelta
from uuid import UUID

import pytest

from core.rules.retries import IN_WORDS, Reason, delivery_id, wait

A, B = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [(1, 5), (2, 15), (3, 45), (4, 90), (5, 180), (6, 360), (7, 720), (8, 900), (5000, 900)],
)
def test_waits_double_to_a_quarter_of_an_hour(attempt: int, seconds: int) -> None:
    found = wait(A, attempt).total_seconds()
    assert seconds <= found <= seconds * 1.1
    assert wait(A, attempt) == wait(A, attempt)
    assert len({wait(UUID(int=each), attempt) for each in range(20)}) > 10


def test_a_longer_wish_of_the_vendor_is_kept_and_a_shorter_one_is_not() -> None:
    minute = timedelta(minutes=1)
    assert minute <= wait(A, 1, minute) <= minute + timedelta(seconds=0.5)
    assert wait(A, 3, timedelta(seconds=1)) >= timedelta(seconds=45)


def test_a_message_has_one_id_and_another_message_another() -> None:
    same = delivery_id(A, 1, B, "email")
    assert same == delivery_id(A, 1, B, "email")
    others = {
        delivery_id(B, 1, B, "email"),
        delivery_id(A, 2, B, "email"),
        delivery_id(A, 1, A, "email"),
        delivery_id(A, 1, B, "in_app"),
        delivery_id(A, 1, B, "email", "x"),
    }
    assert len(others | {same}) == 6


def test_every_reason_has_words() -> None:
    assert set(IN_WORDS) == set(Reason)
