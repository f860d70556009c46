"""Archives: what is in them, whose it is, and what is left when their making is broken off."""

import csv
import hashlib
import io
import json
import shutil
import subprocess
from collections.abc import AsyncIterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from icalendar import Calendar
from temporalio.testing import ActivityEnvironment

from activities.orphans import Orphans
from core import clock
from core.db import Database
from core.errors import NotFound
from core.messages import JobMessage
from core.services import export_tables, exports
from integrations.blobs import Directory
from tests.exporting import Opened, ask, export, fetch, worker, write
from tests.forgetting import forget
from tests.people import PASSWORD, Person, anonymous
from tests.teams import sql, team
from tests.todos import make
from tests.voicing import memo_of, noise, upload

DUE = {"date": "2031-03-03", "time": "18:00", "timezone": "Europe/Berlin"}


async def test_an_archive_has_everything_and_says_what(
    app: FastAPI, app_db: Database, alice: Person
) -> None:
    await make(alice, "Milk", list="Home", tags=["food"], due=DUE, reminders=[{"before": "PT1H"}])
    recording = noise(500)
    memo = memo_of(await upload(alice, recording))
    opened = await export(app, app_db, alice)
    assert {"README.html", "todos.json", "todos.csv", "todos.ics", "profile.json"} <= {
        *opened.names
    }
    manifest = opened.json("manifest.json")
    told = {each["name"]: each for each in manifest["members"]}
    assert {*opened.names} == {*told, "manifest.json"}
    for name, each in told.items():
        data = opened.read(name)
        assert (each["size"], each["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest["missing"] == []
    (audio,) = [name for name in opened.names if name.startswith("audio/")]
    assert audio.startswith(f"audio/{memo}.")
    assert opened.read(audio) == recording
    (user,) = opened.json("profile.json")["users"]
    assert user["email"] == alice.email
    (shown,) = (await alice.get("/exports")).json()["data"]
    assert (shown["status"], shown["progress"], shown["available"]) == ("succeeded", 1.0, True)
    assert shown["result"]["sha256"] == hashlib.sha256(opened.data).hexdigest()
    assert shown["downloads"] == 1


async def test_every_member_is_as_its_schema_says(
    app: FastAPI, app_db: Database, alice: Person
) -> None:
    first = await make(alice, "Rent", due=DUE, recurrence={"rrule": "FREQ=MONTHLY"})
    await alice.post(f"/todos/{first['id']}/complete")
    await make(alice, "Later", reminders=[{"at": {"date": "2031-01-01", "time": "07:30"}}])
    await alice.post("/voice/commands", json={"text": "Add oat milk tomorrow"})
    gone = await make(alice, "Gone")
    await alice.delete(f"/todos/{gone['id']}")
    opened = await export(app, app_db, alice, "json")
    members = [name for name in opened.names if name.endswith(".json")]
    tried = 0
    for name in members:
        stem = name.removesuffix(".json")
        if name == "manifest.json" or name.startswith("schema/"):
            continue
        schema = opened.json(f"schema/{stem}.schema.json")
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(opened.json(name))
        tried += 1
    assert tried == len(export_tables.sections()) + 1
    document = opened.json("todos.json")
    jsonschema_rs.validator_for(opened.json("schema/todos.schema.json")).validate(
        opened.json("schema/todos.example.json")
    )
    (series,) = document["series"]
    assert series["rrule"] == "FREQ=MONTHLY"
    assert [each["status"] for each in document["occurrences"]] == ["completed", "open"]
    assert opened.todos["Gone"]["deleted_at"] is not None
    spoken = next(each for each in document["todos"] if each["created_via"] == "voice")
    assert spoken["voice"]["original_text"] == "Add oat milk tomorrow"
    # Each item stands on a line of its own.
    lines = opened.read("todos.json").decode().splitlines()
    for todo in document["todos"]:
        assert json.dumps(todo, ensure_ascii=False, separators=(",", ":")) in {
            line.rstrip(",") for line in lines
        }


async def test_other_people_are_left_out_of_shared_lists(
    app: FastAPI, app_db: Database, database_url: str, alice: Person, bob: Person
) -> None:
    shared = await team(database_url, owner=bob, member=alice)
    at = {"params": {"workspace_id": str(shared)}}
    mine = await alice.post("/todos", json={"title": "hers to tell"}, **at)
    assert mine.status_code == 201
    body = {"title": "bobs-secret", "description": "bobs-words", "tags": ["bobs-tag"]}
    others = await bob.post("/todos", json=body | {"location": "bobs-place"}, **at)
    assert others.status_code == 201
    asked = await bob.post("/todos", json={"title": "for her", "assignee_id": str(alice.id)}, **at)
    assert asked.status_code == 201, asked.text
    renamed = await alice.patch(f"/todos/{others.json()['id']}", json={"title": "hers now"})
    assert renamed.status_code == 200  # what stood there before is in the history
    opened = await export(app, app_db, alice)
    assert any(
        each["subject_id"] == others.json()["id"] for each in opened.json("history.json")["events"]
    )
    for marker in ("bobs-", bob.email or "?", str(bob.id), "Bob"):
        assert marker not in opened, marker
    assert opened.todos["hers to tell"]["created_by"] == "me"
    assert opened.todos["for her"]["created_by"] == "another member"
    redacted = opened.todos[None]  # type: ignore[index]  # such a todo has no title here
    assert redacted["redacted"]
    assert redacted["id"] == others.json()["id"]
    assert "for her" in opened.read("todos.csv").decode()


async def test_what_a_linked_account_left_behind_comes_along(
    app: FastAPI, app_db: Database, http: AsyncClient, alice: Person
) -> None:
    somebody = await anonymous(http)
    recording = noise(2000)
    memo_id = memo_of(await upload(somebody, recording))
    said = await somebody.post("/voice/commands", json={"text": "Add butter tomorrow"})
    assert said.status_code == 200, said.text
    given = {"email": alice.email, "password": PASSWORD}
    assert (await somebody.post("/auth/link", json=given)).status_code == 200
    stranger = await anonymous(http)
    await upload(stranger, noise(2000))
    opened = await export(app, app_db, alice)
    assert [each for each in opened.names if each.startswith("audio/")] == [f"audio/{memo_id}.wav"]
    assert opened.read(f"audio/{memo_id}.wav") == recording
    [told] = [each for each in opened.json("todos.json")["todos"] if "utter" in each["title"]]
    assert told["voice"]["original_text"] == "Add butter tomorrow"
    folder = f"linked/{somebody.id}/"
    assert {each.removeprefix(folder) for each in opened.names if each.startswith(folder)} == set(
        export_tables.sections()
    )
    assert "Add butter tomorrow" in json.dumps(opened.json(f"{folder}voice/commands.json"))
    assert str(stranger.id) not in opened


async def test_formulas_are_text(app: FastAPI, app_db: Database, alice: Person) -> None:
    evil = ('=HYPERLINK("http://x","y")', "+1+1", "-2", "@SUM(A1)", "=1+1;cmd|' /C calc'!A0")
    for title in evil:
        await make(alice, title, description="\t=2+2", location="=3", tags=["=4"])
    opened = await export(app, app_db, alice, "csv")
    assert opened.names == ["README.html", "todos.csv", "manifest.json"]
    text = opened.read("todos.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["title"] for row in rows} == {f"'{title}" for title in evil}
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in {*"=+-@\t\r"}]


async def test_calendars_read_the_same_todos(app: FastAPI, app_db: Database, alice: Person) -> None:
    title = "Übergabe; mit, Komma \\ und\nZeile " + "ü" * 60
    parent = await make(
        alice,
        "parent",
        description=title,
        priority="high",
        tags=["a,b", "c"],
        list="Home",
        due=DUE,
        reminders=[{"before": "PT1H"}, {"at": {"date": "2031-03-01", "time": "07:30"}}],
    )
    child = await make(alice, "child", parent_id=parent["id"], due={"date": "2031-03-04"})
    await alice.post(f"/todos/{child['id']}/complete")
    weekly = await make(
        alice,
        "weekly",
        due={"date": "2031-03-03", "time": "09:00", "timezone": "America/New_York"},
        recurrence={"rrule": "FREQ=WEEKLY;COUNT=5", "exdates": ["2031-03-17"]},
    )
    done = await alice.post(f"/todos/{weekly['id']}/complete")
    following = done.json()["next"]
    opened = await export(app, app_db, alice, "ics")
    calendar = Calendar.from_ical(opened.read("todos.ics"))
    found: dict[str, Any] = {str(each["UID"]): each for each in calendar.walk("VTODO")}
    assert {*found} == {parent["id"], child["id"], weekly["id"], following["id"]}
    first = found[parent["id"]]
    assert str(first["SUMMARY"]) == "parent"
    assert str(first["DESCRIPTION"]) == title
    assert first["PRIORITY"] == 1
    assert [str(each) for each in first["CATEGORIES"].cats] == ["a,b", "c"]
    assert first["DUE"].dt.isoformat() == "2031-03-03T18:00:00+01:00"
    assert first["DUE"].params["TZID"] == "Europe/Berlin"
    alarms = first.walk("VALARM")
    assert {str(alarm["TRIGGER"].to_ical()) for alarm in alarms} == {
        "b'-PT1H'",
        "b'20310301T073000Z'",  # her own zone is UTC
    }
    second = found[child["id"]]
    assert str(second["RELATED-TO"]) == parent["id"]
    assert second["STATUS"] == "COMPLETED"
    assert second["DUE"].dt.isoformat() == "2031-03-04"
    rule = found[following["id"]]
    assert rule["RRULE"]["COUNT"] == [4]
    assert rule["DTSTART"].dt.isoformat() == "2031-03-10T09:00:00-04:00"
    assert "RRULE" not in found[weekly["id"]]
    zones = {str(each["TZID"]) for each in calendar.walk("VTIMEZONE")}
    assert zones == {"Europe/Berlin", "America/New_York"}


async def test_one_that_nobody_wants_any_more_is_not_made(
    app: FastAPI, app_db: Database, alice: Person
) -> None:
    made = await ask(alice)
    assert (await alice.delete(f"/exports/{made['id']}")).status_code == 204
    assert not await write(app, app_db, alice, made["id"])
    assert (await alice.get(f"/exports/{made['id']}")).status_code == 404
    assert (await alice.get(f"/jobs/{made['id']}")).json()["status"] == "cancelled"


class Doomed(Directory):
    """A store that has the whole archive the moment its person changes their mind."""

    def __init__(self, root: Path, person: Person, cancel: str) -> None:
        super().__init__(root)
        self._person = person
        self._cancel = cancel

    async def put(self, key: str, pieces: AsyncIterable[bytes]) -> None:
        await super().put(key, pieces)
        assert (await self._person.post(self._cancel)).status_code == 200


async def test_one_that_is_cancelled_leaves_no_blob_and_no_open_request(
    app: FastAPI, app_db: Database, database_url: str, alice: Person, tmp_path: Path
) -> None:
    made = await ask(alice)
    blobs = Doomed(tmp_path, alice, f"/jobs/{made['id']}/cancel")
    message = JobMessage(alice.id, UUID(made["id"]))
    assert not await ActivityEnvironment().run(worker(app, app_db, blobs=blobs).write, message)
    assert [kept.key async for kept in blobs.keys(exports.FOLDER)] == []
    assert not list((tmp_path / "unfinished").iterdir())
    assert (await alice.get(f"/exports/{made['id']}")).json()["status"] == "cancelled"
    asked = "SELECT outcome FROM data_requests WHERE subject_id = %s"
    assert await sql(database_url, asked, made["id"]) == [("withdrawn",)]
    assert (await alice.get(f"/exports/{(await ask(alice))['id']}")).json()["status"] == "queued"


async def test_one_that_is_removed_is_gone_at_once(
    app: FastAPI, app_db: Database, database_url: str, alice: Person
) -> None:
    made = await ask(alice)
    await write(app, app_db, alice, made["id"])
    ((blob,),) = await sql(database_url, "SELECT blob FROM exports WHERE id = %s", made["id"])
    assert [piece async for piece in app.state.shelf.blobs.open(blob)]
    led = await alice.get(f"/exports/{made['id']}/download")
    assert (await alice.delete(f"/exports/{made['id']}")).status_code == 204
    assert (await alice.http.get(led.headers["location"])).status_code == 404
    with pytest.raises(NotFound):
        [piece async for piece in app.state.shelf.blobs.open(blob)]


async def test_after_a_week_it_is_collected(
    app: FastAPI, app_db: Database, worker_db: Database, database_url: str, alice: Person
) -> None:
    made = await ask(alice)
    await write(app, app_db, alice, made["id"])
    led = await alice.get(f"/exports/{made['id']}/download")
    blobs = app.state.shelf.blobs
    ((blob,),) = await sql(database_url, "SELECT blob FROM exports WHERE id = %s", made["id"])
    nearly = clock.now() + timedelta(days=7) - timedelta(minutes=1)
    await forget(database_url, "exports", at=nearly)
    await Orphans(worker_db, blobs, young=timedelta(0)).once()
    assert (await alice.get(f"/exports/{made['id']}")).json()["available"]
    later = nearly + timedelta(minutes=2)
    await forget(database_url, "exports", at=later)
    await Orphans(worker_db, blobs, young=timedelta(0)).once()
    shown = (await alice.get(f"/exports/{made['id']}")).json()
    assert (shown["status"], shown["available"]) == ("succeeded", False)
    assert (await alice.http.get(led.headers["location"])).status_code == 404
    assert (await alice.get(f"/exports/{made['id']}/download")).status_code == 404
    with pytest.raises(NotFound):
        [piece async for piece in blobs.open(blob)]
    ((key,),) = await sql(database_url, "SELECT blob_key FROM exports WHERE id = %s", made["id"])
    assert key is None


async def test_nothing_of_it_lies_open_in_the_store(
    app: FastAPI, app_db: Database, database_url: str, alice: Person
) -> None:
    await make(alice, "unmistakable")
    made = await ask(alice, "json")
    await write(app, app_db, alice, made["id"])
    ((blob,),) = await sql(database_url, "SELECT blob FROM exports WHERE id = %s", made["id"])
    sealed = b"".join([piece async for piece in app.state.shelf.blobs.open(blob)])
    assert b"PK\x03\x04" not in sealed
    assert b"todos.json" not in sealed
    assert "unmistakable" in Opened.of(await fetch(alice, made["id"])).todos


async def test_a_recording_whose_time_is_over_meanwhile_is_said_to_be_missing(
    app: FastAPI, app_db: Database, database_url: str, alice: Person
) -> None:
    gone = memo_of(await upload(alice, noise(300)))
    kept = memo_of(await upload(alice, noise(400)))
    ((blob,),) = await sql(database_url, "SELECT blob FROM voice_memos WHERE id = %s", gone)
    await app.state.shelf.blobs.delete(blob)
    opened = await export(app, app_db, alice, "audio")
    assert opened.json("manifest.json")["missing"] == [gone]
    assert [name for name in opened.names if name.startswith(f"audio/{kept}.")]


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip here")
async def test_unzip_opens_it(
    app: FastAPI, app_db: Database, alice: Person, tmp_path: Path
) -> None:
    await make(alice, "x")
    await upload(alice, noise(300))
    opened = await export(app, app_db, alice)
    path = tmp_path / "export.zip"
    path.write_bytes(opened.data)
    tested = subprocess.run(["unzip", "-t", path], capture_output=True, text=True, check=False)  # noqa: ASYNC221 - some milliseconds
    assert tested.returncode == 0, tested.stdout


async def test_run_twice_it_is_told_of_once(
    app: FastAPI, app_db: Database, database_url: str, alice: Person
) -> None:
    await sql(database_url, "UPDATE users SET email_verified_at = now() WHERE id = %s", alice.id)
    made = await ask(alice, "json")
    assert await write(app, app_db, alice, made["id"])
    assert not await write(app, app_db, alice, made["id"])
    mails = await sql(
        database_url,
        "SELECT id FROM deliveries WHERE user_id = %s AND kind = 'export_ready'",
        alice.id,
    )
    assert len(mails) == 1
