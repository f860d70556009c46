from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules import zones
from core.rules.cli_times import Moment, duration, moment

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)  # a Friday, 14:30 in Berlin
FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in 90s", Moment(FRIDAY, time(14, 31, 30), BERLIN)),
        ("in 1 minute", Moment(FRIDAY, time(14, 31), BERLIN)),
        ("IN  1 Hour 30min", Moment(FRIDAY, time(16), BERLIN)),
        ("in 1h30m", Moment(FRIDAY, time(16), BERLIN)),
        ("in 10h", Moment(date(2026, 11, 21), time(0, 30), BERLIN)),
        ("in 3d", Moment(date(2026, 11, 23), time(14, 30), BERLIN)),
        ("in 1w 1h", Moment(date(2026, 11, 27), time(15, 30), BERLIN)),
        ("today", Moment(FRIDAY, None, None)),
        ("today 15:30", Moment(FRIDAY, time(15, 30), None)),
        ("today 9:00", Moment(FRIDAY, time(9), None)),
        ("tomorrow", Moment(date(2026, 11, 21), None, None)),
        ("Tomorrow 9:00", Moment(date(2026, 11, 21), time(9), None)),
        ("fri", Moment(date(2026, 11, 27), None, None)),
        ("fri 14:30", Moment(date(2026, 11, 27), time(14, 30), None)),
        ("friday 14:31", Moment(FRIDAY, time(14, 31), None)),
        ("thu 9:00", Moment(date(2026, 11, 26), time(9), None)),
        ("sun 23:59:59", Moment(date(2026, 11, 22), time(23, 59, 59), None)),
        ("2026-12-24", Moment(date(2026, 12, 24), None, None)),
        ("2026-12-24 18:00", Moment(date(2026, 12, 24), time(18), None)),
    ],
)
def test_reads_a_moment(text: str, expected: Moment) -> None:
    assert moment(text, now=NOW, zone=BERLIN) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "in",
        "in 5",
        "in 5 parsecs",
        "in 1h 2h",
        "in -5m",
        "in 1.5h",
        "in 999999w",
        "in \u0661m",  # a digit to Unicode, not to us
        "soon",
        "today 25:00",
        "today 9",
        "today 9:00 sharp",
        "2026-13-01",
        "2026-12-24T18:00",
        "24.12.2026",
        "frid 9:00",
        "9:00",
    ],
)
def test_names_what_it_understands(text: str) -> None:
    with pytest.raises(ValueError, match="tomorrow 9:00"):
        moment(text, now=NOW, zone=BERLIN)


def test_today_is_today_where_the_person_is() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert moment("today", now=late, zone=BERLIN).on == date(2026, 11, 21)
    assert moment("today", now=late, zone="America/New_York").on == FRIDAY


def test_days_are_counted_on_the_wall() -> None:
    before = datetime(2026, 10, 24, 10, 0, tzinfo=UTC)  # 12:00; clocks go back at night
    assert moment("in 1d", now=before, zone=BERLIN) == Moment(date(2026, 10, 25), time(12), BERLIN)
    day = moment("in 24h", now=before, zone=BERLIN)
    assert day == Moment(date(2026, 10, 25), time(11), BERLIN)


@given(
    now=st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)).map(  # noqa: DTZ001 (made aware here)
        lambda at: at.replace(tzinfo=UTC)
    ),
    seconds=st.integers(1, 999_999),
    zone=st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_in_so_many_seconds_is_that_instant(now: datetime, seconds: int, zone: str) -> None:
    found = moment(f"in {seconds}s", now=now, zone=zone)
    assert found.at is not None
    assert found.zone is not None
    late = zones.instant(found.on, found.at, found.zone) - now - timedelta(seconds=seconds)
    assert timedelta(0) <= late < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        (" 1H 30M ", timedelta(hours=1, minutes=30)),
        ("2d", timedelta(days=2)),
        ("1 week", timedelta(weeks=1)),
    ],
)
def test_reads_a_duration(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "15", "m", "1h1h", "PT15M", "15m later"])
def test_names_what_durations_look_like(text: str) -> None:
    with pytest.raises(ValueError, match="1h30m"):
        duration(text)
