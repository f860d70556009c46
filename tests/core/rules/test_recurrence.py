# ruff: noqa: E501 (tables: a case on each line can be compared with its neighbours)
"""What rules mean where calendars are crooked: month ends, leap years, weeks, days off."""

from datetime import UTC, date, datetime

import pytest

from core.rules.recurrence import Anchor, Recurrence, Shift, check, next_after
from core.rules.rrule import InvalidRule, parse
from tests.recurrences import due, expand, told

SKIPS = "RSCALE=GREGORIAN;SKIP={};"


@pytest.mark.parametrize(
    ("skip", "rule", "start", "expected"),
    [  # the first three are the table of RFC 7529 §4.1's example, DTSTART 31 January 2014
        ("OMIT", "FREQ=MONTHLY", "2014-01-31", "2014-01-31 2014-03-31 2014-05-31"),
        ("BACKWARD", "FREQ=MONTHLY", "2014-01-31", "2014-01-31 2014-02-28! 2014-03-31 2014-04-30!"),
        ("FORWARD", "FREQ=MONTHLY", "2014-01-31", "2014-01-31 2014-03-01! 2014-03-31 2014-05-01!"),
        ("OMIT", "FREQ=YEARLY", "2016-02-29", "2016-02-29 2020-02-29 2024-02-29"),
        ("BACKWARD", "FREQ=YEARLY", "2016-02-29", "2016-02-29 2017-02-28! 2018-02-28!"),
        ("FORWARD", "FREQ=YEARLY", "2016-02-29", "2016-02-29 2017-03-01! 2018-03-01! 2019-03-01!"),
        ("BACKWARD", "FREQ=MONTHLY;BYMONTHDAY=30,31", "2026-01-30", "2026-01-30 2026-01-31 2026-02-28! 2026-03-30"),
        ("FORWARD", "FREQ=MONTHLY;BYMONTHDAY=1,31", "2026-01-31", "2026-01-31 2026-02-01 2026-03-01! 2026-03-31 2026-04-01 2026-05-01!"),
        ("FORWARD", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "2026-02-01", "2026-02-01 2026-03-01! 2027-03-01!"),
        ("BACKWARD", "FREQ=MONTHLY;BYMONTHDAY=-31", "2026-01-01", "2026-01-01 2026-01-31! 2026-03-01 2026-03-31!"),
        ("BACKWARD", "FREQ=YEARLY;BYYEARDAY=366", "2024-12-31", "2024-12-31 2025-12-31! 2026-12-31!"),
        ("FORWARD", "FREQ=YEARLY;BYYEARDAY=366", "2024-12-31", "2024-12-31 2026-01-01! 2027-01-01!"),
        ("FORWARD", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29", "2015-02-28", "2015-02-28 2015-03-01! 2016-02-28 2016-02-29 2017-02-28"),
        ("FORWARD", "FREQ=MONTHLY;INTERVAL=3", "2014-01-31", "2014-01-31 2014-05-01! 2014-07-31 2014-10-31"),
        ("FORWARD", "FREQ=MONTHLY;BYMONTHDAY=-31", "2015-01-01", "2015-01-01 2015-02-01! 2015-03-01 2015-04-01!"),
        ("BACKWARD", "FREQ=YEARLY;BYYEARDAY=-366", "2012-01-01", "2012-01-01 2012-12-31! 2013-12-31! 2014-12-31! 2016-01-01"),
        ("FORWARD", "FREQ=YEARLY;BYYEARDAY=-366", "2012-01-01", "2012-01-01 2013-01-01! 2014-01-01!"),
        # the end of a month lands among the next one's own
        ("FORWARD", "FREQ=MONTHLY;BYMONTHDAY=1,31;BYHOUR=9,18;BYSETPOS=1,-1", "2026-02-01T09:00", "2026-02-01T09:00 2026-03-01T09:00 2026-03-01T18:00! 2026-03-31T18:00 2026-04-01T09:00"),
        # a weekday is asked of the day that it was moved to
        ("BACKWARD", "FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=SA,SU", "2026-01-31", "2026-01-31 2026-02-28! 2026-05-31 2026-10-31"),
        ("FORWARD", "FREQ=DAILY;BYMONTHDAY=31", "2026-01-31", "2026-01-31 2026-03-31 2026-05-31"),
    ],
)  # fmt: skip
def test_skip(skip: str, rule: str, start: str, expected: str) -> None:
    wanted = [each.replace("!", " skip") for each in expected.split()]
    assert told(SKIPS.format(skip) + rule, start, len(wanted)) == wanted


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        # month ends and leap years
        ("FREQ=MONTHLY", "2026-01-30", "2026-01-30 2026-03-30 2026-04-30"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2028-01-31", "2028-01-31 2028-02-29 2028-03-31"),
        ("FREQ=MONTHLY;INTERVAL=12", "2024-02-29", "2024-02-29 2028-02-29"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2096-02-29", "2096-02-29 2104-02-29"),
        ("FREQ=YEARLY;BYYEARDAY=-1,60", "2027-03-01", "2027-03-01 2027-12-31 2028-02-29"),
        ("FREQ=DAILY;INTERVAL=31;BYMONTH=1,3", "2026-01-01", "2026-01-01 2026-03-04 2027-01-08"),
        # weeks
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO", "2026-01-05", "2026-01-05 2026-01-11 2026-01-19"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", "2026-01-05", "2026-01-05 2026-01-18 2026-01-19"),
        ("FREQ=WEEKLY;BYDAY=MO;BYMONTH=2", "2026-02-16", "2026-02-16 2026-02-23 2027-02-01"),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "2026-12-28", "2026-12-28 2032-12-27"),
        ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", "2026-01-04", "2026-01-04 2027-01-03 2028-01-02"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2025-12-29", "2025-12-29 2027-01-04 2028-01-03"),
        ("FREQ=YEARLY;BYWEEKNO=20", "2026-05-13", "2026-05-13 2027-05-19 2028-05-17"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU", "2026-01-04", "2026-01-04 2027-01-03 2028-01-02"),
        # ordinals
        ("FREQ=MONTHLY;BYDAY=5FR", "2026-01-30", "2026-01-30 2026-05-29 2026-07-31"),
        ("FREQ=MONTHLY;BYDAY=-5FR", "2026-01-02", "2026-01-02 2026-05-01 2026-07-03"),
        ("FREQ=YEARLY;BYDAY=-1SU", "2026-12-27", "2026-12-27 2027-12-26"),
        ("FREQ=YEARLY;BYDAY=53FR", "2027-01-01", "2027-01-01 2027-12-31 2032-12-31"),
        ("FREQ=YEARLY;BYMONTH=5;BYDAY=2SU", "2026-05-10", "2026-05-10 2027-05-09"),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=2FR", "2026-02-13", "2026-02-13 2026-03-13 2026-11-13"),
        ("FREQ=MONTHLY;BYMONTHDAY=6,13;BYDAY=2FR", "2026-11-13", "2026-11-13 2027-08-13 2028-10-13"),
        ("FREQ=MONTHLY;BYMONTHDAY=24,25;BYDAY=-1FR", "2026-12-25", "2026-12-25 2027-06-25 2027-09-24 2028-02-25"),
        ("FREQ=YEARLY;BYMONTHDAY=25;BYDAY=-1FR", "2026-12-25", "2026-12-25 2037-12-25 2043-12-25"),
        # BYSETPOS
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-30", "2026-01-30 2026-02-27 2026-03-31"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1,-1", "2026-01-05", "2026-01-05 2026-01-27 2026-02-02"),
        ("FREQ=YEARLY;BYMONTH=1,6;BYDAY=MO;BYSETPOS=2,99", "2026-01-12", "2026-01-12 2027-01-11"),
        ("FREQ=WEEKLY;BYDAY=SA,SU;BYSETPOS=1", "2026-01-03", "2026-01-03 2026-01-10"),
        ("FREQ=DAILY;BYHOUR=9,18;BYSETPOS=-1", "2026-01-01T18:00", "2026-01-01T18:00 2026-01-02T18:00"),
        ("FREQ=HOURLY;BYMINUTE=0,30;BYSETPOS=2", "2026-01-01T09:30", "2026-01-01T09:30 2026-01-01T10:30"),
        # hours and minutes
        ("FREQ=WEEKLY;BYDAY=MO;BYHOUR=18,9;BYMINUTE=30", "2026-01-05T09:30", "2026-01-05T09:30 2026-01-05T18:30 2026-01-12T09:30"),
        ("FREQ=HOURLY;INTERVAL=5", "2026-01-01T09:15", "2026-01-01T09:15 2026-01-01T14:15 2026-01-01T19:15 2026-01-02T00:15"),
        ("FREQ=HOURLY;BYHOUR=9,17;BYDAY=MO", "2026-01-05T17:00", "2026-01-05T17:00 2026-01-12T09:00"),
        ("FREQ=HOURLY;INTERVAL=7;BYMONTHDAY=1", "2026-01-01T21:00", "2026-01-01T21:00 2026-02-01T05:00"),
        ("FREQ=MINUTELY;INTERVAL=7;BYMINUTE=0;BYHOUR=9", "2026-01-01T09:00", "2026-01-01T09:00 2026-01-08T09:00"),
        ("FREQ=MINUTELY;BYMONTH=3;BYYEARDAY=60;BYHOUR=0;BYMINUTE=5", "2026-03-01T00:05", "2026-03-01T00:05 2027-03-01T00:05 2029-03-01T00:05"),
        # the start counts, whether it fits or not
        ("FREQ=DAILY;BYDAY=MO;COUNT=3", "2026-01-01", "2026-01-01 2026-01-05 2026-01-12"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=1;COUNT=2", "2026-01-20", "2026-01-20 2026-02-02"),
        # hours of a rule are ignored where dues have none
        ("FREQ=DAILY;BYHOUR=9,10;BYMINUTE=5", "2026-01-01", "2026-01-01 2026-01-02"),
    ],
)  # fmt: skip
def test_meaning(rule: str, start: str, expected: str) -> None:
    wanted = expected.split()
    assert told(rule, start, len(wanted)) == wanted


@pytest.mark.parametrize(
    ("until", "start", "zone", "last"),
    [
        ("20260103", "2026-01-01", "UTC", "2026-01-03"),
        ("20260103", "2026-01-01T23:30", "America/New_York", "2026-01-03T23:30"),
        ("20260103T090000", "2026-01-01T09:00", "America/New_York", "2026-01-03T09:00"),
        ("20260103T085959", "2026-01-01T09:00", "America/New_York", "2026-01-02T09:00"),
        ("20260103T140000Z", "2026-01-01T09:00", "America/New_York", "2026-01-03T09:00"),
        ("20260103T135959Z", "2026-01-01T09:00", "America/New_York", "2026-01-02T09:00"),
        ("20260102T000000Z", "2026-01-01T09:00", "Asia/Tokyo", "2026-01-02T09:00"),
        ("20260102T225959Z", "2026-01-01", "Europe/Berlin", "2026-01-02"),
        ("20260102T230000Z", "2026-01-01", "Europe/Berlin", "2026-01-03"),
    ],
)
def test_until(until: str, start: str, zone: str, last: str) -> None:
    assert told(f"FREQ=DAILY;UNTIL={until}", start, 10, zone=zone)[-1] == last


def test_until_before_the_start_leaves_nothing() -> None:
    assert told("FREQ=DAILY;UNTIL=20251231", "2026-01-01", 10) == []


def test_dates_added_and_taken_away() -> None:
    more = {"exdates": (date(2026, 1, 2), date(2026, 1, 9)), "rdates": (date(2026, 1, 3), date(2026, 1, 5), date(2026, 1, 9), date(2025, 1, 1))}  # fmt: skip
    found = told("FREQ=DAILY;COUNT=3", "2026-01-01T09:00", 10, **more)
    assert found == ["2026-01-01T09:00", "2026-01-03T09:00", "2026-01-05T09:00"]


@pytest.mark.parametrize(
    ("shift", "holidays", "rule", "start", "expected"),
    [  # 3 April 2026 is Good Friday, 6 April Easter Monday; in the USA both are working days
        (Shift.AFTER, "DE", "FREQ=DAILY;INTERVAL=2", "2026-04-01", "2026-04-01 2026-04-07! 2026-04-09"),
        (Shift.BEFORE, "DE", "FREQ=DAILY;INTERVAL=2", "2026-04-01", "2026-04-01 2026-04-02! 2026-04-07 2026-04-09"),
        (Shift.AFTER, "US", "FREQ=DAILY;INTERVAL=2", "2026-04-01", "2026-04-01 2026-04-03 2026-04-06! 2026-04-07"),
        (Shift.AFTER, None, "FREQ=DAILY;INTERVAL=2", "2026-04-01", "2026-04-01 2026-04-03 2026-04-06! 2026-04-07"),
        (Shift.NONE, "DE", "FREQ=DAILY", "2026-04-02", "2026-04-02 2026-04-03 2026-04-04"),
        (Shift.AFTER, "IN", "FREQ=YEARLY", "2035-01-26", "2035-01-29! 2036-01-28!"),
        (Shift.AFTER, "EG", "FREQ=DAILY", "2026-05-07", "2026-05-07 2026-05-10! 2026-05-11"),
    ],
)  # fmt: skip
def test_shift(shift: Shift, holidays: str | None, rule: str, start: str, expected: str) -> None:
    wanted = [each.replace("!", " shift") for each in expected.split()]
    assert told(rule, start, len(wanted), shift=shift, holidays=holidays) == wanted


@pytest.mark.parametrize("calendar", ["XX", "DE-XX", "", "de", "DE-BE-X", "Germany"])
def test_unknown_calendars(calendar: str) -> None:
    rule = Recurrence(parse("FREQ=DAILY"), holidays=calendar)
    with pytest.raises(InvalidRule, match="no calendar"):
        check(rule, due("2026-01-01"), zone="UTC")


@pytest.mark.parametrize(
    ("rule", "start", "done", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=3", "2026-01-01T09:00", "2026-01-10T20:00", "2026-01-13T09:00"),
        ("FREQ=WEEKLY", "2026-01-01", "2026-01-10T20:00", "2026-01-17T00:00"),
        ("FREQ=MONTHLY", "2026-01-15", "2026-01-10T20:00", "2026-02-10T00:00"),
        ("FREQ=WEEKLY;BYDAY=MO", "2026-01-05", "2026-01-10T20:00", "2026-01-12T00:00"),
        ("FREQ=DAILY;BYHOUR=9,18", "2026-01-05T09:00", "2026-01-10T12:00", "2026-01-11T09:00"),
        ("FREQ=HOURLY;INTERVAL=8", "2026-01-05T09:00", "2026-01-10T20:10", "2026-01-11T04:10"),
        ("FREQ=DAILY;COUNT=1", "2026-01-05T09:00", "2026-01-10T20:00", "2026-01-11T09:00"),
        ("FREQ=DAILY;UNTIL=20260110", "2026-01-05T09:00", "2026-01-10T20:00", None),
    ],
)
def test_anchored_at_completion(rule: str, start: str, done: str, expected: str | None) -> None:
    recurrence = Recurrence(parse(rule), Anchor.COMPLETION)
    after = datetime.fromisoformat(done).replace(tzinfo=UTC)
    found = next_after(recurrence, due(start), after=after, zone="UTC")
    assert (found and f"{found.local:%Y-%m-%dT%H:%M}") == expected


def test_early_completion_goes_on_after_the_occurrence() -> None:
    """Schedule: the caller gives the later of now and this occurrence."""
    recurrence = Recurrence(parse("FREQ=WEEKLY"))
    after = datetime(2026, 1, 15, 9, tzinfo=UTC)
    found = next_after(recurrence, due("2026-01-01T09:00"), after=after, zone="UTC")
    assert found is not None
    assert found.at == datetime(2026, 1, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=SA", "2027-01-01T12:00", "2027-01-02T09:00"),
        (SKIPS.format("FORWARD") + "FREQ=MONTHLY", "2026-03-01T00:00", "2026-03-01T09:00"),
        (
            SKIPS.format("FORWARD") + "FREQ=YEARLY;BYYEARDAY=366",
            "2026-01-01T00:00",
            "2026-01-01T09:00",
        ),
    ],
)
def test_what_one_period_puts_into_the_next_is_found_there(
    rule: str, after: str, expected: str
) -> None:
    now = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = next_after(Recurrence(parse(rule)), due("2020-01-31T09:00"), after=now, zone="UTC")
    assert found is not None
    assert f"{found.local:%Y-%m-%dT%H:%M}" == expected


@pytest.mark.parametrize(
    "rule", ["FREQ=HOURLY;INTERVAL=24", "FREQ=MINUTELY;INTERVAL=1440", "FREQ=DAILY"]
)
def test_seconds_stay_seconds(rule: str) -> None:
    found = [each.local.isoformat() for each in expand(rule, "2026-01-01T09:00:30", 2)]
    assert found == ["2026-01-01T09:00:30", "2026-01-02T09:00:30"]
