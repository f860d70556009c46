from datetime import UTC, datetime, time, timedelta

import pytest

from core.rules import snooze

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)  # 14:00 in Berlin
# The last nights before 29 March (2:00 becomes 3:00) and 25 October (3:00 becomes 2:00).
SPRING = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 8, 0, tzinfo=UTC)


def ends(wish: snooze.Snooze, now: datetime = NOW) -> str:
    at = snooze.ends_at(wish, now=now, zone=BERLIN, all_day_time=time(8, 15))
    assert at.utcoffset() == timedelta(0)
    return at.isoformat().removesuffix("+00:00")


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("PT10M", NOW, "2026-05-01T12:10:00.250000"),
        ("10m", NOW, "2026-05-01T12:10:00.250000"),
        ("2h30m", NOW, "2026-05-01T14:30:00.250000"),
        (" 1H ", NOW, "2026-05-01T13:00:00.250000"),
        ("P1DT1H", NOW, "2026-05-02T13:00:00.250000"),
        ("p1w", NOW, "2026-05-08T12:00:00.250000"),
        ("2d", SPRING, "2026-03-30T08:00:00"),  # the same time on the wall: 10:00
        ("24h", SPRING, "2026-03-29T09:00:00"),  # as long as it says
        ("P1D", AUTUMN, "2026-10-25T09:00:00"),
        ("366d", NOW, "2027-05-02T12:00:00.250000"),
        # In the hour that comes twice, minutes are minutes; a day later it is the first of the two.
        ("10m", datetime(2026, 10, 25, 1, 15, tzinfo=UTC), "2026-10-25T01:25:00"),
        ("P1D", datetime(2026, 10, 24, 0, 15, tzinfo=UTC), "2026-10-25T00:15:00"),
        ("P1D", datetime(2026, 10, 25, 1, 15, tzinfo=UTC), "2026-10-26T01:15:00"),
        ("tonight", NOW, "2026-05-01T18:00:00"),
        ("Tomorrow", NOW, "2026-05-02T06:15:00"),
    ],
)
def test_for(text: str, now: datetime, expected: str) -> None:
    assert ends(snooze.read_for(text), now) == expected


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("2030-05-04T09:00:00Z", NOW, "2030-05-04T09:00:00"),
        ("2030-05-04t09:00:00.5+02:00", NOW, "2030-05-04T07:00:00.500000"),
        ("2030-05-04T09:00", NOW, "2030-05-04T07:00:00"),
        ("2030-12-04 09:00:30", NOW, "2030-12-04T08:00:30"),
        ("2027-03-28T02:30", NOW, "2027-03-28T01:30:00"),  # does not exist: 03:30
        ("2026-10-25T02:30", NOW, "2026-10-25T00:30:00"),  # comes twice: the first
        ("18:30", NOW, "2026-05-01T16:30:00"),
        ("14:00", NOW, "2026-05-02T12:00:00"),  # just passed
        ("14:00", NOW.replace(microsecond=0), "2026-05-02T12:00:00"),  # this very moment
        ("1970-01-01T00:00:00Z", NOW, "1970-01-01T00:00:00"),
        ("2199-12-31T23:59:59Z", NOW, "2199-12-31T23:59:59"),
        ("09:00", SPRING, "2026-03-29T07:00:00"),
        ("02:30", SPRING, "2026-03-29T01:30:00"),
        ("02:30", datetime(2026, 10, 25, 0, 45, tzinfo=UTC), "2026-10-26T01:30:00"),  # once a day
        ("tonight", datetime(2026, 5, 1, 16, 59, tzinfo=UTC), "2026-05-01T18:00:00"),
        ("tonight", datetime(2026, 5, 1, 17, 0, tzinfo=UTC), "2026-05-01T18:00:00"),
        ("tonight", datetime(2026, 5, 1, 17, 1, tzinfo=UTC), "2026-05-01T18:01:00"),
        ("tonight", datetime(2026, 5, 1, 23, 30, tzinfo=UTC), "2026-05-02T18:00:00"),
        ("tomorrow", datetime(2026, 5, 1, 22, 30, tzinfo=UTC), "2026-05-03T06:15:00"),
        ("tomorrow", SPRING, "2026-03-29T06:15:00"),
    ],
)
def test_until(text: str, now: datetime, expected: str) -> None:
    assert ends(snooze.read_until(text), now) == expected


@pytest.mark.parametrize(
    "text",
    ["", "0m", "PT0S", "P", "1.5h", "-10m", "10m 10m", "367d", "soon", "18:30", "P1Y", "9" * 60],
)
def test_no_span(text: str) -> None:
    with pytest.raises(ValueError, match=r"understand|at most"):
        snooze.read_for(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24:00",
        "9:00",
        "10m",
        "2030-02-30T09:00",
        "2030-05-04",
        "20300504T090000Z",
        "2030-05-04T09:00+25:00",
        "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1:30 pm",
        "٢٠:٠٠",  # noqa: RUF001 - digits of another script
    ],
)
def test_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="understand"):
        snooze.read_until(text)
