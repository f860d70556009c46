"""The times of a recurring VTODO read (RFC 5545): ours without loss, others' as far as we can."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from core.rules import rrule, zones
from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.recurrence_vtodo import OWN
from core.rules.reminders import Due
from core.rules.rrule import Skip

MAX_CHARS: Final = 100_000
_NAME: Final = re.compile(
    r"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:\"[^\"]*\"|[^\";:,]*))*):(.*)", re.DOTALL
)
_PARAMETER: Final = re.compile(r";([A-Za-z0-9-]+)=(\"[^\"]*\"|[^\";:,]*)")
_MOMENT: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_LISTED: Final = {"EXDATE", "RDATE"}
_KNOWN: Final = {"DTSTART", "DUE", "RRULE", *_LISTED}


@dataclass(frozen=True, slots=True)
class FromVtodo:
    """`due` is null without DTSTART and DUE; `recurrence` without RRULE, or where it says more."""

    recurrence: Recurrence | None
    due: Due | None
    cannot_express: list[str]


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    parameters: Mapping[str, str]
    value: str


@dataclass(frozen=True, slots=True)
class _Moment:
    at: date | datetime  # aware where it says Z
    zone: str | None


def from_vtodo(text: str) -> FromVtodo:
    """Raises `ValueError` for what is no such text, `InvalidRule` for a rule that is none.

    Other properties are passed over: they are not about when it is due. DTSTART starts the
    recurrence; without it DUE does. Both may be given: a DUE that differs is told.
    """
    if len(text) > MAX_CHARS:
        raise ValueError(f"at most {MAX_CHARS} characters")
    properties = list(_properties(text))
    lost: list[str] = []
    singles = {p.name: p for p in properties if p.name not in _LISTED}
    begins, ends = (_only_moment(singles.get(name)) for name in ("DTSTART", "DUE"))
    begin = begins or ends
    due = _due(begin) if begin else None
    if begins and ends and _due(ends) != _due(begins):
        lost.append("a DUE after DTSTART: it is due at DTSTART")
    rules = [p for p in properties if p.name == "RRULE"]
    if len(rules) > 1:
        return FromVtodo(None, due, [*lost, "several RRULEs"])
    if not rules or due is None:
        return FromVtodo(None, due, lost + ["an RRULE without a start"] * len(rules))
    own = {
        p.name.removeprefix(OWN): _unescaped(p.value) for p in properties if p.name.startswith(OWN)
    }
    rule = rrule.parse(rules[0].value)
    if "UNTIL" in own:
        rule = replace(rule, until=rrule.parse(f"FREQ=DAILY;UNTIL={own['UNTIL']}").until)
    if "SKIP" in own:
        rule = replace(rule, skip=Skip(own["SKIP"]))
    recurrence = Recurrence(
        rule,
        Anchor(own.get("ANCHOR", Anchor.SCHEDULE)),
        PileUp(own.get("PILE-UP", PileUp.ROLL)),
        _days(properties, "EXDATE", due, lost),
        _days(properties, "RDATE", due, lost),
        own.get("HOLIDAYS"),
        Shift(own.get("SHIFT", Shift.NONE)),
    )
    return FromVtodo(recurrence, due, lost)


def _properties(text: str) -> Iterator[_Property]:
    """Unfolded (RFC 5545 §3.1). Lone line feeds are taken, too: many files have them."""
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        if not line:
            continue
        match = _NAME.fullmatch(line)
        if match is None:
            raise ValueError(f"{line[:40]!r} is not written NAME:VALUE")
        parameters = {
            name.upper(): value.strip('"') for name, value in _PARAMETER.findall(match[2])
        }
        yield _Property(match[1].upper(), parameters, match[3])


def _only_moment(prop: _Property | None) -> _Moment | None:
    if prop is None:
        return None
    (moment,) = _moments(prop)
    return moment


def _moments(prop: _Property) -> Iterable[_Moment]:
    return [_moment(each, prop) for each in prop.value.split(",")]


def _moment(value: str, prop: _Property) -> _Moment:
    match = _MOMENT.fullmatch(value)
    if match is None:
        raise ValueError(f"{prop.name} takes a date or time, not {value[:40]!r}")
    on = datetime.strptime(match[1], "%Y%m%d")  # noqa: DTZ007 (a date of the wall)
    if match[2] is None:
        return _Moment(on.date(), None)
    wall = datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S")  # noqa: DTZ007 (aware only where Z says so)
    if match[3]:
        return _Moment(wall.replace(tzinfo=UTC), "UTC")
    zone = prop.parameters.get("TZID")
    if zone is not None:
        zones.zone(zone)
    return _Moment(wall, zone)


def _due(moment: _Moment) -> Due:
    if isinstance(moment.at, datetime):
        return Due(moment.at.date(), moment.at.time(), moment.zone)
    return Due(moment.at, None, None)


def _days(properties: list[_Property], name: str, due: Due, lost: list[str]) -> tuple[date, ...]:
    """The days that are meant, on the wall of the start."""
    found = set()
    for prop in (each for each in properties if each.name == name):
        if prop.parameters.get("VALUE") == "PERIOD":
            lost.append("periods")
            continue
        for moment in _moments(prop):
            at = moment.at
            if not isinstance(at, datetime):
                found.add(at)
                continue
            if moment.zone and due.zone and moment.zone != due.zone:
                aware = at if at.tzinfo else at.replace(tzinfo=zones.zone(moment.zone))
                at = aware.astimezone(zones.zone(due.zone))
            if name == "RDATE" and due.at and at.time() != due.at:
                lost.append(f"the time of the added {at:%Y-%m-%d %H:%M}")
            found.add(at.date())
    return tuple(sorted(found))


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)
