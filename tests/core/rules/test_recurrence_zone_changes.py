"""A sample of what `bench.chaos` f18 looks at in all zones: no instant twice, and none lost."""

from datetime import date, datetime, time
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.chaos.zones import Change, changes, problems
from core.rules import zones
from core.rules.recurrence import Recurrence, occurrences
from core.rules.reminders import Due, due_instant
from core.rules.rrule import parse

SAMPLE = Random(18)  # noqa: S311 - the same sample every day
ALWAYS = ("Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll")
ZONES = sorted({*SAMPLE.sample(sorted(zones.known()), 24), *ALWAYS})
PLACES = st.sampled_from(sorted(zones.known()))
WALLS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31))  # noqa: DTZ001 (wall times)


def sampled(zone: str) -> list[Change]:
    every = [*changes(zone)]
    return SAMPLE.sample(every, min(3, len(every)))


@pytest.mark.parametrize("zone", ZONES)
def test_clock_changes(zone: str) -> None:
    for change in sampled(zone):
        assert problems(change) == []


def test_the_sample_has_changes_in_it() -> None:
    assert len([*changes("Europe/Berlin")]) == 2 * 38
    assert [*changes("UTC")] == []


@given(PLACES, PLACES, WALLS)
def test_there_and_back_is_where_it_was(home: str, away: str, wall: datetime) -> None:
    """A floating due time is a wall time: elsewhere it is another instant, at home the same."""
    due = Due(wall.date(), wall.time().replace(microsecond=0), None)
    at_home = due_instant(due, home)
    shown_away = zones.wall(due_instant(due, away), away)
    back = Due(due.on, due.at, None)
    assert due_instant(back, home) == at_home
    if shown_away == datetime.combine(due.on, due.at or time()):  # it exists there
        assert due_instant(Due(shown_away.date(), shown_away.time(), None), home) == at_home


@given(PLACES, PLACES, st.dates(date(2000, 1, 1), date(2037, 1, 1)))
def test_an_occurrence_has_one_name_everywhere(home: str, away: str, on: date) -> None:
    """What was completed at home is known by its wall time abroad, and not asked for again."""
    recurrence, due = Recurrence(parse("FREQ=DAILY;INTERVAL=9")), Due(on, time(12), None)
    at_home, there = (
        [each.wall for each in islice(occurrences(recurrence, due, zone=zone), 60)]
        for zone in (home, away)
    )
    assert at_home == there
