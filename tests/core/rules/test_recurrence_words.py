"""Sentences of recurrences as a person would say them in English, and what stands beside a rule."""

from datetime import date, time

import pytest

from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.recurrence_words import explain, language
from core.rules.reminders import Due
from core.rules.rrule import parse

MORNING = Due(date(2027, 1, 4), time(9), None)  # a Monday
ALL_DAY = Due(date(2027, 1, 4), None, None)
BERLIN = Due(date(2027, 1, 4), time(9), "Europe/Berlin")
ENGLISH = [
    ("FREQ=DAILY", "every day at 09:00"),
    ("FREQ=DAILY;INTERVAL=3", "every 3 days at 09:00"),
    ("FREQ=DAILY;BYMONTH=1,2", "every day in January and February at 09:00"),
    ("FREQ=DAILY;BYHOUR=8,18", "every day at 08:00 and 18:00"),
    ("FREQ=DAILY;BYHOUR=8,18;BYMINUTE=0,30", "every day at 08:00, 08:30, 18:00 and 18:30"),
    ("FREQ=DAILY;COUNT=1", "every day at 09:00, once"),
    ("FREQ=DAILY;COUNT=10", "every day at 09:00, 10 times"),
    ("FREQ=DAILY;UNTIL=20271231", "every day at 09:00 until 31 December 2027"),
    ("FREQ=DAILY;UNTIL=20271231T120000", "every day at 09:00 until 31 December 2027 at 12:00"),
    (
        "FREQ=DAILY;UNTIL=20271231T120000Z",
        "every day at 09:00 until 31 December 2027 at 12:00 (UTC)",
    ),
    ("FREQ=DAILY;UNTIL=20271231T235959Z", "every day at 09:00 until 31 December 2027 (UTC)"),
    ("FREQ=WEEKLY", "every Monday at 09:00"),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday at 09:00"),
    ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "every weekday at 09:00"),
    ("FREQ=WEEKLY;BYDAY=SA,SU", "every Saturday and Sunday at 09:00"),
    ("FREQ=MONTHLY;BYDAY=FR", "every Friday at 09:00"),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=FR", "every Friday in March at 09:00"),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20271231",
        "every 2 weeks on Monday and Wednesday at 09:00 until 31 December 2027",
    ),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR", "every 2 weeks on weekdays at 09:00"),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU;WKST=SU",
        "every 2 weeks on Saturday and Sunday at 09:00; weeks begin on Sunday",
    ),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "every 2 weeks on Monday at 09:00"),
    ("FREQ=MONTHLY", "on the 4th of every month at 09:00"),
    ("FREQ=MONTHLY;INTERVAL=3", "every 3 months on the 4th at 09:00"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "on the 31st of every month at 09:00; months without that day are left out",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=BACKWARD",
        "on the 31st of every month at 09:00; in shorter months on the last day",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=FORWARD",
        "on the 31st of every month at 09:00; in shorter months on the first day of the next month",
    ),
    ("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=1,3", "every year on 31 January and 31 March at 09:00"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=1,15,-1",
        "on the 1st, the 15th and the last day of every month at 09:00",
    ),
    ("FREQ=MONTHLY;BYMONTHDAY=-2", "on the second to last day of every month at 09:00"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-10",
        "every month at 09:00, limited to day of the month: 10 from the end",
    ),
    ("FREQ=MONTHLY;BYDAY=-1FR", "on the last Friday of every month at 09:00"),
    ("FREQ=MONTHLY;BYDAY=1TU,3TU", "on the first and third Tuesday of every month at 09:00"),
    ("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=2", "on the second Friday of every month at 09:00"),
    (
        "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO,3MO,-1FR",
        "every 3 months on the first and third Monday and the last Friday at 09:00",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "on the last weekday of every month at 09:00",
    ),
    ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1", "on the first weekend day of every month at 09:00"),
    (
        "FREQ=MONTHLY;BYDAY=MO,WE;BYSETPOS=1",
        "every month at 09:00, limited to weekday: Monday and Wednesday; of these only number: 1",
    ),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every Friday the 13th at 09:00"),
    ("FREQ=YEARLY", "every year on 4 January at 09:00"),
    ("FREQ=YEARLY;INTERVAL=4", "every 4 years on 4 January at 09:00"),
    ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "every year on the fourth Thursday of November at 09:00"),
    ("FREQ=YEARLY;BYDAY=-1SU", "every year on the last Sunday of the year at 09:00"),
    (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "every year on 29 February at 09:00; only in leap years",
    ),
    (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;RSCALE=GREGORIAN;SKIP=FORWARD",
        "every year on 29 February at 09:00; in other years on 1 March",
    ),
    (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;RSCALE=GREGORIAN;SKIP=BACKWARD",
        "every year on 29 February at 09:00; in other years on 28 February",
    ),
    ("FREQ=YEARLY;BYMONTH=3,8;BYMONTHDAY=1", "every year on 1 March and 1 August at 09:00"),
    (
        "FREQ=YEARLY;BYMONTH=2,10;BYMONTHDAY=-1",
        "every year on the last day of February and October at 09:00",
    ),
    ("FREQ=YEARLY;BYMONTHDAY=15", "on the 15th of every month at 09:00"),
    (
        "FREQ=YEARLY;BYWEEKNO=20",
        "every year on Monday of week 20 at 09:00",
    ),
    (
        "FREQ=YEARLY;BYYEARDAY=1,-1",
        "every year at 09:00, limited to day of the year: 1 and 1 from the end",
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;BYDAY=20MO",
        "every 2 years at 09:00, limited to weekday: Monday (number 20)",
    ),
    ("FREQ=HOURLY", "every hour beginning at 09:00"),
    ("FREQ=HOURLY;INTERVAL=4", "every 4 hours beginning at 09:00"),
    (
        "FREQ=HOURLY;BYHOUR=9,10",
        "every hour beginning at 09:00, limited to hour: 9 and 10; minute: 0",
    ),
    ("FREQ=MINUTELY;INTERVAL=30", "every 30 minutes beginning at 09:00"),
    (
        "FREQ=DAILY;BYHOUR=9,10,11,12,13;BYMINUTE=0,15,30",
        "every day beginning at 09:00, limited to hour: 9, 10, 11, 12 and 13; minute: 0, 15 and 30",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=FR;RSCALE=GREGORIAN;SKIP=FORWARD",
        (
            "every month at 09:00, limited to day of the month: 31; weekday: Friday; a day "
            "that does not exist: the one after"
        ),
    ),
]


@pytest.mark.parametrize(("rrule", "sentence"), ENGLISH)
def test_english(rrule: str, sentence: str) -> None:
    assert explain(Recurrence(parse(rrule)), due=MORNING, locale="en") == sentence


@pytest.mark.parametrize(
    ("recurrence", "due", "sentence"),
    [
        (
            Recurrence(parse("FREQ=DAILY;INTERVAL=3"), Anchor.COMPLETION),
            ALL_DAY,
            "every 3 days, counted from when it was done",
        ),
        (
            Recurrence(parse("FREQ=WEEKLY;INTERVAL=2"), Anchor.COMPLETION),
            MORNING,
            "every 2 weeks at 09:00, counted from when it was done",
        ),
        (
            Recurrence(parse("FREQ=MONTHLY"), Anchor.COMPLETION),
            ALL_DAY,
            "every month, counted from when it was done",
        ),
        (
            Recurrence(
                parse("FREQ=WEEKLY"),
                exdates=(date(2027, 3, 1), date(2027, 12, 27)),
                rdates=(date(2027, 5, 2),),
            ),
            ALL_DAY,
            "every Monday, except on 1 March 2027 and 27 December 2027, and also on 2 May 2027",
        ),
        (
            Recurrence(parse("FREQ=MONTHLY;BYMONTHDAY=1"), shift=Shift.AFTER, holidays="DE-BE"),
            BERLIN,
            (
                "on the 1st of every month at 09:00 (Europe/Berlin); "
                "on the next business day if it falls on a day off; holidays: DE-BE"
            ),
        ),
        (
            Recurrence(parse("FREQ=MONTHLY;BYMONTHDAY=1"), shift=Shift.BEFORE),
            ALL_DAY,
            "on the 1st of every month; on the business day before if it falls on a day off",
        ),
        (Recurrence(parse("FREQ=DAILY"), pile_up=PileUp.ALL), ALL_DAY, "every day"),
        (
            Recurrence(parse("FREQ=DAILY;UNTIL=20270601T100000Z")),
            BERLIN,
            "every day at 09:00 (Europe/Berlin) until 1 June 2027 at 12:00",
        ),
        (Recurrence(parse("FREQ=DAILY;BYHOUR=8")), ALL_DAY, "every day"),
    ],
)
def test_what_stands_beside_the_rule(recurrence: Recurrence, due: Due, sentence: str) -> None:
    assert explain(recurrence, due=due, locale="en") == sentence


def test_many_excepted_dates_stay_a_sentence() -> None:
    days = tuple(date.fromordinal(date(2027, 1, 5).toordinal() + n) for n in range(400))
    said = explain(Recurrence(parse("FREQ=DAILY"), exdates=days), due=ALL_DAY, locale="en")
    assert said.endswith("and …")
    assert len(said) < 1_000


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("de", "de"), ("de-CH", "de"), ("es_AR", "es"), ("ur", "en"), ("", "en"), ("desk", "en")],
)
def test_a_language_for_every_locale(locale: str, expected: str) -> None:
    assert language(locale) == expected
