"""Calendars of a connection: which there are, keeping one in step, and deletions that wait."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.paths import V1
from api.schemas.dues import Body
from api.transaction import Authenticated, Transactional
from api.visit import Visit
from core.crypto import Keyring
from core.db import Database
from core.errors import Conflict, NotFound
from core.keys import Keys
from core.models.connections import Provider
from core.services import (
    calendar_quarantine,
    calendar_settings,
    connections,
    integrations,
    jobs,
)
from core.services.calendar_quarantine import Decision, Waiting
from core.services.integrations import Integration
from core.services.jobs import Job
from core.settings import Settings

if TYPE_CHECKING:  # importing it costs the API a quarter of a second and 36 MB
    from integrations.google_calendar import Access, Calendar, GoogleCalendar

router = APIRouter(prefix=f"{V1}/integrations", tags=["integrations"], route_class=Authenticated)
public = APIRouter(prefix=f"{V1}/webhooks", tags=["webhooks"], route_class=Transactional)
MAX_HEADER: Final = 256


@dataclass(frozen=True, slots=True)
class CalendarChoice:
    """A calendar of the account. `writable`: it can be kept in step."""

    id: str
    name: str
    timezone: str
    primary: bool
    writable: bool


@dataclass(frozen=True, slots=True)
class CalendarList:
    """The primary one first, then by name."""

    data: list[CalendarChoice]


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What was deleted, many at once, and waits for a decision; at most 200 of them."""

    data: list[Waiting]


@dataclass(frozen=True, slots=True)
class Decided:
    """How many deletions this was about."""

    decided: int


class DecisionBody(Body):
    """`apply`: the other ones are deleted as well; `keep`: what was deleted comes back."""

    decision: Annotated[Decision, Field(examples=["keep"])]


@router.get("/{integration_id}/calendars", operation_id="list_calendars")
async def list_calendars(integration_id: UUID, visit: Visit) -> CalendarList:
    """Asked of Google now. 409 while the connection is not active."""
    database: Database = visit.app.state.database
    # In a transaction of its own: while Google is asked, no connection to the database is held.
    async with database.transaction(read_only=True) as tx:
        tx.enter(visit.caller(visit.actor))
        found = await integrations.get(tx, visit.actor, integration_id)
        _demand_calendar(found)
        connection = await connections.by_id(tx, found.workspace_id, found.id, ring=_ring(visit))
    google = await _google(visit)
    if connection is None or google is None:
        raise Conflict("this connection cannot be used: connect it again")
    async with google:
        listed = await google.calendars(_access(connection))
    return CalendarList([_choice(each) for each in listed])


@router.post("/{integration_id}/sync", status_code=202, operation_id="sync_calendar")
async def sync_calendar(integration_id: UUID, visit: Visit, response: Response) -> Job:
    """Look at the calendar now. The job is over when todos and events are in step.

    Asked again meanwhile, it is the same job. 409 while the connection is not active.
    """
    found = await integrations.writable(visit.tx, visit.actor, integration_id)
    _demand_calendar(found)
    asked = await calendar_settings.ask(
        visit.tx, found.workspace_id, found.id, visit.actor.user_id, now=visit.now
    )
    job = asked if isinstance(asked, Job) else await jobs.get(visit.tx, visit.actor, asked)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return job


@router.get("/{integration_id}/quarantine", operation_id="list_quarantine")
async def list_quarantine(integration_id: UUID, visit: Visit) -> Quarantine:
    """Deletions that wait: more than 10, or more than a fifth, came at once."""
    found = await integrations.get(visit.tx, visit.actor, integration_id)
    _demand_calendar(found)
    waiting = await calendar_quarantine.waiting(visit.tx, found.workspace_id, found.id)
    return Quarantine(list(waiting))


@router.post("/{integration_id}/quarantine", operation_id="decide_quarantine")
async def decide_quarantine(integration_id: UUID, visit: Visit, body: DecisionBody) -> Decided:
    """About all that waits, a thousand at a time. The next run, at once, carries it out."""
    found = await integrations.writable(visit.tx, visit.actor, integration_id)
    _demand_calendar(found)
    decided = await calendar_quarantine.decide(
        visit.tx, visit.actor, found.workspace_id, found.id, body.decision, now=visit.now
    )
    return Decided(decided)


@public.post(
    "/google-calendar",
    status_code=204,
    operation_id="receive_calendar_news",
    responses={404: {"description": "A channel that is not known (any more): Google ends it"}},
)
async def receive_calendar_news(visit: Visit) -> None:
    """Google's push channels: a calendar has news. The headers `X-Goog-Channel-Token` and
    `X-Goog-Channel-Id` say which; there is no body.
    """
    token = visit.headers.get("x-goog-channel-token", "")
    channel = visit.headers.get("x-goog-channel-id", "")
    unreadable = not token or max(len(token), len(channel)) > MAX_HEADER
    if unreadable or not await calendar_settings.notified(visit.tx, token, channel, now=visit.now):
        raise NotFound("there is no such channel")


def _demand_calendar(found: Integration) -> None:
    if found.provider != Provider.GOOGLE_CALENDAR:
        raise Conflict("this connection has no calendar")


def _ring(visit: Visit) -> Keyring:
    keys: Keys = visit.app.state.keys
    return keys.ring.of(connections.PURPOSE)


async def _google(visit: Visit) -> "GoogleCalendar | None":
    settings: Settings = visit.app.state.settings

    def imported() -> "GoogleCalendar | None":
        from integrations import calendars  # noqa: PLC0415 - see the import for types

        return calendars.google(settings)

    return await asyncio.to_thread(imported)


def _access(connection: connections.Connection) -> "Access":
    from integrations.google_calendar import Access  # noqa: PLC0415 - see the import for types

    return Access(connection.id, connection.secret)


def _choice(each: "Calendar") -> CalendarChoice:
    return CalendarChoice(each.id, each.name, each.zone, each.primary, each.writable)
