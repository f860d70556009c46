"""Todos as CSV (RFC 4180), for spreadsheets: UTF-8 with the mark that Excel knows it by.

A cell that a spreadsheet would take for a formula begins with an apostrophe, which it shows as
text: somebody else's shared todo must not compute on the computer of who opens this (OWASP, CSV
injection). `todos.json` has every text as it is.
"""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Final

from core.rules.durations import iso
from core.rules.exporting.items import Item, Reminder
from core.rules.reminders import Due

MARK: Final = "\ufeff"
COLUMNS: Final = (
    "id",
    "workspace",
    "list",
    "parent_id",
    "title",
    "description",
    "status",
    "priority",
    "tags",
    "due_date",
    "due_time",
    "due_timezone",
    "repeats",
    "reminders",
    "location",
    "created_at",
    "updated_at",
    "completed_at",
)
# Also behind white space, which some spreadsheets leave out first; the last four are full width.
FORMULAS: Final = (*"=+-@|%\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def head() -> str:
    return MARK + _lines([COLUMNS])


def lines(items: Iterable[Item]) -> str:
    return _lines(map(_cells, items))


def harmless(text: str) -> str:
    """Nothing that a spreadsheet computes."""
    if text.startswith(FORMULAS) or text.lstrip().startswith(FORMULAS):
        return f"'{text}"
    return text


def _lines(rows: Iterable[Iterable[str]]) -> str:
    out = StringIO(newline="")
    csv.writer(out).writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _cells(item: Item) -> tuple[str, ...]:
    due = item.due
    return (
        str(item.id),
        item.workspace,
        item.list_name or "",
        str(item.parent_id or ""),
        item.title,
        item.description,
        "completed" if item.completed_at else "pending",
        item.priority,
        ", ".join(item.tags),
        due.on.isoformat() if due else "",
        due.at.isoformat() if due and due.at else "",
        (due.zone or "") if due else "",
        item.repeats.rrule if item.repeats else "",
        ", ".join(_reminder(each) for each in item.reminders),
        item.location or "",
        item.created_at.isoformat(),
        item.updated_at.isoformat(),
        item.completed_at.isoformat() if item.completed_at else "",
    )


def _reminder(reminder: Reminder) -> str:
    wish = reminder.wish
    if wish.before is not None:
        return f"{iso(int(wish.before.total_seconds()))} before"
    return _moment(Due(wish.on, wish.at, wish.zone)) if wish.on else ""


def _moment(due: Due) -> str:
    at = f" {due.at.isoformat()}" if due.at else ""
    return f"{due.on.isoformat()}{at}{' ' + due.zone if due.zone else ''}"
