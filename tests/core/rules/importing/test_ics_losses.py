"""What of a calendar's todo cannot be kept is told in words, and the rest of it is kept."""

import pytest

from core.rules.importing.ics_times import MAX_DATES
from core.rules.importing.records import MAX_REMINDERS
from tests.core.rules.importing.files import only

AT_NINE = "DUE;TZID=Europe/Berlin:20260305T090000"
ALL_DAY = "DUE;VALUE=DATE:20260305"
DAILY = "RRULE:FREQ=DAILY"


def alarm(*lines: str) -> tuple[str, ...]:
    return ("BEGIN:VALARM", *lines, "END:VALARM")


@pytest.mark.parametrize(
    ("lines", "lost"),
    [
        (
            (AT_NINE, *alarm("TRIGGER;VALUE=DATE-TIME:20260304")),
            "a reminder without a time, on 2026-03-04",
        ),
        (
            alarm("TRIGGER:-PT15M"),
            "a reminder that counts from a due time, which it does not have",
        ),
        (
            (ALL_DAY, "DTSTART;VALUE=DATE:20260305", DAILY, *alarm("TRIGGER;RELATED=END:-PT3H")),
            "the time of day of a reminder: it comes at your own for all-day todos",
        ),
        (
            (AT_NINE, DAILY, *alarm("TRIGGER:PT1H")),
            "a reminder after the due time, or more than a year before it",
        ),
        ((AT_NINE, *alarm("TRIGGER:-P800000D")), "a reminder that is beyond the calendar"),
        (
            (
                AT_NINE,
                *(line for n in range(MAX_REMINDERS + 2) for line in alarm(f"TRIGGER:-PT{n}M")),
            ),
            f"2 reminders: a todo has at most {MAX_REMINDERS}",
        ),
    ],
)
def test_of_reminders(lines: tuple[str, ...], lost: str) -> None:
    record = only(*lines)
    assert record.title == "T"
    assert lost in record.lost


def test_of_days_that_a_series_leaves_out() -> None:
    days = ",".join(
        f"{year}{month:02}{day:02}T090000"
        for year in range(2027, 2037)
        for month in range(1, 13)
        for day in range(1, 29)
    )
    record = only(AT_NINE, DAILY, f"EXDATE;TZID=Europe/Berlin:{days}")
    assert record.repeats
    assert len(record.repeats.recurrence.exdates) == MAX_DATES
    assert any("of its EXDATE dates: the latest" in each for each in record.lost), record.lost
