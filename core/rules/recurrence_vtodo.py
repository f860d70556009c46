"""A recurring todo's times as properties of a VTODO (RFC 5545 §3.6.2); `vtodo_reading` reads them.

Only these lines, for whoever writes the rest of the component. What RFC 5545 has no property for
stands in X-VOICETODO- properties: our own reader loses nothing, other readers are told of by
`cannot_express`. DUE equals DTSTART, as Apple's Reminders and Tasks.org write recurring todos:
RFC 5545 wants a later one, but a todo of no length has none.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Final

from core.rules import rrule, zones
from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.recurrence_converted import PILE_UPS, Converted, shift_lost
from core.rules.recurrence_spelling import BY_THE_CLOCK, missing_days, spelled_out
from core.rules.reminders import Due
from core.rules.rrule import Rule, Skip

OWN: Final = "X-VOICETODO-"
MAX_OCTETS: Final = 75
_DAYS_END: Final = time(23, 59, 59)


def to_vtodo(recurrence: Recurrence, due: Due) -> Converted:
    """Lines folded at 75 octets, each ending in CRLF."""
    rule = recurrence.rule
    plain = replace(rule, skip=Skip.OMIT, until=_until(rule, due))
    lines = [
        f"DTSTART{_moment(due.on, due.at, due)}",
        f"DUE{_moment(due.on, due.at, due)}",
        f"RRULE:{rrule.text(plain)}",
    ]
    times = _times(rule, due)
    lines += [f"EXDATE{_moments(recurrence.exdates, times, due)}"] if recurrence.exdates else []
    lines += [f"RDATE{_moments(recurrence.rdates, [due.at], due)}"] if recurrence.rdates else []
    lines += [f"{OWN}{name}:{escaped(value)}" for name, value in _own(recurrence, plain)]
    return Converted("".join(map(folded, lines)), _left_out(recurrence, due))


def _own(recurrence: Recurrence, plain: Rule) -> Iterable[tuple[str, str]]:
    """What only our own reader knows; defaults are left out."""
    rule = recurrence.rule
    if recurrence.anchor is not Anchor.SCHEDULE:
        yield "ANCHOR", recurrence.anchor
    if rule.skip is not Skip.OMIT:
        yield "SKIP", rule.skip
    if rule.until != plain.until:
        yield "UNTIL", rrule.text(replace(Rule(rule.freq), until=rule.until)).partition("UNTIL=")[2]
    if recurrence.pile_up is not PileUp.ROLL:
        yield "PILE-UP", recurrence.pile_up
    if recurrence.shift is not Shift.NONE:
        yield "SHIFT", recurrence.shift
    if recurrence.holidays is not None:
        yield "HOLIDAYS", recurrence.holidays


def _left_out(recurrence: Recurrence, due: Due) -> list[str]:
    lost = [PILE_UPS[recurrence.pile_up], *shift_lost(recurrence)]
    if recurrence.anchor is Anchor.COMPLETION:
        lost.append("counting from the completion: others count from the start")
    rule = spelled_out(recurrence.rule, due, done=recurrence.anchor is Anchor.COMPLETION)
    if rule.skip is not Skip.OMIT and (missing_days(rule) or rule.byyearday):
        lost.append(f"days that a month does not have ({rule.skip}): others leave them out")
    until = recurrence.rule.until
    if isinstance(until, datetime) and until.tzinfo and due.at and due.zone is None:
        lost.append("the end at an instant: beside a floating start others read it as local time")
    if recurrence.exdates and due.at and _times(recurrence.rule, due) == [None]:
        lost.append("dates left out as a whole: many match EXDATE with a time only")
    return lost


def _times(rule: Rule, due: Due) -> list[time | None]:
    """The times of day at which it occurs; null for a whole day, also where they are many."""
    if due.at is None or rule.freq in BY_THE_CLOCK:
        return [None]
    hours, minutes = rule.byhour or (due.at.hour,), rule.byminute or (due.at.minute,)
    return [time(hour, minute, due.at.second) for hour in hours for minute in minutes]


def _until(rule: Rule, due: Due) -> date | datetime | None:
    """In the type that RFC 5545 wants beside such a DTSTART: UTC where that has a zone."""
    until = rule.until
    if until is None:
        return None
    if due.at is None:
        return until.date() if isinstance(until, datetime) else until
    if not isinstance(until, datetime):
        until = datetime.combine(until, _DAYS_END)
    if due.zone is None:
        return until.astimezone(UTC).replace(tzinfo=None) if until.tzinfo else until
    if until.tzinfo is None:
        try:
            return zones.instant(until.date(), until.time(), due.zone)
        except OverflowError:  # before or after all that can be due, either way
            return until.replace(tzinfo=UTC)
    return until


def _moment(on: date, at: time | None, due: Due) -> str:
    return _moments([on], [at], due)


def _moments(days: Iterable[date], times: list[time | None], due: Due) -> str:
    """Parameters and values of these days at each of these times."""
    if times == [None]:
        return ";VALUE=DATE:" + ",".join(map(_basic, sorted(days)))
    each = [datetime.combine(on, at) for on in sorted(days) for at in times if at is not None]
    walls = map(_basic, each)
    if due.zone == "UTC":
        return ":" + ",".join(f"{wall}Z" for wall in walls)
    zone = f";TZID={due.zone}" if due.zone else ""
    return f"{zone}:" + ",".join(walls)


def _basic(at: date) -> str:
    """ISO 8601 without what stands between the numbers; a time, if any, has no fractions."""
    return at.isoformat().replace("-", "").replace(":", "")


def escaped(text: str) -> str:
    """RFC 5545 §3.3.11."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text.replace("\r\n", "\\n").replace("\n", "\\n")


def folded(line: str) -> str:
    """RFC 5545 §3.1, in octets, never within a character; with the line's end."""
    if len(line.encode()) <= MAX_OCTETS:
        return f"{line}\r\n"
    pieces: list[str] = [""]
    octets = 0
    for char in line:
        size = len(char.encode())
        if octets + size > MAX_OCTETS:
            pieces.append(" ")
            octets = 1
        pieces[-1] += char
        octets += size
    return "\r\n".join(pieces) + "\r\n"
