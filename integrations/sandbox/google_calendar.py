"""Google Calendar's API v3, as far as an app needs it that keeps events: calendarList and events.

https://developers.google.com/workspace/calendar/api/v3/reference. Every account has calendars of
its own; a new method is a line in `_ROUTES`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from integrations.sandbox import google_errors
from integrations.sandbox import google_times as times
from integrations.sandbox.google_accounts import EVENTS_SCOPE, LIST_SCOPE, NAME, GoogleAccounts
from integrations.sandbox.google_channels import Channels
from integrations.sandbox.google_errors import Refused
from integrations.sandbox.google_events import Calendar, Listing, Resource
from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

PREFIX: Final = "/google/calendar/v3/"
MAX_BODY: Final = 1024 * 1024
MOST: Final = 2500
USUAL: Final = 250
MOST_ACCOUNTS: Final = 10_000
ROLES: Final = ("freeBusyReader", "reader", "writer", "owner")
GROUP: Final = "@group.calendar.google.com"
ZONES: Final = {"bob@sandbox.test": "America/New_York"}
ZONE: Final = "Europe/Berlin"
NOT_WITH_SYNC: Final = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
MAX_INSTANCES: Final = 2500


@dataclass(frozen=True, slots=True)
class Asked:
    """`path`: the values of the placeholders, in their order."""

    call: Call
    account: str
    path: tuple[str, ...]
    query: dict[str, str]

    @property
    def body(self) -> Resource:
        return read_body(self.call.body)

    @property
    def if_match(self) -> str | None:
        return self.call.header(b"if-match") or None

    def says(self, name: str) -> bool:
        return self.query.get(name) == "true"

    def size(self) -> int:
        return min(self._number("maxResults", USUAL), MOST)

    def with_attendees(self, event: Resource) -> Resource:
        """Where there are more than `maxAttendees`, the person alone."""
        attendees = event.get("attendees", ())
        if "maxAttendees" not in self.query or len(attendees) <= self._number("maxAttendees", MOST):
            return event
        alone = [each for each in attendees if each.get("self")]
        return event | {"attendees": alone, "attendeesOmitted": True}

    def _number(self, name: str, usual: int) -> int:
        text = self.query.get(name, str(usual))
        if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
            raise Refused(400, "invalid", f"Invalid integer value: '{text}'.")
        return int(text[:9])


Method = Callable[["GoogleCalendarService", Asked], Answer]


class GoogleCalendarService:
    """Calendars of all accounts, in memory. Three of each are made when it is first asked for."""

    def __init__(self, accounts: GoogleAccounts, channels: Channels) -> None:
        self._accounts = accounts
        self.channels: Final = channels
        self._calendars: dict[str, dict[str, Calendar]] = {}
        self.vendor: Final = Vendor(
            NAME, (PREFIX,), _kind, self._answer, google_errors.error, max_body=MAX_BODY
        )

    def calendars(self, account: str) -> dict[str, Calendar]:
        found = self._calendars.get(account)
        if found is None:
            zone, name = ZONES.get(account, ZONE), account.partition("@")[0]
            primary = Calendar(account, account, account, zone, primary=True)
            family = Calendar(f"family-{name}{GROUP}", account, "Family", zone)
            holidays = Calendar(f"holidays-{name}{GROUP}", account, "Holidays", zone, "reader")
            found = self._calendars[account] = {}
            for each in (primary, family, holidays):
                self._watched(each)
            if len(self._calendars) > MOST_ACCOUNTS:
                del self._calendars[next(iter(self._calendars))]
        return found

    def add_calendar(self, account: str, summary: str, zone: str) -> Calendar:
        self.calendars(account)
        return self._watched(Calendar(f"c_{token_hex(16)}{GROUP}", account, summary, zone))

    def _watched(self, calendar: Calendar) -> Calendar:
        calendar.changed = self.channels.changed
        self._calendars[calendar.account][calendar.id] = calendar
        return calendar

    def calendar(self, account: str, calendar_id: str) -> Calendar:
        """`primary` is the account's own. Raises Refused."""
        name = account if calendar_id == "primary" else calendar_id
        found = self.calendars(account).get(name)
        if found is None:
            raise Refused(404)
        return found

    def expire(self) -> None:
        for calendars in self._calendars.values():
            for each in calendars.values():
                each.expire()

    def _answer(self, call: Call) -> Answer:
        token = self._accounts.holder(call)
        if token is None:
            return google_errors.error(401)
        path = call.path.removeprefix(PREFIX)
        for method, pattern, name, does in _ROUTES:
            found = pattern.fullmatch(path)
            if found and method == call.method:
                scope = LIST_SCOPE if name.startswith("calendarList") else EVENTS_SCOPE
                if scope not in token.grant.scopes:
                    says = "Request had insufficient authentication scopes."
                    return google_errors.error(403, "insufficientPermissions", says)
                query = dict(parse_qsl(call.query))
                try:
                    return does(self, Asked(call, token.grant.account, found.groups(), query))
                except Refused as refused:
                    return refused.answer
        return google_errors.error(404)


def read_body(body: bytes) -> Resource:
    """An object that can be answered again: not nested too deep. Raises Refused."""
    try:
        found = orjson.loads(body)
        orjson.dumps(found)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "parseError", "Parse Error")
    return found


def _list_calendars(of: GoogleCalendarService, asked: Asked) -> Answer:
    least = asked.query.get("minAccessRole")
    if least not in (None, *ROLES):
        raise Refused(400, "invalid", "Invalid value for: minAccessRole")
    calendars = [
        each
        for each in sorted(
            of.calendars(asked.account).values(), key=lambda each: (not each.primary, each.id)
        )
        if least is None or ROLES.index(each.role) >= ROLES.index(least)
    ]
    token = asked.query.get("pageToken", "0")
    if not (token.isascii() and token.isdigit()):
        raise Refused(400, "invalid", "Invalid page token value.")
    start = int(token[:9])
    size = min(asked.size(), USUAL)
    page = calendars[start : start + size]
    content: dict[str, Any] = {"kind": "calendar#calendarList", "etag": '"p1"'}
    content["items"] = [_entry(each) for each in page]
    if start + size < len(calendars):
        content["nextPageToken"] = str(start + size)
    return json_answer(200, content)


def _get_calendar(of: GoogleCalendarService, asked: Asked) -> Answer:
    return json_answer(200, _entry(of.calendar(asked.account, asked.path[0])))


def _list(of: GoogleCalendarService, asked: Asked) -> Answer:
    calendar, query = of.calendar(asked.account, asked.path[0]), asked.query
    sync_token, page_token = query.get("syncToken"), query.get("pageToken")
    if sync_token and (
        query.get("showDeleted") == "false" or any(name in query for name in NOT_WITH_SYNC)
    ):
        raise Refused(400, "invalid", "Sync token cannot be used with given query restrictions.")
    if asked.says("singleEvents") or any(name in query for name in NOT_WITH_SYNC):
        raise Refused(400, "invalid", "The sandbox does not search or expand lists.")
    if page_token:
        listing = calendar.listing("page", page_token)
    elif sync_token:
        listing = calendar.listing("sync", sync_token)
    else:
        listing = Listing(show_deleted=asked.says("showDeleted"))
    page = calendar.list(listing, asked.size())
    content: dict[str, Any] = {
        "kind": "calendar#events",
        "etag": calendar.etag,
        "summary": calendar.summary,
        "timeZone": calendar.zone,
        "accessRole": calendar.role,
        "defaultReminders": [],
        "items": [asked.with_attendees(each) for each in page.events],
    }
    if page.next_page_token:
        content["nextPageToken"] = page.next_page_token
    if page.next_sync_token:
        content["nextSyncToken"] = page.next_sync_token
    return json_answer(200, content)


def _get(of: GoogleCalendarService, asked: Asked) -> Answer:
    found = of.calendar(asked.account, asked.path[0]).get(asked.path[1])
    if asked.call.header(b"if-none-match") == found["etag"]:
        return Answer(304)
    return json_answer(200, asked.with_attendees(found))


def _insert(of: GoogleCalendarService, asked: Asked) -> Answer:
    return json_answer(200, of.calendar(asked.account, asked.path[0]).insert(asked.body))


def _patch(of: GoogleCalendarService, asked: Asked) -> Answer:
    calendar = of.calendar(asked.account, asked.path[0])
    return json_answer(200, calendar.patch(asked.path[1], asked.body, asked.if_match))


def _update(of: GoogleCalendarService, asked: Asked) -> Answer:
    calendar = of.calendar(asked.account, asked.path[0])
    return json_answer(200, calendar.update(asked.path[1], asked.body, asked.if_match))


def _delete(of: GoogleCalendarService, asked: Asked) -> Answer:
    of.calendar(asked.account, asked.path[0]).delete(asked.path[1], asked.if_match)
    return Answer(204)


def _instances(of: GoogleCalendarService, asked: Asked) -> Answer:
    calendar = of.calendar(asked.account, asked.path[0])
    calendar.get(asked.path[1])
    since, until = (
        times.moment({"dateTime": asked.query[name]}, name, calendar.zone).at
        if name in asked.query
        else default
        for name, default in (("timeMin", times.FIRST), ("timeMax", times.LAST))
    )
    found = []
    for each in calendar.instances(asked.path[1], since, until):
        if each["status"] != "cancelled" or asked.says("showDeleted"):
            found.append(each)
        if len(found) == min(asked.size(), MAX_INSTANCES):
            break
    content = {"kind": "calendar#events", "timeZone": calendar.zone, "items": found}
    return json_answer(200, content)


def _watch(of: GoogleCalendarService, asked: Asked) -> Answer:
    calendar = of.calendar(asked.account, asked.path[0])
    return json_answer(200, of.channels.watch(calendar, asked.body))


def _stop(of: GoogleCalendarService, asked: Asked) -> Answer:
    of.channels.stop(asked.account, asked.body)
    return Answer(204)


def _entry(calendar: Calendar) -> Resource:
    entry: Resource = {
        "kind": "calendar#calendarListEntry",
        "etag": '"1"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.zone,
        "accessRole": calendar.role,
        "selected": True,
        "defaultReminders": [],
    }
    return entry | ({"primary": True} if calendar.primary else {})


def _route(
    method: str, path: str, name: str, does: Method
) -> tuple[str, re.Pattern[str], str, Method]:
    return method, re.compile(re.sub(r"\{\w+\}", "([^/]+)", path)), name, does


_ROUTES: Final = tuple(
    _route(*each)
    for each in (
        ("GET", "users/me/calendarList", "calendarList.list", _list_calendars),
        ("GET", "users/me/calendarList/{id}", "calendarList.get", _get_calendar),
        ("GET", "calendars/{id}/events", "events.list", _list),
        ("POST", "calendars/{id}/events", "events.insert", _insert),
        ("POST", "calendars/{id}/events/watch", "events.watch", _watch),
        ("GET", "calendars/{id}/events/{event}", "events.get", _get),
        ("PATCH", "calendars/{id}/events/{event}", "events.patch", _patch),
        ("PUT", "calendars/{id}/events/{event}", "events.update", _update),
        ("DELETE", "calendars/{id}/events/{event}", "events.delete", _delete),
        ("GET", "calendars/{id}/events/{event}/instances", "events.instances", _instances),
        ("POST", "channels/stop", "channels.stop", _stop),
    )
)


def _kind(method: str, path: str) -> str:
    rest = path.removeprefix(PREFIX)
    names = (
        name for verb, pattern, name, _ in _ROUTES if verb == method and pattern.fullmatch(rest)
    )
    return next(names, "unknown")
