"""Where a series goes from an occurrence: to the next one, or over those that passed undone.

All of it in constant time however long nobody looked: no loop over missed days, which is a known
way to stop a server.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Final

from core.rules import reminders as rule
from core.rules.recurrence import Anchor, Occurrence, PileUp, Recurrence, next_after, occurrences
from core.rules.recurrence_expand import Steps
from core.rules.reminders import Due, Wish

MOST_COUNTED: Final = 1000  # of occurrences that passed undone: then it is "1000 or more"
_BACK: Final = tuple(
    timedelta(days=days) for days in (1 / 24, 1, 8, 35, 366, 9 * 366, 41 * 366, 401 * 366)
)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the times of a series are computed from; `zone` is that of floating and all-day dues.

    `start` is the due time that the rule was given with (DTSTART).
    """

    recurrence: Recurrence
    start: Due
    zone: str

    @property
    def follows_rule(self) -> bool:
        """Later occurrences come whether or not this one is done."""
        return self.recurrence.anchor is Anchor.SCHEDULE

    @property
    def armed_by_rule(self) -> bool:
        """Its reminders fire for each occurrence, all of them on the one open todo."""
        return self.follows_rule and self.recurrence.pile_up is not PileUp.ALL


@dataclass(frozen=True, slots=True)
class Step:
    """An occurrence as a series keeps it.

    `recurrence_id` names it: the rule's own local time (RFC 5545 §3.8.4.4), a date when all-day.
    `due` is what its todo is due at, `at` the instant of that.
    """

    recurrence_id: str
    due: Due
    at: datetime


@dataclass(frozen=True, slots=True)
class Fire:
    """When a reminder fires, in which zone that was computed, and for an occurrence due when."""

    at: datetime
    zone: str
    due: Due


def first(plan: Plan) -> Step | None:
    """Null when EXDATEs leave out all there is. Raises `InvalidRule`."""
    found = next(occurrences(plan.recurrence, plan.start, zone=plan.zone), None)
    return _step(plan, found) if found else None


def following(plan: Plan, *, after: datetime, nth: int) -> Step | None:
    """The next one after this instant; null at the end. `nth` is the number of the current one."""
    most = plan.recurrence.rule.count
    if not plan.follows_rule and most is not None and nth >= most:
        return None
    found = next_after(plan.recurrence, plan.start, after=after, zone=plan.zone)
    return _step(plan, found) if found else None


def passed(plan: Plan, *, after: datetime, until: datetime, most: int) -> list[Step]:
    """The last `most` occurrences in (after, until], oldest first, however many there are."""
    found: list[Occurrence] = []
    for back in _BACK:
        low = max(after, until - back) if until - after > back else after
        found = []
        for each in _between(plan, after=low, until=until):
            found.append(each)
            if len(found) > most:
                del found[0]
        if len(found) == most or low == after:
            break
    return [_step(plan, each) for each in found]


def count(plan: Plan, *, after: datetime, until: datetime) -> int:
    """How many occurrences there are in (after, until]; `MOST_COUNTED` when there are more."""
    return sum(1 for _ in islice(_between(plan, after=after, until=until), MOST_COUNTED))


def instant(plan: Plan, due: Due) -> datetime:
    return rule.due_instant(due, plan.zone)


def over_at(plan: Plan, due: Due) -> datetime:
    """When an occurrence has passed: with its time, or with its day."""
    if due.at is None:
        return rule.due_instant(replace(due, on=due.on + _DAY), plan.zone)
    return rule.due_instant(due, plan.zone)


def makes_way_at(
    plan: Plan, current: Due, planned: Due, *, before: timedelta | None, all_day_time: time
) -> datetime | None:
    """When an occurrence left undone makes way for the next one; null when none ever comes.

    With the next one's first reminder (`before` it is due), else when that is due itself; but not
    before this one has passed. `current` is where somebody may have moved it, `planned` the rule's.
    """
    if not plan.follows_rule or plan.recurrence.pile_up is PileUp.KEEP:
        return None
    comes = following(plan, after=_base(plan, current, planned), nth=1)
    if comes is None:
        return None
    at = _first_sign(plan, comes, before, all_day_time)
    return max(at, over_at(plan, current))


def came(
    plan: Plan,
    current: Due,
    planned: Due,
    *,
    before: timedelta | None,
    all_day_time: time,
    now: datetime,
    most: int,
) -> tuple[list[Step], int]:
    """The last `most` occurrences that have come while this one was left undone, oldest first.

    And how many have in all (`MOST_COUNTED` when more): so many were missed when only the last
    of them stays.
    """
    if over_at(plan, current) > now:
        return [], 0
    base = _base(plan, current, planned)
    steps = passed(plan, after=base, until=now, most=most)
    upcoming = following(plan, after=max(now, base), nth=1)
    if upcoming is not None and _first_sign(plan, upcoming, before, all_day_time) <= now:
        steps = [*steps, upcoming][-most:]
    return steps, count(plan, after=base, until=steps[-1].at) if steps else 0


def next_fire(
    plan: Plan,
    current: Due,
    before: timedelta,
    *,
    planned: Due | None = None,
    person_zone: str,
    all_day_time: time,
    after: datetime,
    steps: Steps | None = None,
) -> Fire | None:
    """The first (occurrence - `before`) after this instant, of a plan that is `armed_by_rule`.

    `current` is what the open todo is due at, which somebody may have moved from `planned`; the
    later ones are the rule's. All-day ones count from the person's all-day time.
    """
    wish = Wish(None, None, None, before)

    def fire(due: Due) -> Fire | None:
        found = rule.arming(wish, due, person_zone=person_zone, all_day_time=all_day_time)
        return Fire(found.at, found.zone, due) if found and found.at > after else None

    if (own := fire(current)) is not None:
        return own
    # All-day occurrences stand at midnight, their reminders up to a day later, zones apart.
    from_there = max(after + before - 2 * _DAY, instant(plan, current))
    if planned is not None:  # moved forward, it must not fire once more where it was
        from_there = max(from_there, instant(plan, planned))
    later = occurrences(plan.recurrence, plan.start, zone=plan.zone, after=from_there, steps=steps)
    fires = (fire(_due(plan, each)) for each in later)
    return next((each for each in fires if each is not None), None)


def _base(plan: Plan, current: Due, planned: Due) -> datetime:
    """One that was moved beyond its followers makes them void."""
    return max(instant(plan, current), instant(plan, planned))


def _first_sign(plan: Plan, step: Step, before: timedelta | None, all_day_time: time) -> datetime:
    if before is None:
        return step.at
    wish = Wish(None, None, None, before)
    found = rule.arming(wish, step.due, person_zone=plan.zone, all_day_time=all_day_time)
    return min(step.at, found.at) if found else step.at


def _between(plan: Plan, *, after: datetime, until: datetime) -> Iterator[Occurrence]:
    for each in occurrences(plan.recurrence, plan.start, zone=plan.zone, after=after):
        if each.at > until:
            return
        yield each


def _due(plan: Plan, occurrence: Occurrence) -> Due:
    clock = None if plan.start.at is None else occurrence.planned.time()
    return Due(occurrence.planned.date(), clock, plan.start.zone)


def _step(plan: Plan, occurrence: Occurrence) -> Step:
    wall = occurrence.wall
    name = wall.date().isoformat() if plan.start.at is None else wall.isoformat()
    due = _due(plan, occurrence)
    return Step(name, due, rule.due_instant(due, plan.zone))
