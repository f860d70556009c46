from dataclasses import dataclass, replace
from datetime import date

from fastapi import APIRouter

from api.paths import V1
from api.schemas.conversions import ConvertBody, Source
from api.transaction import Authenticated
from api.visit import Visit
from core.errors import Invalid
from core.rules import recurrence, recurrence_reading, recurrence_words, rrule
from core.rules.graph_reading import from_graph
from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.recurrence_reading import Beginning, Reader
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule, Skip
from core.services import users
from core.services.todo_rows import DueTime

router = APIRouter(prefix=f"{V1}/recurrence", tags=["recurrence"], route_class=Authenticated)


@dataclass(frozen=True, slots=True)
class Rules:
    """A `recurrence` as a todo takes it."""

    rrule: str
    anchor: Anchor
    skip: Skip
    pile_up: PileUp
    exdates: list[date]
    rdates: list[date]
    holidays: str | None
    shift: Shift


@dataclass(frozen=True, slots=True)
class Read:
    """`due` is where it begins. `recurrence` is null for what is understood and no rule says.

    Then `explained` is null, too; `cannot_express` names what was left out, if anything.
    """

    recurrence: Rules | None
    due: DueTime | None
    cannot_express: list[str]
    explained: str | None


@router.post("/convert", operation_id="convert_recurrence")
async def convert(visit: Visit, body: ConvertBody) -> Read:
    """Words, or what others write of a recurrence, as `recurrence` and `due` of a todo.

    Words are those of Todoist, in English, German, Spanish or French. A day that a month does not
    have is its last one where words say it, and is left out where an RRULE does.
    """
    me = await users.get(visit.tx, visit.actor.user_id)
    zone = body.timezone or me.timezone
    language = recurrence_words.language(body.language or me.locale)
    reader = Reader(body.now or visit.now, zone, body.timezone, language)
    try:
        found = _read(body, reader)
        if found.recurrence is None or found.due is None:
            return Read(None, _due(found.due), found.cannot_express, None)
        recurrence.check(found.recurrence, found.due, zone=found.due.zone or zone)
    except InvalidRule as error:
        raise Invalid(error.detail, pointer=_about(body), code=error.code) from error
    except ValueError as error:
        raise Invalid(str(error), pointer=_about(body), code="not_understood") from error
    explained = recurrence_words.explain(found.recurrence, due=found.due, locale=language)
    return Read(_rules(found.recurrence), _due(found.due), found.cannot_express, explained)


def _read(body: ConvertBody, reader: Reader) -> Beginning:
    text = body.text or ""
    if body.pattern is not None:
        found = from_graph(body.pattern.pattern.to_pattern(), body.pattern.range.to_range())
        return Beginning(found.recurrence, found.due, found.cannot_express)
    if body.source is Source.TODOIST:
        return recurrence_reading.words(text, reader)
    if body.source is Source.RRULE:
        return recurrence_reading.rule(text, reader)
    return recurrence_reading.vtodo(text)


def _about(body: ConvertBody) -> str:
    return "/text" if body.pattern is None else "/pattern"


def _rules(found: Recurrence) -> Rules:
    """SKIP is told beside the rule, where whoever does not know RFC 7529 passes over it."""
    plain = replace(found.rule, skip=Skip.OMIT)
    return Rules(
        rrule.text(plain),
        found.anchor,
        found.skip,
        found.pile_up,
        list(found.exdates),
        list(found.rdates),
        found.holidays,
        found.shift,
    )


def _due(due: Due | None) -> DueTime | None:
    if due is None:
        return None
    at = due.at.isoformat("seconds" if due.at.second else "minutes") if due.at else None
    return DueTime(due.on, at, due.zone)
