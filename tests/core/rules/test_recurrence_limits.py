"""Cost, in steps and not in time: constant however old the rule, bounded however hostile."""

from datetime import UTC, date, datetime, time
from itertools import islice

import pytest

from core.rules.recurrence import Recurrence, check, next_after, occurrences
from core.rules.recurrence_expand import Steps
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule, parse
from tests.recurrences import due

HOURS = ",".join(map(str, range(24)))
MINUTES = ",".join(map(str, range(60)))
SANE = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=3",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;INTERVAL=5;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY",
    "FREQ=YEARLY;INTERVAL=3;BYWEEKNO=20;BYDAY=MO",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=HOURLY;INTERVAL=7",
    "FREQ=MINUTELY;INTERVAL=25",
    "FREQ=MINUTELY;INTERVAL=15;BYHOUR=9,10;BYDAY=MO",
    "FREQ=DAILY;INTERVAL=2;UNTIL=20991231",
]


def steps_to_next(rule: str, start: date, now: datetime) -> int:
    steps = Steps()
    begun = Due(start, time(9), "Europe/Berlin")
    found = next_after(Recurrence(parse(rule)), begun, after=now, zone="UTC", steps=steps)
    assert found is not None
    assert found.at > now
    return steps.taken


@pytest.mark.parametrize("rule", SANE)
def test_an_old_rule_costs_no_more_than_a_new_one(rule: str) -> None:
    now = datetime(2037, 6, 15, 12, tzinfo=UTC)
    old = steps_to_next(rule, date(1990, 1, 1), now)
    new = steps_to_next(rule, date(2036, 1, 1), now)
    assert old <= new + 60  # leap years and intervals do not fall alike
    assert old <= 120


def test_count_is_counted_and_bounded() -> None:
    steps = Steps()
    after = datetime(2026, 1, 1, tzinfo=UTC)
    recurrence = Recurrence(parse("FREQ=DAILY;COUNT=10000"))
    begun = due("1999-01-01T09:00")
    found = next_after(recurrence, begun, after=after, zone="UTC", steps=steps)
    assert found is not None
    assert found.local.date() == date(2026, 1, 1)
    assert 9_000 < steps.taken < 10_000
    end = datetime(2030, 1, 1, tzinfo=UTC)
    assert next_after(recurrence, begun, after=end, zone="UTC") is None


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=4,6;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=YEARLY;BYYEARDAY=1;BYMONTH=12",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
        "FREQ=HOURLY;BYYEARDAY=60;BYMONTH=12",
        "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
        "FREQ=MINUTELY;INTERVAL=60;BYMINUTE=1;BYHOUR=1,3,5",
        "FREQ=MINUTELY;INTERVAL=1000000;BYMINUTE=1",
        "FREQ=DAILY;COUNT=5;BYMONTH=2;BYMONTHDAY=30",
    ],
)
def test_what_never_occurs_is_an_error(rule: str) -> None:
    recurrence = Recurrence(parse(rule))
    start = due("2026-01-31T09:00")  # a Saturday
    with pytest.raises(InvalidRule, match="never") as refused:
        check(recurrence, start, zone="UTC")
    assert refused.value.code == "never_occurs"
    steps = Steps()
    after = datetime(2030, 1, 1, tzinfo=UTC)
    try:
        found = next_after(recurrence, start, after=after, zone="UTC", steps=steps)
    except InvalidRule:
        found = None
    assert found is None
    assert steps.taken < 30_000


@pytest.mark.parametrize(
    "rule",
    [
        f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={HOURS};BYMINUTE={MINUTES}",
        f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={HOURS};BYMINUTE={MINUTES};BYSETPOS=366",
        f"FREQ=MINUTELY;BYHOUR={HOURS};BYMINUTE={MINUTES}",
        "FREQ=DAILY;BYDAY=FR;BYMONTHDAY=13",
        "FREQ=DAILY;BYDAY=MO;BYMONTHDAY=29;BYMONTH=2",
        "FREQ=YEARLY;INTERVAL=14;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=WEEKLY;INTERVAL=1000000",
    ],
)
def test_a_hundred_of_anything_are_cheap(rule: str) -> None:
    steps = Steps()
    start = due("2026-01-31T09:00")
    found = islice(occurrences(Recurrence(parse(rule)), start, zone="UTC", steps=steps), 100)
    at = [each.at for each in found]
    assert at == sorted(set(at))
    assert at
    assert steps.taken < 40_000


def test_only_the_minutes_asked_for_are_made() -> None:
    """A year of every minute has half a million: made whole, one step would take a second."""
    rule = f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={HOURS};BYMINUTE={MINUTES};BYSETPOS=2"
    found = [*islice(occurrences(Recurrence(parse(rule)), due("2026-01-01T00:01"), zone="UTC"), 90)]
    assert {(each.local.month, each.local.day, each.local.minute) for each in found} == {(1, 1, 1)}


def test_the_end_of_time() -> None:
    found = [*occurrences(Recurrence(parse("FREQ=YEARLY")), due("2198-01-01T09:00"), zone="UTC")]
    assert [each.local.year for each in found] == [2198, 2199]
