"""When a webhook is sent again, and how long its receiver is left in peace."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.rules import webhook_retries

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("nth", range(20))
def test_ten_tries_are_spread_over_75_hours(nth: int) -> None:
    delivery = UUID(int=nth)
    waits = [webhook_retries.wait(delivery, failures) for failures in range(1, 10)]
    assert webhook_retries.wait(delivery, webhook_retries.TRIES) is None
    whole = sum((each for each in waits if each is not None), timedelta(0))
    assert None not in waits
    assert 68 * HOUR < whole < 83 * HOUR


def test_what_failed_together_does_not_return_together() -> None:
    waits = {webhook_retries.wait(UUID(int=nth), 2) for nth in range(100)}
    assert len(waits) > 50


def test_a_receivers_wish_is_kept_where_it_is_longer() -> None:
    assert webhook_retries.wait(UUID(int=1), 1, HOUR) == HOUR
    long = webhook_retries.wait(UUID(int=1), 9, HOUR)
    assert long is not None
    assert long > 20 * HOUR


@pytest.mark.parametrize(
    ("status", "down"),
    [(None, True), (500, True), (503, True), (429, True), (408, True), (400, False), (302, False)],
)
def test_what_speaks_against_a_receiver(status: int | None, *, down: bool) -> None:
    assert webhook_retries.is_down(status) is down


def test_a_receiver_that_is_down_is_asked_less_and_less() -> None:
    rests = [webhook_retries.rest(failures).total_seconds() for failures in range(9)]
    assert rests == [0, 0, 0, 10, 20, 40, 60, 60, 60]
    assert webhook_retries.rest(100_000).total_seconds() == 60


def test_failures_long_ago_say_nothing_of_today() -> None:
    began = NOW - timedelta(days=4)
    assert webhook_retries.failing_since(None, None, now=NOW) == NOW
    assert webhook_retries.failing_since(began, NOW - 27 * HOUR, now=NOW) == began
    assert webhook_retries.failing_since(began, NOW - 37 * HOUR, now=NOW) == NOW
