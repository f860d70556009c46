"""The emulator tells who watches a calendar, by real requests to the API's own address."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
from starlette.types import Receive, Scope, Send

from core.errors import VendorError
from core.settings import Settings
from integrations.google_calendar import Access, Channel, GoogleCalendar
from integrations.sandbox.app import create_app
from tests import plain
from tests.integrations.calendars import body, client, connect, event_id
from tests.integrations.conftest import Sandbox
from tests.patience import PATIENCE_S
from tests.serving import serve

PATH = "/api/v1/webhooks/google-calendar"
WEEK = timedelta(days=7)


@dataclass(slots=True)
class Hook:
    """Answers what `statuses` says, then 200."""

    told: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await receive()
        assert scope["path"] == PATH
        self.told.append({k.decode(): v.decode() for k, v in scope["headers"]})
        status = self.statuses.pop(0) if self.statuses else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def wait(self, count: int, *, at_most: int | None = None) -> list[dict[str, str]]:
        """All that was told, once it is so many; and no more come for a while."""
        until = time.monotonic() + PATIENCE_S
        while len(self.told) < count and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.3)
        assert count <= len(self.told) <= (at_most or count)
        return self.told

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(x["x-goog-resource-state"], x["x-goog-message-number"]) for x in self.told]


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    with serve(hook) as url:
        hook.url = url
        yield hook


@pytest.fixture
def sandbox(hook: Hook) -> Iterator[Sandbox]:
    app = create_app(Settings(_env_file=None, public_url=hook.url))
    with (
        serve(app) as url,
        plain.client(url) as http,
    ):
        yield Sandbox(url, http, 0)


@pytest.fixture
async def google(sandbox: Sandbox) -> AsyncIterator[GoogleCalendar]:
    async with client(sandbox) as google:
        yield google


@pytest.fixture
def access(sandbox: Sandbox) -> Access:
    return connect(sandbox, "alice@sandbox.test")


Add = Callable[[], None]


@pytest.fixture
def add(sandbox: Sandbox) -> Add:
    """An event that a person makes."""

    def made() -> None:
        answer = sandbox.http.post("/google/client/events", json=body())
        assert answer.status_code == 201

    return made


async def watch(google: GoogleCalendar, access: Access, hook: Hook) -> tuple[str, Channel]:
    channel_id = str(uuid4())
    address = hook.url + PATH
    return channel_id, await google.watch(access, "primary", channel_id, "s3cret", address, WEEK)


async def test_a_channel_begins_with_a_message_and_tells_each_change(
    google: GoogleCalendar, access: Access, hook: Hook, add: Add
) -> None:
    channel_id, channel = await watch(google, access, hook)
    [first] = hook.wait(1)
    add()
    _, second = hook.wait(2)
    assert hook.states == [("sync", "1"), ("exists", "2")]
    for each in (first, second):
        assert each["x-goog-channel-id"] == channel_id
        assert each["x-goog-channel-token"] == "s3cret"
        assert each["x-goog-resource-id"] == channel.resource_id
        assert each["x-goog-channel-expiration"].endswith("GMT")
        assert each["content-length"] == "0"


async def test_our_own_writes_are_told_as_well(
    google: GoogleCalendar, access: Access, hook: Hook
) -> None:
    await watch(google, access, hook)
    hook.wait(1)
    key = event_id()
    await google.insert_event(access, "primary", key, body())
    hook.wait(2)
    await google.delete_event(access, "primary", key)
    hook.wait(3)


async def test_changes_shortly_after_one_another_are_told_together(
    google: GoogleCalendar, access: Access, hook: Hook, add: Add
) -> None:
    await watch(google, access, hook)
    hook.wait(1)
    for _ in range(5):
        add()
    hook.wait(2, at_most=4)  # a busy machine may take its time between two of them


async def test_a_stopped_channel_is_silent(
    google: GoogleCalendar, access: Access, hook: Hook, add: Add
) -> None:
    channel_id, channel = await watch(google, access, hook)
    hook.wait(1)
    await google.stop(access, channel_id, channel.resource_id)
    add()
    hook.wait(1)


async def test_what_was_not_taken_is_told_again(
    google: GoogleCalendar, access: Access, hook: Hook
) -> None:
    hook.statuses = [503]
    await watch(google, access, hook)
    hook.wait(2)


async def test_what_was_refused_is_not_told_again(
    google: GoogleCalendar, access: Access, hook: Hook
) -> None:
    hook.statuses = [404]
    await watch(google, access, hook)
    hook.wait(1)


@pytest.mark.parametrize(("drop", "count"), [("before", 1), ("after", 3)])
async def test_messages_are_lost_and_doubled_as_scripted(
    google: GoogleCalendar,
    access: Access,
    hook: Hook,
    add: Add,
    sandbox: Sandbox,
    drop: str,
    count: int,
) -> None:
    await watch(google, access, hook)
    hook.wait(1)
    sandbox.fault(vendor="google_calendar", kind="notification", drop=drop)
    add()
    hook.wait(count)
    add()
    hook.wait(count + 1)


async def test_a_message_is_held_back_as_scripted(
    google: GoogleCalendar, access: Access, hook: Hook, add: Add, sandbox: Sandbox
) -> None:
    await watch(google, access, hook)
    hook.wait(1)
    sandbox.fault(vendor="google_calendar", kind="notification", delay_ms=700)
    add()
    hook.wait(1)
    hook.wait(2)


async def test_a_fault_of_the_api_does_not_meet_a_message(
    google: GoogleCalendar, access: Access, hook: Hook, sandbox: Sandbox
) -> None:
    await watch(google, access, hook)
    sandbox.fault(vendor="google_calendar", status=500)
    hook.wait(1)
    with pytest.raises(VendorError):
        await google.list_events(access, "primary")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/api/v1/webhooks/google-calendar",
        "https://elsewhere.example/api/v1/webhooks/google-calendar",
        "",
    ],
)
async def test_nobody_else_is_called(google: GoogleCalendar, access: Access, address: str) -> None:
    with pytest.raises(VendorError) as told:
        await google.watch(access, "primary", str(uuid4()), "x", address, WEEK)
    assert told.value.permanent
