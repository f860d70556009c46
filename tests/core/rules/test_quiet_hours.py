from datetime import UTC, datetime, time

import pytest

from core.rules.quiet_hours import QuietHours

NIGHT = {"start": "22:00", "end": "07:00"}
NOON = {"start": "12:00", "end": "13:30"}
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("hours", "now", "zone", "end"),
    [
        (NIGHT, "2026-05-01T21:59:59", "UTC", None),
        (NIGHT, "2026-05-01T22:00:00", "UTC", "2026-05-02T07:00:00"),
        (NIGHT, "2026-05-02T00:00:00", "UTC", "2026-05-02T07:00:00"),
        (NIGHT, "2026-05-02T06:59:59", "UTC", "2026-05-02T07:00:00"),
        (NIGHT, "2026-05-02T07:00:00", "UTC", None),
        (NOON, "2026-05-02T12:00:00", "UTC", "2026-05-02T13:30:00"),
        (NOON, "2026-05-02T13:30:00", "UTC", None),
        (NOON, "2026-05-02T11:00:00", BERLIN, "2026-05-02T11:30:00"),
        (NIGHT, "2026-05-01T21:00:00", BERLIN, "2026-05-02T05:00:00"),
        (NIGHT, "2026-05-01T12:00:00", "Pacific/Kiritimati", "2026-05-01T17:00:00"),
        # The night that lost an hour (29 March) and the one that has it twice (25 October).
        (NIGHT, "2026-03-28T22:00:00", BERLIN, "2026-03-29T05:00:00"),
        (NIGHT, "2026-10-24T21:00:00", BERLIN, "2026-10-25T06:00:00"),
        (NIGHT, "2026-10-25T05:30:00", BERLIN, "2026-10-25T06:00:00"),
        # Ends at a time that does not exist (then at 03:30), and at one that comes twice (once).
        ({"start": "22:00", "end": "02:30"}, "2026-03-29T01:10:00", BERLIN, "2026-03-29T01:30:00"),
        ({"start": "22:00", "end": "02:30"}, "2026-03-29T01:30:00", BERLIN, None),
        ({"start": "22:00", "end": "02:30"}, "2026-10-25T00:29:00", BERLIN, "2026-10-25T00:30:00"),
        ({"start": "22:00", "end": "02:30"}, "2026-10-25T01:15:00", BERLIN, None),
    ],
)
def test_when_they_end(hours: dict[str, str], now: str, zone: str, end: str | None) -> None:
    quiet = QuietHours.of(hours)
    assert quiet is not None
    found = quiet.end_at(datetime.fromisoformat(now).replace(tzinfo=UTC), zone)
    assert found == (end and datetime.fromisoformat(end).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        "22:00",
        {},
        {"start": "22:00"},
        {"start": "22:00", "end": None},
        {"start": 22, "end": 7},
        {"start": "late", "end": "07:00"},
        {"start": "07:00", "end": "07:00"},
        {"start": "07:00Z", "end": "09:00Z"},
        {"start": "22:00", "end": "07:00Z"},
        {"start": "22:00+01:00", "end": "07:00"},
    ],
)
def test_what_a_client_stored_before_they_were_ours_is_none(stored: object) -> None:
    assert QuietHours.of(stored) is None
    assert QuietHours.of({"start": "22:00", "end": "07:00", "mine": 1}) == QuietHours(
        time(22), time(7)
    )
