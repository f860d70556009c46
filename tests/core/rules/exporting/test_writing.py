"""Todos for spreadsheets and calendars: nothing computes, nothing is lost, others read it."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from core.rules import rrule
from core.rules.exporting import calendar, spreadsheet
from core.rules.exporting.items import Item, Reminder, Repeats
from core.rules.recurrence import Anchor, Recurrence
from core.rules.reminders import Due, Wish
from core.rules.vtodo_reading import from_vtodo

AT = datetime(2031, 3, 3, 8, tzinfo=UTC)
MONDAY = Due(date(2031, 3, 3), time(9), "Europe/Berlin")
ITEM = Item(
    id=UUID(int=1),
    workspace="Personal",
    list_name=None,
    parent_id=None,
    series_id=None,
    title="milk",
    description="",
    priority="none",
    tags=(),
    due=None,
    repeats=None,
    reminders=(),
    location=None,
    created_at=AT,
    updated_at=AT,
    completed_at=None,
)
PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=200)


def cells(*items: Item) -> list[dict[str, str]]:
    text = (spreadsheet.head() + spreadsheet.lines(items)).removeprefix(spreadsheet.MARK)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def components(*items: Item) -> list[Any]:
    zones = [each.due.zone for each in items if each.due and each.due.zone]
    text = calendar.head(zones) + calendar.todos(items) + calendar.tail()
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    return list(Calendar.from_ical(text).walk("VTODO"))


@given(st.text(max_size=40))
def test_no_cell_is_a_formula(title: str) -> None:
    title = title.replace("\0", "")
    (row,) = cells(replace(ITEM, title=title, description=title, tags=(title,)))
    for name in ("title", "description", "tags"):
        cell = row[name]
        assert not cell.lstrip().startswith(spreadsheet.FORMULAS)
        assert cell in {title, f"'{title}"}


@given(PRINTABLE, PRINTABLE)
def test_any_text_is_read_back_from_a_calendar(title: str, tag: str) -> None:
    item = replace(ITEM, title=title, description=f"{title}\n{tag}", tags=(tag,) if tag else ())
    (found,) = components(item)
    assert str(found["SUMMARY"]) == title
    assert str(found.get("DESCRIPTION", "")) == f"{title}\n{tag}"
    categories = found["CATEGORIES"].cats if tag else []
    assert [str(each) for each in categories] == ([tag] if tag else [])


@pytest.mark.parametrize(
    ("due", "written"),
    [
        (Due(date(2031, 3, 3), None, None), "DUE;VALUE=DATE:20310303"),
        (Due(date(2031, 3, 3), time(9), None), "DUE:20310303T090000"),
        (Due(date(2031, 3, 3), time(9), "UTC"), "DUE:20310303T090000Z"),
        (MONDAY, "DUE;TZID=Europe/Berlin:20310303T090000"),
    ],
)
def test_due_times(due: Due, written: str) -> None:
    assert f"\r\n{written}\r\n" in calendar.todos([replace(ITEM, due=due)])


def test_control_characters_are_left_out_of_calendars() -> None:
    (found,) = components(replace(ITEM, title="a\x00b\x1bc\rd"))
    assert str(found["SUMMARY"]) == "abc\nd"


def test_what_was_counted_is_counted_on() -> None:
    recurrence = Recurrence(rrule.parse("FREQ=DAILY;COUNT=5"), Anchor.COMPLETION)
    repeats = Repeats("FREQ=DAILY;COUNT=5", recurrence, MONDAY, 3)
    text = calendar.todos([replace(ITEM, due=MONDAY, repeats=repeats)])
    read = from_vtodo(text)
    assert read.due == MONDAY
    assert read.recurrence == replace(recurrence, rule=replace(recurrence.rule, count=3))


def test_an_occurrence_that_was_moved_stands_beside_its_rule() -> None:
    moved = Due(date(2031, 3, 4), time(10), "Europe/Berlin")
    repeats = Repeats("FREQ=WEEKLY", Recurrence(rrule.parse("FREQ=WEEKLY")), MONDAY, 1)
    master, one = components(replace(ITEM, due=moved, repeats=repeats))
    assert (str(master["UID"]), str(one["UID"])) == (str(ITEM.id),) * 2
    assert master["DUE"].dt.isoformat() == "2031-03-03T09:00:00+01:00"
    assert one["RECURRENCE-ID"].dt == master["DTSTART"].dt
    assert one["DUE"].dt.isoformat() == "2031-03-04T10:00:00+01:00"
    assert "RRULE" not in one


def test_reminders() -> None:
    before = Reminder(UUID(int=2), Wish(None, None, None, timedelta(days=1, minutes=5)), None)
    wish = Wish(date(2031, 3, 1), time(7, 30), "Asia/Tokyo", None)
    at = Reminder(UUID(int=3), wish, datetime(2031, 2, 28, 22, 30, tzinfo=UTC))
    (found,) = components(replace(ITEM, due=MONDAY, reminders=(before, at)))
    first, second = found.walk("VALARM")
    assert first["TRIGGER"].dt == -timedelta(days=1, minutes=5)
    assert first["TRIGGER"].params["RELATED"] == "END"
    assert second["TRIGGER"].dt == datetime(2031, 2, 28, 22, 30, tzinfo=UTC)
    (row,) = cells(replace(ITEM, reminders=(before, at)))
    assert row["reminders"] == "P1DT5M before, 2031-03-01 07:30:00 Asia/Tokyo"
