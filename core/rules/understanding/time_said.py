"""A group of days, times and recurrences as what is due, and when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from core.rules.recurrence import Anchor, Recurrence
from core.rules.recurrence_first import first_due
from core.rules.recurrence_spelling import BY_THE_CLOCK
from core.rules.reminders import Due
from core.rules.rrule import MAX_COUNT, Freq, InvalidRule, Rule, Skip
from core.rules.understanding import time_moments as moments
from core.rules.understanding.commands import Said, Span
from core.rules.understanding.text import Text
from core.rules.understanding.time_groups import Group, Item
from core.rules.understanding.time_moments import Clock
from core.rules.understanding.time_rules import Repeated
from core.rules.understanding.time_scene import Ahead, Part
from core.rules.understanding.time_tokens import Token

_ASSUMED: Final = 0.9  # at 5: of the afternoon, as most would say
_VAGUE: Final = 0.7
_PASSED: Final = 0.6
_NOT_UNDERSTOOD: Final = 0.5
_DAY: Final = timedelta(days=1)


def said_of(group: Group, text: Text, clock: Clock, vague: Sequence[Token]) -> Said | None:
    """Null for what is beyond the calendar, or says nothing after all."""
    try:
        said = _rule_said(group, clock) if group.rule else _day_said(group, clock)
    except (OverflowError, ValueError):
        return None
    if said is None:
        return None
    items = sorted(group.items, key=lambda item: item.first)
    for token in vague:
        if token.last + 1 == items[0].first:
            items[0] = replace(items[0], first=token.first)
        elif token.first - 1 == items[-1].last:
            items[-1] = replace(items[-1], last=token.last)
        elif not any(item.first <= token.first <= item.last for item in items):
            continue
        said = replace(said, confidence=min(said.confidence, _VAGUE))
    spans, parts = _places(items, text)
    return replace(said, spans=spans, parts=parts)


def _places(
    items: Sequence[Item], text: Text
) -> tuple[tuple[Span, ...], tuple[tuple[str, Span], ...]]:
    """Where they stand in the original; those beside one another are one stretch."""
    spans: list[Span] = []
    parts: list[tuple[str, Span]] = []
    last = -2
    for item in items:
        span = text.words[item.first].start, _end(item.last, text)
        kind = _kind(item)
        parts.append((kind, span))
        if item.first == last + 1:
            span = spans.pop()[0], span[1]
        spans.append(span)
        last = item.last
    return tuple(spans), tuple(parts)


def _end(last: int, text: Text) -> int:
    """With the stop that makes it an ordinal: am 15."""
    end = text.words[last].end
    return end + (text.words[last].text.isdigit() and text.original[end : end + 1] == ".")


def _kind(item: Item) -> str:
    meaning = item.meaning
    if isinstance(meaning, Repeated):
        return "rule"
    timed = isinstance(meaning, moments.Hour | Part)
    timed = timed or (isinstance(meaning, Ahead) and meaning.length.unit == "minute")
    return "time" if timed else "day"


def _day_said(group: Group, clock: Clock) -> Said | None:
    if group.ahead:
        return _ahead_said(group, clock)
    days = group.days
    confidence = days.confidence if days else 1.0
    if days and days.due is None:
        if days.confidence < 1:
            confidence = _NOT_UNDERSTOOD
        return Said((), None, None, days.first, days.last, confidence)
    on = days.due if days else None
    at, sure = _time(group, on, clock)
    if at is None:
        if on is None or days is None:
            return None
        return Said((), Due(on, None, None), None, days.first, days.last, confidence)
    due = Due(at.date(), at.time(), clock.due_zone)
    first, last = (days.first, days.last) if days else (due.on, due.on)
    return Said((), due, None, first, last, min(confidence, sure))


def _ahead_said(group: Group, clock: Clock) -> Said | None:
    length = group.ahead
    if length is None:
        return None
    if length.count < 0:
        return _ago(length.count, length.unit, clock)
    if length.unit == "minute":
        at = moments.after(length.count, clock)
        return Said((), Due(at.date(), at.time(), clock.due_zone), None, at.date(), at.date())
    on = moments.later(clock.today, int(length.count), length.unit)
    at_time, sure = _time(group, on, clock)
    if at_time is None:
        return Said((), Due(on, None, None), None, on, on)
    due = Due(at_time.date(), at_time.time(), clock.due_zone)
    return Said((), due, None, on, on, sure)


def _ago(count: float, unit: str, clock: Clock) -> Said:
    if unit == "minute":
        on = moments.after(count, clock).date()
    else:
        on = moments.later(clock.today, int(count), unit)
    return Said((), None, None, on, on)


def _time(group: Group, on: date | None, clock: Clock) -> tuple[datetime | None, float]:
    """The wall time, and how sure it is."""
    hour, part = group.hour, group.part
    if hour is None and part is None:
        return None, 1.0
    if hour is None and part is not None:
        if on is None:
            at, to_come = moments.part_of(part.name, clock.today, clock)
            tonight = part.this or part.name in {"evening", "night"}
            if not tonight and (not to_come or at.time() != moments.PART_TIMES[part.name]):
                at, to_come = moments.part_of(part.name, clock.today + _DAY, clock)
        else:
            at, to_come = moments.part_of(part.name, on, clock)
        return (at, 1.0) if to_come else (at + _DAY, _PASSED)
    if hour is None:
        return None, 1.0
    if part is not None and hour.part is None:
        hour = moments.in_part(hour, part.name)
    if on is None and part is not None and part.this:
        on = clock.today
    sure = 1.0 if hour.sure else _ASSUMED
    if on is None:
        return moments.next_time(hour, clock), sure
    at, to_come = moments.on_day(hour, on, clock)
    return (at, sure) if to_come else (at + _DAY, _PASSED)


def _rule_said(group: Group, clock: Clock) -> Said | None:
    repeated = group.rule
    if repeated is None:
        return None
    rule = repeated.rule
    if rule.freq in {Freq.MONTHLY, Freq.YEARLY} and not rule.byday:
        rule = replace(rule, skip=Skip.BACKWARD)
    at, confidence = _usual_time(group, repeated)
    starting = group.starting.due if group.starting else None
    begin = starting or clock.today
    if group.until and group.until.due:
        rule = replace(rule, until=group.until.due)
    elif group.lasts and group.lasts.unit != "minute":
        last = moments.later(begin, int(group.lasts.count), group.lasts.unit) - _DAY
        rule = replace(rule, until=last)
    elif group.count:
        rule = replace(rule, count=min(group.count, MAX_COUNT))
    try:
        due = first_due(
            rule,
            at=at,
            starting=starting,
            now=clock.now,
            zone=clock.zone,
            due_zone=clock.due_zone,
        )
    except InvalidRule:
        return None
    over = any(days and days.due is None for days in (group.until, group.starting))
    confidence = min(confidence, _PASSED if over else _fits(rule, due, clock))
    anchor = Anchor.COMPLETION if repeated.done or group.done else Anchor.SCHEDULE
    return Said((), due, Recurrence(rule, anchor=anchor), due.on, due.on, confidence)


def _usual_time(group: Group, repeated: Repeated) -> tuple[time | None, float]:
    hour = group.hour
    part = group.part.name if group.part else repeated.part
    if hour is None:
        return (moments.PART_TIMES[part] if part else None), 1.0
    if part and hour.part is None:
        hour = moments.in_part(hour, part)
    return moments.usual(hour), 1.0 if hour.sure else _ASSUMED


def _fits(rule: Rule, due: Due, clock: Clock) -> float:
    """An end before the beginning was not meant; neither was a start that is over."""
    until = rule.until
    if isinstance(until, date) and until < due.on:
        return _PASSED
    if rule.freq not in BY_THE_CLOCK and due.on < clock.today:
        return _PASSED
    return 1.0
