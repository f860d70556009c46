from datetime import UTC, datetime, timedelta

import pytest

from api.commands.words import short, when

NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)  # a Friday, 14:30 in Berlin


@pytest.mark.parametrize(
    ("away", "expected"),
    [
        (timedelta(seconds=40), "in 40 s"),
        (timedelta(minutes=12, seconds=20), "in 12 min"),
        (-timedelta(seconds=3), "3 s ago"),
        (timedelta(hours=2), "today 16:30"),
        (-timedelta(hours=15), "yesterday 23:30"),
        (timedelta(hours=10), "tomorrow 00:30"),
        (timedelta(days=3), "Mon 14:30"),
        (timedelta(days=34), "24 Dec 14:30"),
        (timedelta(days=399), "24 Dec 2027 14:30"),
    ],
)
def test_says_when(away: timedelta, expected: str) -> None:
    assert when(NOW + away, now=NOW, zone="Europe/Berlin") == expected


def test_says_a_day_without_a_time() -> None:
    midnight = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    assert when(midnight, now=NOW, zone="Europe/Berlin", all_day=True) == "tomorrow"


def test_shows_the_random_end_of_an_id() -> None:
    assert short("0197f3a0-0000-7000-8000-00ab12cd34ef") == "12cd34ef"
