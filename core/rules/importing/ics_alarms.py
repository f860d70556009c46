"""The alarms of a VTODO as reminders (RFC 5545 §3.6.6, RFC 9074)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from core.rules import zones
from core.rules.importing import ics_moments, moments, texts
from core.rules.importing.ics_lines import Component, Property
from core.rules.importing.ics_times import Times, ZoneOf
from core.rules.importing.records import MAX_REMINDERS, Reminder, Scene
from core.rules.reminders import Due, Wish

_LONGEST: Final = timedelta(days=366)
_TURNED_OFF: Final = 1990  # the alarms that Apple keeps for none ring in 1976
_PLACES: Final = {"X-APPLE-PROXIMITY", "PROXIMITY", "X-APPLE-STRUCTURED-LOCATION"}
_DAY: Final = timedelta(days=1)
_SOON: Final = timedelta(days=7)
_NONE: Final = timedelta(0)


def read(
    todo: Component, times: Times, scene: Scene, zone_of: ZoneOf, lost: list[str]
) -> tuple[Reminder, ...]:
    alarms = [each for each in todo.within if each.name == "VALARM"]
    found = (_reminder(each, times, scene, zone_of, lost) for each in alarms)
    reminders = [*dict.fromkeys(each for each in found if each is not None)]
    if len(reminders) > MAX_REMINDERS:
        left = len(reminders) - MAX_REMINDERS
        lost.append(f"{left} reminders: a todo has at most {MAX_REMINDERS}")
    return tuple(reminders[:MAX_REMINDERS])


def _reminder(
    alarm: Component, times: Times, scene: Scene, zone_of: ZoneOf, lost: list[str]
) -> Reminder | None:
    trigger = alarm.first("TRIGGER")
    action = alarm.value("ACTION").upper()
    if trigger is None or action == "NONE":
        return None
    if any(each.name in _PLACES for each in alarm.properties):
        lost.append("a reminder at a place")
        return None
    absolute = trigger.parameters.get("VALUE", "").upper() == "DATE-TIME"
    if absolute or trigger.value.strip()[:1].isdigit():
        wish = _with_each(_at(trigger, zone_of, lost), times, scene)
    else:
        wish = _before(trigger, times, scene, lost)
    if wish is None:
        return None
    if alarm.value("REPEAT") not in {"", "0"}:
        lost.append("a reminder that comes several times: it comes once")
    return Reminder(wish, ("email",) if action == "EMAIL" else None)


def _at(trigger: Property, zone_of: ZoneOf, lost: list[str]) -> Wish | None:
    moment = ics_moments.read(trigger, trigger.value, zone_of, lost)
    if moment is None or moment.on.year < _TURNED_OFF:
        return None
    if moment.at is None:
        lost.append(f"a reminder without a time, on {moment.on}")
        return None
    return Wish(moment.on, moment.at, moment.zone, None)


def _with_each(wish: Wish | None, times: Times, scene: Scene) -> Wish | None:
    """Apple writes the instant for the first occurrence, and means each of them."""
    due = times.due
    if wish is None or times.repeats is None or due is None or due.at is None:
        return wish
    if wish.on is None or wish.at is None:
        return wish
    due_at = zones.instant(due.on, due.at, due.zone or scene.zone)
    before = due_at - zones.instant(wish.on, wish.at, wish.zone or scene.zone)
    return Wish(None, None, None, before) if _NONE <= before <= _SOON else wish


def _before(trigger: Property, times: Times, scene: Scene, lost: list[str]) -> Wish | None:
    offset = ics_moments.duration(trigger.value)
    if offset is None:
        lost.append(f"the reminder {texts.excerpt(trigger.value)!r} was not understood")
        return None
    due = times.due
    if due is None:
        lost.append("a reminder that counts from a due time, which it does not have")
        return None
    of_due = trigger.parameters.get("RELATED", "").upper() == "END" or times.starts is None
    try:
        due_at = zones.instant(due.on, due.at or zones.ALL_DAY, due.zone or scene.zone)
        counted = due_at if of_due or times.starts is None else times.starts.instant(scene.zone)
        rings = counted + offset
    except OverflowError:
        lost.append("a reminder that is beyond the calendar")
        return None
    return _wish(due, due_at - rings, rings, scene, lost, repeats=times.repeats is not None)


def _wish(
    due: Due, before: timedelta, rings: datetime, scene: Scene, lost: list[str], *, repeats: bool
) -> Wish | None:
    if repeats and due.at is None:
        if before != _NONE and before % _DAY:
            lost.append("the time of day of a reminder: it comes at your own for all-day todos")
        before = max(_NONE, -(-before // _DAY) * _DAY)
    fits = _NONE <= before <= _LONGEST
    if fits and (due.at is not None or repeats):
        return Wish(None, None, None, before)
    if repeats:
        lost.append("a reminder after the due time, or more than a year before it")
        return None
    # All-day todos are reminded of at the person's own time of day: this one says another.
    wall = zones.wall(rings.astimezone(UTC), due.zone or scene.zone).replace(microsecond=0)
    if not moments.within(wall.date()):
        lost.append("a reminder that is beyond the calendar")
        return None
    return Wish(wall.date(), wall.time(), due.zone, None)
