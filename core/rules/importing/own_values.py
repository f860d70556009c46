"""The values of our own export, each checked as if a stranger had written it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from core.rules import durations, rrule, zones
from core.rules.importing import moments, texts
from core.rules.importing.records import (
    MAX_REMINDERS,
    MAX_TAGS,
    MAX_TITLE,
    Past,
    Record,
    Reminder,
    Repeats,
)
from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.reminders import Due, Wish
from core.rules.rrule import Skip

WRONG: Final = (KeyError, TypeError, ValueError, OverflowError, AttributeError)
MAX_LOCATION: Final = 500
MAX_DATES: Final = 500
_CHANNELS: Final = {"push", "email", "slack", "in_app", "sms"}
_STATUSES: Final = {"pending", "completed"}
_PRIORITIES: Final = {"high", "medium", "low", "none"}
_SERIES: Final = {"active", "paused", "ended"}
_OCCURRENCES: Final = {"open", "moved", "completed", "skipped", "missed"}
_LONGEST: Final = timedelta(days=366)
_MOST: Final = 30_000  # of a counter; of columns that are smallint, too
_MOST_POSITION: Final = 1e15
_MAX_ID: Final = 40

Entry = Mapping[str, Any]


def why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return texts.excerpt(str(error)) or "a value is wrong"


def todo(entry: Entry, line: int) -> Record:
    """Without what other entries say of it. Raises one of `WRONG`."""
    lost: list[str] = []
    title, description = texts.headed(
        string(entry["title"]), string(entry["description"] or ""), lost
    )
    if not title:
        raise ValueError("a todo without a title")
    done = one_of(entry["status"], _STATUSES) == "completed"
    parent, series, location = entry["parent_id"], entry["series_id"], entry["location"]
    return Record(
        line=line,
        ref=ref(entry["id"]),
        title=title,
        description=description,
        done=done,
        completed_at=instant(entry["completed_at"]) if done else None,
        created_at=instant(entry["created_at"]),
        updated_at=instant(entry["updated_at"]),
        priority=one_of(entry["priority"], _PRIORITIES),
        tags=texts.tags(map(string, array(entry["tags"])), lost),
        due=due(entry["due"]),
        series_ref=None if series is None else ref(series),
        reminders=reminders(entry["reminders"], lost),
        parent_ref=None if parent is None else ref(parent),
        position=position(entry["position"]),
        location=None if location is None else texts.line(string(location))[:MAX_LOCATION] or None,
        missed=count(entry["missed"]),
        source_id=texts.line(string(entry["id"]))[:200],
        lost=tuple(lost),
    )


def reminders(entries: Any, lost: list[str]) -> tuple[Reminder, ...]:
    found = [_reminder(each) for each in array(entries)]
    if len(found) > MAX_REMINDERS:
        lost.append(f"{len(found) - MAX_REMINDERS} reminders: a todo has at most {MAX_REMINDERS}")
    return tuple(found[:MAX_REMINDERS])


def _reminder(entry: Entry) -> Reminder:
    channels = entry["channels"]
    if channels is not None:
        channels = tuple(dict.fromkeys(one_of(each, _CHANNELS) for each in channels)) or None
    at = entry["at"]
    if at is None:
        days, seconds = durations.read(string(entry["before"]))
        before = timedelta(days, seconds)
        if before > _LONGEST:
            raise ValueError("a reminder more than a year before")
        wish = Wish(None, None, None, before)
    else:
        on = due(at)
        if on is None or on.at is None:
            raise ValueError("a reminder without a time")
        wish = Wish(on.on, on.at, on.zone, None)
    return Reminder(wish, channels, flag(entry["urgent"]))


def repeats(entry: Entry) -> Repeats:
    """Of an entry of `series`. Raises one of `WRONG`."""
    start, planned = due(entry["start"]), due(entry["planned"])
    if start is None or planned is None:
        raise ValueError("a series without a start")
    restores = entry["restores"]
    return Repeats(
        rrule=string(entry["rrule"]),
        recurrence=_recurrence(entry),
        start=start,
        status=one_of(entry["status"], _SERIES),
        turn=count(entry["turn"]),
        nth=count(entry["nth"]),
        recurrence_id=_recurrence_id(entry["recurrence_id"]),
        planned_on=planned.on,
        planned_time=planned.at,
        left_out=count(entry["left_out"]),
        restores=_restores(restores) if isinstance(restores, Mapping) else {},
    )


def _recurrence(entry: Entry) -> Recurrence:
    holidays = entry["holidays"]
    rule = rrule.parse(string(entry["rrule"]))
    return Recurrence(
        replace(rule, skip=Skip(entry["skip"])),
        Anchor(entry["anchor"]),
        PileUp(entry["pile_up"]),
        _dates(entry["exdates"]),
        _dates(entry["rdates"]),
        None if holidays is None else texts.line(string(holidays)),
        Shift(entry["shift"]),
    )


def _dates(entries: Any) -> tuple[date, ...]:
    found = sorted({day(each) for each in array(entries)})
    if len(found) > MAX_DATES:
        raise ValueError(f"more than {MAX_DATES} dates")
    return tuple(found)


def _restores(entry: Entry) -> dict[str, Any]:
    """By field: only what a todo may hold."""
    found: dict[str, Any] = {}
    for name, value in entry.items():
        match name, value:
            case "title", str() if texts.line(value):
                found[name] = texts.line(value)[:MAX_TITLE]
            case "description", str():
                found[name] = texts.headed("", value, [])[1]
            case "priority", str() if value in _PRIORITIES:
                found[name] = value
            case "tags", list() if all(isinstance(each, str) for each in value):
                found[name] = list(texts.tags(value, [])[:MAX_TAGS])
            case "location", str() | None:
                found[name] = texts.line(value or "")[:MAX_LOCATION] or None
            case (("list_id" | "parent_id" | "assignee_id"), str() | None):
                found[name] = None if value is None else ref(value)
            case _:
                pass
    return found


def past(entry: Entry) -> Past:
    """Of an entry of `occurrences`. Raises one of `WRONG`."""
    at, settled, todo_id = entry["planned_time"], entry["settled_at"], entry["todo_id"]
    due_at = instant(entry["due_at"])
    if due_at is None:
        raise ValueError("an occurrence without a time")
    return Past(
        recurrence_id=_recurrence_id(entry["recurrence_id"]),
        turn=count(entry["turn"]),
        status=one_of(entry["status"], _OCCURRENCES),
        planned_on=day(entry["planned_on"]),
        planned_time=None if at is None else clock(at),
        due_at=due_at,
        settled_at=instant(settled),
        todo_ref=None if todo_id is None else ref(todo_id),
    )


def due(entry: Entry | None) -> Due | None:
    if entry is None:
        return None
    on, at, zone = day(entry["date"]), entry["time"], entry["timezone"]
    if zone is not None:
        zones.zone(string(zone)[:64])
    return Due(on, None, None) if at is None else Due(on, clock(at), zone)


def day(raw: Any) -> date:
    found = date.fromisoformat(string(raw))
    if not moments.within(found):
        raise ValueError(f"the year {found.year}")
    return found


def clock(raw: Any) -> time:
    found = time.fromisoformat(string(raw))
    if found.tzinfo is not None:
        raise ValueError("a wall time has no offset")
    return found.replace(microsecond=0)


def instant(raw: Any) -> datetime | None:
    if raw is None:
        return None
    found = datetime.fromisoformat(string(raw))
    if found.tzinfo is None or not moments.within(found):
        raise ValueError("an instant has an offset, and is in our time")
    return found


def _recurrence_id(raw: Any) -> str:
    """The rule's own local time, or a date."""
    found = string(raw)
    datetime.fromisoformat(found)
    if len(found) > _MAX_ID:
        raise ValueError("the name of an occurrence is too long")
    return found


def string(raw: Any) -> str:
    if not isinstance(raw, str):
        raise TypeError("text is expected")
    return raw


def array(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise TypeError("an array is expected")
    return raw


def ref(raw: Any) -> str:
    return texts.ref(string(raw))


def flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise TypeError("true or false is expected")
    return raw


def count(raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 0 <= raw <= _MOST:
        raise ValueError(f"a count to {_MOST} is expected")
    return raw


def position(raw: Any) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool) or not abs(raw) <= _MOST_POSITION:
        raise ValueError("a position is a number")
    return float(raw)


def one_of(raw: Any, known: set[str]) -> str:
    found = string(raw)
    if found not in known:
        raise ValueError(f"{texts.excerpt(found)!r} is not known")
    return found
