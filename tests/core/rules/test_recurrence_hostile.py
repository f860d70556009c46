"""Every valid rule can be said and converted; every text is read or refused with a sentence."""

from contextlib import suppress
from datetime import date, time
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift, check
from core.rules.recurrence_graph import to_graph
from core.rules.recurrence_todoist import to_todoist
from core.rules.recurrence_vtodo import to_vtodo
from core.rules.recurrence_words import LANGUAGES, explain
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule, Rule, Skip, parse, text
from core.rules.todoist_reading import from_todoist
from core.rules.vtodo_reading import from_vtodo

TODAY = date(2027, 1, 4)
DUES = (
    Due(date(2028, 2, 29), time(9), "Europe/Berlin"),
    Due(date(2027, 1, 31), time(23, 59, 59), None),
    Due(date(2027, 12, 31), None, None),
)


def lists(least: int, most: int, *, from_end: bool = False) -> st.SearchStrategy[str]:
    numbers = st.integers(least, most)
    both = st.one_of(numbers, numbers.map(lambda n: -n)) if from_end else numbers
    return st.lists(both, min_size=1, max_size=40).map(lambda found: ",".join(map(str, found)))


WEEKDAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
PARTS = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"])},
    optional={
        "INTERVAL": st.integers(1, 1_000_000).map(str),
        "UNTIL": st.sampled_from(["20271231", "21991231T235959", "20270301T000000Z"]),
        "COUNT": st.integers(1, 10_000).map(str),
        "BYMONTH": lists(1, 12),
        "BYWEEKNO": lists(1, 53, from_end=True),
        "BYYEARDAY": lists(1, 366, from_end=True),
        "BYMONTHDAY": lists(1, 31, from_end=True),
        "BYDAY": st.lists(
            st.builds(lambda n, day: f"{n or ''}{day}", st.integers(-5, 53), WEEKDAYS),
            min_size=1,
            max_size=9,
        ).map(",".join),
        "BYHOUR": lists(0, 23),
        "BYMINUTE": lists(0, 59),
        "BYSETPOS": lists(1, 366, from_end=True),
        "WKST": WEEKDAYS,
    },
)


@st.composite
def rules(draw: st.DrawFn) -> Rule | None:
    parts = draw(PARTS)
    with suppress(InvalidRule):
        return parse(";".join(f"{name}={value}" for name, value in parts.items()))
    return None


@given(
    rules(),
    st.sampled_from(DUES),
    st.sampled_from(Anchor),
    st.sampled_from(Shift),
    st.sampled_from(Skip),
    st.sampled_from(sorted(LANGUAGES)),
)
def test_every_rule_can_be_said_and_converted(
    rule: Rule | None, due: Due, anchor: Anchor, shift: Shift, skip: Skip, locale: str
) -> None:
    if rule is None:
        return
    skipping = parse(f"{text(rule)};RSCALE=GREGORIAN;SKIP={skip}")
    recurrence = Recurrence(skipping, anchor, PileUp.ROLL, (TODAY,), (TODAY,), "DE", shift)
    said = explain(recurrence, due=due, locale=locale)
    assert said == said.strip()
    assert not set("{}") & set(said), "a place of a pattern was left open"
    todoist, graph = to_todoist(recurrence, due), to_graph(recurrence, due)
    assert todoist.cannot_express
    assert graph.cannot_express
    found = from_vtodo(str(to_vtodo(recurrence, due).text))
    assert (found.recurrence, found.due) == (recurrence, due)
    if todoist.text:
        assert from_todoist(todoist.text, today=TODAY).recurrence


WORDS = st.sampled_from(
    [
        "every",
        "every!",
        "ev",
        "after",
        "other",
        "2",
        "3rd",
        "31st",
        "last",
        "first",
        "day",
        "days",
        "week",
        "workday",
        "mon,",
        "friday",
        "jan",
        "29",
        "feb",
        ",",
        "and",
        "at",
        "9am",
        "25:00",
        "noon",
        "starting",
        "ending",
        "from",
        "for",
        "2027",
        "2027-02-30",
        "0",
        "hour",
        "of",
        "the",
        "٣",
        "-",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=9).map(" ".join)))
def test_todoist_strings_are_read_or_refused(string: str) -> None:
    with suppress(ValueError):
        found = from_todoist(string, today=TODAY)
        assert (found.recurrence is None) == bool(found.cannot_express)
        if found.recurrence:
            assert parse(text(found.recurrence.rule)) == found.recurrence.rule


LINES = st.builds(
    lambda name, value: f"{name}{value}",
    st.sampled_from(
        [
            "DTSTART",
            "DUE",
            "RRULE",
            "EXDATE",
            "RDATE",
            "RDATE;VALUE=PERIOD",
            "DTSTART;TZID=UTC",
            "X-VOICETODO-SKIP",
            "X-VOICETODO-UNTIL",
            "X-VOICETODO-ANCHOR",
            "X",
            "EXDATE;TZID=Europe/Berlin",
        ]
    ),
    st.sampled_from(
        [
            ":20270104",
            ":20270104T090000",
            ":20270104T090000Z",
            ":FREQ=DAILY",
            ":forward",
            ":completion",
            ":00010101T000000",
            ":99991231T235959Z",
            ":FREQ=WEEKLY;UNTIL=99991231T235959Z",
            ":",
            ";A=:",
        ]
    ),
)


@given(st.one_of(st.text(max_size=60), st.lists(LINES, max_size=6).map("\n".join)))
def test_vtodos_are_read_or_refused(string: str) -> None:
    with suppress(ValueError):
        found = from_vtodo(string)
        if found.recurrence and found.due:
            assert to_vtodo(found.recurrence, found.due).text


def test_ends_of_time() -> None:
    untils = ("99991231T235959", "99991231", "00010101T000000", "00010101")
    zoned = [Due(TODAY, time(9), f"Pacific/{place}") for place in ("Kiritimati", "Honolulu")]
    for until, due in product(
        (*untils, *(f"{at}Z" for at in untils if "T" in at)), (*DUES, *zoned)
    ):
        recurrence = Recurrence(parse(f"FREQ=DAILY;UNTIL={until}"))
        check(recurrence, due, zone="America/New_York")
        assert " until " in explain(recurrence, due=due, locale="en")
        assert to_todoist(recurrence, due).text
        text_ = to_vtodo(recurrence, due).text
        assert from_vtodo(str(text_)).recurrence == recurrence
        assert to_graph(recurrence, due).recurrence
