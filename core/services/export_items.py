"""A row of `export_todos.TODOS` as other programs understand it."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from core.models.series import SeriesStatus
from core.rules import zones
from core.rules.exporting.items import Item, Reminder, Repeats
from core.rules.reminders import Due, Wish
from core.services import series_rows
from core.services.export_tables import Scope
from core.services.export_todos import Row, due, mine


def item(found: Row, scope: Scope, zone: str) -> Item | None:
    """Null for what was deleted, or is somebody else's. `zone` is the person's own."""
    if found["deleted_at"] is not None or not mine(found, scope):
        return None
    return Item(
        id=found["id"],
        workspace=found["workspace"],
        list_name=found["list_name"],
        parent_id=found["parent_id"],
        series_id=found["series_id"],
        title=found["title"],
        description=found["description"],
        priority=found["priority"],
        tags=tuple(found["tags"]),
        due=due(found, "due_on", "due_time", "due_zone"),
        repeats=_repeats(found, zone),
        reminders=tuple(_wished(each, zone) for each in found["reminders"] or ()),
        location=found["location"],
        created_at=found["created_at"],
        updated_at=found["updated_at"],
        completed_at=found["completed_at"],
    )


def _wished(found: Row, zone: str) -> Reminder:
    if found["at_on"] is None:
        before = timedelta(seconds=found["before_s"])
        return Reminder(UUID(found["id"]), Wish(None, None, None, before), None)
    on, at = date.fromisoformat(found["at_on"]), time.fromisoformat(found["at_time"])
    wish = Wish(on, at, found["at_zone"], None)
    return Reminder(UUID(found["id"]), wish, _instant(on, at, wish.zone or zone))


def _instant(on: date, at: time, zone: str) -> datetime | None:
    try:
        return zones.instant(on, at, zone)
    except (OverflowError, ValueError):  # beyond the calendar, or a zone that is known no more
        return None


def _repeats(found: Row, zone: str) -> Repeats | None:
    """Of the newest todo of a series that goes on."""
    rule = found["rule"]
    if rule is None or rule["todo_id"] != str(found["id"]):
        return None
    if rule["status"] == SeriesStatus.ENDED or found["completed_at"] is not None:
        return None
    try:
        plan = series_rows.plan_of(
            rule["rrule"],
            rule["skip"],
            rule["anchor"],
            rule["pile_up"],
            [date.fromisoformat(each) for each in rule["exdates"]],
            [date.fromisoformat(each) for each in rule["rdates"]],
            rule["holidays"],
            rule["shift"],
            date.fromisoformat(rule["start_on"]),
            _time(rule["start_time"]),
            rule["start_zone"],
            zone=zone,
        )
    except ValueError:  # a rule of former times that is read no more
        return None
    at = _time(rule["planned_time"])
    planned = Due(date.fromisoformat(rule["planned_on"]), at, rule["start_zone"] if at else None)
    return Repeats(rule["rrule"], plan.recurrence, planned, rule["nth"])


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None
