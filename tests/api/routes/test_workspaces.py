"""Workspaces of one's own, and sandboxes with their clocks."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.db import Database
from tests.people import Person
from tests.sandboxes import START, ask, clock_at, deliveries, job, move, sandbox, todo
from tests.teams import join, sql, team
from tests.todos import refusal


async def test_everybody_has_one(alice: Person) -> None:
    page = (await alice.get("/workspaces")).json()
    [own] = page["data"]
    assert (own["id"], own["kind"], own["role"]) == (str(alice.id), "personal", "owner")
    assert own["clock_at"] is None
    assert (page["next_cursor"], page["has_more"]) == (None, False)
    assert (await alice.get(f"/workspaces/{own['id']}")).json() == own


async def test_a_sandbox_stands_where_it_was_put(alice: Person) -> None:
    body = {"kind": "sandbox", "now": "2027-03-26T09:00:00+01:00"}
    answer = await alice.post("/workspaces", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["change-set"]
    assert (made["kind"], made["name"], made["role"]) == ("sandbox", "Sandbox", "owner")
    assert made["clock_at"] == "2027-03-26T08:00:00Z"
    assert datetime.fromisoformat(made["created_at"]) > datetime.now(UTC) - timedelta(minutes=1)
    location = answer.headers["location"].removeprefix("/api/v1")
    assert (await alice.get(location)).json() == made
    assert made in (await alice.get("/workspaces")).json()["data"]


async def test_its_clock_stands_at_the_real_now_by_default(alice: Person) -> None:
    made = (await alice.post("/workspaces", json={"kind": "sandbox", "name": "N"})).json()
    age = datetime.now(UTC) - datetime.fromisoformat(made["clock_at"])
    assert timedelta(0) <= age < timedelta(minutes=1)


async def test_what_is_made_there_lives_on_its_clock(alice: Person) -> None:
    there = await sandbox(alice)
    stamp = "2027-03-26T08:00:00Z"
    made = await todo(alice, there, "x", "2027-03-26T09:00")
    assert (made["created_at"], made["updated_at"]) == (stamp, stamp)
    done = (await alice.post(f"/todos/{made['id']}/complete")).json()["completed"]
    assert done["completed_at"] == stamp
    listed = await alice.post(f"/lists?workspace_id={there}", json={"name": "L"})
    assert listed.json()["created_at"] == stamp
    past = {"at": {"date": "2027-03-26", "time": "07:00", "timezone": "UTC"}}
    other = (await alice.post(f"/todos?workspace_id={there}", json={"title": "y"})).json()
    refused = await alice.post(f"/todos/{other['id']}/reminders", json=past)
    assert refusal(refused)[2] == "in_the_past"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"kind": "team"}, "/kind", "unsupported_kind"),
        ({"kind": "personal"}, "/kind", "unsupported_kind"),
        ({"kind": "sandpit"}, "/kind", "enum"),
        ({}, "/kind", "missing"),
        ({"kind": "sandbox", "name": " "}, "/name", "string_pattern_mismatch"),
        ({"kind": "sandbox", "now": "1969-12-31T23:59:59Z"}, "/now", "greater_than_equal"),
        ({"kind": "sandbox", "now": "2200-01-01T00:00:01Z"}, "/now", "less_than_equal"),
        ({"kind": "sandbox", "now": "2027-01-01T00:00:00"}, "/now", "value_error"),
        ({"kind": "sandbox", "clock_at": "2027-01-01T00:00:00Z"}, "/clock_at", "extra_forbidden"),
    ],
)
async def test_refuses(alice: Person, body: dict[str, Any], pointer: str, code: str) -> None:
    assert refusal(await alice.post("/workspaces", json=body)) == (422, pointer, code)
    assert len((await alice.get("/workspaces")).json()["data"]) == 1


async def test_at_most_five_also_at_the_same_time(alice: Person) -> None:
    made = await asyncio.gather(
        *(alice.post("/workspaces", json={"kind": "sandbox"}) for _ in range(7))
    )
    assert sorted(each.status_code for each in made) == [201] * 5 + [409] * 2
    first = next(each.json() for each in made if each.status_code == 201)
    assert (await alice.delete(f"/workspaces/{first['id']}")).status_code == 204
    assert (await alice.post("/workspaces", json={"kind": "sandbox"})).status_code == 201


async def test_pages(alice: Person) -> None:
    made = [str(alice.id), *[str(await sandbox(alice, name=str(n))) for n in range(3)]]
    path, found = "/workspaces?limit=3", []
    while path:
        answer = await alice.get(path)
        found += [each["id"] for each in answer.json()["data"]]
        link = answer.headers.get("link", "")
        path = link.partition(">")[0].removeprefix("</api/v1")
    assert found == made


async def test_a_deleted_sandbox_is_gone_with_all_that_was_in_it(
    app_db: Database, alice: Person, database_url: str
) -> None:
    there = await sandbox(alice)
    made = await todo(alice, there, "x", "2027-03-26T09:00")
    await alice.patch(f"/todos/{made['id']}", json={"list": "L"})
    await move(app_db, await ask(alice, there, advance="PT2H"))
    answer = await alice.delete(f"/workspaces/{there}")
    assert (answer.status_code, answer.content) == (204, b"")
    for path in (
        f"/workspaces/{there}",
        f"/todos/{made['id']}",
        f"/todos?workspace_id={there}",
        f"/workspaces/{there}/deliveries",
    ):
        assert (await alice.get(path)).status_code == 404, path
    assert (await alice.delete(f"/workspaces/{there}")).status_code == 404
    for table in ("todos", "reminders", "deliveries", "events", "jobs", "leases"):
        statement = f"SELECT count(*) FROM {table} WHERE workspace_id = %s"  # noqa: S608 - names above
        assert await sql(database_url, statement, there) == [(0,)], table
    told = (await alice.get("/events")).json()["data"]
    assert [each["type"] for each in told][-2:] == ["workspace.created", "workspace.deleted"]


async def test_what_is_no_sandbox_has_no_clock_and_stays(alice: Person, database_url: str) -> None:
    shared = await team(database_url, owner=alice)
    for workspace_id in (alice.id, shared):
        moved = await alice.post(f"/workspaces/{workspace_id}/clock", json={"advance": "PT1H"})
        assert moved.status_code == 409, moved.text
        assert (await alice.delete(f"/workspaces/{workspace_id}")).status_code == 409


async def test_who_may_move_it(
    alice: Person, bob: Person, charlie: Person, database_url: str
) -> None:
    there = await sandbox(alice)
    path, body = f"/workspaces/{there}/clock", {"advance": "PT1H"}
    assert (await bob.post(path, json=body)).status_code == 404
    await join(database_url, there, bob, "member")
    await join(database_url, there, charlie, "admin")
    assert (await bob.post(path, json=body)).status_code == 403
    assert (await bob.get(f"/workspaces/{there}")).json()["role"] == "member"
    moved = await charlie.post(path, json=body)
    assert moved.status_code == 202, moved.text
    assert (await charlie.delete(f"/workspaces/{there}")).status_code == 403
    job_path = moved.headers["location"].removeprefix("/api/v1")
    assert (await charlie.get(job_path)).status_code == 200
    assert (await alice.get(job_path)).status_code == 404  # who asked for it


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"to": "2027-03-26T07:59:59Z"}, "/to", "in_the_past"),
        ({"to": "2028-03-27T08:00:00Z"}, "/to", "too_far"),
        ({"advance": "P367D"}, "/advance", "less_than_equal"),
        ({"advance": "-PT1S"}, "/advance", "value_error"),
        ({"advance": "1h"}, "/advance", "value_error"),
        ({}, "", "value_error"),
        ({"advance": "PT1H", "to": "2027-03-27T08:00:00Z"}, "", "value_error"),
    ],
)
async def test_a_clock_is_not_moved_just_anywhere(
    alice: Person, body: dict[str, str], pointer: str, code: str
) -> None:
    there = await sandbox(alice)
    answer = await alice.post(f"/workspaces/{there}/clock", json=body)
    assert refusal(answer) == (422, pointer, code)
    assert await clock_at(alice, there) == START


async def test_not_beyond_the_last_day_of_todos(alice: Person) -> None:
    there = await sandbox(alice, now=datetime(2199, 12, 31, tzinfo=UTC))
    answer = await alice.post(f"/workspaces/{there}/clock", json={"advance": "P2D"})
    assert refusal(answer) == (422, "/advance", "too_far")


async def test_one_move_at_a_time(alice: Person) -> None:
    there, other = await sandbox(alice), await sandbox(alice)
    path, body = f"/workspaces/{there}/clock", {"advance": "PT1H"}
    answers = await asyncio.gather(*(alice.post(path, json=body) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [202, 409, 409, 409]
    await ask(alice, other, advance="PT1H")
    [running] = [each.json() for each in answers if each.status_code == 202]
    again = {**running, "status": "queued", "progress": 0.0}
    assert running == again
    assert "under way" in next(e for e in answers if e.status_code == 409).json()["detail"]


async def test_the_same_key_moves_it_once(alice: Person) -> None:
    there = await sandbox(alice)
    headers, body = {"Idempotency-Key": uuid4().hex}, {"advance": "PT1H"}
    path = f"/workspaces/{there}/clock"
    first = await alice.post(path, json=body, headers=headers)
    second = await alice.post(path, json=body, headers=headers)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"


async def test_deliveries_are_ones_own_and_paged(
    app_db: Database, alice: Person, bob: Person, database_url: str
) -> None:
    there = await sandbox(alice)
    await join(database_url, there, bob, "member")
    made = [await todo(alice, there, str(n), f"2027-03-26T09:0{n}") for n in range(5)]
    await todo(bob, there, "his", "2027-03-26T09:02")
    message = await ask(alice, there, advance="PT2H")
    await move(app_db, message)
    assert (await job(alice, message))["result"]["handled"] == 6
    path, found = f"/workspaces/{there}/deliveries?limit=2", []
    while path:
        answer = await alice.get(path)
        found += answer.json()["data"]
        path = answer.headers.get("link", "").partition(">")[0].removeprefix("</api/v1")
    assert [each["title"] for each in found] == ["4", "3", "2", "1", "0"]
    for told, todo_made in zip(found[::-1], made, strict=True):
        assert told["todo_id"] == todo_made["id"]
        assert told["reminder_id"] == todo_made["reminders"][0]["id"]
        assert (told["kind"], told["channel"], told["status"]) == ("reminder", "in_app", "sent")
    [his] = await deliveries(bob, there)
    assert his["title"] == "his"
    why = (await alice.get(f"/reminders/{found[0]['reminder_id']}/why")).json()
    for name, value in why["deliveries"][0].items():
        assert found[0][name] == value, name


async def test_a_personal_workspace_has_deliveries_too(alice: Person) -> None:
    [mail] = await deliveries(alice, alice.id)
    assert (mail["kind"], mail["reminder_id"], mail["title"]) == ("verification", None, None)
