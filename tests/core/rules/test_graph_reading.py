# ruff: noqa: E501 (a table: a case on each line can be compared with its neighbours)
from dataclasses import replace
from datetime import date

import pytest

from core.rules.graph_reading import Ending, Kind, Pattern, Place, Range, from_graph
from core.rules.rrule import InvalidRule, Weekday, text

MO, TU, WE, FR, SU = Weekday.MO, Weekday.TU, Weekday.WE, Weekday.FR, Weekday.SU
PLAIN = Pattern(Kind.DAILY, 1, frozenset(), SU, Place.FIRST, 0, 0)
FOREVER = Range(Ending.NO_END, date(2027, 1, 6), None, 0, None)  # a Wednesday
MONTHLY, RELATIVE = Kind.ABSOLUTE_MONTHLY, Kind.RELATIVE_MONTHLY
SKIP = "RSCALE=GREGORIAN;SKIP=BACKWARD"


@pytest.mark.parametrize(
    ("pattern", "rrule", "first"),
    [
        (replace(PLAIN, interval=3), "FREQ=DAILY;INTERVAL=3", "2027-01-06"),
        (replace(PLAIN, kind=Kind.WEEKLY, days=frozenset({MO, FR})), "FREQ=WEEKLY;BYDAY=MO,FR;WKST=SU", "2027-01-08"),
        (replace(PLAIN, kind=Kind.WEEKLY, interval=2, days=frozenset({MO}), week_begins=MO), "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2027-01-18"),
        (replace(PLAIN, kind=MONTHLY, day_of_month=15), "FREQ=MONTHLY;BYMONTHDAY=15", "2027-01-15"),
        (replace(PLAIN, kind=MONTHLY, day_of_month=31), f"FREQ=MONTHLY;BYMONTHDAY=31;{SKIP}", "2027-01-31"),
        (replace(PLAIN, kind=RELATIVE, days=frozenset({TU}), place=Place.SECOND), "FREQ=MONTHLY;BYDAY=2TU", "2027-01-12"),
        (replace(PLAIN, kind=RELATIVE, days=frozenset({MO, TU}), place=Place.LAST), "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", "2027-01-26"),
        (replace(PLAIN, kind=RELATIVE, days=frozenset(Weekday), place=Place.LAST), "FREQ=MONTHLY;BYMONTHDAY=-1", "2027-01-31"),
        (replace(PLAIN, kind=Kind.ABSOLUTE_YEARLY, day_of_month=29, month=2), f"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;{SKIP}", "2027-02-28"),
        (replace(PLAIN, kind=Kind.RELATIVE_YEARLY, days=frozenset({WE}), place=Place.FOURTH, month=11), "FREQ=YEARLY;BYMONTH=11;BYDAY=4WE", "2027-11-24"),
    ],
)  # fmt: skip
def test_patterns(pattern: Pattern, rrule: str, first: str) -> None:
    found = from_graph(pattern, FOREVER)
    assert (text(found.recurrence.rule), f"{found.due.on}") == (rrule, first)
    assert found.cannot_express == []


def test_ends() -> None:
    until = replace(FOREVER, ending=Ending.END_DATE, end=date(2027, 12, 31))
    assert from_graph(PLAIN, until).recurrence.rule.until == date(2027, 12, 31)
    numbered = replace(FOREVER, ending=Ending.NUMBERED, count=5)
    assert from_graph(PLAIN, numbered).recurrence.rule.count == 5


def test_a_zone_without_a_time_is_told() -> None:
    found = from_graph(PLAIN, replace(FOREVER, zone="Pacific Standard Time"))
    assert found.cannot_express == [
        "the time zone Pacific Standard Time: a pattern has no time of day"
    ]


@pytest.mark.parametrize(
    ("pattern", "span", "told"),
    [
        (replace(PLAIN, interval=0), FOREVER, "interval"),
        (replace(PLAIN, kind=Kind.WEEKLY), FOREVER, "daysOfWeek"),
        (replace(PLAIN, kind=RELATIVE), FOREVER, "daysOfWeek"),
        (replace(PLAIN, kind=MONTHLY), FOREVER, "dayOfMonth"),
        (replace(PLAIN, kind=Kind.ABSOLUTE_YEARLY, day_of_month=1), FOREVER, "month"),
        (PLAIN, replace(FOREVER, ending=Ending.END_DATE), "endDate"),
        (PLAIN, replace(FOREVER, ending=Ending.NUMBERED), "numberOfOccurrences"),
        (replace(PLAIN, interval=1_000_001), FOREVER, "interval"),
    ],
)
def test_refusals(pattern: Pattern, span: Range, told: str) -> None:
    with pytest.raises(InvalidRule, match=told):
        from_graph(pattern, span)
