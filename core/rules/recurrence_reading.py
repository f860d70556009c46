"""What others write of a recurrence, read as the beginning of a series of ours."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.rules import rrule, zones
from core.rules.recurrence import Recurrence
from core.rules.recurrence_expand import LAST_YEAR
from core.rules.recurrence_first import first_due
from core.rules.reminders import Due
from core.rules.todoist_translated import from_words
from core.rules.vtodo_reading import from_vtodo

FIRST_YEAR: Final = 1970


@dataclass(frozen=True, slots=True)
class Beginning:
    """`recurrence` is null where it is understood and no rule says it, `due` where nothing does.

    `cannot_express` has a sentence for everything that was left out.
    """

    recurrence: Recurrence | None
    due: Due | None
    cannot_express: list[str]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and when: where words are about, and where times are fixed to, if anywhere."""

    now: datetime
    zone: str
    due_zone: str | None
    language: str


def words(text: str, reader: Reader) -> Beginning:
    """Raises `ValueError` for what is not understood, `InvalidRule` for what never occurs."""
    today = zones.today(reader.now, reader.zone)
    read = from_words(text, today=today, language=reader.language)
    if read.recurrence is None:
        return Beginning(None, None, read.cannot_express)
    due = first_due(
        read.recurrence.rule,
        at=read.at,
        starting=read.starting,
        now=reader.now,
        zone=reader.zone,
        due_zone=reader.due_zone,
    )
    return Beginning(read.recurrence, _in_calendar(due), [])


def rule(text: str, reader: Reader) -> Beginning:
    """A bare RRULE begins with the first time it names from now on, else with its DTSTART."""
    if "DTSTART" in text.upper():
        return vtodo(text)
    read = rrule.parse(text)
    due = first_due(
        read,
        at=None,
        starting=None,
        now=reader.now,
        zone=reader.zone,
        due_zone=reader.due_zone,
    )
    return Beginning(Recurrence(read), due, [])


def vtodo(text: str) -> Beginning:
    """Raises `ValueError` for what is no such text, `InvalidRule` for a rule that is none.

    BEGIN and END of the component may stand around it.
    """
    found = from_vtodo(text)
    recurrence = found.recurrence
    if recurrence is None:
        told = found.cannot_express or ["there is no RRULE in it"]
        return Beginning(None, found.due, told)
    return Beginning(recurrence, found.due and _in_calendar(found.due), found.cannot_express)


def _in_calendar(due: Due) -> Due:
    if not FIRST_YEAR <= due.on.year <= LAST_YEAR:
        msg = f"it begins in {due.on.year}: not before {FIRST_YEAR}, and not after {LAST_YEAR}"
        raise ValueError(msg)
    return due
