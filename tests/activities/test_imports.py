"""Imports, step by step: each format, broken off and gone on, an account that comes back equal."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from temporalio.testing import ActivityEnvironment

from activities.orphans import Orphans
from core import clock, embedded
from core.db import Database
from core.messages import JobMessage
from tests.exporting import export
from tests.forgetting import forget
from tests.importing import FILES, Importing, document, texts
from tests.people import Person, register
from tests.sandboxes import sandbox
from tests.teams import sql
from tests.todos import make

WITHOUT_TODOS = {"google-calendar.ics", "phone.vcs"}  # which are told, and make nothing
DUE = {"date": "2031-03-03", "time": "18:00", "timezone": "Europe/Berlin"}
TREE = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y
BEGIN:VTODO
UID:child
SUMMARY:Child
RELATED-TO:parent
END:VTODO
BEGIN:VTODO
UID:parent
SUMMARY:Parent
DUE;TZID=Europe/Berlin:20310303T180000
RRULE:FREQ=WEEKLY;BYDAY=MO
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:x
TRIGGER:-PT15M
END:VALARM
END:VTODO
END:VCALENDAR
"""


@pytest.fixture
def importing(alice: Person, app: FastAPI, app_db: Database) -> Importing:
    return Importing.of(alice, app, app_db)


async def counted(app: FastAPI, person: Person, table: str) -> int:
    url = embedded.database_url(app.state.settings)
    [(count,)] = await sql(url, f"SELECT count(*) FROM {table} WHERE workspace_id = %s", person.id)  # noqa: S608 - a name from this file
    return int(count)


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
async def test_a_real_file_of_each_product_comes_once(importing: Importing, path: Any) -> None:
    done = await importing.bring(path.read_bytes(), name=path.name)
    assert done["status"] == "succeeded", done
    made = done["result"]["counts"]["created"]
    assert made == len(await importing.todos())
    assert (made == 0) is (path.name in WITHOUT_TODOS)
    again = await importing.bring(path.read_bytes(), name=path.name)
    assert (again["format"], again["result"]["counts"]["created"]) == (done["format"], 0)
    assert again["result"]["counts"]["existed"] == made


async def test_a_project_of_todoist(importing: Importing) -> None:
    done = await importing.bring(
        (FILES / "todoist-work.csv").read_bytes(), name="Work.csv", format="todoist-csv"
    )
    todos = {todo["title"]: todo for todo in await importing.todos()}
    roadmap = todos["Draft the roadmap"]
    assert roadmap["recurrence"]["rrule"] == "FREQ=WEEKLY;BYDAY=FR"
    assert (roadmap["tags"], roadmap["created_via"]) == (["work", "q3"], "import")
    assert todos["Reference material"]["parent_id"] == roadmap["id"]
    lists = {each["name"] for each in (await importing.person.get("/lists")).json()["data"]}
    assert lists == {"Work", "Später"}
    assert any("Someone" in sentence for sentence in done["result"]["lost"])


async def test_a_calendar_keeps_its_tree_and_its_rules(importing: Importing) -> None:
    done = await importing.bring(TREE.encode(), name="a.ics")
    assert done["format"] == "ics", done
    todos = {todo["title"]: todo for todo in await importing.todos()}
    assert todos["Child"]["parent_id"] == todos["Parent"]["id"]
    assert todos["Parent"]["recurrence"]["rrule"] == "FREQ=WEEKLY;BYDAY=MO"
    [reminder] = todos["Parent"]["reminders"]
    assert (reminder["before"], reminder["next_fire_at"]) == ("PT15M", "2031-03-03T16:45:00Z")
    completed = await importing.person.post(f"/todos/{todos['Parent']['id']}/complete")
    assert completed.json()["next"]["due"]["date"] == "2031-03-10"


def told(todos: list[dict[str, Any]], lists: dict[str, str]) -> list[Any]:
    """What makes a todo what it is, whatever its ids are."""
    titles = {todo["id"]: todo["title"] for todo in todos}
    kept = (
        "title",
        "description",
        "status",
        "priority",
        "tags",
        "due",
        "due_at",
        "recurrence",
        "position",
        "location",
        "missed",
        "created_at",
        "completed_at",
    )
    every = [
        (
            [todo[name] for name in kept],
            lists.get(todo["list_id"]),
            titles.get(todo["parent_id"]),
            [
                [each[name] for name in ("at", "before", "channels", "urgent", "next_fire_at")]
                for each in todo["reminders"]
            ],
        )
        for todo in todos
    ]
    return sorted(every, key=repr)


async def lists_of(person: Person) -> dict[str, str]:
    return {each["id"]: each["name"] for each in (await person.get("/lists")).json()["data"]}


async def test_our_own_export_gives_an_equal_account(
    importing: Importing, app: FastAPI, app_db: Database, http: httpx2.AsyncClient
) -> None:
    ada = importing.person
    rent = await make(
        ada, "Rent", list="Home", due=DUE, recurrence={"rrule": "FREQ=MONTHLY;COUNT=5"}
    )
    for _ in range(2):
        rent = (await ada.post(f"/todos/{rent['id']}/complete")).json()["next"]
    await ada.post(f"/todos/{rent['id']}/skip")
    await make(ada, "Milk", tags=["food"], due=DUE, reminders=[{"before": "PT1H"}], priority="high")
    shop = await make(ada, "Shop", reminders=[{"at": {"date": "2031-01-01", "time": "07:30"}}])
    await make(ada, "Bread", parent_id=shop["id"])
    await ada.post("/lists", json={"name": "Empty"})
    archive = await export(app, app_db, ada, "json")

    other = await register(http, "bea", timezone=(await ada.get("/me")).json()["timezone"])
    bringing = Importing.of(other, app, app_db)
    done = await bringing.bring(archive.data, name="export.zip")
    assert (done["status"], done["format"]) == ("succeeded", "json"), done
    assert done["result"]["counts"]["created"] == 6
    theirs, mine = await bringing.todos(), await importing.todos()
    assert told(theirs, await lists_of(other)) == told(mine, await lists_of(ada))
    series = {todo["series_id"] for todo in theirs if todo["title"] == "Rent"}
    assert len(series) == 1
    assert await counted(app, other, "occurrences") == await counted(app, ada, "occurrences")
    again = await bringing.bring(archive.read("todos.json"))
    assert again["result"]["counts"]["created"] == 0
    at_home = await importing.bring(archive.data)
    assert at_home["result"]["counts"]["created"] == 0
    assert len(await importing.todos()) == len(mine)
    for person in (ada, other):  # it goes on in both alike
        standing = next(
            todo
            for todo in await Importing.of(person, app, app_db).todos()
            if todo["title"] == "Rent" and todo["status"] == "pending"
        )
        following = (await person.post(f"/todos/{standing['id']}/complete")).json()["next"]
        assert following["due"]["date"] == "2031-07-03"
        last = (await person.post(f"/todos/{following['id']}/complete")).json()
        assert last["next"] is None


async def test_broken_off_anywhere_each_row_comes_once(
    alice: Person, app: FastAPI, app_db: Database
) -> None:
    short = Importing.of(alice, app, app_db, slices_s=0.0)  # one slice each time
    sent = await short.send(texts(*(f"todo-{n:04}" for n in range(900))))
    assert not await short.step(sent)
    halfway = await short.read(sent)
    assert (halfway["status"], halfway["result"]["counts"]["created"]) == ("running", 200)
    assert 0 < halfway["progress"] < 1
    attempt = asyncio.create_task(
        Importing.of(alice, app, app_db).step(sent)
    )  # cancelled where it happens to be
    await asyncio.sleep(0.3)
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    done, twin = await asyncio.gather(
        Importing.of(alice, app, app_db).finish(sent), Importing.of(alice, app, app_db).finish(sent)
    )
    assert {done["status"], twin["status"]} <= {"running", "succeeded"}
    done = await short.finish(sent)
    assert done["result"]["counts"]["created"] == 900
    assert await short.titles() == [f"todo-{n:04}" for n in range(900)]
    assert await counted(app, alice, "import_rows") == 900


async def test_two_files_with_the_same_rows_at_once(importing: Importing) -> None:
    file = texts(*(f"todo-{n:03}" for n in range(300)))
    first, second = [await importing.send(file) for _ in range(2)]
    done = await asyncio.gather(importing.finish(first), importing.finish(second))
    counts = [each["result"]["counts"] for each in done]
    assert sum(each["created"] for each in counts) == 300
    assert sum(each["existed"] for each in counts) == 300
    assert len(await importing.todos()) == 300


async def test_a_cancelled_import_stops_and_can_be_taken_back(
    alice: Person, app: FastAPI, app_db: Database
) -> None:
    short = Importing.of(alice, app, app_db, slices_s=0.0)
    sent = await short.send(texts(*(f"todo-{n:03}" for n in range(500))))
    await short.step(sent)
    cancelled = await alice.post(f"/jobs/{sent['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    assert await short.step(sent)
    assert len(await short.todos()) == 200
    undone = await short.undo(sent)
    assert (undone["undo"]["taken_back"], await short.todos()) == (200, [])


async def test_nothing_of_the_file_is_left(
    importing: Importing, app: FastAPI, worker_db: Database
) -> None:
    url = embedded.database_url(app.state.settings)
    await importing.bring(texts("secret words of mine"))
    cancelled = await importing.send(texts("other"))
    await importing.person.post(f"/jobs/{cancelled['id']}/cancel")
    await importing.step(cancelled)
    keys = await sql(
        url, "SELECT blob, blob_key FROM imports WHERE user_id = %s", importing.person.id
    )
    assert keys == [(None, None), (None, None)]
    blobs = app.state.import_shelf.blobs
    waiting = await importing.send(texts("third"))
    [(key,)] = await sql(url, "SELECT blob FROM imports WHERE id = %s", UUID(waiting["id"]))
    assert [kept.key async for kept in blobs.keys("imports") if kept.key == key] == [key]
    raw = b"".join([piece async for piece in blobs.open(key)])
    assert b"third" not in raw
    await Orphans(worker_db, blobs).once()
    assert (await importing.finish(waiting))["status"] == "succeeded"
    assert [kept.key async for kept in blobs.keys("imports") if kept.key == key] == []


async def test_a_lost_file_ends_it_with_a_sentence(importing: Importing, app: FastAPI) -> None:
    url = embedded.database_url(app.state.settings)
    sent = await importing.send(texts("one"))
    [(key,)] = await sql(url, "SELECT blob FROM imports WHERE id = %s", UUID(sent["id"]))
    await app.state.import_shelf.blobs.delete(key)
    done = await importing.finish(sent)
    assert done["status"] == "failed"
    assert "cannot be opened" in done["error"]


async def test_a_row_that_the_database_refuses_loses_no_other(
    importing: Importing, app: FastAPI
) -> None:
    url = embedded.database_url(app.state.settings)
    refuses = (
        "CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.title = 'poison' THEN RAISE 'no' USING ERRCODE = '23514'; END IF;"
        " RETURN NEW; END $$;"
        " CREATE TRIGGER refuse_poison BEFORE INSERT ON todos FOR EACH ROW"
        " EXECUTE FUNCTION refuse_poison()"
    )
    await sql(url, refuses)
    try:
        words = [f"todo-{n:02}" for n in range(20)]
        done = await importing.bring(texts(*words[:7], "poison", *words[7:]))
    finally:
        await sql(url, "DROP TRIGGER refuse_poison ON todos; DROP FUNCTION refuse_poison")
    assert done["status"] == "succeeded"
    assert await importing.titles() == words
    [rejected] = done["result"]["rejected"]
    assert rejected["excerpt"] == "poison"


async def test_who_lost_the_right_to_write_is_told(importing: Importing, app: FastAPI) -> None:
    url = embedded.database_url(app.state.settings)
    place = await sandbox(importing.person)
    sent = await importing.send(texts("one"), workspace=place)
    await sql(
        url,
        "UPDATE memberships SET role = 'viewer' WHERE workspace_id = %s AND user_id = %s",
        place,
        importing.person.id,
    )
    await importing.step(sent)
    done = await importing.read(sent)
    assert (done["status"], done["result"]["counts"]["created"]) == ("failed", 0)
    assert "role" in done["error"]


async def test_a_sandbox_takes_a_file_at_its_own_time(importing: Importing) -> None:
    place = await sandbox(importing.person)
    done = await importing.bring(texts("one"), workspace=place)
    assert done["workspace_id"] == str(place)
    page = (await importing.person.get("/todos", params={"workspace_id": str(place)})).json()
    assert [todo["title"] for todo in page["data"]] == ["one"]
    assert await importing.todos() == []


async def test_undoing_is_broken_off_and_gone_on(
    alice: Person, app: FastAPI, app_db: Database
) -> None:
    importing = Importing.of(alice, app, app_db)
    done = await importing.bring(texts(*(f"todo-{n:03}" for n in range(450))))
    short = Importing.of(alice, app, app_db, slices_s=0.0)  # one slice each time
    undoing = (await alice.post(f"/imports/{done['id']}/undo")).json()
    assert undoing["undo"]["status"] == "queued"
    message = JobMessage(alice.id, UUID(undoing["undo"]["job_id"]))
    assert not await ActivityEnvironment().run(short.part.take_back, message)
    undone = await importing.undo(done)
    assert undone["undo"]["taken_back"] == 450
    assert await importing.todos() == []


async def test_preferences_fill_what_is_not_said(importing: Importing) -> None:
    await importing.person.patch("/me", json={"preferences": {"theme": "light"}})
    await importing.bring(document({"id": "1", "text": "one"}, theme="dark", language="de"))
    preferences = (await importing.person.get("/me")).json()["preferences"]
    assert (preferences["theme"], preferences["language"]) == ("light", "de")


async def test_who_lost_the_right_to_undo_is_told(importing: Importing, app: FastAPI) -> None:
    url = embedded.database_url(app.state.settings)
    place = await sandbox(importing.person)
    done = await importing.bring(texts("one"), workspace=place)
    asked = await importing.person.post(f"/imports/{done['id']}/undo")
    message = JobMessage(place, UUID(asked.json()["undo"]["job_id"]))
    role = "UPDATE memberships SET role = %s WHERE workspace_id = %s AND user_id = %s"
    await sql(url, role, "viewer", place, importing.person.id)
    assert await ActivityEnvironment().run(importing.part.take_back, message)
    told = await importing.read(done)
    assert (told["undo"]["status"], told["undo"]["taken_back"]) == ("failed", 0)
    await sql(url, role, "owner", place, importing.person.id)
    assert (await importing.undo(done))["undo"]["taken_back"] == 1


async def test_what_cannot_be_joined_stands_by_itself(importing: Importing, app: FastAPI) -> None:
    url = embedded.database_url(app.state.settings)
    refuses = (
        "CREATE FUNCTION refuse_parent() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.title = 'Child' THEN RAISE 'no' USING ERRCODE = '23514'; END IF;"
        " RETURN NEW; END $$;"
        " CREATE TRIGGER refuse_parent BEFORE UPDATE ON todos FOR EACH ROW"
        " EXECUTE FUNCTION refuse_parent()"
    )
    await sql(url, refuses)
    try:
        done = await importing.bring(TREE.encode())
    finally:
        await sql(url, "DROP TRIGGER refuse_parent ON todos; DROP FUNCTION refuse_parent")
    assert done["status"] == "succeeded"
    assert any("could not be joined" in sentence for sentence in done["result"]["lost"])
    todos = {todo["title"]: todo for todo in await importing.todos()}
    assert todos["Child"]["parent_id"] is None
    assert todos["Parent"]["recurrence"] is not None


async def test_after_its_time_it_is_forgotten_and_its_todos_stay(
    importing: Importing, app: FastAPI
) -> None:
    url = embedded.database_url(app.state.settings)
    done = await importing.bring(texts("one"))
    until = datetime.fromisoformat((await importing.read(done))["undo_until"])
    assert until > clock.now() + timedelta(days=29)
    await forget(url, "import_rows", "imports", at=until - timedelta(minutes=1))
    assert await counted(app, importing.person, "import_rows") == 1
    await forget(url, "import_rows", "imports", at=until + timedelta(minutes=1))
    assert (await importing.person.get(f"/imports/{done['id']}")).status_code == 404
    assert await counted(app, importing.person, "import_rows") == 0
    again = await importing.bring(texts("one"))
    assert again["result"]["counts"]["existed"] == 1


async def test_what_is_under_way_is_not_forgotten(importing: Importing, app: FastAPI) -> None:
    url, late = embedded.database_url(app.state.settings), clock.now() + timedelta(days=31)
    waiting = await importing.send(texts("one"))
    await forget(url, "import_rows", "imports", at=late)
    done = await importing.finish(waiting)
    assert done["status"] == "succeeded"
    assert (await importing.person.post(f"/imports/{done['id']}/undo")).status_code == 202
    await forget(url, "import_rows", "imports", at=late)
    assert await counted(app, importing.person, "import_rows") == 1
    await sql(
        url,
        "UPDATE jobs SET status = 'succeeded', finished_at = now() WHERE user_id = %s",
        importing.person.id,
    )
    await forget(url, "import_rows", "imports", at=late)
    assert (await importing.person.get(f"/imports/{done['id']}")).status_code == 404
