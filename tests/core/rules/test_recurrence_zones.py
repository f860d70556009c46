"""Clock changes: wall time stays, what does not exist moves on, what comes twice comes once."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from core.rules.recurrence import Note, Recurrence, next_after
from core.rules.rrule import parse
from tests.recurrences import due, expand, told


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [  # the day of the change, between the ones before and after it
        ("Europe/Berlin", "2026-03-28T02:30", "03:30 gap"),
        ("Europe/Berlin", "2026-03-28T02:00", "03:00 gap"),
        ("Europe/Berlin", "2026-03-28T01:59", "01:59"),
        ("Europe/Berlin", "2026-03-28T03:00", "03:00"),
        ("Europe/Berlin", "2026-10-24T02:30", "02:30 fold"),
        ("Europe/Berlin", "2026-10-24T03:00", "03:00"),
        ("America/New_York", "2026-03-07T02:15", "03:15 gap"),
        ("America/New_York", "2026-10-31T01:15", "01:15 fold"),
        ("America/New_York", "2026-10-31T02:00", "02:00"),
        ("Australia/Lord_Howe", "2026-10-03T02:10", "02:40 gap"),  # half an hour
        ("Australia/Lord_Howe", "2026-10-03T02:30", "02:30"),
        ("Australia/Lord_Howe", "2026-04-04T01:45", "01:45 fold"),
        ("Australia/Lord_Howe", "2026-04-04T01:15", "01:15"),
        ("Asia/Beirut", "2026-03-28T00:00", "01:00 gap"),  # at midnight
        ("Africa/Cairo", "2026-04-23T00:30", "01:30 gap"),
        ("Africa/Cairo", "2026-10-28T23:30", "23:30 fold"),
        ("Africa/Cairo", "2026-10-29T23:30", "23:30"),
    ],
)
def test_the_day_of_a_change(zone: str, start: str, expected: str) -> None:
    before, changed, later = told("FREQ=DAILY", start, 3, zone=zone)
    assert (before[11:16], changed[11:], later[11:16]) == (start[11:], expected, start[11:])


def test_the_first_of_two_is_meant() -> None:
    found = expand("FREQ=DAILY", "2026-10-25T02:30", 2, zone="Europe/Berlin")
    assert [each.at for each in found] == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("zone", "start"), [("Asia/Beirut", "2026-03-28"), ("Africa/Cairo", "2026-04-23")]
)
def test_all_day_where_midnight_is_missing(zone: str, start: str) -> None:
    """The day is there, it only begins at one: nothing to note."""
    found = expand("FREQ=DAILY", start, 3, zone=zone)
    assert [each.note for each in found] == [None] * 3
    assert [each.local.day - found[0].local.day for each in found] == [0, 1, 2]
    assert found[1].at.astimezone(ZoneInfo(zone)).hour == 1


def test_a_day_that_was_left_out() -> None:
    """Samoa went from the 29th to the 31st: there is no third occurrence on the same day."""
    found = told("FREQ=DAILY", "2011-12-29T09:00", 3, zone="Pacific/Apia")
    assert found == ["2011-12-29T09:00", "2011-12-31T09:00 gap", "2012-01-01T09:00"]
    found = told("FREQ=DAILY", "2011-12-29", 3, zone="Pacific/Apia")
    assert found == ["2011-12-29", "2011-12-31 gap", "2012-01-01"]


def test_hours_through_spring_come_once_and_in_order() -> None:
    found = told("FREQ=MINUTELY;INTERVAL=30", "2026-03-29T01:30", 5, zone="Europe/Berlin")
    assert [each[11:] for each in found] == ["01:30", "03:00 gap", "03:30 gap", "04:00", "04:30"]


def test_a_time_that_moved_behind_a_later_one_is_not_lost() -> None:
    """Every 50 minutes: 02:50 becomes 03:50, after 03:40. So it must be found from 03:40, too."""
    rule, zone = "FREQ=MINUTELY;INTERVAL=50", "Europe/Berlin"
    found = expand(rule, "2026-03-29T01:10", 5, zone=zone)
    shown = [f"{each.local:%H:%M}" for each in found]
    assert shown == ["01:10", "03:00", "03:40", "03:50", "04:30"]
    for earlier, later in pairwise(found):
        start = due("2026-03-29T01:10", zone)
        again = next_after(Recurrence(parse(rule)), start, after=earlier.at, zone="UTC")
        assert again == later


def test_the_second_of_two_hours_is_left_out() -> None:
    found = expand("FREQ=HOURLY", "2026-10-25T01:30", 3, zone="Europe/Berlin")
    assert [each.at.hour for each in found] == [23, 0, 2]
    assert [each.note for each in found] == [None, Note.FOLD, None]


@pytest.mark.parametrize(
    ("until", "last"),
    [  # 02:15 comes twice, at 00:15Z and 01:15Z
        ("20261025T001459Z", "01:45"),
        ("20261025T001500Z", "02:15"),
        ("20261025T011500Z", "02:45"),
        ("20261025T021459Z", "02:45"),
        ("20261025T021500Z", "03:15"),
    ],
)
def test_until_compares_instants(until: str, last: str) -> None:
    rule = f"FREQ=MINUTELY;INTERVAL=30;UNTIL={until}"
    found = expand(rule, "2026-10-25T01:15", 9, zone="Europe/Berlin")
    assert f"{found[-1].local:%H:%M}" == last


def test_the_name_of_an_occurrence_is_the_time_of_the_rule() -> None:
    (found,) = expand("FREQ=DAILY;COUNT=1", "2026-03-29T02:30", 2, zone="Europe/Berlin")
    assert (found.wall.hour, found.local.hour) == (2, 3)
