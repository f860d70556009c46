"""The engine against `tests.oracle`, which walks every day and asks each part of the rule."""

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.rules.recurrence import Recurrence, occurrences
from core.rules.reminders import Due
from core.rules.rrule import ByDay, Freq, InvalidRule, Rule, Skip, Weekday, check
from tests.oracle import expected

DAYS = {  # walked from the start: enough for a few of the rule's periods
    Freq.MINUTELY: 3,
    Freq.HOURLY: 20,
    Freq.DAILY: 400,
    Freq.WEEKLY: 500,
    Freq.MONTHLY: 1_200,
    Freq.YEARLY: 3_700,
}
LONG = {Freq.WEEKLY, Freq.MONTHLY, Freq.YEARLY}


def numbers(least: int, most: int, *, from_end: bool, many: int = 4) -> st.SearchStrategy[Any]:
    each = st.integers(least, most)
    edges = st.sampled_from([least, most, max(least, most - 1), max(least, most - 2)])
    both = st.one_of(each, edges)
    signed = st.one_of(both, both.map(lambda n: -n)) if from_end else both
    return st.sets(signed, min_size=1, max_size=many).map(lambda found: tuple(sorted(found)))


def in_order(days: set[ByDay]) -> tuple[ByDay, ...]:
    return tuple(sorted(days, key=lambda day: (day[0] or 0, day[1])))


PLAIN_DAYS = st.sets(st.sampled_from(Weekday), min_size=1, max_size=5).map(
    lambda days: in_order({(None, day) for day in days})
)
NUMBERED_DAYS = st.sets(
    st.tuples(
        st.none() | st.integers(-5, 5).filter(bool) | st.sampled_from([-53, -52, 20, 52, 53]),
        st.sampled_from(Weekday),
    ),
    min_size=1,
    max_size=3,
).map(in_order)
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "bymonth": numbers(1, 12, from_end=False),
    "byweekno": numbers(1, 53, from_end=True),
    "byyearday": numbers(1, 366, from_end=True),
    "bymonthday": numbers(1, 31, from_end=True),
    "byday": PLAIN_DAYS | NUMBERED_DAYS,
    "byhour": numbers(0, 23, from_end=False),
    "byminute": numbers(0, 59, from_end=False),
    "bysetpos": numbers(1, 5, from_end=True, many=2),
}
STARTS = st.datetimes(datetime(2019, 1, 1), datetime(2031, 12, 31)).map(  # noqa: DTZ001 (wall times)
    lambda at: at.replace(second=0, microsecond=0)
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    freq = draw(st.sampled_from(Freq))
    names = draw(st.sets(st.sampled_from(sorted(PARTS)), max_size=4))
    rule = Rule(
        freq,
        interval=draw(st.sampled_from([1, 1, 1, 2, 3, 5])),
        count=draw(st.none() | st.integers(1, 20)),
        wkst=draw(st.sampled_from(Weekday)),
        skip=draw(st.sampled_from(Skip)),
        **{name: draw(PARTS[name]) for name in sorted(names)},
    )
    try:
        check(rule)
    except InvalidRule:
        assume(condition=False)
    # RFC 7529 leaves open what SKIP means for a day that two parts name, each in its own way.
    in_two_ways = rule.byyearday and (rule.bymonth or rule.bymonthday)
    assume(rule.skip is Skip.OMIT or not (in_two_ways or rule.byweekno))
    return rule


def found(rule: Rule, start: datetime, end: datetime) -> list[datetime]:
    due = Due(start.date(), start.time(), "UTC")
    inside: list[datetime] = []
    try:
        every = occurrences(Recurrence(rule), due, zone="UTC")
        inside.extend(each.local for each in takewhile(lambda each: each.local <= end, every))
    except InvalidRule as error:
        assert error.code == "never_occurs"  # noqa: PT017 (any other is a defect; this one is an answer)
    return inside or [start]


@settings(max_examples=100, deadline=None)
@given(rules(), STARTS)
def test_the_engine_finds_what_the_definition_names(rule: Rule, start: datetime) -> None:
    end = start + timedelta(days=DAYS[rule.freq] * (rule.interval if rule.freq in LONG else 1))
    assert found(rule, start, end) == expected(rule, start, end)
