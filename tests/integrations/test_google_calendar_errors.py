"""What our client of Google Calendar makes of errors, and of what is no answer at all."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from core.errors import AlreadyThere, VendorError
from integrations.google_calendar import Access, GoogleCalendar
from tests.integrations.calendars import body, client, connect, event_id, kinds
from tests.integrations.conftest import Sandbox


@pytest.fixture
async def google(sandbox: Sandbox) -> AsyncIterator[GoogleCalendar]:
    async with client(sandbox) as google:
        yield google


@pytest.fixture
def access(sandbox: Sandbox, account: str) -> Access:
    return connect(sandbox, account)


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
    async with client(sandbox) as google:
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
        async with client(sandbox, base_url=url) as google:
            with pytest.raises(VendorError, match="too long"):
                await google.list_events(access, "primary")
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive(), "it was read on and on"
