"""The emulator's calendar, as Google's own library over its own transport meets it."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httplib2
import pytest
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

from integrations.sandbox.google_errors import Refused
from integrations.sandbox.google_events import Calendar, Listing
from tests.integrations.calendars import body, connect, day, event_id
from tests.integrations.conftest import Sandbox

WEEKLY = ["RRULE:FREQ=WEEKLY;COUNT=5"]


@pytest.fixture
def service(sandbox: Sandbox, account: str) -> Iterator[Any]:
    held = Credentials(  # type: ignore[no-untyped-call]  # the library has no types here
        token=None,
        refresh_token=connect(sandbox, account).refresh_token.get_secret_value(),
        token_uri=f"{sandbox.url}/google/token",
        client_id="voicetodo",
        client_secret="any",
    )
    with closing(AuthorizedHttp(held, http=httplib2.Http(timeout=5, proxy_info=None))) as http:
        yield build_from_document(
            json.loads(get_static_doc("calendar", "v3")),
            http=http,
            client_options={"api_endpoint": f"{sandbox.url}/google/calendar/v3/"},
        )


@pytest.fixture
def events(service: Any) -> Any:
    return service.events()


def refused(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as told:
        request.execute()
    return told.value.status_code, told.value.error_details[0]["reason"]


def insert(events: Any, content: dict[str, Any], calendar: str = "primary") -> Any:
    return events.insert(calendarId=calendar, body=content).execute()


def patch(events: Any, key: str, content: dict[str, Any]) -> Any:
    return events.patch(calendarId="primary", eventId=key, body=content).execute()


def listed(events: Any, **query: Any) -> Any:
    return events.list(calendarId="primary", **query).execute()


def test_every_field_is_kept_and_googles_own_are_added(events: Any, account: str) -> None:
    given = body(
        location="Kitchen", colorId="8", guestsCanModify=True, attachments=[{"fileUrl": "x"}]
    )
    made = insert(events, given | {"id": event_id(), "updated": "1999", "creator": {"email": "x"}})
    assert {k: made[k] for k in ("location", "colorId", "guestsCanModify", "attachments")} == {
        "location": "Kitchen",
        "colorId": "8",
        "guestsCanModify": True,
        "attachments": [{"fileUrl": "x"}],
    }
    me = {"email": account, "self": True}
    assert (made["creator"], made["organizer"], made["status"]) == (me, me, "confirmed")
    assert made["updated"] > "2000"
    assert made["etag"].startswith('"')
    assert made["iCalUID"] == f"{made['id']}@google.com"
    again = patch(events, made["id"], {"summary": "Other"})
    assert (again["summary"], again["location"]) == ("Other", "Kitchen")
    assert again["etag"] != made["etag"]


def test_an_update_takes_away_what_it_does_not_name(events: Any) -> None:
    made = insert(events, body(location="Kitchen"))
    after = events.update(calendarId="primary", eventId=made["id"], body=body("Other")).execute()
    assert "location" not in after
    assert (after["id"], after["summary"]) == (made["id"], "Other")


def test_times_are_shown_on_the_calendars_wall_with_the_events_zone(events: Any) -> None:
    tokyo = {"dateTime": "2026-11-24T09:00:00", "timeZone": "Asia/Tokyo"}
    made = insert(events, {"start": tokyo, "end": {"dateTime": "2026-11-24T02:00:00Z"}})
    assert made["start"] == {"dateTime": "2026-11-24T01:00:00+01:00", "timeZone": "Asia/Tokyo"}
    assert made["end"] == {"dateTime": "2026-11-24T03:00:00+01:00", "timeZone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (body(id="abc"), "invalid"),  # too short
        (body(id="xyz" * 9), "invalid"),  # letters beyond v
        ({"summary": "x"}, "required"),
        ({"start": {"date": "2026-11-24"}}, "required"),
        (body(end={"date": "2026-11-25"}), "invalid"),
        (body(start={"dateTime": "2026-11-24T09:00:00"}), "required"),
        (body(start={"dateTime": "2026-11-24T09:00:00", "timeZone": "Mars/Base"}), "invalid"),
        (body(start={"dateTime": "tomorrow"}), "invalid"),
        (body(start={"date": "2026-11-24", "dateTime": "2026-11-24T09:00:00Z"}), "invalid"),
        (body(end={"dateTime": "2026-11-24T07:00:00Z"}), "timeRangeEmpty"),
        (day("2026-11-24", "2026-11-24"), "timeRangeEmpty"),
        (body(status="done"), "invalid"),
        (body(eventType="fromGmail"), "invalid"),
        (body(recurrence=["FREQ=DAILY"]), "invalid"),
        (body(recurrence=["RRULE:FREQ=NEVER"]), "invalid"),
        (body(recurrence=["DTSTART:20261124T090000Z"]), "invalid"),
        (body(recurrence=["EXDATE:20261332"]), "invalid"),
        (body(recurrence=["EXDATE;TZID=Mars/Base:20261124T090000"]), "invalid"),
        (body(recurrence=[1]), "invalid"),
        (body(start={"dateTime": "0001-01-01T00:00:00+14:00"}), "invalid"),
        (body(end={"dateTime": "9999-12-31T23:59:59Z"}), "invalid"),
        (body(start={"dateTime": "2026-11-24T09:00:00", "timeZone": {}}), "invalid"),
        (body(attendees=[1]), "invalid"),
        (
            {
                "start": {"dateTime": "2026-11-24T09:00:00Z"},
                "end": {"dateTime": "2026-11-24T10:00:00Z"},
                "recurrence": WEEKLY,
            },
            "required",
        ),
        (body(extendedProperties={"private": {"n" * 45: "x"}}), "invalid"),
        (body(extendedProperties={"private": {"n": "x" * 1025}}), "invalid"),
        (body(extendedProperties={"private": {"n": 1}}), "invalid"),
        (body(extendedProperties={"private": {str(n): "" for n in range(301)}}), "invalid"),
        (body(description="x" * 8193), "invalid"),
    ],
)
def test_what_google_does_not_take(events: Any, content: dict[str, Any], reason: str) -> None:
    assert refused(events.insert(calendarId="primary", body=content)) == (400, reason)


def test_a_patch_of_another_kind_of_start_has_to_take_the_old_one_away(events: Any) -> None:
    made = insert(events, body())
    days = {"start": {"date": "2026-11-24"}, "end": {"date": "2026-11-25"}}
    request = events.patch(calendarId="primary", eventId=made["id"], body=days)
    assert refused(request) == (400, "invalid")
    whole = {name: at | {"dateTime": None, "timeZone": None} for name, at in days.items()}
    assert patch(events, made["id"], whole)["start"] == {"date": "2026-11-24"}


def test_properties_are_merged_by_their_names(events: Any) -> None:
    made = insert(events, body(extendedProperties={"private": {"a": "1", "b": "2"}}))
    after = patch(events, made["id"], {"extendedProperties": {"private": {"a": None, "c": "3"}}})
    assert after["extendedProperties"] == {"private": {"b": "2", "c": "3"}}


def test_an_ended_event_comes_back_when_it_is_confirmed(events: Any) -> None:
    made = insert(events, body())
    events.delete(calendarId="primary", eventId=made["id"]).execute()
    assert refused(events.delete(calendarId="primary", eventId=made["id"])) == (410, "deleted")
    assert not listed(events)["items"]
    assert patch(events, made["id"], {"status": "confirmed"})["status"] == "confirmed"
    assert [each["id"] for each in listed(events)["items"]] == [made["id"]]


def test_what_is_not_changed_is_not_sent_again(events: Any) -> None:
    made = insert(events, body())
    request = events.get(calendarId="primary", eventId=made["id"])
    request.headers["If-None-Match"] = made["etag"]
    with pytest.raises(HttpError) as told:
        request.execute()
    assert told.value.status_code == 304


def test_pages_together_are_the_listing_and_each_change_is_told_later(events: Any) -> None:
    made = [insert(events, body(str(number)))["id"] for number in range(7)]
    pages, token = [listed(events, maxResults=3)], ""
    patch(events, made[1], {"summary": "during"})  # after its page was read
    late = insert(events, body("late"))["id"]
    while token := pages[-1].get("nextPageToken", ""):
        assert "nextSyncToken" not in pages[-1]
        pages.append(listed(events, maxResults=3, pageToken=token))
    seen = [each["id"] for page in pages for each in page["items"]]
    assert seen == [*made, late]
    later = listed(events, syncToken=pages[-1]["nextSyncToken"])
    assert [each["id"] for each in later["items"]] == [made[1], late]
    nothing = listed(events, syncToken=later["nextSyncToken"])
    assert nothing["items"] == []
    assert listed(events, syncToken=nothing["nextSyncToken"])["items"] == []


def test_later_changes_come_in_pages_too(events: Any) -> None:
    token = listed(events)["nextSyncToken"]
    made = [insert(events, body(str(number)))["id"] for number in range(5)]
    first = listed(events, syncToken=token, maxResults=2)
    second = listed(events, syncToken=token, maxResults=2, pageToken=first["nextPageToken"])
    third = listed(events, syncToken=token, maxResults=2, pageToken=second["nextPageToken"])
    assert [x["id"] for page in (first, second, third) for x in page["items"]] == made
    assert "nextSyncToken" in third


@pytest.mark.parametrize(
    "query",
    [
        {"timeMin": "2026-01-01T00:00:00Z"},
        {"orderBy": "updated"},
        {"showDeleted": False},
        {"privateExtendedProperty": "a=b"},
    ],
)
def test_a_sync_token_stands_alone(events: Any, query: dict[str, Any]) -> None:
    token = listed(events)["nextSyncToken"]
    request = events.list(calendarId="primary", syncToken=token, **query)
    assert refused(request) == (400, "invalid")


def test_a_token_is_for_its_calendar(events: Any, account: str) -> None:
    token = listed(events)["nextSyncToken"]
    other = f"family-{account.partition('@')[0]}@group.calendar.google.com"
    assert refused(events.list(calendarId=other, syncToken=token)) == (400, "invalid")


def test_instances_keep_the_wall_time_across_the_change_of_offset(events: Any) -> None:
    zone = "Europe/Berlin"
    made = insert(
        events,
        {
            "start": {"dateTime": "2026-10-19T09:00:00", "timeZone": zone},
            "end": {"dateTime": "2026-10-19T10:00:00", "timeZone": zone},
            "recurrence": [
                "RRULE:FREQ=WEEKLY;COUNT=3",
                "EXDATE;TZID=Europe/Berlin:20261102T090000",
            ],
        },
    )
    found = events.instances(calendarId="primary", eventId=made["id"]).execute()["items"]
    assert [each["start"]["dateTime"] for each in found] == [
        "2026-10-19T09:00:00+02:00",
        "2026-10-26T09:00:00+01:00",
    ]
    assert found[1]["id"] == f"{made['id']}_20261026T080000Z"
    assert "recurrence" not in found[1]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("RRULE:FREQ=DAILY;UNTIL=20261126", ["24", "25", "26"]),
        ("RRULE:FREQ=DAILY;UNTIL=20261125T080000Z", ["24", "25"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3", ["24", "26", "01"]),
        ("RDATE;VALUE=DATE:20261127", ["24", "27"]),
    ],
)
def test_rules_end(events: Any, rule: str, days: list[str]) -> None:
    made = insert(events, body(recurrence=[rule]))
    found = events.instances(calendarId="primary", eventId=made["id"]).execute()["items"]
    assert [each["start"]["dateTime"][8:10] for each in found] == days


def test_one_instance_is_moved_and_one_is_called_off(events: Any) -> None:
    made = insert(events, body(recurrence=WEEKLY))
    token = listed(events)["nextSyncToken"]
    second, third = (f"{made['id']}_202612{day}T080000Z" for day in ("01", "08"))
    moved = patch(
        events,
        second,
        {
            "start": {"dateTime": "2026-12-02T11:00:00+01:00"},
            "end": {"dateTime": "2026-12-02T12:00:00+01:00"},
        },
    )
    assert (moved["recurringEventId"], moved["originalStartTime"]["dateTime"]) == (
        made["id"],
        "2026-12-01T09:00:00+01:00",
    )
    events.delete(calendarId="primary", eventId=third).execute()
    later = listed(events, syncToken=token)["items"]
    assert [(each["id"], each["status"]) for each in later] == [
        (second, "confirmed"),
        (third, "cancelled"),
    ]
    assert set(later[1]) == {
        "kind",
        "etag",
        "id",
        "status",
        "recurringEventId",
        "originalStartTime",
    }
    # A called-off instance of a living series is in every listing.
    assert [each["id"] for each in listed(events)["items"]] == [made["id"], second, third]
    found = events.instances(calendarId="primary", eventId=made["id"]).execute()["items"]
    assert [each["start"]["dateTime"][:10] for each in found] == [
        "2026-11-24",
        "2026-12-02",
        "2026-12-15",
        "2026-12-22",
    ]
    assert refused(
        events.patch(calendarId="primary", eventId=second, body={"recurrence": WEEKLY})
    ) == (400, "invalid")
    nothing = f"{made['id']}_20261203T080000Z"
    assert refused(events.get(calendarId="primary", eventId=nothing)) == (404, "notFound")


def test_exceptions_end_with_what_they_are_exceptions_of(events: Any) -> None:
    made = insert(events, body(recurrence=WEEKLY))
    second, last = (f"{made['id']}_202612{day}T080000Z" for day in ("01", "22"))
    for each in (second, last):
        patch(events, each, {"summary": "Other"})
    patch(events, made["id"], {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    assert [each["id"] for each in listed(events)["items"]] == [made["id"], second, last]
    assert events.get(calendarId="primary", eventId=last).execute()["status"] == "cancelled"
    events.delete(calendarId="primary", eventId=made["id"]).execute()
    assert listed(events)["items"] == []
    assert refused(events.delete(calendarId="primary", eventId=second)) == (410, "deleted")


def test_an_invitation_of_somebody_else(events: Any, account: str, sandbox: Sandbox) -> None:
    guests = [{"email": f"{n}@example.com"} for n in range(3)]
    given = body(
        organizer={"email": "boss@example.com"},
        attendees=[*guests, {"email": account, "self": True, "responseStatus": "declined"}],
    )
    params = {"account": account}
    made = sandbox.http.post("/google/client/events", params=params, json=given).json()
    [found] = listed(events, maxAttendees=1)["items"]
    assert (found["id"], found["organizer"]) == (made["id"], {"email": "boss@example.com"})
    assert [each["email"] for each in found["attendees"]] == [account]
    assert len(listed(events)["items"][0]["attendees"]) == 4


def test_the_list_of_calendars_says_what_may_be_done(service: Any, account: str) -> None:
    entries = service.calendarList().list(minAccessRole="owner").execute()["items"]
    assert [each["summary"] for each in entries] == [account, "Family"]
    assert service.calendarList().get(calendarId="primary").execute()["id"] == account
    holidays = service.calendarList().list().execute()["items"][-1]["id"]
    request = service.events().insert(calendarId=holidays, body=body())
    assert refused(request) == (403, "requiredAccessLevel")


def test_without_a_token_there_is_nothing(sandbox: Sandbox) -> None:
    path = "/google/calendar/v3/calendars/primary/events"
    answer = sandbox.http.get(path)
    assert answer.status_code == 401
    assert answer.json()["error"]["errors"][0]["reason"] == "authError"
    assert sandbox.http.get(path, headers={"authorization": "Bearer x"}).status_code == 401
    assert [row["kind"] for row in sandbox.ledger()] == 2 * ["events.list"]


NESTED = '{"a":' * 300 + "1" + "}" * 300


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"', "\xff", NESTED])
def test_a_body_that_is_no_object(sandbox: Sandbox, account: str, content: str) -> None:
    token = sandbox.http.post(
        "/google/token",
        data={
            "grant_type": "refresh_token",
            "refresh_token": connect(sandbox, account).refresh_token.get_secret_value(),
            "client_id": "voicetodo",
            "client_secret": "any",
        },
    ).json()["access_token"]
    answer = sandbox.http.post(
        "/google/calendar/v3/calendars/primary/events",
        content=content.encode("latin-1"),
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 400


def test_the_tokens_of_a_sandbox_before_this_one_have_expired() -> None:
    before, after = (Calendar("primary", "ann@sandbox.test", "Ann", "UTC") for _ in range(2))
    token = before.list(Listing(), 10).next_sync_token
    assert token is not None
    assert before.listing("sync", token).since == 0
    with pytest.raises(Refused) as told:
        after.listing("sync", token)
    assert told.value.status == 410
