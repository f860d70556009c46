"""Where words and bare rules begin: Wednesday, 6 January 2027, 10:30 in Berlin."""

from datetime import UTC, date, datetime, time

import pytest

from core.rules.recurrence_reading import Reader, rule, vtodo, words
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule

BERLIN = "Europe/Berlin"
NOW = datetime(2027, 1, 6, 9, 30, tzinfo=UTC)


def reader(due_zone: str | None = None) -> Reader:
    return Reader(NOW, BERLIN, due_zone, "en")


def begins(due: Due | None) -> str:
    assert due
    return f"{due.on} {due.at:%H:%M}" if due.at else f"{due.on}"


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("every day", "2027-01-06"),
        ("every day at 9am", "2027-01-07 09:00"),
        ("every day at 11am", "2027-01-06 11:00"),
        ("every day at 10:30", "2027-01-07 10:30"),
        ("every wed", "2027-01-06"),
        ("every wed at 9am", "2027-01-13 09:00"),
        ("every other friday at 9am", "2027-01-08 09:00"),
        ("every week at 9am", "2027-01-13 09:00"),
        ("every weekday at 9", "2027-01-07 09:00"),
        ("every 2 weeks on tue and thu", "2027-01-07"),
        ("every 31st", "2027-01-31"),
        ("every 31st starting 1 feb", "2027-02-28"),
        ("every last day", "2027-01-31"),
        ("every 3rd friday", "2027-01-15"),
        ("every jan 2nd", "2028-01-02"),
        ("every feb 29", "2027-02-28"),
        ("every mon, fri starting aug 1 ending dec 3", "2027-08-02"),
        ("every 3 days starting 1 jan 2026", "2026-01-01"),
        ("every! 3 days", "2027-01-06"),
        ("every 12 hours starting at 9pm", "2027-01-06 21:00"),
        ("every 12 hours starting at 9am", "2027-01-07 09:00"),
        ("every hour", "2027-01-06 10:31"),
        ("every hour starting tomorrow at 8", "2027-01-07 08:00"),
        ("every quarter", "2027-01-06"),
    ],
)
def test_words_begin(said: str, first: str) -> None:
    assert begins(words(said, reader()).due) == first


@pytest.mark.parametrize(
    ("said", "now", "first"),
    [
        # Seconds do not get into what is due.
        ("every hour", "2027-01-06T09:30:40.5", "2027-01-06T10:31:00"),
        ("every day at 10:31", "2027-01-06T09:30:59.9", "2027-01-06T10:31:00"),
        # On a Saturday, every other Friday begins in six days.
        ("every other friday at 9am", "2027-01-09T09:00:00", "2027-01-15T09:00:00"),
    ],
)
def test_words_begin_whenever_they_are_said(said: str, now: str, first: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    due = words(said, Reader(at, BERLIN, None, "en")).due
    assert due
    assert due.at
    assert datetime.combine(due.on, due.at).isoformat() == first


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ("FREQ=DAILY", "2027-01-06"),
        ("RRULE:FREQ=WEEKLY;BYDAY=TU", "2027-01-12"),
        ("FREQ=DAILY;BYHOUR=9", "2027-01-07 09:00"),
        ("FREQ=DAILY;BYHOUR=9,12;BYMINUTE=15", "2027-01-06 12:15"),
        ("FREQ=HOURLY", "2027-01-06 10:31"),
        ("FREQ=HOURLY;BYHOUR=8;BYMINUTE=0", "2027-01-07 08:00"),
        ("FREQ=MINUTELY;INTERVAL=30", "2027-01-06 10:31"),
        ("DTSTART;TZID=Europe/Berlin:20260101T090000\nRRULE:FREQ=DAILY", "2026-01-01 09:00"),
    ],
)
def test_rules_begin(written: str, first: str) -> None:
    assert begins(rule(written, reader()).due) == first


def test_a_zone_belongs_to_a_time() -> None:
    assert words("every day at 9", reader(BERLIN)).due == Due(date(2027, 1, 7), time(9), BERLIN)
    assert words("every day at 9", reader()).due == Due(date(2027, 1, 7), time(9), None)
    assert words("every day", reader(BERLIN)).due == Due(date(2027, 1, 6), None, None)


def test_understood_without_a_rule() -> None:
    found = words("every 3 workdays", reader())
    assert (found.recurrence, found.due, found.cannot_express) == (
        None,
        None,
        ["counting working days"],
    )
    found = vtodo("DTSTART;VALUE=DATE:20270106")
    assert (found.recurrence, found.cannot_express) == (None, ["there is no RRULE in it"])


@pytest.mark.parametrize(
    "text",
    ["DTSTART:00010101T000000\nRRULE:FREQ=DAILY", "DTSTART;VALUE=DATE:22000101\nRRULE:FREQ=DAILY"],
)
def test_begins_where_todos_may_be_due(text: str) -> None:
    with pytest.raises(ValueError, match="it begins in"):
        rule(text, reader())
    with pytest.raises(ValueError, match="it begins in 1815"):
        words("every day starting 1 jan 1815", reader())


@pytest.mark.parametrize(
    "said", ["every day starting 1 jan 2300", "every 3rd friday starting 9999-12-31"]
)
def test_never_begins(said: str) -> None:
    with pytest.raises((InvalidRule, ValueError), match=r"never occurs|it begins in"):
        words(said, reader())
