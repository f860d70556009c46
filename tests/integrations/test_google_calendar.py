"""Our client of Google Calendar against the emulator: what it reads and writes, and with what."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from uuid import uuid4

import pytest

from core import clock
from core.errors import AlreadyThere, Changed, Gone, Revoked, SyncTokenExpired, VendorError
from core.rules.calendar_events import Moment
from integrations import google_calendar as module
from integrations.google_calendar import Access, GoogleCalendar
from integrations.sandbox.google_accounts import EVENTS_SCOPE
from tests.integrations.calendars import body, client, connect, event_id, kinds
from tests.integrations.conftest import Sandbox

ADDRESS = "http://127.0.0.1:8000/api/v1/webhooks/google-calendar"


@pytest.fixture
async def google(sandbox: Sandbox) -> AsyncIterator[GoogleCalendar]:
    async with client(sandbox) as google:
        yield google


@pytest.fixture
def access(sandbox: Sandbox, account: str) -> Access:
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


async def test_many_calls_find_out_together_that_a_token_has_run_out(
    google: GoogleCalendar, access: Access, sandbox: Sandbox
) -> None:
    await google.list_events(access, "primary")
    sandbox.http.post("/google/expire-access")
    asked = kinds(sandbox).count("oauth.token")
    await asyncio.gather(*(google.list_events(access, "primary") for _ in range(5)))
    assert kinds(sandbox).count("oauth.token") == asked + 1


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


async def test_one_person_is_called_for_no_faster_than_was_said(
    sandbox: Sandbox, access: Access
) -> None:
    """Those that were saved up at once, then one by one."""
    time_of = asyncio.get_running_loop().time
    async with client(sandbox, a_second=20) as google:
        began = time_of()
        await asyncio.gather(*(google.list_events(access, "primary") for _ in range(30)))
        assert time_of() - began >= 10 / 20
