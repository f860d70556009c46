"""All rules, in all zones: ordered, nothing twice, nothing lost, and from anywhere the same."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.rules import zones
from core.rules.recurrence import Occurrence, Recurrence, Shift, next_after, occurrences
from core.rules.recurrence_expand import Steps, walls
from core.rules.reminders import Due
from core.rules.rrule import Freq, InvalidRule, Rule, Skip, Weekday, check, parse, text

ZONES = sorted(zones.known())
MANY = 12
SPANS = {Freq.MINUTELY: 2, Freq.HOURLY: 40, Freq.DAILY: 800}  # days that hold enough to compare


def numbers(least: int, most: int, *, from_end: bool = True) -> st.SearchStrategy[tuple[int, ...]]:
    each = st.integers(least, most)
    both = each | each.map(lambda number: -number) if from_end else each
    return st.just(()) | st.sets(both, max_size=3).map(lambda found: tuple(sorted(found)))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    weekdays = st.tuples(st.none() | st.integers(-5, 5).filter(bool), st.sampled_from(Weekday))
    parts: dict[str, Any] = {
        "bymonth": draw(numbers(1, 12, from_end=False)),
        "byweekno": draw(numbers(1, 53)),
        "byyearday": draw(numbers(1, 366)),
        "bymonthday": draw(numbers(1, 31)),
        "byday": draw(st.sets(weekdays, max_size=3)),
        "byhour": draw(numbers(0, 4, from_end=False)),
        "byminute": draw(numbers(0, 59, from_end=False)),
        "bysetpos": draw(numbers(1, 4)),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(parts)), max_size=3))
    given_parts = {name: parts[name] for name in chosen}
    if "byday" in given_parts:
        given_parts["byday"] = tuple(
            sorted(given_parts["byday"], key=lambda day: (day[0] or 0, day[1]))
        )
    rule = Rule(
        draw(st.sampled_from(Freq)),
        interval=draw(st.sampled_from([1, 1, 2, 3, 7, 13])),
        count=draw(st.none() | st.integers(1, 60)),
        wkst=draw(st.sampled_from(Weekday)),
        skip=draw(st.sampled_from(Skip)),
        **given_parts,
    )
    try:
        check(rule)
    except InvalidRule:
        assume(condition=False)
    return rule


STARTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31)).map(  # noqa: DTZ001 (wall times)
    lambda at: at.replace(second=0, microsecond=0)
)
PLACES = st.sampled_from(ZONES)


def expanded(recurrence: Recurrence, due: Due) -> list[Occurrence]:
    try:
        return list(islice(occurrences(recurrence, due, zone="UTC"), MANY))
    except InvalidRule as error:
        assert error.code == "never_occurs"  # noqa: PT017 (any other is a defect; this one is an answer)
        assume(condition=False)
        return []


@settings(max_examples=60, deadline=None)
@given(rules(), STARTS, PLACES, st.sampled_from(Shift))
def test_from_anywhere_the_same(rule: Rule, start: datetime, zone: str, shift: Shift) -> None:
    recurrence, due = Recurrence(rule, shift=shift), Due(start.date(), start.time(), zone)
    found = expanded(recurrence, due)
    at = [each.at for each in found]
    assert all(earlier < later for earlier, later in pairwise(at))
    for earlier, later in pairwise(found):
        assert next_after(recurrence, due, after=earlier.at, zone="UTC") == later
        just_before = later.at - timedelta(microseconds=1)
        assert next_after(recurrence, due, after=just_before, zone="UTC") == later
    assert expanded(recurrence, due) == found


@settings(max_examples=60, deadline=None)
@given(rules(), STARTS, st.floats(0, 1))
def test_a_jump_lands_where_walking_does(rule: Rule, start: datetime, share: float) -> None:
    span = timedelta(days=SPANS.get(rule.freq, 4_000))
    low, high = start + share * span, start + span
    walked = [each.at for each in walls(rule, start, low=start, high=high, steps=Steps())]
    jumped = [each.at for each in walls(rule, start, low=low, high=high, steps=Steps())]
    assert jumped == [each for each in walked if each >= low]


@settings(max_examples=80, deadline=None)
@given(
    PLACES,
    st.sampled_from(
        ["FREQ=HOURLY", "FREQ=MINUTELY;INTERVAL=50", "FREQ=DAILY;BYHOUR=0,1,2,3;BYMINUTE=10,40"]
    ),
    st.integers(2000, 2037),
    st.data(),
)
def test_no_instant_twice_and_none_lost_at_clock_changes(
    zone: str, written: str, year: int, data: st.DataObject
) -> None:
    changes = _changes(zone, year)
    assume(changes)
    near = data.draw(st.sampled_from(changes)).replace(minute=10)
    start = near.astimezone(zones.zone(zone)).replace(tzinfo=None) - timedelta(hours=30)
    rule = parse(written)
    due = Due(start.date(), start.time(), zone)
    found = list(islice(occurrences(Recurrence(rule), due, zone="UTC"), 90))
    at = [each.at for each in found]
    assert at == sorted(set(at))
    high = start + timedelta(days=1, hours=18)
    for wall in walls(rule, start, low=start, high=high, steps=Steps()):
        assert zones.instant(wall.at.date(), wall.at.time(), zone) in at


def _changes(zone: str, year: int) -> list[datetime]:
    """Days of this year, in UTC, on which the zone's offset is another one than a day before."""
    first, there = datetime(year, 1, 1, tzinfo=UTC), zones.zone(zone)
    days = [first + timedelta(days=day) for day in range(365)]
    day = timedelta(days=1)
    return [
        at
        for at in days
        if at.astimezone(there).utcoffset() != (at - day).astimezone(there).utcoffset()
    ]


@given(rules())
def test_every_rule_has_one_spelling(rule: Rule) -> None:
    assert parse(text(rule)) == rule
