"""What becomes of a series in a calendar, and of a calendar's in ours."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from core.rules.calendar_events import Moment
from core.rules.calendar_recurrence import from_event, same, standing, to_event, understood
from core.rules.recurrence import Anchor, Recurrence
from core.rules.rrule import parse

BERLIN = "Europe/Berlin"
TIMED = Moment(date(2026, 11, 3), time(9), BERLIN)  # a Tuesday
ALL_DAY = Moment(date(2026, 11, 3), None, None)


def of(rule: str, **options: object) -> Recurrence:
    return replace(Recurrence(parse(rule)), **options)  # type: ignore[arg-type]  # told by name


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("FREQ=HOURLY;INTERVAL=6", "several occurrences a day"),
        ("FREQ=DAILY;BYHOUR=9,18", "several times a day"),
        ("FREQ=DAILY;BYHOUR=9;BYMINUTE=0,30", "several times a day"),
    ],
)
def test_what_is_more_than_once_a_day_stays_a_single_event(rule: str, reason: str) -> None:
    made = to_event(of(rule), TIMED)
    assert made.lines == ()
    assert reason in made.reasons


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", TIMED),
        ("FREQ=DAILY;BYHOUR=9;BYMINUTE=0", TIMED),
        ("FREQ=MONTHLY;BYMONTHDAY=3;COUNT=5", ALL_DAY),
    ],
)
def test_what_a_calendar_can_say_comes_back_the_same(rule: str, start: Moment) -> None:
    made = to_event(of(rule), start)
    assert made.reasons == ()
    found, reasons = from_event(made.lines, start)
    assert reasons == ()
    assert found is not None
    assert same(made.lines, start, to_event(found, start).lines, start)
    assert understood(made.lines, start)


@pytest.mark.parametrize(
    ("lines", "start", "reason"),
    [
        (["EXRULE:FREQ=DAILY"], TIMED, "neither RRULE, EXDATE nor RDATE"),
        (["RDATE;VALUE=DATE:20261110"], ALL_DAY, "no RRULE among its dates"),
        (["RRULE:FREQ=DAILY;UNTIL=soon"], TIMED, ""),
        (["RRULE:FREQ=SECONDLY"], TIMED, ""),
        (["RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"], TIMED, "never occurs"),
        (["RRULE:FREQ=YEARLY;BYMONTH=4,6,9,11;BYMONTHDAY=31"], ALL_DAY, "never occurs"),
        (["RRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31;COUNT=5"], TIMED, "never occurs"),
    ],
)
def test_what_our_rules_do_not_say_is_refused_with_a_reason(
    lines: list[str], start: Moment, reason: str
) -> None:
    found, reasons = from_event(lines, start)
    assert found is None
    assert reasons
    assert all(reason in each for each in reasons)


@pytest.mark.parametrize(
    ("rule", "start", "now", "expected", "left"),
    [
        # The next one; what is due this very moment counts.
        ("FREQ=WEEKLY", TIMED, "2026-11-10T07:59:59", "2026-11-10T09:00", None),
        ("FREQ=WEEKLY", TIMED, "2026-11-10T08:00:00", "2026-11-10T09:00", None),
        ("FREQ=WEEKLY", TIMED, "2026-11-10T08:00:01", "2026-11-17T09:00", None),
        ("FREQ=WEEKLY", TIMED, "2026-10-01T00:00:00", "2026-11-03T09:00", None),
        # All day: all of today is still to come, where the person is.
        ("FREQ=WEEKLY", ALL_DAY, "2026-11-10T22:59:59", "2026-11-10", None),
        ("FREQ=WEEKLY", ALL_DAY, "2026-11-10T23:00:00", "2026-11-17", None),
        # Of COUNT, what is left; at its last one in the end.
        ("FREQ=WEEKLY;COUNT=3", TIMED, "2026-11-03T08:00:00", "2026-11-03T09:00", 3),
        ("FREQ=WEEKLY;COUNT=3", TIMED, "2026-11-03T08:00:01", "2026-11-10T09:00", 2),
        ("FREQ=WEEKLY;COUNT=3", TIMED, "2027-01-01T00:00:00", "2026-11-17T09:00", 1),
        ("FREQ=WEEKLY;UNTIL=20261110T090000", TIMED, "2027-01-01T00:00:00", "2026-11-10T09:00", 0),
    ],
)
def test_where_a_todo_begins(
    rule: str, start: Moment, now: str, expected: str, left: int | None
) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    recurrence, moment = standing(of(rule), start, now=at, zone=BERLIN)
    assert f"{moment.on}{f'T{moment.at:%H:%M}' if moment.at else ''}" == expected
    assert (moment.zone, moment.at) == (start.zone, start.at)
    assert recurrence.rule.count == (left or None)
    assert replace(recurrence.rule, count=None) == replace(of(rule).rule, count=None)


@pytest.mark.parametrize(
    ("other", "start", "is_same"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", TIMED, True),
        ("FREQ=WEEKLY;BYDAY=TU", replace(TIMED, on=date(2026, 11, 10)), True),
        ("FREQ=WEEKLY", replace(TIMED, on=date(2026, 11, 11)), False),
        ("FREQ=WEEKLY", replace(TIMED, at=time(10)), False),
        ("FREQ=WEEKLY", replace(TIMED, zone="UTC"), False),
        ("FREQ=WEEKLY;INTERVAL=2", TIMED, False),
        ("FREQ=WEEKLY;COUNT=500", TIMED, False),
        ("FREQ=WEEKLY", ALL_DAY, False),
    ],
)
def test_two_spellings_of_the_same(other: str, start: Moment, *, is_same: bool) -> None:
    lines, others = ("RRULE:FREQ=WEEKLY",), (f"RRULE:{other}",)
    assert same(lines, TIMED, others, start) is is_same
    assert same(others, start, lines, TIMED) is is_same


def test_what_counts_from_when_it_was_done_is_no_recurrence_of_a_calendar() -> None:
    made = to_event(of("FREQ=DAILY;INTERVAL=3", anchor=Anchor.COMPLETION), TIMED)
    assert made.lines == ()
    assert made.reasons
