from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift, occurrences
from core.rules.recurrence_spelling import WORKING, spelled_out, start_fits
from core.rules.recurrence_todoist import nth, to_todoist
from core.rules.reminders import Due
from core.rules.rrule import Freq, Rule, Skip, Weekday, parse, text
from core.rules.todoist_reading import from_todoist

TODAY = date(2027, 1, 4)  # a Monday
MORNING = Due(TODAY, time(9), None)
ALL_DAY = Due(TODAY, None, None)
LOST_DAYS = "the rule's days or times"


def said(rrule: str, due: Due = ALL_DAY, anchor: Anchor = Anchor.SCHEDULE) -> str | None:
    return to_todoist(Recurrence(parse(rrule), anchor, PileUp.KEEP), due).text


@pytest.mark.parametrize(
    ("rrule", "expected"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=DAILY;INTERVAL=2", "every 2 days"),
        ("FREQ=WEEKLY", "every mon"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every workday"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "every workday"),
        ("FREQ=WEEKLY;BYDAY=SA,SU", "every sat, sun"),
        ("FREQ=WEEKLY;INTERVAL=2", "every 2 weeks"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "every 2 weeks"),
        ("FREQ=MONTHLY", "every 4th"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15,31,-1", "every 1st, 15th, 31st, last day"),
        ("FREQ=MONTHLY;BYDAY=3FR,-1FR", "every last fri, 3rd fri"),
        ("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", "every last fri"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every last workday"),
        ("FREQ=MONTHLY;INTERVAL=3", "every 3 months"),
        ("FREQ=YEARLY", "every 4 jan"),
        ("FREQ=YEARLY;BYMONTH=1,4;BYMONTHDAY=14", "every 14 jan, 14 apr"),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "every 4th thu nov"),
        ("FREQ=YEARLY;INTERVAL=2", "every 2 years"),
    ],
)
def test_says_days(rrule: str, expected: str) -> None:
    assert said(rrule) == f"{expected} starting 4 jan 2027"


def test_says_times_ends_and_completion() -> None:
    done = said("FREQ=WEEKLY;INTERVAL=2", MORNING, Anchor.COMPLETION)
    assert done == "every! 2 weeks at 09:00 starting 4 jan 2027"
    ends = said("FREQ=DAILY;BYHOUR=18;UNTIL=20270301", MORNING)
    assert ends == "every day at 18:00 starting 4 jan 2027 ending 1 mar 2027"
    assert str(said("FREQ=DAILY;UNTIL=20270301T080000", MORNING)).endswith("ending 28 feb 2027")
    assert said("FREQ=HOURLY;INTERVAL=4", MORNING) == "every 4 hours starting at 09:00"


@pytest.mark.parametrize(
    ("recurrence", "due", "lost"),
    [
        (Recurrence(parse("FREQ=DAILY")), ALL_DAY, "an occurrence that passes undone moves"),
        (
            Recurrence(parse("FREQ=DAILY"), pile_up=PileUp.ALL),
            ALL_DAY,
            "each occurrence that passes undone becomes a todo",
        ),
        (Recurrence(parse("FREQ=DAILY;COUNT=5")), ALL_DAY, "the end after 5 occurrences"),
        (
            Recurrence(parse("FREQ=DAILY")),
            Due(TODAY, time(9), "Europe/Berlin"),
            "the time zone Europe/Berlin",
        ),
        (
            Recurrence(parse("FREQ=DAILY"), exdates=(date(2027, 1, 5),)),
            ALL_DAY,
            "dates that are left out: 2027-01-05",
        ),
        (
            Recurrence(parse("FREQ=WEEKLY"), rdates=(date(2027, 1, 5),)),
            ALL_DAY,
            "dates that are added: 2027-01-05",
        ),
        (
            Recurrence(parse("FREQ=DAILY"), holidays="DE", shift=Shift.BEFORE),
            ALL_DAY,
            "moving to the business day before a day off (DE)",
        ),
        (
            Recurrence(parse("FREQ=MONTHLY;BYMONTHDAY=31")),
            ALL_DAY,
            "what becomes of months without that day (here: omit)",
        ),
        (Recurrence(parse("FREQ=HOURLY")), MORNING, "the first day, 2027-01-04"),
        (Recurrence(parse("FREQ=WEEKLY;BYDAY=TU")), ALL_DAY, "the first one, on 2027-01-04"),
        (Recurrence(parse("FREQ=DAILY;BYHOUR=18")), MORNING, "the first one, on 2027-01-04"),
        (
            Recurrence(parse("FREQ=DAILY;UNTIL=20270301T090000Z")),
            MORNING,
            "the end at an instant",
        ),
    ],
)
def test_tells_what_it_leaves_out(recurrence: Recurrence, due: Due, lost: str) -> None:
    told = to_todoist(recurrence, due)
    assert told.text
    assert [what for what in told.cannot_express if what.startswith(lost)], told.cannot_express


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=MINUTELY;INTERVAL=30",
        "FREQ=DAILY;BYHOUR=8,18",
        "FREQ=DAILY;BYMONTH=1",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        "FREQ=MONTHLY;BYMONTHDAY=-2",
        "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR",
        "FREQ=YEARLY;BYWEEKNO=20",
        "FREQ=YEARLY;BYYEARDAY=100",
        "FREQ=YEARLY;BYDAY=20MO",
    ],
)
def test_says_nothing_rather_than_something_else(rrule: str) -> None:
    told = to_todoist(Recurrence(parse(rrule)), MORNING)
    assert told.text is None
    assert told.cannot_express[0] == LOST_DAYS


def test_a_weekday_after_a_completion_is_not_the_start() -> None:
    done = Recurrence(parse("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"), Anchor.COMPLETION)
    assert to_todoist(done, MORNING).text is None


@pytest.mark.parametrize(
    ("string", "rrule"),
    [
        ("every day", "FREQ=DAILY"),
        ("daily", "FREQ=DAILY"),
        ("Every  Other Day", "FREQ=DAILY;INTERVAL=2"),
        ("every 3 days", "FREQ=DAILY;INTERVAL=3"),
        ("ev mon, fri", "FREQ=WEEKLY;BYDAY=MO,FR"),
        ("every mon, tues, wed, and fri", "FREQ=WEEKLY;BYDAY=MO,TU,WE,FR"),
        ("every monday and thursday", "FREQ=WEEKLY;BYDAY=MO,TH"),
        ("every workday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("every weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("every weekend", "FREQ=WEEKLY;BYDAY=SA"),
        ("every other tue", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        ("every 2 weeks on friday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"),
        ("every 3rd friday", "FREQ=MONTHLY;BYDAY=3FR"),
        ("every last fri", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("every 27", "FREQ=MONTHLY;BYMONTHDAY=27;RSCALE=GREGORIAN;SKIP=BACKWARD"),
        ("every 27th", "FREQ=MONTHLY;BYMONTHDAY=27;RSCALE=GREGORIAN;SKIP=BACKWARD"),
        ("every last day", "FREQ=MONTHLY;BYMONTHDAY=-1;RSCALE=GREGORIAN;SKIP=BACKWARD"),
        (
            "every 15th workday, first workday, last workday",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1,1,15",
        ),
        ("every quarter", "FREQ=MONTHLY;INTERVAL=3;RSCALE=GREGORIAN;SKIP=BACKWARD"),
        ("every jan 15", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=15;RSCALE=GREGORIAN;SKIP=BACKWARD"),
        (
            "every 14 jan, 14 apr",
            "FREQ=YEARLY;BYMONTH=1,4;BYMONTHDAY=14;RSCALE=GREGORIAN;SKIP=BACKWARD",
        ),
        ("every 1st wed jan", "FREQ=YEARLY;BYMONTH=1;BYDAY=1WE"),
        ("every year", "FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=BACKWARD"),
        ("every 12 hours starting at 9pm", "FREQ=HOURLY;INTERVAL=12"),
        ("every day ending 10 may", "FREQ=DAILY;UNTIL=20270510"),
        ("every day ending 2 jan", "FREQ=DAILY;UNTIL=20280102"),
        ("every day starting 1 feb for 3 weeks", "FREQ=DAILY;UNTIL=20270221"),
        ("every 2nd day", "FREQ=DAILY;INTERVAL=2"),
        ("every third day", "FREQ=DAILY;INTERVAL=3"),
        ("every 2nd week on friday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"),
        ("every fortnight", "FREQ=WEEKLY;INTERVAL=2"),
        ("every 30 minutes", "FREQ=MINUTELY;INTERVAL=30"),
        ("every week on mon, wed", "FREQ=WEEKLY;BYDAY=MO,WE"),
        ("mondays", "FREQ=WEEKLY;BYDAY=MO"),
        ("on weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("every mon-fri", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("every friday through monday", "FREQ=WEEKLY;BYDAY=MO,FR,SA,SU"),
        ("every month on the last friday", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("on the last friday of each month", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("every first monday of the month", "FREQ=MONTHLY;BYDAY=1MO"),
        ("every third thursday in november", "FREQ=YEARLY;BYMONTH=11;BYDAY=3TH"),
        (
            "every 2nd day of the month",
            "FREQ=MONTHLY;BYMONTHDAY=2;RSCALE=GREGORIAN;SKIP=BACKWARD",
        ),
        (
            "every 2 months on the 15th",
            "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=15;RSCALE=GREGORIAN;SKIP=BACKWARD",
        ),
        (
            "every 29th of feb",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;RSCALE=GREGORIAN;SKIP=BACKWARD",
        ),
        (
            "every last day of february",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;RSCALE=GREGORIAN;SKIP=BACKWARD",
        ),
        ("every day until fri", "FREQ=DAILY;UNTIL=20270108"),
        ("every ten days", "FREQ=DAILY;INTERVAL=10"),
        ("every day ending in 3 weeks", "FREQ=DAILY;UNTIL=20270125"),
        (
            "every 3rd tuesday starting aug 31 ending in 6 months",
            "FREQ=MONTHLY;UNTIL=20280229;BYDAY=3TU",
        ),
        ("every day for 2 months", "FREQ=DAILY;UNTIL=20270303"),
        ("every day for 1 year", "FREQ=DAILY;UNTIL=20280103"),
    ],
)
def test_reads_days(string: str, rrule: str) -> None:
    found = from_todoist(string, today=TODAY)
    assert found.recurrence
    assert text(found.recurrence.rule) == rrule
    assert found.recurrence.anchor is Anchor.SCHEDULE
    assert found.cannot_express == []


def test_reads_where_it_starts_and_when() -> None:
    hours = from_todoist("every hour starting at 09:00 ending 31 dec 2027", today=TODAY)
    assert hours.recurrence
    assert (text(hours.recurrence.rule), hours.at) == ("FREQ=HOURLY;UNTIL=20271231", time(9))
    found = from_todoist("every 14 days 7am starting 1 Nov", today=TODAY)
    assert (found.starting, found.at) == (date(2027, 11, 1), time(7))
    assert from_todoist("every day at 20:30", today=TODAY).at == time(20, 30)
    assert from_todoist("daily at noon", today=TODAY).at == time(12)
    assert from_todoist("every 27 at 12am", today=TODAY).at == time(0)
    assert from_todoist("every evening", today=TODAY).at == time(19)
    assert from_todoist("every monday morning", today=TODAY).at == time(9)
    assert from_todoist("every day in the evening at 9 p.m.", today=TODAY).at == time(21)
    assert from_todoist("every day at 9 o'clock", today=TODAY).at == time(9)
    assert from_todoist("every 8am", today=TODAY).at == time(8)
    monday = from_todoist("every day starting next monday", today=TODAY)
    assert monday.starting == date(2027, 1, 11)
    assert from_todoist("ev day from tomorrow", today=TODAY).starting == date(2027, 1, 5)


@pytest.mark.parametrize(
    "string", ["every! 2 weeks", "ev! 2 weeks", "after 2 weeks", "every 2 weeks after completion"]
)
def test_reads_what_counts_from_the_completion(string: str) -> None:
    expected = Recurrence(Rule(Freq.WEEKLY, 2), Anchor.COMPLETION, PileUp.KEEP)
    assert from_todoist(string, today=TODAY).recurrence == expected


@pytest.mark.parametrize(
    ("string", "lost"),
    [
        ("every 1st wed jan, 3rd thu jul", "different days in different months"),
        ("every 14 jan, 15 jun", "different days in different months"),
        ("every 15th, last fri", "days of different kinds"),
        ("every 3 workdays", "counting working days"),
        ("every other workday", "counting working days"),
    ],
)
def test_understands_what_no_rule_says(string: str, lost: str) -> None:
    found = from_todoist(string, today=TODAY)
    assert (found.recurrence, found.cannot_express) == (None, [lost])


@pytest.mark.parametrize(
    "string",
    [
        "",
        "every",
        "tomorrow",
        "every fish",
        "every 45th",
        "every 0 days",
        "every 3 fri",
        "every 6th monday",
        "every feb 30",
        "every monkey",
        "every day at 25:00",
        "every day at 13pm",
        "every day at 9am at 10am",
        "every day starting someday",
        "every day for ever",
        "every month on friday",
        "monday at 9",
        "every at 9 starting 1 feb from 2 feb",
        "every day " * 30,
    ],
)
def test_never_guesses(string: str) -> None:
    with pytest.raises(ValueError, match="these are"):
        from_todoist(string, today=TODAY)


@pytest.mark.parametrize(
    ("number", "expected"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd")]
)
def test_numbers(number: int, expected: str) -> None:
    assert nth(number) == expected


PLACES = st.sets(st.sampled_from([-1, 1, 2, 3, 4, 5]), min_size=1, max_size=3)
MONTHDAYS = st.sets(st.integers(1, 31), min_size=1, max_size=4)
WEEKDAYS = st.sets(st.sampled_from(Weekday), min_size=1)
RULES = st.one_of(
    st.builds(Rule, st.sampled_from([Freq.DAILY, Freq.WEEKLY, Freq.MONTHLY]), st.integers(1, 9)),
    WEEKDAYS.map(lambda s: Rule(Freq.WEEKLY, byday=tuple((None, d) for d in sorted(s)))),
    MONTHDAYS.map(lambda s: Rule(Freq.MONTHLY, bymonthday=tuple(sorted(s)), skip=Skip.BACKWARD)),
    st.builds(
        lambda places, day: Rule(Freq.MONTHLY, byday=tuple((p, day) for p in sorted(places))),
        PLACES,
        st.sampled_from(Weekday),
    ),
    PLACES.map(lambda s: Rule(Freq.MONTHLY, byday=WORKING, bysetpos=tuple(sorted(s)))),
    st.builds(
        lambda months, day: Rule(Freq.YEARLY, bymonth=tuple(sorted(months)), bymonthday=(day,)),
        st.sets(st.integers(1, 12), min_size=1, max_size=4),
        st.integers(1, 28),
    ),
)


@given(RULES, st.sampled_from([None, date(2028, 3, 1)]), st.sampled_from([MORNING, ALL_DAY]))
def test_comes_back_as_the_same_days(rule: Rule, until: date | None, due: Due) -> None:
    """Whatever is said without loss occurs on the same days when it is read."""
    given_ = Recurrence(
        Rule(**{name: getattr(rule, name) for name in Rule.__slots__} | {"until": until}),
        pile_up=PileUp.KEEP,
    )
    told = to_todoist(given_, due)
    assert told.text
    start = ["the first one, on 2027-01-04: the rule leaves it out"]
    fits = start_fits(spelled_out(rule, due, done=False), due)
    assert told.cannot_express == ([] if fits else start)
    found = from_todoist(told.text, today=date(2026, 5, 1))
    assert found.recurrence
    assert (found.starting, found.at) == (due.on, due.at)
    days = [
        [each.at for each, _ in zip(occurrences(r, due, zone="UTC"), range(30), strict=False)]
        for r in (given_, found.recurrence)
    ]
    assert days[0] == days[1]
    assert spelled_out(found.recurrence.rule, due, done=False).interval == rule.interval
