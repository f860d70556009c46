from datetime import UTC, date, datetime, time, timedelta

import pytest

from core.rules import rrule
from core.rules.importing import parents
from core.rules.importing.records import Code, Format, Record
from core.rules.reminders import Due, Wish
from tests.core.rules.importing.files import (
    bytes_of,
    document,
    items,
    only,
    records,
    rejected,
    vtodo,
)

ICS = Format.ICS
NEW_YORK = "America/New_York"


def rule_of(record: Record) -> str | None:
    return rrule.text(record.repeats.recurrence.rule) if record.repeats else None


def test_nextcloud_tasks() -> None:
    move, address = records(bytes_of("nextcloud-tasks.ics"), ICS)
    assert (move.title, move.list_name, move.priority) == ("Umzug", "Haushalt", "high")
    assert move.description == "Kisten, Klebeband\nund Freunde"
    assert move.tags == ("Wohnung", "Dringend")
    assert move.due == Due(date(2026, 4, 3), time(18), "Europe/Berlin")
    assert move.lost == (
        "its start, 2026-04-01 08:00: a todo has a due time only",
        "it is in process: here it is open",
        "that 40 % of it are done",
    )
    assert (address.parent_ref, address.done) == (move.ref, True)
    assert address.completed_at == datetime(2026, 1, 29, 9, 15, tzinfo=UTC)  # local, as it writes


def test_apple_reminders() -> None:
    rent, bread, zoe = records(bytes_of("apple-reminders.ics"), ICS)
    assert (rent.title, rent.priority, rule_of(rent)) == (
        "Payer le loyer 🏠",
        "medium",
        "FREQ=MONTHLY;BYMONTHDAY=5",
    )
    assert rent.due == Due(date(2026, 3, 5), time(9), "Europe/Paris")
    assert [each.wish.before for each in rent.reminders] == [timedelta(0), timedelta(minutes=30)]
    assert [each.wish for each in bread.reminders] == [Wish(date(2026, 3, 10), time(9), None, None)]
    assert bread.lost == ("a reminder at a place",)
    assert (zoe.done, zoe.completed_at) == (True, datetime(2026, 2, 15, 10, 11, 12, tzinfo=UTC))


def test_thunderbird_says_which_occurrences_are_done() -> None:
    found = items(bytes_of("thunderbird.ics"), ICS)
    series, done, changed = [each for each in found if isinstance(each, Record)]
    assert series.due == Due(date(2026, 2, 9), time(10), NEW_YORK)
    repeats = series.repeats
    assert repeats
    assert (repeats.start, repeats.nth) == (Due(date(2026, 2, 2), time(10), NEW_YORK), 2)
    assert repeats.recurrence.exdates == (date(2026, 3, 9), date(2026, 3, 16))
    assert [each.todo_ref for each in repeats.history] == [done.ref]
    assert (done.done, done.series_ref, done.repeats) == (True, series.series_ref, None)
    assert changed.title == "Water the plants and the roof"
    assert "it is an occurrence that was changed: it stands beside its series" in changed.lost
    assert [(e.code, e.excerpt) for e in rejected(found)] == [(Code.NOT_A_TODO, "Dentist")]


def test_tasks_org() -> None:
    series, subtask = records(bytes_of("tasks-org.ics"), ICS)
    assert (series.due, rule_of(series)) == (
        Due(date(2026, 3, 7), None, None),
        "FREQ=DAILY;INTERVAL=2",
    )
    assert "a reminder that comes several times: it comes once" in series.lost
    assert (subtask.parent_ref, subtask.done) == (series.ref, True)
    assert subtask.lost == ("it was cancelled: here it is completed",)


def test_todoman() -> None:
    (soap,) = records(bytes_of("todoman.ics"), ICS)
    assert soap.title.endswith("that does not fit into one line of seventy-five octets")
    assert soap.due == Due(date(2026, 3, 5), time(17), "UTC")
    assert (soap.location, soap.description) == ("The corner shop", "https://shop.example/soap")
    assert soap.lost == ("somebody who takes part: mailto:bob@example.com",)


def test_a_todo_without_an_id_keeps_no_parent_that_is_not_there() -> None:
    child = "BEGIN:VTODO\nSUMMARY:C\nRELATED-TO:{}\nEND:VTODO\n"
    one, _, other = records(child.format("gone") + vtodo() + child.format("one"), ICS)
    assert (one.parent_ref, one.lost) == (None, (parents.MISSING,))
    assert (other.parent_ref, other.lost) == ("one", ())


DUE = "DUE;TZID=Europe/Berlin:20260305T090000"


@pytest.mark.parametrize(
    ("lines", "rule", "lost"),
    [
        ((DUE, "RRULE:FREQ=DAILY;COUNT=100000"), "FREQ=DAILY", "its end after 100,000 times"),
        ((DUE, "RRULE:FREQ=SECONDLY"), None, "FREQ=SECONDLY), and cannot here"),
        ((DUE, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), None, "never occurs"),
        ((DUE, "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), None, "several RRULEs"),
        ((DUE, "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"), "FREQ=DAILY", "an EXRULE"),
        ((DUE, "RRULE:nonsense"), None, "nonsense"),
        (("DUE;VALUE=DATE:20260305", "RRULE:FREQ=HOURLY"), None, "not with such a due time"),
        (("RRULE:FREQ=WEEKLY;BYDAY=FR",), "FREQ=WEEKLY;BYDAY=FR", "it has no start"),
        (
            ("DTSTART:20260305T090000", "DUE:20260306T170000", "RRULE:FREQ=MONTHLY"),
            "FREQ=MONTHLY",
            "its due time, 2026-03-06 17:00",
        ),
        ((DUE, "RRULE:FREQ=HOURLY", "EXDATE:20260306T080000Z"), "FREQ=HOURLY", "times left out"),
        (
            (DUE, "RRULE:FREQ=DAILY", "RDATE;VALUE=PERIOD:20260308T080000Z/PT1H"),
            "FREQ=DAILY",
            "peri",
        ),
    ],
)
def test_what_cannot_be_expressed_of_a_recurrence_is_told(
    lines: tuple[str, ...], rule: str | None, lost: str
) -> None:
    record = only(*lines)
    assert rule_of(record) == rule
    assert [each for each in record.lost if lost in each]


def test_dates_that_are_added_are_a_recurrence_too() -> None:
    record = only(DUE, "RDATE;TZID=Europe/Berlin:20260401T090000,20260501T090000")
    assert record.repeats
    assert record.repeats.recurrence.rdates == (date(2026, 4, 1), date(2026, 5, 1))
    assert rule_of(record) == "FREQ=DAILY;COUNT=1"


def test_a_start_that_is_left_out_is_not_due() -> None:
    record = only(DUE, "RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Berlin:20260305T090000")
    assert record.due == Due(date(2026, 3, 6), time(9), "Europe/Berlin")
    assert record.repeats
    assert record.repeats.start == Due(date(2026, 3, 5), time(9), "Europe/Berlin")
    assert record.repeats.recurrence_id == "2026-03-06T09:00:00"


def test_a_duration_ends_at_the_due_time() -> None:
    record = only("DTSTART;TZID=Europe/Berlin:20260305T090000", "DURATION:PT1H30M")
    assert record.due == Due(date(2026, 3, 5), time(10, 30), "Europe/Berlin")


def test_our_own_properties_lose_nothing() -> None:
    record = only(
        "DTSTART;VALUE=DATE:20260331",
        "DUE;VALUE=DATE:20260331",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=31",
        "X-VOICETODO-ANCHOR:completion",
        "X-VOICETODO-SKIP:backward",
        "X-VOICETODO-PILE-UP:keep",
    )
    assert record.repeats
    recurrence = record.repeats.recurrence
    assert (recurrence.anchor, recurrence.skip, recurrence.pile_up) == (
        "completion",
        "backward",
        "keep",
    )
    assert not record.lost


BERLIN_LIKE = """BEGIN:VTIMEZONE
TZID:Büro
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""


@pytest.mark.parametrize(
    ("tzid", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ('"Pacific Standard Time"', "America/Los_Angeles"),
        ("Büro", "Europe/Berlin"),
        ("EST5EDT", "EST5EDT"),
    ],
)
def test_zones_are_found_by_their_names_and_offsets(tzid: str, zone: str) -> None:
    record = only(f"DUE;TZID={tzid}:20260305T090000", head=BERLIN_LIKE)
    assert record.due == Due(date(2026, 3, 5), time(9), zone)
    assert not record.lost


def test_a_zone_known_by_its_offsets_is_told() -> None:
    found = items(vtodo("DUE;TZID=Büro:20260305T090000", head=BERLIN_LIKE), ICS)
    assert document(found).lost == (
        "the time zone 'Büro' is read as Europe/Berlin: its offsets are",
    )


@pytest.mark.parametrize("tzid", ["Mars/Olympus", "../../etc/passwd", "", "localtime", "x" * 9000])
def test_an_unknown_zone_is_told_and_its_time_floats(tzid: str) -> None:
    record = only(f"DUE;TZID={tzid}:20260305T090000")
    assert record.due == Due(date(2026, 3, 5), time(9), None)
    assert "is unknown: DUE has none here" in record.lost[0]


@pytest.mark.parametrize(
    ("trigger", "wish", "lost"),
    [
        ("TRIGGER:-PT15M", Wish(None, None, None, timedelta(minutes=15)), ()),
        ("TRIGGER:-P1W", Wish(None, None, None, timedelta(days=7)), ()),
        ("TRIGGER:PT1H", Wish(date(2026, 3, 5), time(10), "Europe/Berlin", None), ()),
        (
            "TRIGGER;VALUE=DATE-TIME:20260304T170000Z",
            Wish(date(2026, 3, 4), time(17), "UTC", None),
            (),
        ),
        ("TRIGGER:soon", None, ("the reminder 'soon' was not understood",)),
        ("ACTION:NONE\r\nTRIGGER:-PT15M", None, ()),
    ],
)
def test_alarms(trigger: str, wish: Wish | None, lost: tuple[str, ...]) -> None:
    record = only(DUE, "BEGIN:VALARM", trigger, "END:VALARM")
    assert [each.wish for each in record.reminders] == ([wish] if wish else [])
    assert record.lost == lost


def test_a_circle_of_parents_is_cut_once_and_told() -> None:
    content = "".join(
        vtodo(f"RELATED-TO:{parent}").replace("UID:one", f"UID:{uid}")
        for uid, parent in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "d"), ("e", "gone")]
    )
    found = {each.ref: each for each in records(content, ICS)}
    tops = {ref: each.lost for ref, each in found.items() if each.parent_ref is None}
    assert set(tops) == {"a", "d", "e"}
    assert "circle" in tops["a"][0]
    assert "circle" in tops["d"][0]
    assert "not in the file" in tops["e"][0]


def test_what_is_nested_too_deep_stands_as_deep_as_it_can() -> None:
    content = "".join(
        vtodo(f"RELATED-TO:{n - 1}" if n else "X-A:1").replace("UID:one", f"UID:{n}")
        for n in range(12)
    )
    found = {each.ref: each for each in records(content, ICS)}

    def depth(ref: str) -> int:
        parent = found[ref].parent_ref
        return 1 + depth(parent) if parent else 1

    assert max(map(depth, found)) == 8
    assert depth("11") == 8
    assert "deeper" in found["11"].lost[0]


def test_parents_may_name_their_children() -> None:
    content = vtodo("RELATED-TO;RELTYPE=CHILD:two") + vtodo().replace("UID:one", "UID:two")
    one, two = records(content, ICS)
    assert (one.parent_ref, two.parent_ref) == (None, "one")


def test_bad_components_lose_no_other() -> None:
    content = (
        vtodo().replace("SUMMARY:T", "SUMMARY:")
        + vtodo("DUE:not-a-date", "a line without a colon").replace("UID:one", "UID:two")
        + vtodo("DESCRIPTION:" + "x" * 1_100_000).replace("UID:one", "UID:three")
        + vtodo().replace("UID:one", "UID:four").replace("END:VTODO\r\n", "")
        + vtodo().replace("UID:one", "UID:four")
        + vtodo().replace("UID:one", "UID:five").replace("END:VTODO\r\nEND:VCALENDAR\r\n", "")
    )
    found = items(content, ICS)
    assert [each.ref for each in found if isinstance(each, Record)] == ["two", "four", "five"]
    assert [(e.line, e.code) for e in rejected(found)] == [
        (2, Code.TITLE_MISSING),
        (16, Code.TOO_LONG),
        (28, Code.DUPLICATE),
    ]


@pytest.mark.parametrize("content", ["", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "{}", "\x00" * 99])
def test_what_has_no_todos_is_refused(content: str) -> None:
    assert [e.code for e in rejected(items(content, ICS))] == [Code.FORMAT]
