"""A series of which a file says that occurrences were changed, left out or done (RECURRENCE-ID)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from core.rules import zones
from core.rules.importing import ics_moments
from core.rules.importing.ics_lines import Property
from core.rules.importing.ics_times import MAX_DATES, ZoneOf
from core.rules.importing.records import Past, Record, Scene
from core.rules.recurrence import Anchor, Occurrence, Recurrence, next_after, occurrences
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule


@dataclass(frozen=True, slots=True)
class Changed:
    """`original` is its RECURRENCE-ID, as it stands there: its zone may come later in the file."""

    ref: str
    original: Property
    done: bool
    done_at: datetime | None


def after_changes(
    record: Record,
    changed: Sequence[Changed],
    moved: timedelta,
    scene: Scene,
    zone_of: ZoneOf,
    lost: list[str],
) -> Record:
    """Where its series stands: after the last occurrence that is done.

    Occurrences that were changed stand by themselves, and the series leaves their days out.
    """
    repeats, due = record.repeats, record.due
    if repeats is None or due is None:
        return record
    if record.done:
        return replace(record, repeats=replace(repeats, status="ended"))
    done: dict[date, Changed] = {}
    without: set[date] = set(repeats.recurrence.exdates)
    for each in changed:
        day = _day(each, due, zone_of, lost)
        if day is not None and each.done:
            done[day + moved] = each
        elif day is not None:
            without.add(day + moved)
    if len(without) > MAX_DATES:
        lost.append(f"{len(without) - MAX_DATES} of the days that its series leaves out")
        without = set(sorted(without)[-MAX_DATES:])
    if not without and not done:
        return record
    recurrence = replace(repeats.recurrence, exdates=tuple(sorted(without)))
    record = replace(record, repeats=replace(repeats, recurrence=recurrence))
    try:
        return _standing(record, recurrence, due, done, scene)
    except (InvalidRule, OverflowError):
        lost.append("which of its occurrences are done: its series begins at its start")
        return record


def _day(changed: Changed, due: Due, zone_of: ZoneOf, lost: list[str]) -> date | None:
    """On the wall of the series."""
    moment = ics_moments.read(changed.original, changed.original.value, zone_of, lost)
    if moment is None:
        return None
    if moment.at is None or moment.zone is None or due.zone in {None, moment.zone}:
        return moment.on
    return zones.wall(moment.instant(moment.zone), due.zone or moment.zone).date()


def _standing(
    record: Record, recurrence: Recurrence, due: Due, done: dict[date, Changed], scene: Scene
) -> Record:
    planned = replace(recurrence, anchor=Anchor.SCHEDULE)
    if not done:
        first = next(occurrences(planned, due, zone=scene.zone), None)
        return record if first is None or first.wall.date() == due.on else _at(record, due, first)
    history = tuple(_past(due, day, done[day], scene) for day in sorted(done))
    following = next_after(planned, due, after=history[-1].due_at, zone=scene.zone)
    if record.repeats is None:
        return record
    repeats = replace(record.repeats, start=due, history=history, nth=len(history) + 1)
    record = replace(record, repeats=repeats)
    if following is not None:
        return _at(record, due, following)
    # All of it is done: this todo stands for its end, below what was completed.
    last = history[-1]
    return replace(
        record,
        done=True,
        completed_at=last.settled_at,
        due=Due(last.planned_on, last.planned_time, due.zone),
        repeats=replace(repeats, status="ended"),
    )


def _at(record: Record, due: Due, occurrence: Occurrence) -> Record:
    """With the todo of this occurrence as the one that is open."""
    planned_time = None if due.at is None else occurrence.planned.time()
    planned = Due(occurrence.planned.date(), planned_time, due.zone)
    named = occurrence.wall.date() if due.at is None else occurrence.wall
    repeats = record.repeats and replace(
        record.repeats,
        start=due,
        recurrence_id=named.isoformat(),
        planned_on=planned.on,
        planned_time=planned.at,
    )
    return replace(record, due=planned, repeats=repeats)


def _past(due: Due, day: date, changed: Changed, scene: Scene) -> Past:
    named = day if due.at is None else datetime.combine(day, due.at)
    return Past(
        recurrence_id=named.isoformat(),
        turn=1,
        status="completed",
        planned_on=day,
        planned_time=due.at,
        due_at=zones.instant(day, due.at or zones.ALL_DAY, due.zone or scene.zone),
        settled_at=changed.done_at,
        todo_ref=changed.ref,
    )
