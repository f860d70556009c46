"""What is sent to Google: our own fields of an event, and the tags that say what they were."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from core.rules import calendar_events as events
from core.rules import zones
from core.rules.calendar_events import Moment, Tags
from core.rules.calendar_snapshot import Snapshot, TodoView, digest, lasting, marked

DONE_COLOR: Final = "8"  # graphite, in Google's palette of events
DONE_TRANSPARENCY: Final = "transparent"  # somebody with it is free
MAX_NOTES: Final = 8_000  # characters; Google keeps 8,192


def tags(todo: TodoView, wanted: Snapshot, *, origin: str, connection: str) -> Tags:
    """Of a write that makes the event say `wanted`."""
    return Tags(origin, str(todo.id), connection, todo.version, digest(wanted))


def full(todo: TodoView, wanted: Snapshot, private: Mapping[str, str]) -> dict[str, Any]:
    """Of a new event. Our reminders are ours to send, so it has none of its own."""
    body = part(("title", "when"), wanted, None, private)
    return body | {
        "description": todo.notes[:MAX_NOTES],
        "reminders": {"useDefault": False, "overrides": []},
    }


def part(
    names: Iterable[str], wanted: Snapshot, there: Snapshot | None, private: Mapping[str, str]
) -> dict[str, Any]:
    """Of a change of these fields, over what is `there`."""
    body: dict[str, Any] = {"extendedProperties": {"private": dict(private)}}
    changed = set(names)
    if changed & {"title", "done"}:
        body["summary"] = marked(wanted.title, done=wanted.done)
    if "done" in changed:
        body["transparency"] = DONE_TRANSPARENCY if wanted.done else wanted.transparency
        body["colorId"] = DONE_COLOR if wanted.done else wanted.color
    if "when" in changed and wanted.when.start is not None:
        body |= times(wanted.when.start, lasting(there, wanted.when.start), over=there is not None)
        if wanted.when.rules or (there is not None and there.when.rules):
            body["recurrence"] = list(wanted.when.rules)
    return body


def times(start: Moment, lasts: timedelta, *, over: bool) -> dict[str, Any]:
    """Start and end, the end by elapsed time: half an hour is one also when clocks change."""
    if start.at is None:
        end = Moment(start.on + max(timedelta(days=lasts.days), timedelta(days=1)), None, None)
    else:
        zone = start.zone or "UTC"
        wall = zones.wall(zones.instant(start.on, start.at, zone) + lasts, zone)
        end = Moment(wall.date(), wall.time(), zone)
    return {"start": events.written(start, over=over), "end": _ending(start, end, lasts, over=over)}


def _ending(start: Moment, end: Moment, lasts: timedelta, *, over: bool) -> dict[str, Any]:
    """An end that falls into the second of two equal hours needs its own offset."""
    told: dict[str, Any] = events.written(end, over=over)
    if start.at is not None and end.zone is not None:
        at = zones.instant(start.on, start.at, end.zone) + lasts
        told["dateTime"] = at.astimezone(zones.zone(end.zone)).isoformat()
    return told
