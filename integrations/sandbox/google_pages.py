"""The calendar as people see it, and the ways to change it and to trouble who syncs with it."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from core import clock
from core.rules import zones
from integrations.sandbox.consent import added
from integrations.sandbox.gate import Gate
from integrations.sandbox.google_accounts import GoogleAccounts
from integrations.sandbox.google_calendar import GoogleCalendarService, read_body
from integrations.sandbox.google_errors import Refused
from integrations.sandbox.google_events import CANCELLED, Calendar, Resource
from integrations.sandbox.google_times import FIRST, LAST, When, moment, read
from integrations.sandbox.pages import MAX_FORM, page

PAGE: Final = "/google/calendar"
SHOWN: Final = timedelta(days=28)
MOST: Final = 500
HALF_AN_HOUR: Final = timedelta(minutes=30)
DAY: Final = timedelta(days=1)

Account = Annotated[str, Query(max_length=320)]
CalendarId = Annotated[str, Query(max_length=320)]


class CalendarIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account: Annotated[str, Field(min_length=3, max_length=320)]
    summary: Annotated[str, Field(min_length=1, max_length=200)]
    time_zone: Annotated[str, Field(max_length=64)] = "Europe/Berlin"


def router(  # noqa: C901 - a list of routes; each is one decision or none
    accounts: GoogleAccounts, google: GoogleCalendarService, gate: Gate
) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    def found(account: str, calendar: str, start: date | None = None) -> Calendar:
        known = accounts.known(account) if account else next(iter(accounts.accounts))
        if known is None or (start and not FIRST.date() < start < LAST.date() - 2 * SHOWN):
            raise HTTPException(404)
        try:
            return google.calendar(known, calendar or "primary")
        except Refused as refused:
            raise HTTPException(404) from refused

    @pages.get(PAGE)
    async def agenda(
        account: Account = "", calendar: CalendarId = "", start: date | None = None
    ) -> Response:
        return _agenda(
            accounts, google, found(account, calendar, start), start, gate.ledger.last_seq
        )

    @pages.post(PAGE)
    async def change(
        request: Request,
        account: Account = "",
        calendar: CalendarId = "",
        start: date | None = None,
    ) -> Response:
        """Add, move, rename or delete, as the form says in `does`."""
        shown, form = found(account, calendar, start), await _form(request)
        try:
            _change(shown, form)
        except Refused as refused:
            says = refused.message or str(refused)
            last = gate.ledger.last_seq
            return _agenda(accounts, google, shown, start, last, problem=says, form=form)
        return RedirectResponse(_url(shown, start), 303)

    @pages.post("/google/client/events", status_code=201)
    async def put(request: Request, account: Account = "", calendar: CalendarId = "") -> Response:
        """For scripts: an event as the API has it, also one that only others can make."""
        return await _done(request, lambda body: found(account, calendar).put(body), 201)

    @pages.patch("/google/client/events/{event_id}")
    async def patch(
        request: Request, event_id: str, account: Account = "", calendar: CalendarId = ""
    ) -> Response:
        of, if_match = found(account, calendar), request.headers.get("if-match")
        return await _done(request, lambda body: of.patch(event_id, body, if_match))

    @pages.delete("/google/client/events/{event_id}", status_code=204)
    async def delete(event_id: str, account: Account = "", calendar: CalendarId = "") -> Response:
        try:
            found(account, calendar).delete(event_id, None)
        except Refused as refused:
            raise HTTPException(refused.status) from refused
        return Response(status_code=204)

    @pages.get("/google/client/events")
    async def events(account: Account = "", calendar: CalendarId = "") -> Response:
        """All that there ever were, deleted ones too, in the order in which they were made."""
        return _json(list(found(account, calendar).events.values()))

    @pages.post("/google/calendars", status_code=201)
    async def add(body: CalendarIn) -> Response:
        known = accounts.known(body.account)
        if known is None or body.time_zone not in zones.known():
            raise HTTPException(422)
        made = google.add_calendar(known, body.summary, body.time_zone)
        return _json({"id": made.id, "summary": made.summary, "time_zone": made.zone}, 201)

    @pages.post("/google/expire", status_code=204)
    async def expire() -> Response:
        """Every sync token given so far is answered 410."""
        google.expire()
        return Response(status_code=204)

    @pages.post("/google/expire-access", status_code=204)
    async def expire_access() -> Response:
        """Every access token has run out; refreshing gives another."""
        accounts.expire_access()
        return Response(status_code=204)

    @pages.post("/google/removed", status_code=204)
    async def remove(account: Account) -> Response:
        """As when a person removes the app from their Google account."""
        accounts.end(account)
        return Response(status_code=204)

    return pages


def _agenda(
    accounts: GoogleAccounts,
    google: GoogleCalendarService,
    shown: Calendar,
    start: date | None,
    newest: int,
    *,
    problem: str = "",
    form: dict[str, str] | None = None,
) -> Response:
    today = zones.today(clock.now(), shown.zone)
    first = start or today
    events = _events(shown, first)
    days = [
        {"on": on, "is_today": on == today, "events": list(each)}
        for on, each in groupby(events, key=lambda event: event["on"])
    ]
    calendars = google.calendars(shown.account).values()
    return page(
        "calendar.html",
        400 if problem else 200,
        calendar=shown,
        account=shown.account,
        accounts=[(email, added(PAGE, account=email)) for email in list(accounts.accounts)[:8]],
        calendars=[(each, _url(each, start)) for each in calendars],
        days=days,
        earlier=_url(shown, first - SHOWN),
        later=_url(shown, first + SHOWN),
        now=_url(shown, None),
        here_url=_url(shown, start),
        today=today,
        problem=problem,
        form=dict.fromkeys(("does", "id", "summary", "on", "at"), "") | (form or {}),
        newest=newest,
        live=not problem,
    )


def _url(calendar: Calendar, start: date | None) -> str:
    on = start.isoformat() if start else None
    return added(PAGE, account=calendar.account, calendar=calendar.id, start=on)


def _events(calendar: Calendar, first: date) -> list[dict[str, Any]]:
    """From `first` on, in their order; recurring events as their instances."""
    since = zones.instant(first, time(), calendar.zone)
    until = since + SHOWN
    found: list[tuple[datetime, Resource]] = []
    for each in list(calendar.events.values()):
        if each["status"] == CANCELLED:
            continue
        several = "recurrence" in each
        for one in calendar.instances(each["id"], since, until) if several else (each,):
            if several and one["id"] in calendar.events:
                continue  # an exception, which stands there itself
            at = moment(one["start"], "start", calendar.zone).at
            if since - DAY <= at <= until:
                found.append((at, one))
    found.sort(key=lambda pair: (pair[0], pair[1]["id"]))
    rows = [_row(calendar, each) for _, each in found[:MOST]]
    return sorted((each for each in rows if each["on"] >= first), key=lambda row: row["on"])


def _row(calendar: Calendar, event: Resource) -> dict[str, Any]:
    start, end = read(event, calendar.zone)
    all_day = start.zone is None
    begins, ends = (
        each.local if all_day else zones.wall(each.at, calendar.zone) for each in (start, end)
    )
    last = ends - DAY if all_day else ends
    return {
        "id": event["id"],
        "summary": event.get("summary") or "(No title)",
        "title": event.get("summary", ""),
        "description": event.get("description", ""),
        "on": begins.date(),
        "at": "" if all_day else f"{begins:%H:%M}",
        "to": "" if all_day else f"{ends:%H:%M}",
        "until": last.date() if last.date() > begins.date() else None,
        "zone": start.zone if start.zone not in (None, calendar.zone) else "",
        "series": event.get("recurringEventId"),
        "free": event.get("transparency") == "transparent",
        "type": event.get("eventType", "default"),
        "by": "" if event["organizer"].get("self") else event["organizer"].get("email", "somebody"),
        "raw": orjson.dumps(event, option=orjson.OPT_INDENT_2).decode(),
    }


def _change(calendar: Calendar, form: dict[str, str]) -> None:
    """Raises Refused, also for what a form of ours would not send."""
    does, event_id = form.get("does"), form.get("id", "")
    if does == "delete":
        calendar.delete(event_id, None)
    elif does == "add":
        start = _typed(calendar, form, calendar.zone)
        length = DAY if start.zone is None else HALF_AN_HOUR
        calendar.insert({"summary": form.get("summary", "")} | _span(calendar, start, length))
    elif does == "save":
        event = calendar.get(event_id)
        was, end = read(event, calendar.zone)
        start = _typed(calendar, form, was.zone or calendar.zone)
        length = end.at - was.at
        if (was.zone is None) != (start.zone is None):
            length = DAY if start.zone is None else HALF_AN_HOUR
        changes: Resource = {"summary": form.get("summary", "")}
        if (form.get("on"), form.get("at", "")) != _shown(calendar, was):
            changes |= _span(calendar, start, length)
        calendar.patch(event_id, changes, None)
    else:
        raise Refused(400)


def _shown(calendar: Calendar, when: When) -> tuple[str, str]:
    """As the form has it, to the minute: what comes back like that was not moved."""
    if when.zone is None:
        return when.at.date().isoformat(), ""
    begins = zones.wall(when.at, calendar.zone)
    return begins.date().isoformat(), f"{begins:%H:%M}"


def _typed(calendar: Calendar, form: dict[str, str], zone: str) -> When:
    """Without a time it is all day. What is typed is meant on the calendar's wall."""
    if not form.get("at"):
        return moment({"date": form.get("on")}, "start", calendar.zone)
    typed = {"dateTime": f"{form.get('on')}T{form['at']}", "timeZone": calendar.zone}
    return When(moment(typed, "start", calendar.zone).at, zone)


def _span(calendar: Calendar, start: When, length: timedelta) -> Resource:
    """Start and end for a patch: what another kind of start left behind is taken away."""
    nothing = {"date": None, "dateTime": None, "timeZone": None}
    ends = When(start.at + length, start.zone)
    return {
        "start": nothing | start.shown(calendar.zone),
        "end": nothing | ends.shown(calendar.zone),
    }


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise HTTPException(413)
    return body


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await _body(request)).decode("utf-8", "replace")))


async def _done(
    request: Request, does: Callable[[Resource], Resource], status: int = 200
) -> Response:
    body = await _body(request)
    try:
        return _json(does(read_body(body)), status)
    except Refused as refused:
        raise HTTPException(refused.status, refused.message) from refused


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
