"""A row of `export_todos.TODOS` as other programs understand it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from core.db import Transaction
from core.models.series import SeriesStatus
from core.rules import zones
from core.rules.exporting.items import Item, Reminder, Repeats
from core.rules.reminders import Due, Wish
from core.services import series_rows
from core.services.export_tables import Scope
from core.services.export_todos import Row, due, mine, named
from core.statements import Query, row

_RULE: Final = (
    *series_rows.PLAN_COLUMNS,
    "id",
    "todo_id",
    "status",
    "planned_on",
    "planned_time",
    "nth",
)
_RULES: Final = Query(
    f"SELECT {', '.join(_RULE)} FROM series"  # noqa: S608 - names of ours, no values
    " WHERE workspace_id = ANY (%(spaces)s) AND id = ANY (%(ids)s)".encode(),
    named(_RULE),
    {},
    writes=False,
)
_LISTS: Final = Query(
    b"SELECT id, name FROM lists WHERE workspace_id = ANY (%(spaces)s) AND id = ANY (%(ids)s)",
    row,
    {},
    writes=False,
)


async def with_names(
    tx: Transaction, scope: Scope, todos: Sequence[Row], rooms: Mapping[UUID, str]
) -> None:
    """Adds what other programs want to be told with each: `rule`, `list_name`, `workspace`."""
    spaces = list(scope.workspaces)
    series = [each["series_id"] for each in todos if each["series_id"] is not None]
    lists = [each["list_id"] for each in todos if each["list_id"] is not None]
    rules, names = {}, {}
    if series:
        rules = {each["id"]: each for each in await tx.all(_RULES, spaces=spaces, ids=series)}
    if lists:
        names = dict(await tx.all(_LISTS, spaces=spaces, ids=lists))
    for each in todos:
        each["rule"] = rules.get(each["series_id"])
        each["list_name"] = names.get(each["list_id"])
        each["workspace"] = rooms.get(each["workspace_id"], "")


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
        reminders=tuple(_wished(each, zone) for each in found["reminders"]),
        location=found["location"],
        created_at=found["created_at"],
        updated_at=found["updated_at"],
        completed_at=found["completed_at"],
    )


def _wished(found: Row, zone: str) -> Reminder:
    on, at = found["at_on"], found["at_time"]
    if on is None:
        before = timedelta(seconds=found["before_s"])
        return Reminder(found["id"], Wish(None, None, None, before), None)
    wish = Wish(on, at, found["at_zone"], None)
    return Reminder(found["id"], wish, _instant(on, at, wish.zone or zone))


def _instant(on: date, at: time, zone: str) -> datetime | None:
    try:
        return zones.instant(on, at, zone)
    except (OverflowError, ValueError):  # beyond the calendar, or a zone that is known no more
        return None


def _repeats(found: Row, zone: str) -> Repeats | None:
    """Of the newest todo of a series that goes on."""
    rule = found["rule"]
    if rule is None or rule["todo_id"] != found["id"]:
        return None
    if rule["status"] == SeriesStatus.ENDED or found["completed_at"] is not None:
        return None
    try:
        plan = series_rows.plan_of(*(rule[name] for name in series_rows.PLAN_COLUMNS), zone=zone)
    except ValueError:  # a rule of former times that is read no more
        return None
    at = rule["planned_time"]
    planned = Due(rule["planned_on"], at, rule["start_zone"] if at else None)
    return Repeats(rule["rrule"], plan.recurrence, planned, rule["nth"])
