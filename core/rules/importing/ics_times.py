"""When a VTODO is due, and how it recurs."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from core.rules.importing import ics_moments, saying, texts
from core.rules.importing.ics_lines import Component, Property
from core.rules.importing.ics_moments import Moment
from core.rules.importing.records import Repeats, Scene
from core.rules.recurrence_vtodo import OWN
from core.rules.reminders import Due
from core.rules.rrule import MAX_COUNT
from core.rules.vtodo_reading import from_vtodo

MAX_DATES: Final = 500  # of EXDATE and of RDATE, as the API has it
_COUNT: Final = re.compile(r"(^|;)COUNT=(\d{1,12})(?=;|$)", re.IGNORECASE | re.ASCII)
_PLAIN: Final = re.compile(
    r"FREQ=(DAILY|WEEKLY)(;(INTERVAL|COUNT)=\d{1,9}|;WKST=[A-Z]{2})*;?", re.IGNORECASE | re.ASCII
)
_OF_TIMES: Final = re.compile(r"HOURLY|MINUTELY|BYHOUR|BYMINUTE", re.IGNORECASE)
_ONCE: Final = "FREQ=DAILY;COUNT=1"  # and RDATE adds the others

ZoneOf = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Times:
    """`starts` is what alarms count from that do not say otherwise.

    The series begins so many days after the file's (`moved`).
    """

    due: Due | None
    repeats: Repeats | None
    starts: Moment | None
    moved: timedelta = timedelta(0)


def read(todo: Component, scene: Scene, zone_of: ZoneOf, lost: list[str]) -> Times:
    start = _moment(todo.first("DTSTART"), zone_of, lost)
    end = _moment(todo.first("DUE"), zone_of, lost) or _ended(start, todo, lost)
    rules = [each.value.strip() for each in todo.all("RRULE") if each.value.strip()]
    if not rules and todo.first("RDATE") is None:
        if start and end and start != end:
            lost.append(f"its start, {_shown(start)}: a todo has a due time only")
        chosen = end or start
        return Times(chosen.due() if chosen else None, None, start or end)
    if todo.first("EXRULE") is not None:
        lost.append("an EXRULE: what it leaves out is not left out here")
    rule = rules[0] if rules else _ONCE
    begin, moved = _begin(start, end, rule, lost)
    if begin is None:
        found = saying.read(f"RRULE:{rule}", scene, zone=None, language="en")
        lost += found.lost or ["it has no start: it begins with the next time that its rule names"]
        return Times(found.due, found.repeats, None)
    lines = [_line("DTSTART", begin), f"RRULE:{_countable(rule, lost)}"]
    lines += [f"RRULE:{each}" for each in rules[1:]]
    for name in ("EXDATE", "RDATE"):
        lines += [_line(name, each) for each in _dates(todo, name, zone_of, lost, moved)]
    lines += [f"{p.name}:{p.value}" for p in todo.properties if p.name.startswith(OWN)]
    repeats = _repeats(lines, rule, begin.due(), scene, lost)
    return Times(begin.due(), repeats, start or end, moved)


def _repeats(
    lines: list[str], rule: str, due: Due, scene: Scene, lost: list[str]
) -> Repeats | None:
    shown = texts.excerpt(rule)
    try:
        found = from_vtodo("\n".join(lines))
    except (ValueError, OverflowError) as error:
        lost.append(f"it repeats ({shown}), and cannot here: {texts.excerpt(str(error))}")
        return None
    if found.recurrence is None:
        lost.append(f"it repeats ({shown}): {'; '.join(found.cannot_express)}")
        return None
    lost += found.cannot_express
    if found.recurrence.exdates and due.at and _OF_TIMES.search(rule):
        lost.append("times left out: the whole of each such day is left out here")
    repeats = saying.repeats(found.recurrence, due, scene.zone)
    if repeats is None:
        lost.append(f"it repeats ({shown}), and never occurs, or not with such a due time")
    return repeats


def _moment(prop: Property | None, zone_of: ZoneOf, lost: list[str]) -> Moment | None:
    if prop is None or not prop.value.strip():
        return None
    return ics_moments.read(prop, prop.value, zone_of, lost)


def _ended(start: Moment | None, todo: Component, lost: list[str]) -> Moment | None:
    """By DTSTART and DURATION."""
    raw = todo.value("DURATION")
    if start is None or not raw:
        return None
    lasts = ics_moments.duration(raw)
    try:
        wall = start.wall() + lasts if lasts is not None else None
    except OverflowError:
        wall = None
    if wall is None:
        lost.append(f"how long it takes: {texts.excerpt(raw)}")
        return None
    return replace(start, on=wall.date(), at=wall.time() if start.at else None)


def _begin(
    start: Moment | None, end: Moment | None, rule: str, lost: list[str]
) -> tuple[Moment | None, timedelta]:
    """What the rule counts from, and how far that is from where the file counts.

    We are due where a rule begins, and others some time after: that is the same wherever the
    whole rule can be moved by so much.
    """
    if start is None or end is None or start == end:
        return start or end, timedelta(0)
    # A start that is a day alone says from when on it is shown: the due time says the time of day.
    alike = start.at is None or (start.zone == end.zone and end.at is not None)
    on_that_day = start.on == end.on and not _OF_TIMES.search(rule)
    if alike and (on_that_day or _PLAIN.fullmatch(rule)):
        lost.append(f"its start, {_shown(start)}: a todo has a due time only")
        return end, end.on - start.on
    lost.append(f"its due time, {_shown(end)}: with this rule it is due when it starts")
    return start, timedelta(0)


def _countable(rule: str, lost: list[str]) -> str:
    """Without a COUNT of more than we count."""
    match = _COUNT.search(rule)
    if match is None or int(match[2]) <= MAX_COUNT:
        return rule
    lost.append(f"its end after {int(match[2]):,} times: here it goes on without an end")
    return (rule[: match.start()] + rule[match.end() :]).removeprefix(";")


def _dates(
    todo: Component, name: str, zone_of: ZoneOf, lost: list[str], moved: timedelta
) -> Iterator[Moment]:
    """Of so many that nobody wrote them by hand the latest, as the earliest are over first."""
    found: set[Moment] = set()
    for prop in todo.all(name):
        for raw in prop.value.split(","):
            start, period, _ = raw.partition("/")
            if period and "periods: only when they begin" not in lost:
                lost.append("periods: only when they begin")
            moment = ics_moments.read(prop, start, zone_of, lost) if start.strip() else None
            if moment is not None:
                found.add(replace(moment, on=moment.on + moved))
        del lost[50:]  # of thousands of bad values nobody reads more
    latest = sorted(found, key=Moment.wall)[-MAX_DATES:]
    if len(latest) < len(found):
        lost.append(f"{len(found) - len(latest)} of its {name} dates: the latest {MAX_DATES} stay")
    yield from latest


def _line(name: str, moment: Moment) -> str:
    parameters, value = moment.text()
    return f"{name}{parameters}:{value}"


def _shown(moment: Moment) -> str:
    return f"{moment.on}" if moment.at is None else f"{moment.on} {moment.at:%H:%M}"
