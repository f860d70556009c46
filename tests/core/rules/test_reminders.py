"""When reminders fire: by their own wall time, or by that of their todo."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from core.rules.reminders import Arming, Due, Wish, arming, due_instant

HERE, THERE, FAR = "Europe/Berlin", "America/New_York", "Asia/Tokyo"
MAY, SPRING, AUTUMN = date(2026, 5, 4), date(2026, 3, 29), date(2026, 10, 25)
NINE, MORNING = time(9), time(8, 15)


def before(**length: int) -> Wish:
    return Wish(None, None, None, timedelta(**length))


def armed(wish: Wish, due: Due | None) -> Arming | None:
    return arming(wish, due, person_zone=HERE, all_day_time=MORNING)


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (Due(MAY, NINE, None), "2026-05-04T07:00"),  # floating: where the person is
        (Due(MAY, NINE, THERE), "2026-05-04T13:00"),
        (Due(MAY, None, None), "2026-05-03T22:00"),  # all day: its local midnight
        (Due(SPRING, time(2, 30), None), "2026-03-29T01:30"),  # left out: as if clocks had waited
        (Due(AUTUMN, time(2, 30), None), "2026-10-25T00:30"),  # comes twice: the first
    ],
)
def test_the_instant_of_a_due_time(due: Due, expected: str) -> None:
    assert due_instant(due, HERE) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("wish", "due", "expected", "zone"),
    [
        # Its own wall time, whatever the todo is due at; floating where it names no zone.
        (Wish(MAY, NINE, None, None), None, "2026-05-04T07:00", HERE),
        (Wish(MAY, NINE, None, None), Due(SPRING, NINE, FAR), "2026-05-04T07:00", HERE),
        (Wish(MAY, NINE, THERE, None), Due(MAY, NINE, FAR), "2026-05-04T13:00", THERE),
        # So long before the todo is due, on that one's wall.
        (before(hours=2), Due(MAY, NINE, None), "2026-05-04T05:00", HERE),
        (before(hours=2), Due(MAY, NINE, THERE), "2026-05-04T11:00", THERE),
        (before(), Due(MAY, NINE, None), "2026-05-04T07:00", HERE),
        # All day: before the hour that the person has chosen for such days.
        (before(), Due(MAY, None, None), "2026-05-04T06:15", HERE),
        (before(days=1), Due(MAY, None, None), "2026-05-03T06:15", HERE),
        # As long as it says, also where clocks change in between.
        (before(days=1), Due(SPRING, NINE, None), "2026-03-28T07:00", HERE),
        (before(hours=12), Due(AUTUMN, NINE, None), "2026-10-24T20:00", HERE),
    ],
)
def test_when_a_reminder_fires(wish: Wish, due: Due | None, expected: str, zone: str) -> None:
    at = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert armed(wish, due) == Arming(at, zone)


@pytest.mark.parametrize(
    ("wish", "due"),
    [
        (before(hours=2), None),
        (Wish(None, None, None, None), Due(MAY, NINE, None)),
    ],
)
def test_nothing_to_count_from(wish: Wish, due: Due | None) -> None:
    assert armed(wish, due) is None
