from datetime import date, time
from typing import Any

import pytest

from core.rules.recurrence import Anchor, Recurrence
from core.rules.recurrence_graph import to_graph
from core.rules.reminders import Due
from core.rules.rrule import parse

MONDAY = Due(date(2027, 1, 4), time(9), "Europe/Berlin")
RANGE = {"startDate": "2027-01-04", "recurrenceTimeZone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("rrule", "pattern"),
    [
        ("FREQ=DAILY;INTERVAL=3", {"type": "daily", "interval": 3}),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=SU",
            {
                "type": "weekly",
                "interval": 2,
                "daysOfWeek": ["monday", "wednesday"],
                "firstDayOfWeek": "sunday",
            },
        ),
        ("FREQ=MONTHLY", {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 4}),
        (
            "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO",
            {
                "type": "relativeMonthly",
                "interval": 3,
                "daysOfWeek": ["monday"],
                "index": "first",
            },
        ),
        (
            "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=-1",
            {
                "type": "relativeMonthly",
                "interval": 1,
                "daysOfWeek": ["saturday", "sunday"],
                "index": "last",
            },
        ),
        (
            "FREQ=YEARLY;INTERVAL=2",
            {"type": "absoluteYearly", "interval": 2, "dayOfMonth": 4, "month": 1},
        ),
        (
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            {
                "type": "relativeYearly",
                "interval": 1,
                "daysOfWeek": ["thursday"],
                "index": "fourth",
                "month": 11,
            },
        ),
    ],
)
def test_patterns(rrule: str, pattern: dict[str, Any]) -> None:
    told = to_graph(Recurrence(parse(rrule)), MONDAY)
    assert told.recurrence == {"pattern": pattern, "range": {"type": "noEnd", **RANGE}}


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("COUNT=5", {"type": "numbered", "numberOfOccurrences": 5}),
        ("UNTIL=20271231", {"type": "endDate", "endDate": "2027-12-31"}),
        ("UNTIL=20271231T075959Z", {"type": "endDate", "endDate": "2027-12-30"}),
        ("UNTIL=20271231T080000Z", {"type": "endDate", "endDate": "2027-12-31"}),
    ],
)
def test_ends(end: str, told: dict[str, Any]) -> None:
    found = to_graph(Recurrence(parse(f"FREQ=DAILY;{end}")), MONDAY).recurrence
    assert found
    assert found["range"] == told | RANGE


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=HOURLY",
        "FREQ=DAILY;BYMONTH=1",
        "FREQ=DAILY;BYHOUR=8,18",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=MONTHLY;BYMONTHDAY=-2",
        "FREQ=MONTHLY;BYDAY=1MO,3MO",
        "FREQ=MONTHLY;BYDAY=5MO",
        "FREQ=YEARLY;BYMONTH=1,2;BYMONTHDAY=1",
        "FREQ=YEARLY;BYWEEKNO=20",
    ],
)
def test_says_nothing_rather_than_something_else(rrule: str) -> None:
    told = to_graph(Recurrence(parse(rrule)), MONDAY)
    assert told.recurrence is None
    assert told.cannot_express[0] == "the rule's days or times"


def test_does_not_know_completion() -> None:
    told = to_graph(Recurrence(parse("FREQ=DAILY"), Anchor.COMPLETION), MONDAY)
    assert told.recurrence is None
    assert "counting from the completion" in told.cannot_express


@pytest.mark.parametrize(
    ("rrule", "lost"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=31", "months without that day (here: omit)"),
        ("FREQ=WEEKLY;BYDAY=TU", "the first one, on 2027-01-04"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", "the first one, on 2027-01-04"),
        ("FREQ=DAILY", "an occurrence that passes undone moves to the next one"),
    ],
)
def test_tells_what_it_leaves_out(rrule: str, lost: str) -> None:
    told = to_graph(Recurrence(parse(rrule)), MONDAY)
    assert told.recurrence
    assert [what for what in told.cannot_express if what.startswith(lost)], told.cannot_express
