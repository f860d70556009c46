from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from fastapi import APIRouter

from api.paths import V1
from api.schemas.recurrence import ExplainBody, PreviewBody
from api.transaction import Authenticated
from api.visit import Visit
from core.rules import recurrence, recurrence_words
from core.rules.recurrence import Note, Occurrence, occurrences
from core.rules.recurrence_converted import Converted
from core.rules.recurrence_graph import Patterned, to_graph
from core.rules.recurrence_todoist import to_todoist
from core.rules.recurrence_vtodo import to_vtodo
from core.rules.rrule import InvalidRule
from core.services import users
from core.services.series import refusal

router = APIRouter(prefix=f"{V1}/recurrence", tags=["recurrence"], route_class=Authenticated)


@dataclass(frozen=True, slots=True)
class Previewed:
    """`local` is what clocks show; a date without an instant for an all-day due.

    `note` says why it is not where the rule put it: `gap` (the time does not exist that day),
    `fold` (it comes twice: the first), `skip` (the month has no such day), `shift` (a day off).
    """

    local: str
    at: datetime | None
    note: Note | None


@dataclass(frozen=True, slots=True)
class Preview:
    occurrences: list[Previewed]
    more: bool


@dataclass(frozen=True, slots=True)
class Conversions:
    todoist: Converted
    vtodo: Converted
    microsoft_graph: Patterned


@dataclass(frozen=True, slots=True)
class Explained:
    """`locale` is the language of `text`: English where the one asked for is not spoken."""

    text: str
    locale: str
    conversions: Conversions


@router.post("/preview", operation_id="preview_recurrence")
async def preview(visit: Visit, body: PreviewBody) -> Preview:
    """The first occurrences, as if each one anchored at its completion were done on its day."""
    zone = body.timezone or body.due.timezone
    if zone is None:
        zone = (await users.get(visit.tx, visit.actor.user_id)).timezone
    try:
        rule, due = body.recurrence.to_recurrence(), body.due.to_due()
        endless = occurrences(rule, due, zone=zone, after=body.after)
        found = list(islice(endless, body.count + 1))
    except InvalidRule as error:
        raise refusal(error) from error
    all_day = body.due.time is None
    told = [_told(each, all_day=all_day) for each in found[: body.count]]
    return Preview(told, more=len(found) > body.count)


@router.post("/explain", operation_id="explain_recurrence")
async def explain(visit: Visit, body: ExplainBody) -> Explained:
    """The rule in words, and as others write it, with what they cannot express."""
    me = await users.get(visit.tx, visit.actor.user_id)
    due, locale = body.due.to_due(), body.locale or me.locale
    try:
        rule = body.recurrence.to_recurrence()
        recurrence.check(rule, due, zone=due.zone or me.timezone)
    except InvalidRule as error:
        raise refusal(error) from error
    return Explained(
        recurrence_words.explain(rule, due=due, locale=locale),
        recurrence_words.language(locale),
        Conversions(to_todoist(rule, due), to_vtodo(rule, due), to_graph(rule, due)),
    )


def _told(occurrence: Occurrence, *, all_day: bool) -> Previewed:
    local = occurrence.local
    if all_day:
        return Previewed(local.date().isoformat(), None, occurrence.note)
    shown = local.isoformat(timespec="seconds" if local.second else "minutes")
    return Previewed(shown, occurrence.at, occurrence.note)
