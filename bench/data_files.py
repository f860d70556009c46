"""Files of many todos, as other programs write them: each tenth has a due time, and some repeat."""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

import orjson

LISTS: Final = ("work", "personal", "shopping", "health")
FIRST: Final = date(2030, 1, 7)
WORDS: Final = "Call the dentist about next week's appointment"
MORE: Final = "Ask about the bill as well, and whether the other one can wait until the summer"


def local(todos: int) -> bytes:
    """As the browser app keeps it."""
    rows = [
        {
            "id": f"todo-{nth}",
            "text": f"{WORDS} {nth}",
            "description": MORE if nth % 3 == 0 else "",
            "priority": ("low", "medium", "high")[nth % 3],
            "completed": nth % 4 == 0,
            "category": LISTS[nth % len(LISTS)],
            "createdAt": "2026-01-02T10:00:00.000Z",
            "completedAt": "2026-02-03T10:00:00.000Z" if nth % 4 == 0 else None,
        }
        for nth in range(todos)
    ]
    return orjson.dumps({"todos": rows, "preferences": {"theme": "dark"}})


def todoist(todos: int) -> bytes:
    """A project's file: sections, subtasks, dates in words."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(
        (
            *("TYPE", "CONTENT", "DESCRIPTION", "PRIORITY", "INDENT", "AUTHOR", "RESPONSIBLE"),
            *("DATE", "DATE_LANG", "TIMEZONE"),
        )
    )
    for nth in range(todos):
        if nth % 1000 == 0:
            table.writerow(["section", f"Section {nth}", *[""] * 8])
        day = "every monday at 9" if nth % 10 == 0 else str(FIRST + timedelta(nth % 700))
        indent = 2 if nth % 5 == 4 else 1
        table.writerow(
            (
                *("task", f"{WORDS} {nth}", MORE if nth % 3 == 0 else "", nth % 4 + 1, indent),
                *("Ada (1)", "", day, "en", "Europe/Berlin"),
            )
        )
    return text.getvalue().encode()


def ics(todos: int) -> bytes:
    """Each with a due time and an alarm; each tenth repeats, each fifth is another's subtask."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN"]
    for nth in range(todos):
        day = (FIRST + timedelta(nth % 700)).strftime("%Y%m%d")
        lines += ["BEGIN:VTODO", f"UID:{nth}@bench", "DTSTAMP:20260101T000000Z"]
        lines += [f"SUMMARY:{WORDS} {nth}", f"DUE:{day}T090000Z", f"PRIORITY:{nth % 10}"]
        lines += [f"CATEGORIES:{LISTS[nth % len(LISTS)]}"]
        if nth % 10 == 0:
            lines += [f"DTSTART:{day}T080000Z", "RRULE:FREQ=WEEKLY"]
        elif nth % 5 == 4:
            lines += [f"RELATED-TO:{nth - 1}@bench"]
        lines += ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:soon", "TRIGGER:-PT15M"]
        lines += ["END:VALARM", "END:VTODO"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


FILES: Final[Mapping[str, Callable[[int], bytes]]] = {
    "localstorage": local,
    "todoist-csv": todoist,
    "ics": ics,
}
