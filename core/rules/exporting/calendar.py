"""Todos as iCalendar (RFC 5545): one VTODO each, for Reminders, Tasks.org, Thunderbird and others.

What RFC 5545 has no property for stands in X-VOICETODO- properties. Of a series its newest todo
has the rule, which counts from where that one was planned: those before it are todos of their own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from icalendar import Timezone

from core.rules.durations import iso
from core.rules.exporting.items import Item, Reminder, Repeats
from core.rules.recurrence import Recurrence
from core.rules.recurrence_vtodo import OWN, escaped, folded, to_vtodo
from core.rules.reminders import Due

PRIORITIES: Final = {"high": "1", "medium": "5", "low": "9"}  # RFC 5545 §3.8.1.9
# What anybody's todo may be due in, but for a few: rules of a zone are written out for each year.
SINCE: Final = date(1990, 1, 1)
UNTIL: Final = date(2038, 1, 1)
_CONTROLS: Final = {code: None for code in range(32) if chr(code) not in "\n\t"} | {127: None}


def head(zones: Iterable[str]) -> str:
    """What comes first; `zones` are all that its todos are due in."""
    begin = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Voice Todo//Export//EN")
    return "".join(map(folded, begin)) + "".join(
        _zone(name) for name in sorted(set(zones) - {"UTC"})
    )


def tail() -> str:
    return folded("END:VCALENDAR")


def todos(items: Iterable[Item]) -> str:
    return "".join(_todo(item) for item in items)


def _zone(name: str) -> str:
    written: bytes = Timezone.from_tzid(name, first_date=SINCE, last_date=UNTIL).to_ical()
    return written.decode()


def _todo(item: Item) -> str:
    text = "".join(map(folded, _lines(item)))
    repeats = item.repeats
    if repeats is None:
        return _closed(item, text + _when(item.due))
    times = to_vtodo(_from_here(repeats), repeats.planned).text or ""
    master = _closed(item, text + times)
    if item.due is None or item.due == repeats.planned:
        return master
    # Somebody moved this one: the others stay where the rule has them.
    planned = _moment("RECURRENCE-ID", repeats.planned)
    moved = "".join(map(folded, (*_named(item), f"SUMMARY:{_text(item.title)}", planned)))
    return f"{master}{folded('BEGIN:VTODO')}{moved}{_when(item.due)}{folded('END:VTODO')}"


def _closed(item: Item, text: str) -> str:
    alarms = "".join(folded(line) for reminder in item.reminders for line in _alarm(reminder, item))
    return f"{folded('BEGIN:VTODO')}{text}{alarms}{folded('END:VTODO')}"


def _named(item: Item) -> Iterator[str]:
    yield f"UID:{item.id}"
    yield f"DTSTAMP:{_utc(item.updated_at)}"


def _lines(item: Item) -> Iterator[str]:
    yield from _named(item)
    yield f"CREATED:{_utc(item.created_at)}"
    yield f"LAST-MODIFIED:{_utc(item.updated_at)}"
    yield f"SUMMARY:{_text(item.title)}"
    if item.description:
        yield f"DESCRIPTION:{_text(item.description)}"
    if item.location:
        yield f"LOCATION:{_text(item.location)}"
    if item.priority in PRIORITIES:
        yield f"PRIORITY:{PRIORITIES[item.priority]}"
    if item.tags:
        yield "CATEGORIES:" + ",".join(map(_text, item.tags))
    if item.completed_at is None:
        yield "STATUS:NEEDS-ACTION"
    else:
        yield "STATUS:COMPLETED"
        yield f"COMPLETED:{_utc(item.completed_at)}"
        yield "PERCENT-COMPLETE:100"
    if item.parent_id is not None:
        yield f"RELATED-TO:{item.parent_id}"
    if item.list_name is not None:
        yield f"{OWN}LIST:{_text(item.list_name)}"
    if item.series_id is not None:
        yield f"{OWN}SERIES:{item.series_id}"


def _from_here(repeats: Repeats) -> Recurrence:
    """COUNT is of the first one; here the present one is the first."""
    rule = repeats.recurrence.rule
    if rule.count is None:
        return repeats.recurrence
    left = max(1, rule.count - repeats.nth + 1)
    return replace(repeats.recurrence, rule=replace(rule, count=left))


def _when(due: Due | None) -> str:
    return "" if due is None else folded(_moment("DUE", due))


def _moment(name: str, due: Due) -> str:
    if due.at is None:
        return f"{name};VALUE=DATE:{due.on:%Y%m%d}"
    wall = _wall(due.on, due)
    if due.zone == "UTC":
        return f"{name}:{wall}Z"
    return f"{name};TZID={due.zone}:{wall}" if due.zone else f"{name}:{wall}"


def _wall(on: date, due: Due) -> str:
    assert due.at is not None  # noqa: S101 (callers looked)
    return f"{on.year:04}{on:%m%d}T{due.at:%H%M%S}"


def _alarm(reminder: Reminder, item: Item) -> Iterator[str]:
    wish = reminder.wish
    yield "BEGIN:VALARM"
    yield f"UID:{reminder.id}"
    yield "ACTION:DISPLAY"
    yield f"DESCRIPTION:{_text(item.title)}"
    if wish.before is not None:
        sign = "-" if wish.before > timedelta(0) else ""
        yield f"TRIGGER;RELATED=END:{sign}{iso(int(wish.before.total_seconds()))}"
    elif wish.on is not None and reminder.at is not None:
        yield f"TRIGGER;VALUE=DATE-TIME:{_utc(reminder.at)}"
        yield _moment(f"{OWN}AT", Due(wish.on, wish.at, wish.zone))
    yield "END:VALARM"


def _text(text: str) -> str:
    return escaped(text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS))


def _utc(at: datetime) -> str:
    whole = at.astimezone(UTC)
    return f"{whole.year:04}{whole:%m%dT%H%M%S}Z"
