"""Times as people say them, on Monday 2 March 2026 at ten in the morning in Berlin."""

from datetime import date, datetime, time
from typing import Final

import pytest

from core.rules import rrule
from core.rules.recurrence import Anchor
from core.rules.reminders import Due
from core.rules.rrule import Skip
from core.rules.understanding import lexicon, times
from core.rules.understanding.commands import Said
from core.rules.understanding.text import normalise

_NOW: Final = datetime.fromisoformat("2026-03-02T10:00:00+01:00")
_CLOCK: Final = times.Clock(_NOW, "Europe/Berlin")
_SURE: Final = 0.85


def _find(said: str, language: str = "en", clock: times.Clock = _CLOCK) -> list[Said]:
    return times.find(normalise(said), lexicon.load(language), clock)


def _spelled(said: Said) -> str:
    if said.due is None:
        return f"{said.first}..{said.last}"
    at = f"{said.due.on}{said.due.at.strftime('T%H:%M') if said.due.at else ''}"
    if said.recurrence is None:
        return at
    rule = rrule.text(said.recurrence.rule).replace(";RSCALE=GREGORIAN;SKIP=BACKWARD", "")
    done = " done" if said.recurrence.anchor is Anchor.COMPLETION else ""
    return f"{at} {rule}{done}"


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("en", "tomorrow remind me to call mom at 5", "2026-03-03T17:00"),
        ("en", "pay rent by friday", "2026-03-06"),
        ("en", "finish the report before noon", "2026-03-02T12:00"),
        ("en", "taxes by the end of next month", "2026-04-30"),
        ("en", "meeting next tuesday at half past ten", "2026-03-10T10:30"),
        ("en", "call at ten to six", "2026-03-02T17:50"),
        ("en", "at 9 in the morning", "2026-03-03T09:00"),
        ("en", "call in the morning", "2026-03-03T09:00"),
        ("en", "first monday of next month", "2026-04-06"),
        ("en", "on the 15th of next month", "2026-04-15"),
        ("en", "from 2 to 4 pm tomorrow", "2026-03-03T14:00"),
        ("en", "move it from monday to friday", "2026-03-02 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("en", "two days before christmas", "2026-12-23"),
        ("en", "at midnight on friday", "2026-03-07T00:00"),
        ("en", "every day starting monday at 7am", "2026-03-09T07:00 FREQ=DAILY"),
        ("en", "every day for 3 weeks", "2026-03-02 FREQ=DAILY;UNTIL=20260322"),
        ("en", "water plants every! 3 days", "2026-03-02 FREQ=DAILY;INTERVAL=3 done"),
        (
            "en",
            "clean filter every 3 months after completion",
            "2026-03-02 FREQ=MONTHLY;INTERVAL=3 done",
        ),
        (
            "en",
            "every weekday at 8:30 until june",
            "2026-03-03T08:30 FREQ=WEEKLY;UNTIL=20260601;BYDAY=MO,TU,WE,TH,FR",
        ),
        ("en", "every last day of the month", "2026-03-31 FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("en", "every other week on tuesday", "2026-03-03 FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        ("en", "every morning at 6", "2026-03-03T06:00 FREQ=DAILY"),
        ("en", "every day 3 apples", "2026-03-02 FREQ=DAILY"),
        ("en", "every half hour", "2026-03-02T10:01 FREQ=MINUTELY;INTERVAL=30"),
        ("en", "monthly on the 5th", "2026-03-05 FREQ=MONTHLY;BYMONTHDAY=5"),
        ("en", "weekdays at 9", "2026-03-03T09:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("en", "buy 5 tomorrow", "2026-03-03"),
        ("en", "may I have the second one", ""),
        ("en", "read the 3rd draft", ""),
        ("en", "march to the office", ""),
        ("en", "what did I complete yesterday", "2026-03-01..2026-03-01"),
        ("en", "show tasks from last week", "2026-02-23..2026-03-01"),
        ("de", "Freitag morgen um 9", "2026-03-06T09:00"),
        ("de", "um fünf vor halb drei", "2026-03-02T14:25"),
        ("de", "in anderthalb Stunden", "2026-03-02T11:30"),
        ("de", "am Mittwoch nächster Woche", "2026-03-11"),
        ("de", "jeden Montagmorgen", "2026-03-09T09:00 FREQ=WEEKLY;BYDAY=MO"),
        ("de", "um 5 Uhr 3 Eier kaufen", "2026-03-02T17:00"),
        ("de", "alle Aufgaben löschen", ""),
        ("de", "jeden Tag bis Ende Juni", "2026-03-02 FREQ=DAILY;UNTIL=20260630"),
        (
            "de",
            "jeden Montag bis zum Ende des Jahres",
            "2026-03-02 FREQ=WEEKLY;UNTIL=20261231;BYDAY=MO",
        ),
        (
            "es",
            "todos los lunes hasta el final de la semana",
            "2026-03-02 FREQ=WEEKLY;UNTIL=20260306;BYDAY=MO",
        ),
        (
            "pt",
            "todas as segundas até o final do mês",
            "2026-03-02 FREQ=WEEKLY;UNTIL=20260331;BYDAY=MO",
        ),
        ("hi", "हर दिन जून के अंत तक", "2026-03-02 FREQ=DAILY;UNTIL=20260630"),
        ("ur", "ہر روز مہینے کے آخر تک", "2026-03-02 FREQ=DAILY;UNTIL=20260331"),
        ("de", "um 9 Uhr", "2026-03-03T09:00"),
        ("es", "a las siete menos cuarto", "2026-03-02T18:45"),
        (
            "es",
            "los lunes y jueves a las 6 de la tarde",
            "2026-03-02T18:00 FREQ=WEEKLY;BYDAY=MO,TH",
        ),
        ("es", "el 3 de mayo de 2027", "2027-05-03"),
        ("fr", "à cinq heures moins le quart", "2026-03-02T16:45"),
        ("fr", "tous les jours jusqu'en juin", "2026-03-02 FREQ=DAILY;UNTIL=20260601"),
        ("fr", "un jour sur deux", "2026-03-02 FREQ=DAILY;INTERVAL=2"),
        ("pt", "todas as segundas e quintas às 18h", "2026-03-02T18:00 FREQ=WEEKLY;BYDAY=MO,TH"),
        ("pt", "quinze para as seis", "2026-03-02T17:45"),
        ("hi", "आज शाम साढ़े पाँच बजे", "2026-03-02T17:30"),
        ("hi", "महीने का आखिरी शुक्रवार", "2026-03-27"),
        ("ur", "ہر پیر اور جمعرات کو", "2026-03-02 FREQ=WEEKLY;BYDAY=MO,TH"),
        ("ur", "جمعہ سے پہلے", "2026-03-06"),
        ("zh", "两个半小时后", "2026-03-02T12:30"),
        ("zh", "每月最后一个周五", "2026-03-27 FREQ=MONTHLY;BYDAY=-1FR"),
        ("zh", "每年3月15日", "2026-03-15 FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=15"),
        ("it", "alle dieci e un quarto", "2026-03-02T10:15"),
        ("it", "fra due ore e mezza", "2026-03-02T12:30"),
        ("nl", "om kwart voor zes", "2026-03-02T17:45"),
        ("nl", "vanmiddag", "2026-03-02T15:00"),
        ("nl", "om de twee weken", "2026-03-02 FREQ=WEEKLY;INTERVAL=2"),
        ("sv", "varannan fredag", "2026-03-06 FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"),
        ("sv", "klockan halv fyra", "2026-03-02T15:30"),
        ("pl", "za godzinę", "2026-03-02T11:00"),
        ("pl", "co w piątek", "2026-03-06"),
        ("pl", "do 20 marca", "2026-03-20"),
        ("pl", "dwudziestego trzeciego marca o czternastej trzydzieści", "2026-03-23T14:30"),
        ("ru", "через неделю", "2026-03-09"),
        ("ru", "в полшестого", "2026-03-02T17:30"),
        ("ru", "в 3 дня", "2026-03-02T15:00"),
        ("ru", "через 3 дня", "2026-03-05"),
        ("ru", "15-го числа", "2026-03-15"),  # noqa: RUF001 (Cyrillic)
    ],
)
def test_what_is_said_is_meant(language: str, said: str, meant: str) -> None:
    assert " | ".join(_spelled(each) for each in _find(said, language)) == meant


@pytest.mark.parametrize(
    "said",
    [
        "sometime next week",
        "on the 35th",
        "june 31",
        "on tuesday the 9th",
        "today at 8am",
        "4/5/2026",
        "in a few days",
        "put the box on the 3rd floor",
        "every day until yesterday",
    ],
)
def test_what_is_half_understood_is_no_certainty(said: str) -> None:
    assert all(each.confidence < _SURE for each in _find(said))
    assert _find(said)


def test_the_order_of_a_date_is_known_in_america() -> None:
    there = times.Clock(_NOW, "America/New_York")
    assert _find("on 4/5/2026", clock=there)[0].confidence == 1
    assert _find("on 4/5/2026", clock=there)[0].due == Due(date(2026, 4, 5), None, None)


def test_an_assumed_hour_still_acts() -> None:
    assert _SURE <= _find("at 5")[0].confidence < 1
    assert _find("at 5pm")[0].confidence == 1


def test_parts_that_stand_apart_are_one_time_of_several_stretches() -> None:
    said = "tomorrow remind me to call mom at 5"
    found = _find(said)[0]
    assert [said[start:end] for start, end in found.spans] == ["tomorrow", "at 5"]
    assert found.parts == (("day", (0, 8)), ("time", (31, 35)))


def test_neighbours_are_one_stretch_of_several_parts() -> None:
    found = _find("call on friday at noon")[0]
    assert found.spans == ((5, 22),)
    assert found.parts == (("day", (5, 14)), ("time", (15, 22)))


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("today", date(2026, 3, 2), date(2026, 3, 2)),
        ("this week", date(2026, 3, 2), date(2026, 3, 8)),
        ("this weekend", date(2026, 3, 7), date(2026, 3, 8)),
        ("next month", date(2026, 4, 1), date(2026, 4, 30)),
        ("last week", date(2026, 2, 23), date(2026, 3, 1)),
        ("yesterday", date(2026, 3, 1), date(2026, 3, 1)),
    ],
)
def test_days_that_are_asked_for(said: str, first: date, last: date) -> None:
    found = _find(said)[0]
    assert (found.first, found.last) == (first, last)


def test_asked_for_the_past_a_day_is_the_last_one() -> None:
    for language, said, on in (("en", "on friday", 27), ("hi", "कल", 1), ("ur", "کل", 1)):
        found = times.find(normalise(said), lexicon.load(language), _CLOCK, past=True)[0]
        assert found.first == date(2026, 2 if on > 1 else 3, on)
        assert found.due is None


def test_how_long_is_a_time_only_where_it_is_asked() -> None:
    said = normalise("for an hour")
    assert times.find(said, lexicon.load("en"), _CLOCK) == []
    found = times.find(said, lexicon.load("en"), _CLOCK, lasting=True)[0]
    assert found.due == Due(date(2026, 3, 2), time(11), None)


def test_a_due_time_is_fixed_to_a_zone_where_one_is_given() -> None:
    clock = times.Clock(_NOW, "Europe/Berlin", due_zone="Asia/Tokyo")
    assert _find("tomorrow at 5pm", clock=clock)[0].due == Due(
        date(2026, 3, 3), time(17), "Asia/Tokyo"
    )
    assert _find("tomorrow", clock=clock)[0].due == Due(date(2026, 3, 3), None, None)


def test_a_day_that_its_month_does_not_have_is_its_last() -> None:
    late = times.Clock(datetime.fromisoformat("2026-01-31T10:00:00+01:00"), "Europe/Berlin")
    found = _find("in a month", clock=late)[0]
    assert found.due == Due(date(2026, 2, 28), None, None)
    monthly = _find("every month on the 31st", clock=late)[0].recurrence
    assert monthly is not None
    assert monthly.skip is Skip.BACKWARD


@pytest.mark.parametrize(
    ("now", "said", "meant"),
    [
        ("2026-03-02T18:30:00+01:00", "at 5", "2026-03-03T17:00"),
        ("2026-03-02T22:30:00+01:00", "at 9", "2026-03-03T09:00"),
        ("2026-03-02T16:10:00+01:00", "this afternoon", "2026-03-02T17:00"),
        ("2026-03-02T21:30:00+01:00", "tonight", "2026-03-02T22:00"),
        ("2026-12-31T10:00:00+01:00", "tomorrow", "2027-01-01"),
        ("2026-02-28T10:00:00+01:00", "february 29", "2028-02-29"),
        ("2026-03-29T00:30:00+01:00", "in 2 hours", "2026-03-29T03:30"),  # clocks go forward
        ("2026-10-25T01:30:00+02:00", "in 3 hours", "2026-10-25T03:30"),  # and back
    ],
)
def test_it_depends_on_when_it_is_said(now: str, said: str, meant: str) -> None:
    clock = times.Clock(datetime.fromisoformat(now), "Europe/Berlin")
    assert _spelled(_find(said, clock=clock)[0]) == meant


@pytest.mark.parametrize(
    ("said", "due", "first", "last"),
    [
        ("friday of next week", "2026-03-13", "2026-03-13", "2026-03-13"),
        ("tuesday in two weeks", "2026-03-17", "2026-03-17", "2026-03-17"),
        ("tuesday in a fortnight", "2026-03-17", "2026-03-17", "2026-03-17"),
        ("next month on friday", "2026-04-03", "2026-04-03", "2026-04-03"),
        ("wednesday the 11th of march", "2026-03-11", "2026-03-11", "2026-03-11"),
        # A month is due when it begins; the one that is running, when it ends.
        ("in june", "2026-06-01", "2026-06-01", "2026-06-30"),
        ("in march", "2026-03-31", "2026-03-01", "2026-03-31"),
        ("in february", "2027-02-01", "2027-02-01", "2027-02-28"),
        ("first monday of this month", "2026-03-02", "2026-03-02", "2026-03-02"),
        ("last friday of june", "2026-06-26", "2026-06-26", "2026-06-26"),
        ("third friday of february", "2027-02-19", "2027-02-19", "2027-02-19"),
        ("2026-03-15", "2026-03-15", "2026-03-15", "2026-03-15"),
        ("on 15/03/2027", "2027-03-15", "2027-03-15", "2027-03-15"),
        ("at one minute to six", "2026-03-02T17:59", "2026-03-02", "2026-03-02"),
    ],
)
def test_which_days_are_meant(said: str, due: str, first: str, last: str) -> None:
    (found,) = _find(said)
    assert (_spelled(found), str(found.first), str(found.last)) == (due, first, last)


@pytest.mark.parametrize(
    ("language", "said", "due"),
    [
        ("en", "in june 2027", "2027-06-01"),
        ("en", "by june 2027", "2027-06-01"),
        ("en", "first monday of june 2027", "2027-06-07"),
        ("en", "last friday in june 2027", "2027-06-25"),
        ("en", "the end of june, 2027", "2027-06-30"),
        ("en", "two weeks before june 15 2027", "2027-06-01"),
        ("de", "im Juni 2027", "2027-06-01"),
        ("de", "am ersten Montag im Juni 2027", "2027-06-07"),
        ("de", "Ende Juni 2027", "2027-06-30"),
        ("es", "en junio de 2027", "2027-06-01"),
        ("es", "el primer lunes de junio de 2027", "2027-06-07"),
        ("es", "a finales de junio de 2027", "2027-06-30"),
        ("fr", "en juin 2027", "2027-06-01"),
        ("fr", "le premier lundi de juin 2027", "2027-06-07"),
        ("fr", "fin juin 2027", "2027-06-30"),
        ("hi", "जून 2027 में", "2027-06-01"),
        ("hi", "जून 2027 के पहले सोमवार को", "2027-06-07"),
        ("hi", "जून 2027 के अंत में", "2027-06-30"),
    ],
)
def test_a_month_is_that_of_the_year_said_with_it(language: str, said: str, due: str) -> None:
    (found,) = _find(said, language)
    assert _spelled(found) == due
    assert found.spans == ((0, len(said)),), "the year is no part of a title"


def test_a_day_of_a_year_that_is_over_is_not_due_in_another() -> None:
    (found,) = _find("first monday of january 2025")
    assert (found.due, found.first) == (None, date(2025, 1, 6))


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("en", "two weeks before christmas", "2026-12-11"),
        ("en", "three days after christmas", "2026-12-28"),
        ("en", "two days before friday", "2026-03-04"),
        ("en", "a week from tomorrow", "2026-03-10"),
        ("en", "two hours and 20 minutes from now", "2026-03-02T12:20"),
        ("en", "every day at 9 three times", "2026-03-03T09:00 FREQ=DAILY;COUNT=3"),
        ("en", "every monday 3 times", "2026-03-02 FREQ=WEEKLY;COUNT=3;BYDAY=MO"),
        ("en", "from 2 to 4 pm", "2026-03-02T14:00"),
        ("en", "from 9:30 to 11:15", "2026-03-03T09:30"),
        ("en", "from 9:30 to 11", "2026-03-03T09:30"),
        ("de", "von 9:30 bis 11", "2026-03-03T09:30"),
        ("en", "from 3 to 5 in the afternoon", "2026-03-02T15:00"),
        ("de", "von 14 bis 16 Uhr", "2026-03-02T14:00"),
        ("fr", "à cinq heures moins dix", "2026-03-02T16:50"),
        ("fr", "à cinq heures dix", "2026-03-02T17:10"),
        ("es", "a la una menos diez", "2026-03-02T12:50"),
    ],
)
def test_lengths_and_spans(language: str, said: str, meant: str) -> None:
    (found,) = _find(said, language)
    assert _spelled(found) == meant
    assert found.spans == ((0, len(said)),)


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("en", "the next three days", "2026-03-05"),
        ("en", "the last two weeks", "2026-02-16..2026-03-02"),
        ("en", "two days ago", "2026-02-28..2026-02-28"),
        ("en", "20 minutes ago", "2026-03-02..2026-03-02"),
        ("en", "the middle of last month", "2026-02-14..2026-02-14"),
        ("en", "in the middle of june", "2026-06-15"),
        ("en", "at the beginning of june", "2026-06-01"),
        ("en", "monday in two weeks", "2026-03-23"),
        ("en", "in two weeks on monday", "2026-03-16"),
        ("en", "in 2.5 days", "2026-03-04T22:00"),
        ("en", "in 1.5 weeks", "2026-03-12"),
        ("en", "in 1.5 years", "2027-09-02"),
        ("en", "at 1730", "2026-03-02T17:30"),
        ("en", "at 930", "2026-03-03T09:30"),
        ("de", "um 1730 Uhr", "2026-03-02T17:30"),
        ("en", "at twenty-five to six", "2026-03-02T17:35"),
        ("en", "mon - fri at 9", "2026-03-03T09:00 FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("en", "every first monday of the month", "2026-03-02 FREQ=MONTHLY;BYDAY=1MO"),
        ("de", "vor zwei Tagen", "2026-02-28..2026-02-28"),
        ("fr", "il y a deux jours", "2026-02-28..2026-02-28"),
        ("es", "los próximos tres días", "2026-03-05"),
        ("zh", "三天前", "2026-02-27..2026-02-27"),
        ("ru", "в следующие 3 дня", "2026-03-05"),
    ],
)
def test_before_and_ahead_of_now(language: str, said: str, meant: str) -> None:
    (found,) = _find(said, language)
    assert _spelled(found) == meant
    assert found.spans == ((0, len(said)),)


@pytest.mark.parametrize("said", ["at 2530", "at 5.5", "every 5000 days", "7 past five"])
def test_what_is_no_time_is_left_as_it_is(said: str) -> None:
    assert _find(said) == []


def test_a_date_that_does_not_exist_is_asked_about() -> None:
    (found,) = _find("on 2026-02-30")
    assert (found.due, found.first, found.last) == (None, _NOW.date(), _NOW.date())
    assert found.confidence < _SURE
