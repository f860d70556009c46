"""A series as the recurrence of an event (RFC 5545 lines), when nothing of it is lost; and back.

The master event stands at the start of the series, whatever occurrence the todo stands at: that a
todo goes on along its rule is no edit. A series that Google cannot say is shown as a single event
at the occurrence it stands at, and `reasons` says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import islice
from typing import Final

from core.rules import rrule, zones
from core.rules.calendar_events import Moment
from core.rules.recurrence import Anchor, PileUp, Recurrence, check, occurrences
from core.rules.recurrence_converted import PILE_UPS, start_lost
from core.rules.recurrence_spelling import BY_THE_CLOCK, spelled_out
from core.rules.recurrence_vtodo import to_vtodo
from core.rules.rrule import InvalidRule
from core.rules.vtodo_reading import from_vtodo

_LINES: Final = ("RRULE", "EXDATE", "RDATE")
_COMPARED: Final = 200  # occurrences, one by one
_COUNTED: Final = 1_000  # where an end by COUNT shows only so
_CACHED: Final = 4_096  # a listing of a calendar asks for the same again and again
_TICK: Final = datetime.resolution


@dataclass(frozen=True, slots=True)
class Repeats:
    """`lines` are what an event's `recurrence` holds; with `reasons`, it cannot say the series."""

    lines: tuple[str, ...]
    reasons: tuple[str, ...]


def to_event(recurrence: Recurrence, start: Moment) -> Repeats:
    """`start` is on the wall that the event is written in: timed ones have a zone."""
    rule = recurrence.rule
    made = to_vtodo(recurrence, start)
    told = {*PILE_UPS.values()}
    reasons = [each for each in made.cannot_express if each not in told]
    if recurrence.pile_up is PileUp.ALL:
        reasons.append(PILE_UPS[PileUp.ALL])
    if rule.freq in BY_THE_CLOCK:
        reasons.append("several occurrences a day")
    elif len(rule.byhour) > 1 or len(rule.byminute) > 1:
        reasons.append("several times a day")
    if recurrence.anchor is Anchor.SCHEDULE:
        reasons += start_lost(spelled_out(rule, start, done=False), start)
    if reasons:
        return Repeats((), tuple(dict.fromkeys(reasons)))
    unfolded = (made.text or "").replace("\r\n ", "").split("\r\n")
    lines = (each for each in unfolded if each.startswith(_LINES))
    return Repeats(tuple(lines), ())


def from_event(lines: Sequence[str], start: Moment) -> tuple[Recurrence | None, tuple[str, ...]]:
    """Null, with the reasons, for what our rules do not say either, or what never occurs."""
    begin = start.on.strftime("%Y%m%d")
    if start.at is None:
        head = f"DTSTART;VALUE=DATE:{begin}"
    else:
        head = f"DTSTART;TZID={start.zone}:{begin}T{start.at:%H%M%S}"
    others = [each for each in lines if not each.startswith(_LINES)]
    if others:
        return None, ("parts of its recurrence that are neither RRULE, EXDATE nor RDATE",)
    try:
        found = from_vtodo("\r\n".join([head, *lines]))
        if found.recurrence is not None and not found.cannot_express:
            check(found.recurrence, start, zone=start.zone or "UTC")
    except ValueError as error:
        reason = error.detail if isinstance(error, InvalidRule) else "dates that cannot be read"
        return None, (reason,)
    if found.cannot_express:
        return None, tuple(found.cannot_express)
    return found.recurrence, () if found.recurrence else ("no RRULE among its dates",)


@lru_cache(maxsize=_CACHED)
def canonical(lines: tuple[str, ...], start: Moment) -> tuple[str, ...]:
    """In our spelling, so that another spelling of the same is no change; else as they are."""
    if not lines:
        return ()
    recurrence, _ = from_event(lines, start)
    if recurrence is None:
        return lines
    return to_event(recurrence, start).lines or lines


@lru_cache(maxsize=_CACHED)
def same(
    lines: tuple[str, ...], start: Moment, others: tuple[str, ...], other_start: Moment
) -> bool:
    """Whether both say the same from the later of the two starts on.

    A series that was changed begins anew where it stands; its event may have begun long before.
    """
    if lines == others and start == other_start:
        return True
    (one, _), (other, _) = from_event(lines, start), from_event(others, other_start)
    if one is None or other is None or (start.at is None) != (other_start.at is None):
        return False
    low = max(instant(start), instant(other_start))
    if one.rule.until != other.rule.until or _dates(one, low) != _dates(other, low):
        return False
    most = _COUNTED if one.rule.count or other.rule.count else _COMPARED
    return _next(one, start, low, most) == _next(other, other_start, low, most)


def standing(
    recurrence: Recurrence, start: Moment, *, now: datetime, zone: str
) -> tuple[Recurrence, Moment]:
    """Where a todo begins that comes to this rule now, and the rule from there on.

    At its next occurrence, or its last; the day that is today counts as next. Of COUNT, what is
    left.
    """
    place = start.zone or zone
    low = now
    if start.at is None:
        low = datetime.combine(zones.today(now, place), time(), zones.zone(place)).astimezone(UTC)
    found, nth = None, -1
    if recurrence.rule.count is None:
        found = next(occurrences(recurrence, start, zone=place, after=low - _TICK), None)
    if found is None:  # by COUNT, or it has ended
        every = islice(occurrences(recurrence, start, zone=place), rrule.MAX_COUNT)
        for nth, found in enumerate(every):  # noqa: B007 (where the loop ended is what is looked for)
            if found.at >= low:
                break
    wall = found.planned if found else datetime.combine(start.on, start.at or time())
    moment = Moment(wall.date(), start.at and wall.time(), start.zone)
    if recurrence.rule.count is None or nth < 1:
        return recurrence, moment
    left = replace(recurrence.rule, count=max(recurrence.rule.count - nth, 1))
    return replace(recurrence, rule=left), moment


@lru_cache(maxsize=_CACHED)
def understood(lines: tuple[str, ...], start: Moment) -> bool:
    """Whether a todo can recur so, and its event be written from it."""
    if not lines:
        return True
    recurrence, _ = from_event(lines, start)
    return recurrence is not None and not to_event(recurrence, start).reasons


def _next(recurrence: Recurrence, start: Moment, low: datetime, most: int) -> list[datetime]:
    every = occurrences(recurrence, start, zone=start.zone or "UTC", after=low - _TICK)
    return [each.at for each in islice(every, most)]


def _dates(recurrence: Recurrence, low: datetime) -> set[date]:
    """Those left out and added later than all that is compared one by one."""
    return {on for on in (*recurrence.exdates, *recurrence.rdates) if on > low.date()}


def instant(moment: Moment) -> datetime:
    return zones.instant(moment.on, moment.at or zones.ALL_DAY, moment.zone or "UTC")


def instance_id(event_id: str, original: Moment) -> str:
    """The id of one occurrence of a recurring event: as Google makes it, of its start in UTC."""
    if original.at is None:
        return f"{event_id}_{original.on:%Y%m%d}"
    return f"{event_id}_{instant(original):%Y%m%dT%H%M%SZ}"
