"""Out to others and back: the same occurrences, or it says what was lost."""

from datetime import date, datetime, time
from itertools import islice

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.rules.graph_reading import Ending, Kind, Pattern, Place, Range, from_graph
from core.rules.recurrence import PileUp, Recurrence, occurrences
from core.rules.recurrence_converted import PILE_UPS
from core.rules.recurrence_graph import to_graph
from core.rules.recurrence_todoist import to_todoist
from core.rules.recurrence_vtodo import to_vtodo
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule, Rule, Weekday
from core.rules.todoist_reading import from_todoist
from core.rules.vtodo_reading import from_vtodo
from core.rules.words import en
from tests.core.rules.test_recurrence_oracle import rules

TODAY = date(2025, 6, 2)
DUES = st.builds(
    Due,
    st.dates(date(2025, 1, 1), date(2028, 12, 31)),
    st.sampled_from([None, time(9), time(23, 30)]),
    st.none(),
)
DAYS = {name.lower(): day for name, day in zip(en.WORDS.weekdays, Weekday, strict=True)}


def days(recurrence: Recurrence, due: Due) -> list[datetime]:
    try:
        found = occurrences(recurrence, due, zone="UTC")
        return [each.local for each in islice(found, 20)]
    except InvalidRule:
        assume(condition=False)
        return []


@settings(max_examples=100, deadline=None)
@given(rules(), DUES)
def test_todoist(rule: Rule, due: Due) -> None:
    recurrence = Recurrence(rule, pile_up=PileUp.KEEP)
    told = to_todoist(recurrence, due)
    assert told.text or told.cannot_express
    if told.text and not told.cannot_express:
        read = from_todoist(told.text, today=TODAY)
        assert read.recurrence
        assert (read.starting, read.at) == (due.on, due.at)
        assert days(read.recurrence, due) == days(recurrence, due)


@settings(max_examples=100, deadline=None)
@given(rules(), DUES)
def test_vtodo(rule: Rule, due: Due) -> None:
    told = to_vtodo(Recurrence(rule), due)
    found = from_vtodo(str(told.text))
    assert (found.recurrence, found.due, found.cannot_express) == (Recurrence(rule), due, [])


@settings(max_examples=100, deadline=None)
@given(rules(), DUES)
def test_graph(rule: Rule, due: Due) -> None:
    recurrence = Recurrence(rule)
    told = to_graph(recurrence, due)
    assert told.recurrence or told.cannot_express
    if told.recurrence and told.cannot_express == [PILE_UPS[PileUp.ROLL]]:
        pattern, span = told.recurrence["pattern"], told.recurrence["range"]
        found = from_graph(
            Pattern(
                Kind(pattern["type"]),
                pattern["interval"],
                frozenset(DAYS[name] for name in pattern.get("daysOfWeek", ())),
                DAYS[pattern.get("firstDayOfWeek", "sunday")],
                Place(pattern.get("index", "first")),
                pattern.get("dayOfMonth", 0),
                pattern.get("month", 0),
            ),
            Range(
                Ending(span["type"]),
                date.fromisoformat(span["startDate"]),
                date.fromisoformat(span["endDate"]) if "endDate" in span else None,
                span.get("numberOfOccurrences", 0),
                None,
            ),
        )
        assert found.cannot_express == []
        there = Due(found.due.on, due.at, None)
        assert days(found.recurrence, there) == days(recurrence, due)
