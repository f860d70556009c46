"""Ids sort by the time they were made (RFC 9562 §5.7)."""

from datetime import UTC, datetime
from itertools import pairwise
from uuid import RFC_4122, UUID

from core.ids import uuid7

AT = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)


def milliseconds(made: UUID) -> int:
    return made.int >> 80


def test_what_is_made_later_sorts_later() -> None:
    made = [uuid7() for _ in range(10_000)]
    fallen_back = sum(a > b for a, b in pairwise(made))
    assert fallen_back <= 2  # clocks are set now and then


def test_they_are_of_version_seven() -> None:
    for made in (uuid7(), uuid7(AT)):
        assert (made.version, made.variant) == (7, RFC_4122)


def test_an_instant_of_before_is_kept() -> None:
    before, after = uuid7(AT), uuid7(AT)
    assert milliseconds(before) == milliseconds(after) == int(AT.timestamp() * 1000)
    assert before != after


def test_now_is_now() -> None:
    earliest = int(datetime.now(UTC).timestamp() * 1000)
    made = uuid7()
    assert earliest <= milliseconds(made) <= int(datetime.now(UTC).timestamp() * 1000)
