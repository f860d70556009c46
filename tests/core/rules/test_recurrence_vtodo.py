from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.recurrence_vtodo import MAX_OCTETS, escaped, folded, to_vtodo
from core.rules.reminders import Due
from core.rules.rrule import ByDay, Freq, InvalidRule, Rule, Skip, Weekday, parse
from core.rules.vtodo_reading import from_vtodo

BERLIN = Due(date(2027, 1, 4), time(9), "Europe/Berlin")
FLOATING = Due(date(2027, 1, 4), time(9), None)
ALL_DAY = Due(date(2027, 1, 4), None, None)
UTC_DUE = Due(date(2027, 1, 4), time(9), "UTC")


def lines(recurrence: Recurrence, due: Due) -> list[str]:
    text = to_vtodo(recurrence, due).text
    assert text
    assert text.endswith("\r\n")
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def test_a_zone_is_named() -> None:
    recurrence = Recurrence(
        parse("FREQ=WEEKLY;BYDAY=MO"), exdates=(date(2027, 1, 11),), rdates=(date(2027, 1, 12),)
    )
    assert lines(recurrence, BERLIN) == [
        "DTSTART;TZID=Europe/Berlin:20270104T090000",
        "DUE;TZID=Europe/Berlin:20270104T090000",
        "RRULE:FREQ=WEEKLY;BYDAY=MO",
        "EXDATE;TZID=Europe/Berlin:20270111T090000",
        "RDATE;TZID=Europe/Berlin:20270112T090000",
    ]


@pytest.mark.parametrize(
    ("due", "start"),
    [
        (FLOATING, "DTSTART:20270104T090000"),
        (ALL_DAY, "DTSTART;VALUE=DATE:20270104"),
        (UTC_DUE, "DTSTART:20270104T090000Z"),
    ],
)
def test_a_start_of_each_kind(due: Due, start: str) -> None:
    assert lines(Recurrence(parse("FREQ=DAILY")), due)[0] == start


@pytest.mark.parametrize(
    ("due", "until", "written"),
    [
        (BERLIN, "20270601", "20270601T215959Z"),
        (BERLIN, "20270101T100000", "20270101T090000Z"),
        (FLOATING, "20270601", "20270601T235959"),
        (ALL_DAY, "20270601T100000", "20270601"),
        (UTC_DUE, "20270601T100000Z", "20270601T100000Z"),
    ],
)
def test_until_has_the_type_of_the_start(due: Due, until: str, written: str) -> None:
    recurrence = Recurrence(parse(f"FREQ=DAILY;UNTIL={until}"))
    assert f"RRULE:FREQ=DAILY;UNTIL={written}" in lines(recurrence, due)


def test_an_excepted_day_is_left_out_at_each_of_its_times() -> None:
    recurrence = Recurrence(parse("FREQ=DAILY;BYHOUR=8,18"), exdates=(date(2027, 1, 11),))
    assert "EXDATE:20270111T080000,20270111T180000" in lines(recurrence, FLOATING)


def test_what_others_cannot_read_is_told() -> None:
    recurrence = Recurrence(
        parse("RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD"),
        anchor=Anchor.COMPLETION,
        pile_up=PileUp.ALL,
        shift=Shift.AFTER,
        holidays="DE-BE",
    )
    told = to_vtodo(recurrence, BERLIN)
    assert "RSCALE" not in str(told.text), "a reader without RFC 7529 would drop the whole rule"
    assert [what.split(":")[0] for what in told.cannot_express] == [
        "each occurrence that passes undone becomes a todo of its own",
        "moving to the business day after a day off (DE-BE)",
        "counting from the completion",
        "days that a month does not have (backward)",
    ]
    assert from_vtodo(str(told.text)).recurrence == recurrence


def test_reads_what_others_write() -> None:
    found = from_vtodo(
        "SUMMARY:Water the plants\n"
        'DUE;TZID="Europe/Berlin":20270104T090000\n'
        "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=\n 20270601T000000Z\n"
        "EXDATE;TZID=Europe/London:20270117T233000\n"
        "EXDATE;VALUE=DATE:20270125,20270201\n"
    )
    assert found.due == BERLIN
    assert found.recurrence == Recurrence(
        parse("FREQ=WEEKLY;BYDAY=MO;UNTIL=20270601T000000Z"),
        exdates=(date(2027, 1, 18), date(2027, 1, 25), date(2027, 2, 1)),
    )
    assert found.cannot_express == []


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (
            "DTSTART:20270104T090000\nDUE:20270104T100000",
            "a DUE after DTSTART: it is due at DTSTART",
        ),
        ("DTSTART:20270104T090000\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY", "several RRULEs"),
        ("RRULE:FREQ=DAILY", "an RRULE without a start"),
        (
            "DTSTART:20270104T090000\nRRULE:FREQ=DAILY\nRDATE:20270105T120000",
            "the time of the added 2027-01-05 12:00",
        ),
        (
            "DTSTART:20270104T090000\nRRULE:FREQ=DAILY\nRDATE;VALUE=PERIOD:20270105T120000/PT1H",
            "periods",
        ),
    ],
)
def test_what_we_cannot_take_over_is_told(text: str, lost: str) -> None:
    assert from_vtodo(text).cannot_express == [lost]


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "DTSTART:tomorrow",
        "DTSTART:20271304",
        "DTSTART;TZID=Mars/Olympus:20270104T090000",
        "DTSTART:20270104\nRRULE:FREQ=DAILY\nX-VOICETODO-ANCHOR:moon",
        "x" * 200_000,
    ],
)
def test_refuses_what_is_no_such_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_vtodo(text)


def test_refuses_a_rule_that_is_none() -> None:
    with pytest.raises(InvalidRule):
        from_vtodo("DTSTART:20270104\nRRULE:FREQ=SOMETIMES")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_folds_within_75_octets_and_never_a_character(line: str) -> None:
    pieces = folded(line).split("\r\n")
    assert all(len(piece.encode()) <= MAX_OCTETS for piece in pieces)
    assert folded(line).replace("\r\n ", "") == line + "\r\n"


@pytest.mark.parametrize("char", ["x", "é", "🎈"])
def test_folds_long_lines(char: str) -> None:
    pieces = folded(char * 500).split("\r\n")
    sizes = [len(piece.encode()) for piece in pieces]
    assert max(sizes) <= MAX_OCTETS
    assert min(sizes[:-2]) > MAX_OCTETS - len(char.encode())


def test_escapes() -> None:
    assert escaped("a;b,c\\d\ne") == "a\\;b\\,c\\\\d\\ne"


DAYS = st.dates(date(2027, 1, 1), date(2030, 12, 31))
MOMENTS = st.datetimes(datetime(2027, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 (wall time)
    lambda at: at.replace(microsecond=0)
)
UNTILS = st.one_of(st.none(), DAYS, MOMENTS, MOMENTS.map(lambda at: at.replace(tzinfo=UTC)))
BYDAYS: st.SearchStrategy[tuple[ByDay, ...]] = st.sets(st.sampled_from(Weekday), max_size=3).map(
    lambda days: tuple((None, day) for day in sorted(days))
)


def sorted_of(dates: st.SearchStrategy[date]) -> st.SearchStrategy[tuple[date, ...]]:
    return st.sets(dates, max_size=9).map(lambda days: tuple(sorted(days)))


@given(
    st.builds(
        Recurrence,
        st.builds(
            Rule,
            freq=st.sampled_from(Freq),
            interval=st.integers(1, 9),
            until=UNTILS,
            byday=BYDAYS,
            byhour=st.sets(st.integers(0, 23), max_size=2).map(lambda s: tuple(sorted(s))),
            wkst=st.sampled_from(Weekday),
            skip=st.sampled_from(Skip),
        ),
        st.sampled_from(Anchor),
        st.sampled_from(PileUp),
        sorted_of(DAYS),
        sorted_of(DAYS),
        st.sampled_from([None, "DE", "DE-BE"]),
        st.sampled_from(Shift),
    ),
    st.sampled_from([BERLIN, FLOATING, ALL_DAY, UTC_DUE]),
)
def test_our_own_text_loses_nothing(recurrence: Recurrence, due: Due) -> None:
    text = to_vtodo(recurrence, due).text
    assert text
    found = from_vtodo(text)
    assert (found.recurrence, found.due, found.cannot_express) == (recurrence, due, [])
