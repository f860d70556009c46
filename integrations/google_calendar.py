"""Reads and writes calendars at Google, one call at a time.

https://developers.google.com/workspace/calendar/api/v3/reference. Google's library builds every
request and reads every answer; it imports in a quarter of a second, so only workers import this.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import httplib2
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest
from pydantic import SecretStr

from core.errors import Gone, Revoked, SyncTokenExpired, VendorError
from core.rules.calendar_events import RemoteEvent
from core.rules.calendar_events import read as read_event
from integrations.closing import Closing
from integrations.google_calendar_errors import VENDOR, failure
from integrations.google_calendar_tokens import AccessTokens
from integrations.http import vendor_client
from integrations.http_connection import Answer
from integrations.http_transport import Limits
from integrations.pace import Pace

T = TypeVar("T")
Body = Mapping[str, Any]

TIMEOUT_S: Final = 10.0
MAX_ANSWER: Final = 16 * 1024 * 1024  # 250 events of the longest texts and properties
EVENTS: Final = 250  # of a page, as Google has it unless asked for more
CALENDARS: Final = 250
PATIENCE_S: Final = 30.0  # in the queue of one person
PAGES: Final = 40
LONG: Final = 64 * 1024  # bytes; reading these would hold up everything else
UNAUTHORIZED: Final = 401
READING: Final = ("GET", "HEAD")
WRITERS: Final = frozenset({"owner", "writer", "writerWithoutPrivateAccess"})
NOT_SENT: Final = frozenset({"accept-encoding", "content-length", "user-agent"})


@dataclass(frozen=True, slots=True)
class Access:
    connection_id: UUID
    refresh_token: SecretStr


@dataclass(frozen=True, slots=True)
class Calendar:
    """`writable`: events may be made and changed in it."""

    id: str
    name: str
    zone: str
    primary: bool
    writable: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    """`next_sync_token` only on the last page, which has no `next_page_token`. `zone` is the
    calendar's. `unread`: ids of what was listed and is no event that we can read; these exist.
    """

    events: list[RemoteEvent]
    next_page_token: str | None
    next_sync_token: str | None
    zone: str
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    resource_id: str
    expires_at: datetime


class GoogleCalendar(Closing):
    """Share one among all tasks of a process; `base_url` is what stands before `/calendar/v3/`.

    Every call raises `Revoked` when the access was withdrawn, else VendorError. Passing: 5xx, no
    answer and limits, with the wait; of a write `ambiguous` says that it may have come through.

    With `a_second`, no connection is called more often, after as many at once: a limit that is
    never met costs nobody a pause.

    Not over the library's own transport (httplib2): that repeats a write whose answer was lost,
    reads answers of any length, and goes through whatever proxy the environment names.
    """

    def __init__(
        self,
        base_url: str,
        token_url: str,
        client_id: str,
        client_secret: SecretStr,
        *,
        a_second: float | None = None,
    ) -> None:
        endpoint = f"{base_url.rstrip('/')}/calendar/v3/"
        document = json.loads(get_static_doc("calendar", "v3"))
        # Without a transport the library would look for credentials of its own on this machine.
        api = build_from_document(
            document, http=httplib2.Http(), client_options={"api_endpoint": endpoint}
        )
        # Asked for once: each asking makes all methods anew, which takes 3 ms.
        self._events, self._lists, self._channels = api.events(), api.calendarList(), api.channels()
        self._http = vendor_client(Limits(timeout=TIMEOUT_S, max_body=MAX_ANSWER))
        burst = max(round(a_second or 0), 1)
        self._pace = a_second and Pace(every=1 / a_second, patience=PATIENCE_S, burst=burst)
        self._tokens = AccessTokens(self._http, token_url, client_id, client_secret)

    async def calendars(self, access: Access) -> list[Calendar]:
        """Those that the account has in its list; the primary one first, then by name."""
        found: list[Calendar] = []
        page_token: str | None = None
        for _ in range(PAGES):
            request = self._lists.list(maxResults=CALENDARS, pageToken=page_token)
            page = await self._call(access, request, _dict)
            found += [_calendar(each) for each in _dicts(page.get("items"))]
            page_token = _text(page.get("nextPageToken"))
            if page_token is None:
                break
        return sorted(found, key=lambda each: (not each.primary, each.name.casefold(), each.id))

    async def list_events(
        self,
        access: Access,
        calendar_id: str,
        *,
        sync_token: str | None = None,
        page_token: str | None = None,
    ) -> EventPage:
        """A page of all events, or of those that changed since the sync token, ended ones too.

        The same `sync_token` goes with every page of a listing. Recurring events are listed as
        such, beside their exceptions. Raises `SyncTokenExpired` when one of the tokens is no good
        any more, `Gone` when the calendar is.
        """
        # Whatever else is asked for has to be the same with a token as it was without.
        request = self._events.list(
            calendarId=calendar_id,
            maxResults=EVENTS,
            maxAttendees=1,  # whether the person declined is told of them alone
            singleEvents=False,
            syncToken=sync_token,
            pageToken=page_token,
        )
        try:
            return await self._call(access, request, _page)
        except VendorError as error:
            refused = error.permanent and not isinstance(error, Gone | Revoked)
            if refused and (sync_token or page_token):
                # A token that it cannot read is answered 400. A whole listing mends either; if
                # that is refused as well, it is told then.
                raise SyncTokenExpired(error.detail, permanent=True) from error
            raise

    async def get_event(
        self, access: Access, calendar_id: str, event_id: str, *, zone: str = "UTC"
    ) -> RemoteEvent:
        """Also a deleted one, as cancelled. `zone` is the calendar's. Raises `Gone`."""
        request = self._events.get(calendarId=calendar_id, eventId=event_id, maxAttendees=1)
        return await self._call(access, request, _event(zone))

    async def insert_event(
        self, access: Access, calendar_id: str, event_id: str, body: Body, *, zone: str = "UTC"
    ) -> RemoteEvent:
        """Twice is harmless: an id is for one event for ever. Raises `AlreadyThere`."""
        request = self._events.insert(calendarId=calendar_id, body={**body, "id": event_id})
        return await self._call(access, request, _event(zone))

    async def patch_event(
        self,
        access: Access,
        calendar_id: str,
        event_id: str,
        body: Body,
        *,
        etag: str | None = None,
        zone: str = "UTC",
    ) -> RemoteEvent:
        """Change what `body` names; null takes away. Raises `Changed` unless the etag is current.

        Twice is harmless: the second time the etag has moved on. Raises `Gone`.
        """
        request = self._events.patch(calendarId=calendar_id, eventId=event_id, body=body)
        return await self._call(access, request, _event(zone), etag=etag)

    async def delete_event(
        self, access: Access, calendar_id: str, event_id: str, *, etag: str | None = None
    ) -> None:
        """Twice is harmless: raises `Gone` if it is. Raises `Changed` as `patch_event` does."""
        request = self._events.delete(calendarId=calendar_id, eventId=event_id)
        await self._call(access, request, _dict, etag=etag)

    async def watch(
        self,
        access: Access,
        calendar_id: str,
        channel_id: str,
        token: str,
        address: str,
        ttl: timedelta,
    ) -> Channel:
        """Have `address` told of changes. Google may end it earlier than `ttl`.

        A channel id is for one channel: the second time it is refused for good.
        """
        body = {
            "id": channel_id,
            "type": "web_hook",
            "address": address,
            "token": token,
            "params": {"ttl": str(round(ttl.total_seconds()))},
        }
        request = self._events.watch(calendarId=calendar_id, body=body)
        return await self._call(access, request, _channel)

    async def stop(self, access: Access, channel_id: str, resource_id: str) -> None:
        """Twice is harmless: a channel that is not known any more is success."""
        body = {"id": channel_id, "resourceId": resource_id}
        try:
            await self._call(access, self._channels.stop(body=body), _dict)
        except Gone:
            return

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _call(
        self,
        access: Access,
        request: HttpRequest,
        read: Callable[[dict[str, Any]], T],
        *,
        etag: str | None = None,
    ) -> T:
        """What `read` makes of the answer. An access token that is refused is renewed once."""
        headers = {k.lower(): v for k, v in request.headers.items() if k.lower() not in NOT_SENT}
        if etag is not None:
            headers["if-match"] = etag
        for _ in range(2):
            if self._pace:
                await self._pace.turn(str(access.connection_id))
            token = await self._tokens.get(access.connection_id, access.refresh_token)
            answer = await self._send(request, headers, token)
            if answer.status_code != UNAUTHORIZED:
                break
            self._tokens.forget(access.connection_id, token)
        if len(answer.content) > LONG:
            return await asyncio.to_thread(_read, request, answer, read)
        return _read(request, answer, read)

    async def _send(self, request: HttpRequest, headers: dict[str, str], token: str) -> Answer:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        headers = {**headers, "authorization": f"Bearer {token}"}
        try:
            return await self._http.request(
                request.method, request.uri, headers=headers, content=body
            )
        except VendorError as error:
            error.ambiguous = error.ambiguous and request.method not in READING
            raise


def _read(request: HttpRequest, answer: Answer, read: Callable[[dict[str, Any]], T]) -> T:
    """As the library judges and reads it. Raises VendorError."""
    response = httplib2.Response({**answer.headers, "status": str(answer.status_code)})
    try:
        if not answer.is_success:
            raise HttpError(response, answer.content, uri=request.uri)  # noqa: TRY301 - as its `execute` does
        return read(_dict(request.postproc(response, answer.content)))
    except HttpError as error:
        raise failure(error, answer, request) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Half an answer, or a page of whatever stands between us and Google.
        raise VendorError(
            f"{VENDOR} answered {answer.status_code} without its JSON",
            permanent=False,
            ambiguous=request.method not in READING,
        ) from error


def _page(found: dict[str, Any]) -> EventPage:
    zone = _text(found.get("timeZone")) or "UTC"
    events, unread = list[RemoteEvent](), list[str]()
    for each in found["items"]:
        try:
            events.append(read_event(each, zone=zone))
        except ValueError:
            unread.append(str(each.get("id")))
    page_token, sync_token = _text(found.get("nextPageToken")), _text(found.get("nextSyncToken"))
    if page_token is None and sync_token is None:
        raise ValueError("a listing goes on or ends")
    return EventPage(events, page_token, sync_token, zone, tuple(unread))


def _event(zone: str) -> Callable[[dict[str, Any]], RemoteEvent]:
    return lambda found: read_event(found, zone=zone)


def _channel(found: dict[str, Any]) -> Channel:
    expires_at = datetime.fromtimestamp(int(found["expiration"]) / 1000, UTC)
    return Channel(str(found["resourceId"]), expires_at)


def _calendar(entry: dict[str, Any]) -> Calendar:
    name = entry.get("summaryOverride") or entry.get("summary") or entry["id"]
    return Calendar(
        id=str(entry["id"]),
        name=str(name),
        zone=_text(entry.get("timeZone")) or "UTC",
        primary=entry.get("primary") is True,
        writable=entry.get("accessRole") in WRITERS,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _dict(value: object) -> dict[str, Any]:
    if value in ("", None):  # of a 204
        return {}
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004 - the answer is wrong, not our types
    return value


def _dicts(value: object) -> Sequence[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
