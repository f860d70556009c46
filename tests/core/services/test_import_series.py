"""Where the series of an imported todo begins: what a file says of it, and when its todo is due."""

from datetime import date, time
from typing import Any

import pytest

from core.errors import Invalid
from core.rules.importing.records import Repeats
from core.rules.recurrence import Recurrence
from core.rules.reminders import Due
from core.rules.rrule import parse
from core.services.import_series import stand

ZONE = "Europe/Berlin"


def day(on: str) -> Due:
    return Due(date.fromisoformat(on), time(9), ZONE)


def repeats(text: str, **more: Any) -> Repeats:
    return Repeats(rrule=text, recurrence=Recurrence(parse(text)), **more)


@pytest.mark.parametrize(
    ("rule", "start", "due", "planned", "nth"),
    [
        ("FREQ=WEEKLY", None, "2026-03-02", "2026-03-02", 1),
        ("FREQ=WEEKLY", "2026-03-02", "2026-03-02", "2026-03-02", 1),
        ("FREQ=WEEKLY", "2026-03-02", "2026-03-16", "2026-03-16", 1),
        ("FREQ=WEEKLY", "2026-03-02", "2026-03-17", "2026-03-23", 1),  # put off: the next after
        ("FREQ=WEEKLY;COUNT=5", "2026-03-02", "2026-03-16", "2026-03-16", 3),  # two are used up
    ],
)
def test_it_stands_where_its_todo_is_due(
    rule: str, start: str | None, due: str, planned: str, nth: int
) -> None:
    begun = repeats(rule, start=day(start) if start else None)
    found = stand(begun, day(due), ZONE)
    assert (found.planned, found.due, found.nth) == (day(planned), day(due), nth)


@pytest.mark.parametrize(
    ("rule", "due", "why"),
    [
        ("FREQ=WEEKLY;UNTIL=20260310T000000Z", "2026-03-16", "ended before"),
        ("FREQ=WEEKLY", None, "needs a due time"),
    ],
)
def test_what_cannot_be_followed_says_why(rule: str, due: str | None, why: str) -> None:
    begun = repeats(rule, start=day("2026-03-02") if due else None)
    with pytest.raises(Invalid, match=why):
        stand(begun, day(due) if due else None, ZONE)
