"""Our client of Google Calendar against the emulator: what it does, and makes of errors."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr

from core import clock
from core.errors import (
    AlreadyThere,
    Changed,
    Gone,
    Revoked,
    SyncTokenExpired,
    VendorError,
)
from core.rules.calendar_events import Moment
from integrations import google_calendar as module
from integrations.google_calendar import Access, GoogleCalendar
from integrations.sandbox.google_accounts import EVENTS_SCOPE, LIST_SCOPE
from tests.integrations.conftest import Sandbox

BACK = "http://127.0.0.1:8000/callback"
SECRET = SecretStr("any")
ADDRESS = "http://127.0.0.1:8000/api/v1/webhooks/google-calendar"


def connect(sandbox: Sandbox, account: str, **more: str) -> Access:
    asked = {
        "client_id": "voicetodo",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": f"{EVENTS_SCOPE} {LIST_SCOPE}",
        "access_type": "offline",
        "approve": "1",
        "account": account,
    }
    redirected = sandbox.http.get("/google/o/oauth2/v2/auth", params=asked | more)
    code = dict(parse_qsl(urlsplit(redirected.headers["location"]).query))["code"]
    given = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "voicetodo",
        "client_secret": "any",
        "redirect_uri": BACK,
    }
    answer = sandbox.http.post("/google/token", data=given).json()
    return Access(uuid4(), SecretStr(answer["refresh_token"]))


def body(summary: str = "Water the plants", **more: Any) -> dict[str, Any]:
    zone = "Europe/Berlin"
    return {
        "summary": summary,
        "start": {"dateTime": "2026-11-24T09:00:00", "timeZone": zone},
        "end": {"dateTime": "2026-11-24T09:30:00", "timeZone": zone},
        **more,
    }


def day(on: str, end: str, **more: Any) -> dict[str, Any]:
    return {"summary": "A day", "start": {"date": on}, "end": {"date": end}, **more}


def event_id() -> str:
    return f"vt{uuid4().hex}"


def kinds(sandbox: Sandbox) -> list[str]:
    return [row["kind"] for row in sandbox.ledger() if row["vendor"] == "google_calendar"]


@pytest.fixture
async def google(sandbox: Sandbox) -> AsyncIterator[GoogleCalendar]:
    url = f"{sandbox.url}/google"
    async with GoogleCalendar(url, f"{url}/token", "voicetodo", SECRET) as google:
        yield google


@pytest.fixture
def account() -> str:
    return f"{uuid4().hex[:12]}@sandbox.test"


@pytest.fixture
def access(sandbox: Sandbox, account: str) -> Access:
    """Of an account that no other test has; the calls from here on are the test's own."""
    return connect(sandbox, account)


async def test_calendars_come_with_what_may_be_done_in_them(
    google: GoogleCalendar, access: Access, account: str
) -> None:
    first, *others = await google.calendars(access)
    assert (first.id, first.primary, first.writable, first.zone) == (
        account,
        True,
        True,
        "Europe/Berlin",
    )
    assert [(each.name, each.writable) for each in others] == [
        ("Family", True),
        ("Holidays", False),
    ]


async def test_an_event_is_made_read_changed_and_ended(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    key = event_id()
    private = {"vt_origin": "todo"}
    given = body(extendedProperties={"private": private})
    made = await google.insert_event(access, "primary", key, given)
    assert (made.id, made.summary, made.private) == (key, "Water the plants", private)
    assert made.start == Moment(date(2026, 11, 24), time(9), "Europe/Berlin")
    assert made.end == Moment(date(2026, 11, 24), time(9, 30), "Europe/Berlin")
    assert made.organizer_self
    assert await google.get_event(access, "primary", key) == made
    moved = await google.patch_event(
        access,
        "primary",
        key,
        {
            "start": {"date": "2026-11-25", "dateTime": None, "timeZone": None},
            "end": {"date": "2026-11-26", "dateTime": None, "timeZone": None},
        },
        etag=made.etag,
    )
    assert (moved.start, moved.summary, moved.private) == (
        Moment(date(2026, 11, 25), None, None),
        "Water the plants",
        private,
    )
    assert moved.etag != made.etag
    await google.delete_event(access, "primary", key, etag=moved.etag)
    assert (await google.get_event(access, "primary", key)).cancelled
    assert [each for each in kinds(sandbox) if each.startswith("events.")] == [
        "events.insert",
        "events.get",
        "events.patch",
        "events.delete",
        "events.get",
    ]


async def test_a_listing_goes_on_from_its_token(google: GoogleCalendar, access: Access) -> None:
    key = event_id()
    await google.insert_event(access, "primary", key, body())
    whole = await google.list_events(access, "primary")
    assert [each.id for each in whole.events] == [key]
    assert (whole.next_page_token, whole.zone) == (None, "Europe/Berlin")
    assert whole.next_sync_token is not None
    await google.delete_event(access, "primary", key)
    later = await google.list_events(access, "primary", sync_token=whole.next_sync_token)
    assert [(each.id, each.status) for each in later.events] == [(key, "cancelled")]
    assert not (await google.list_events(access, "primary")).events


async def test_a_listing_of_many_comes_in_pages(
    google: GoogleCalendar, access: Access, account: str, sandbox: Sandbox
) -> None:
    for number in range(module.EVENTS + 1):
        made = sandbox.http.post(
            "/google/client/events", params={"account": account}, json=body(str(number))
        )
        assert made.status_code == 201
    first = await google.list_events(access, "primary")
    assert first.next_sync_token is None
    assert first.next_page_token is not None
    last = await google.list_events(access, "primary", page_token=first.next_page_token)
    assert last.next_page_token is None
    names = [each.summary for each in first.events + last.events]
    assert names == [str(number) for number in range(module.EVENTS + 1)]


async def test_what_is_no_event_is_named_and_the_rest_is_read(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    content = {
        "timeZone": "Europe/Berlin",
        "items": [
            {"id": "odd", "start": {"date": "no day"}},
            {"id": "gone", "status": "cancelled"},
        ],
        "nextSyncToken": "a",
    }
    sandbox.fault(vendor="google_calendar", kind="events.list", status=200, body=content)
    page = await google.list_events(access, "primary")
    assert (page.unread, [each.id for each in page.events]) == (("odd",), ["gone"])


async def test_an_id_is_for_one_event_also_when_that_has_ended(
    google: GoogleCalendar, access: Access
) -> None:
    key = event_id()
    await google.insert_event(access, "primary", key, body())
    with pytest.raises(AlreadyThere):
        await google.insert_event(access, "primary", key, body())
    await google.delete_event(access, "primary", key)
    with pytest.raises(AlreadyThere):
        await google.insert_event(access, "primary", key, body())
    with pytest.raises(Gone):
        await google.delete_event(access, "primary", key)


async def test_an_etag_of_yesterday_changes_nothing(google: GoogleCalendar, access: Access) -> None:
    key = event_id()
    made = await google.insert_event(access, "primary", key, body())
    await google.patch_event(access, "primary", key, {"summary": "By somebody"})
    with pytest.raises(Changed):
        await google.patch_event(access, "primary", key, {"summary": "Late"}, etag=made.etag)
    with pytest.raises(Changed):
        await google.delete_event(access, "primary", key, etag=made.etag)
    assert (await google.get_event(access, "primary", key)).summary == "By somebody"


async def test_what_is_not_there_is_gone(google: GoogleCalendar, access: Access) -> None:
    with pytest.raises(Gone):
        await google.get_event(access, "primary", event_id())
    with pytest.raises(Gone):
        await google.patch_event(access, "primary", event_id(), {"summary": "x"})
    with pytest.raises(Gone):
        await google.list_events(access, "no-such@group.calendar.google.com")


async def test_an_expired_token_asks_for_a_whole_listing(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    token = (await google.list_events(access, "primary")).next_sync_token
    sandbox.http.post("/google/expire")
    with pytest.raises(SyncTokenExpired):
        await google.list_events(access, "primary", sync_token=token)
    with pytest.raises(SyncTokenExpired):
        await google.list_events(access, "primary", sync_token="of another age")
    with pytest.raises(SyncTokenExpired):
        await google.list_events(access, "primary", page_token="of another age")


async def test_an_access_token_is_asked_for_once(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    for _ in range(3):
        await google.list_events(access, "primary")
    # The first is of the code that was exchanged.
    assert kinds(sandbox) == ["oauth.token", "oauth.token", *3 * ["events.list"]]


async def test_an_access_token_that_has_run_out_is_renewed_on_the_way(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    await google.list_events(access, "primary")
    sandbox.http.post("/google/expire-access")
    await google.insert_event(access, "primary", event_id(), body())
    assert kinds(sandbox)[-3:] == ["events.insert", "oauth.token", "events.insert"]


async def test_another_refresh_token_of_the_connection_begins_anew(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    await google.list_events(access, "primary")
    other = f"{uuid4().hex[:12]}@sandbox.test"
    again = Access(access.connection_id, connect(sandbox, other).refresh_token)
    assert (await google.calendars(again))[0].id == other


async def test_a_withdrawn_access_is_told(
    google: GoogleCalendar, access: Access, account: str, sandbox: Sandbox
) -> None:
    await google.list_events(access, "primary")
    sandbox.http.post("/google/removed", params={"account": account})
    with pytest.raises(Revoked) as told:
        await google.list_events(access, "primary")
    assert told.value.permanent
    assert kinds(sandbox)[-2:] == ["events.list", "oauth.token"]


async def test_an_access_that_is_refused_twice_is_withdrawn(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    sandbox.fault(vendor="google_calendar", kind="events.list", status=401, times=2)
    with pytest.raises(Revoked):
        await google.list_events(access, "primary")


async def test_a_permission_that_was_left_out_is_as_good_as_withdrawn(
    google: GoogleCalendar, sandbox: Sandbox, account: str
) -> None:
    access = connect(sandbox, account, granted=EVENTS_SCOPE)
    with pytest.raises(Revoked):
        await google.calendars(access)
    assert (await google.list_events(access, "primary")).zone


async def test_a_client_that_google_does_not_know_ends_no_connection(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    """Only an operator can mend it: nobody should be asked to connect again."""
    sandbox.fault(vendor="google_calendar", kind="oauth.token", status=401)
    with pytest.raises(VendorError) as told:
        await google.list_events(access, "primary")
    assert not isinstance(told.value, Revoked)
    assert (told.value.permanent, told.value.retry_after) == (False, timedelta(hours=1))


async def test_a_calendar_that_is_only_read_refuses_for_good(
    google: GoogleCalendar, access: Access
) -> None:
    holidays = (await google.calendars(access))[-1]
    with pytest.raises(VendorError) as told:
        await google.insert_event(access, holidays.id, event_id(), body())
    assert type(told.value) is VendorError
    assert told.value.permanent


Call = Callable[[GoogleCalendar, Access], Awaitable[object]]


def insert(google: GoogleCalendar, access: Access) -> Awaitable[object]:
    return google.insert_event(access, "primary", event_id(), body())


def listing(google: GoogleCalendar, access: Access) -> Awaitable[object]:
    return google.list_events(access, "primary")


def quota(reason: str) -> dict[str, Any]:
    told = {"domain": "usageLimits", "reason": reason, "message": "Limit"}
    return {"error": {"errors": [told], "code": 403, "message": "Limit"}}


SECONDS = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, 7 * SECONDS),
        ({"status": 429}, 10 * SECONDS),
        ({"status": 403}, 10 * SECONDS),
        ({"status": 403, "headers": {"Retry-After": "3"}}, 3 * SECONDS),
        ({"status": 403, "body": quota("userRateLimitExceeded")}, 10 * SECONDS),
        ({"status": 403, "body": quota("quotaExceeded")}, 3600 * SECONDS),
        ({"status": 403, "body": quota("dailyLimitExceeded")}, 3600 * SECONDS),
        ({"status": 503, "headers": {"Retry-After": "5"}}, 5 * SECONDS),
        ({"status": 500}, None),
    ],
)
@pytest.mark.parametrize("call", [insert, listing])
async def test_limits_and_passing_failures_say_when_again(
    google: GoogleCalendar,
    access: Access,
    sandbox: Sandbox,
    fault: dict[str, Any],
    wait: timedelta | None,
    call: Call,
) -> None:
    kind = "events.insert" if call is insert else "events.list"
    sandbox.fault(vendor="google_calendar", kind=kind, **fault)
    with pytest.raises(VendorError) as told:
        await call(google, access)
    assert (type(told.value), told.value.permanent) == (VendorError, False)
    assert told.value.retry_after == wait
    # Only of a write somebody has to ask whether it was carried out.
    assert told.value.ambiguous == (fault["status"] >= 500 and call is insert)
    assert "Limit" not in str(told.value)


@pytest.mark.parametrize("drop", ["after", "midway"])
async def test_a_lost_answer_is_in_doubt_and_the_same_write_settles_it(
    google: GoogleCalendar, access: Access, sandbox: Sandbox, drop: str
) -> None:
    key = event_id()
    await google.list_events(access, "primary")
    sandbox.fault(vendor="google_calendar", kind="events.insert", drop=drop)
    with pytest.raises(VendorError) as told:
        await google.insert_event(access, "primary", key, body())
    assert (told.value.permanent, told.value.ambiguous) == (False, True)
    with pytest.raises(AlreadyThere):
        await google.insert_event(access, "primary", key, body())
    # It was not repeated behind our back.
    assert kinds(sandbox).count("events.insert") == 2


async def test_a_lost_listing_is_only_asked_for_again(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    sandbox.fault(vendor="google_calendar", kind="events.list", drop="before")
    with pytest.raises(VendorError) as told:
        await google.list_events(access, "primary")
    assert (told.value.permanent, told.value.ambiguous) == (False, False)


@pytest.mark.parametrize("drop", ["before", "midway"])
async def test_a_lost_refresh_leaves_no_doubt_about_the_write(
    google: GoogleCalendar, access: Access, sandbox: Sandbox, drop: str
) -> None:
    sandbox.fault(vendor="google_calendar", kind="oauth.token", drop=drop)
    with pytest.raises(VendorError) as told:
        await insert(google, access)
    assert (told.value.permanent, told.value.ambiguous) == (False, False)
    assert "events.insert" not in kinds(sandbox)


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "abc", "status": "confirm',
        "<html>Sign in to the hotel's network</html>",
        "[]",
        "null",
        '{"id": "abc"}',
        '"text"',
        "{}",
        "\x00",
    ],
)
@pytest.mark.parametrize("call", [insert, listing])
async def test_an_answer_that_is_no_answer(
    google: GoogleCalendar, access: Access, sandbox: Sandbox, text: str, call: Call
) -> None:
    kind = "events.insert" if call is insert else "events.list"
    sandbox.fault(vendor="google_calendar", kind=kind, status=200, body=text)
    with pytest.raises(VendorError) as told:
        await call(google, access)
    assert (told.value.permanent, told.value.ambiguous) == (False, call is insert)


@pytest.mark.parametrize("text", ["", "{}", '{"access_token": "a"}', "[1]", "<html>"])
async def test_a_token_that_is_no_token(
    google: GoogleCalendar, access: Access, sandbox: Sandbox, text: str
) -> None:
    sandbox.fault(vendor="google_calendar", kind="oauth.token", status=200, body=text)
    with pytest.raises(VendorError) as told:
        await google.list_events(access, "primary")
    assert (type(told.value), told.value.permanent) == (VendorError, False)


@pytest.mark.parametrize("status", [400, 402, 405, 413, 418])
async def test_what_no_repetition_mends(
    google: GoogleCalendar, access: Access, sandbox: Sandbox, status: int
) -> None:
    sandbox.fault(vendor="google_calendar", kind="events.insert", status=status)
    with pytest.raises(VendorError) as told:
        await insert(google, access)
    assert (type(told.value), told.value.permanent) == (VendorError, True)


async def test_a_redirect_is_not_followed(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    elsewhere = {"Location": f"{sandbox.url}/google/calendar/v3/users/me/calendarList"}
    sandbox.fault(vendor="google_calendar", kind="events.list", status=302, headers=elsewhere)
    with pytest.raises(VendorError) as told:
        await google.list_events(access, "primary")
    assert told.value.permanent
    assert "calendarList.list" not in kinds(sandbox)


async def test_no_proxy_of_the_environment_sees_a_token(
    sandbox: Sandbox, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    url = f"{sandbox.url}/google"
    async with GoogleCalendar(url, f"{url}/token", "voicetodo", SECRET) as google:
        assert await google.calendars(access)


@contextmanager
def endless(head: bytes) -> Iterator[tuple[str, Thread]]:
    """A server whose answer never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(head)
                    while True:
                        connection.sendall(b" " * 65536)
                except OSError:
                    return  # they had enough

        thread = Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", thread


async def test_an_answer_without_end_is_not_read_to_it(sandbox: Sandbox, access: Access) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
    with endless(head) as (url, thread):
        token_url = f"{sandbox.url}/google/token"
        async with GoogleCalendar(url, token_url, "voicetodo", SECRET) as google:
            with pytest.raises(VendorError, match="too long"):
                await google.list_events(access, "primary")
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive(), "it was read on and on"


async def test_a_channel_is_opened_and_closed(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    channel_id, week = str(uuid4()), timedelta(days=7)
    made = await google.watch(access, "primary", channel_id, "secret", ADDRESS, week)
    assert abs(made.expires_at - (clock.now() + week)) < timedelta(minutes=1)
    with pytest.raises(VendorError) as told:
        await google.watch(access, "primary", channel_id, "secret", ADDRESS, week)
    assert told.value.permanent
    await google.stop(access, channel_id, made.resource_id)
    await google.stop(access, channel_id, made.resource_id)
    assert kinds(sandbox)[-2:] == 2 * ["channels.stop"]


async def test_nothing_that_opens_a_door_is_in_the_ledger(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    await google.list_events(access, "primary")
    [row] = [row for row in sandbox.ledger() if row["kind"] == "events.list"]
    assert row["request"]["headers"]["authorization"] == "Bearer ***"
    assert row["request"]["headers"]["accept-encoding"] == "identity"
    assert "gdcl/" in row["request"]["headers"]["x-goog-api-client"]
