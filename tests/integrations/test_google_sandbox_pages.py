"""The calendar's page, as people use it, and the doors for scripts."""

from datetime import date, timedelta
from typing import Any

import pytest

from core import clock
from core.rules import zones
from tests.integrations.calendars import body
from tests.integrations.conftest import Sandbox

PAGE = "/google/calendar"
CLIENT = "/google/client/events"
DASH = "\N{EN DASH}"


@pytest.fixture
def today() -> date:
    return zones.today(clock.now(), "Europe/Berlin")


def events(sandbox: Sandbox, account: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.http.get(CLIENT, params={"account": account}).json()
    return found


def send(sandbox: Sandbox, account: str, **form: str) -> str:
    """The page that a person sees after it."""
    answer = sandbox.http.post(PAGE, params={"account": account}, data=form)
    assert answer.status_code == 303, answer.text
    shown = sandbox.http.get(answer.headers["location"])
    assert shown.status_code == 200
    return shown.text


def test_an_event_is_added_moved_renamed_and_deleted(
    sandbox: Sandbox, account: str, today: date
) -> None:
    on, later = today.isoformat(), (today + timedelta(days=3)).isoformat()
    shown = send(sandbox, account, does="add", summary="Dentist <b>", on=on, at="10:00")
    assert "Dentist &lt;b&gt;" in shown
    assert f"10:00{DASH}10:30" in shown
    [made] = events(sandbox, account)
    key = made["id"]
    shown = send(sandbox, account, does="save", id=key, summary="Doctor", on=later, at="15:20")
    assert "Dentist" not in shown
    assert f"15:20{DASH}15:50" in shown
    [moved] = events(sandbox, account)
    assert (moved["summary"], moved["start"]["dateTime"][:16]) == ("Doctor", f"{later}T15:20")
    shown = send(sandbox, account, does="save", id=key, summary="Doctor", on=later, at="")
    assert events(sandbox, account)[0]["start"] == {"date": later}
    assert "All day" in shown
    assert "Doctor" not in send(sandbox, account, does="delete", id=key)
    assert events(sandbox, account)[0]["status"] == "cancelled"


def test_an_event_keeps_its_zone_and_length_and_unless_moved_its_time(
    sandbox: Sandbox, account: str
) -> None:
    tokyo = {"dateTime": "2026-11-24T09:00:20", "timeZone": "Asia/Tokyo"}
    given = {"start": tokyo, "end": {"dateTime": "2026-11-24T12:00:00", "timeZone": "Asia/Tokyo"}}
    made = sandbox.http.post(CLIENT, params={"account": account}, json=given).json()
    shown = sandbox.http.get(PAGE, params={"account": account, "start": "2026-11-20"}).text
    assert "Asia/Tokyo" in shown
    form = {"does": "save", "id": made["id"], "summary": "New", "on": "2026-11-24", "at": "01:00"}
    send(sandbox, account, **form)
    [renamed] = events(sandbox, account)
    assert (renamed["summary"], renamed["start"]) == ("New", made["start"])
    send(sandbox, account, **form | {"on": "2026-11-25", "at": "02:00"})
    [moved] = events(sandbox, account)
    assert moved["start"] == {"dateTime": "2026-11-25T02:00:00+01:00", "timeZone": "Asia/Tokyo"}
    assert moved["end"]["dateTime"] == "2026-11-25T04:59:40+01:00"


def test_one_of_a_series_is_moved_and_the_series_deleted(sandbox: Sandbox, account: str) -> None:
    series = body("Standup", recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    made = sandbox.http.post(CLIENT, params={"account": account}, json=series).json()
    start = {"account": account, "start": "2026-11-20"}
    assert sandbox.http.get(PAGE, params=start).text.count("Standup</span>") == 3
    key = f"{made['id']}_20261125T080000Z"
    send(sandbox, account, does="save", id=key, summary="Late", on="2026-11-25", at="11:00")
    shown = sandbox.http.get(PAGE, params=start).text
    assert (shown.count("Standup</span>"), shown.count("Late</span>")) == (2, 1)
    assert f"11:00{DASH}11:30" in shown
    send(sandbox, account, does="delete", id=made["id"])
    assert "Standup" not in sandbox.http.get(PAGE, params=start).text


@pytest.mark.parametrize(
    "form",
    [
        {"does": "add", "summary": "x", "on": "someday"},
        {"does": "add", "summary": "x", "on": "2026-11-24", "at": "25:00"},
        {"does": "save", "id": "nothing", "summary": "x", "on": "2026-11-24"},
        {"does": "delete", "id": "nothing"},
        {"does": "explode"},
        {},
    ],
)
def test_what_cannot_be_done_is_told(sandbox: Sandbox, account: str, form: dict[str, str]) -> None:
    answer = sandbox.http.post(PAGE, params={"account": account}, data=form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert events(sandbox, account) == []


def test_a_calendar_that_is_only_read_has_no_forms(sandbox: Sandbox) -> None:
    holidays = "holidays-alice@group.calendar.google.com"
    shown = sandbox.http.get(PAGE, params={"account": "alice@sandbox.test", "calendar": holidays})
    assert "read only" in shown.text
    assert "<form" not in shown.text


def test_there_is_no_page_of_nobody(sandbox: Sandbox) -> None:
    assert sandbox.http.get(PAGE, params={"account": "no address"}).status_code == 404
    assert sandbox.http.get(PAGE, params={"calendar": "nothing"}).status_code == 404
    for start in ("0001-01-01", "9999-12-31"):
        assert sandbox.http.get(PAGE, params={"start": start}).status_code == 404


def test_a_calendar_is_added_in_a_zone(sandbox: Sandbox, account: str) -> None:
    asked = {"account": account, "summary": "Tokyo", "time_zone": "Asia/Tokyo"}
    made = sandbox.http.post("/google/calendars", json=asked).json()
    where = {"account": account, "calendar": made["id"]}
    put = sandbox.http.post(CLIENT, params=where, json=body())
    assert put.json()["start"]["dateTime"] == "2026-11-24T17:00:00+09:00"
    shown = sandbox.http.get(PAGE, params=where | {"start": "2026-11-24"}).text
    assert f"17:00{DASH}17:30" in shown
    nowhere = asked | {"time_zone": "Mars/Base"}
    assert sandbox.http.post("/google/calendars", json=nowhere).status_code == 422


def test_scripts_change_and_end_events(sandbox: Sandbox, account: str) -> None:
    who = {"account": account}
    key = sandbox.http.post(CLIENT, params=who, json=body()).json()["id"]
    changed = sandbox.http.patch(f"{CLIENT}/{key}", params=who, json={"summary": "x"})
    assert (changed.status_code, changed.json()["summary"]) == (200, "x")
    assert sandbox.http.delete(f"{CLIENT}/{key}", params=who).status_code == 204
    assert sandbox.http.delete(f"{CLIENT}/{key}", params=who).status_code == 410
    assert sandbox.http.post(CLIENT, params=who, json={}).status_code == 400
    assert sandbox.http.post(CLIENT, params=who, content=b"[]").status_code == 400
    assert sandbox.http.post(CLIENT, params=who, content=b"{").status_code == 400
