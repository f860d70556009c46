"""Files that people bring, through the door they are brought by."""

import httpx2
import pytest
from fastapi import FastAPI

from core.db import Database
from core.services.import_slice import DELETED
from tests.importing import Importing, document, texts
from tests.people import PASSWORD, Person, address, person


@pytest.fixture
def importing(alice: Person, app: FastAPI, app_db: Database) -> Importing:
    return Importing.of(alice, app, app_db)


async def test_a_file_becomes_todos_and_a_report(importing: Importing) -> None:
    file = document(
        {
            "id": "1",
            "text": "Water the plants",
            "description": "all of them",
            "priority": "high",
            "completed": False,
            "category": "Home",
            "createdAt": "2024-03-01T10:00:00Z",
        },
        {
            "id": "2",
            "text": "Call mum",
            "completed": True,
            "createdAt": "2024-03-02T10:00:00Z",
            "completedAt": "2024-03-03T12:30:00Z",
        },
    )
    told = await importing.send(file, name="todos.json", format="localstorage")
    assert (told["status"], told["file_name"], told["bytes"]) == ("queued", "todos.json", len(file))
    done = await importing.finish(told)
    assert (done["status"], done["progress"], done["error"]) == ("succeeded", 1.0, None)
    assert done["result"]["counts"] == {"created": 2, "existed": 0, "rejected": 0, "skipped": 0}
    assert (done["result"]["lists"], done["result"]["total"]) == (["Home"], 3)
    plants, mum = await importing.todos()
    assert (plants["title"], plants["description"]) == ("Water the plants", "all of them")
    assert (plants["priority"], plants["created_via"]) == ("high", "migration")
    assert plants["created_at"] == "2024-03-01T10:00:00Z"
    lists = {
        each["id"]: each["name"] for each in (await importing.person.get("/lists")).json()["data"]
    }
    assert lists[plants["list_id"]] == "Home"
    assert (mum["status"], mum["completed_at"]) == ("completed", "2024-03-03T12:30:00Z")
    job = (await importing.person.get(f"/jobs/{told['id']}")).json()
    assert (job["kind"], job["status"]) == ("import", "succeeded")
    assert job["result"]["counts"]["created"] == 2


async def test_the_same_file_again_makes_nothing_new(importing: Importing) -> None:
    file = texts("one", "two")
    await importing.bring(file)
    again = await importing.bring(file)
    assert again["result"]["counts"] == {"created": 0, "existed": 2, "rejected": 0, "skipped": 0}
    more = await importing.bring(texts("one", "two", "three"))
    assert more["result"]["counts"]["created"] == 1
    assert await importing.titles() == ["one", "three", "two"]


async def test_a_trial_makes_nothing_and_says_what_would_be(importing: Importing) -> None:
    file = document({"id": "1", "text": "one", "category": "Work"}, {"id": "2", "text": "two"})
    tried = await importing.bring(file, dry_run="true")
    assert (tried["dry_run"], tried["change_set"]) == (True, None)
    assert tried["result"]["counts"]["created"] == 2
    assert tried["result"]["lists"] == ["Work"]
    rows = await importing.rows(tried)
    assert [(row["outcome"], row["todo_id"], row["excerpt"]) for row in rows] == [
        ("created", None, "one"),
        ("created", None, "two"),
    ]
    assert await importing.todos() == []
    assert (await importing.person.get("/lists")).json()["data"] == []
    assert (await importing.person.post(f"/imports/{tried['id']}/undo")).status_code == 409
    assert (await importing.bring(file))["result"]["counts"]["created"] == 2


async def test_a_bad_row_is_told_and_loses_no_other(importing: Importing) -> None:
    file = document(
        {"id": "1", "text": "one"}, {"id": "2", "text": "  "}, {"id": "3", "text": "three"}
    ).replace(b"}, {", b"},\n{")
    done = await importing.bring(file)
    assert done["status"] == "succeeded"
    [rejected] = done["result"]["rejected"]
    assert (rejected["line"], rejected["code"]) == (2, "title_missing")
    [row] = await importing.rows(done, outcome="rejected")
    assert (row["line"], row["reason"]) == (2, rejected["reason"])
    assert await importing.titles() == ["one", "three"]


async def test_rows_come_in_pages(importing: Importing) -> None:
    done = await importing.bring(texts(*(f"todo-{n:03}" for n in range(250))))
    seen: list[str] = []
    params = {"limit": "100"}
    while True:
        answer = await importing.person.get(f"/imports/{done['id']}/rows", params=params)
        page = answer.json()
        seen += [row["excerpt"] for row in page["data"]]
        if not page["has_more"]:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == [f"todo-{n:03}" for n in range(250)]
    created = [todo["title"] for todo in await importing.todos()]
    assert created == seen  # the order of creation is the order of the file


async def test_it_is_taken_back(importing: Importing) -> None:
    own = (await importing.person.post("/todos", json={"title": "mine"})).json()
    file = document({"id": "1", "text": "one", "category": "Work"}, {"id": "2", "text": "two"})
    done = await importing.bring(file)
    undone = await importing.undo(done)
    assert undone["undo"]["status"] == "succeeded"
    assert (undone["undo"]["taken_back"], undone["undo"]["kept"]) == (2, 0)
    assert undone["undo"]["undone_at"] is not None
    assert [todo["id"] for todo in await importing.todos()] == [own["id"]]
    assert (await importing.person.get("/lists")).json()["data"] == []
    again = await importing.person.post(f"/imports/{done['id']}/undo")
    assert again.json()["undo"]["job_id"] == undone["undo"]["job_id"]
    assert (await importing.bring(file))["result"]["counts"]["created"] == 2


async def test_what_was_changed_since_is_named_and_can_be_kept(importing: Importing) -> None:
    done = await importing.bring(texts("done since", "parent", "other"))
    by_title = {todo["title"]: todo["id"] for todo in await importing.todos()}
    await importing.person.post(f"/todos/{by_title['done since']}/complete")
    child = {"title": "child", "parent_id": by_title["parent"]}
    assert (await importing.person.post("/todos", json=child)).status_code == 201
    refused = await importing.person.post(f"/imports/{done['id']}/undo")
    assert refused.status_code == 409
    assert "“done since”" in refused.json()["detail"]
    assert "“parent”" in refused.json()["detail"]
    undone = await importing.undo(done, keep_changed=True)
    assert (undone["undo"]["taken_back"], undone["undo"]["kept"]) == (1, 2)
    assert await importing.titles() == ["child", "done since", "parent"]
    taken = {row["excerpt"]: row["taken"] for row in await importing.rows(undone)}
    assert taken == {"done since": "kept", "parent": "kept", "other": "back"}


async def test_what_was_deleted_since_stays_deleted(importing: Importing) -> None:
    file = texts("one", "two")
    await importing.bring(file)
    one = next(todo for todo in await importing.todos() if todo["title"] == "one")
    await importing.person.delete(f"/todos/{one['id']}")
    again = await importing.bring(file)
    assert again["result"]["counts"] == {"created": 0, "existed": 1, "rejected": 0, "skipped": 1}
    assert again["result"]["lost"] == [f"{DELETED} (line 1)"]
    codes = {row["excerpt"]: row["code"] for row in await importing.rows(again)}
    assert codes == {"one": "deleted", "two": None}
    assert await importing.titles() == ["two"]
    asked = await importing.bring(file, again="true")
    assert (asked["again"], asked["result"]["counts"]["created"]) == (True, 1)
    assert await importing.titles() == ["one", "two"]
    assert (await importing.bring(file, again="true"))["result"]["counts"]["existed"] == 2


async def _undone(importing: Importing, change_set: str) -> str:
    """By the undo of everything; which is a change set, too."""
    answer = await importing.person.post("/undo", json={"change_set": change_set})
    assert answer.status_code == 200, answer.text
    return answer.headers["change-set"]


async def test_what_was_undone_comes_again_and_what_came_back_does_not(
    importing: Importing,
) -> None:
    file = document(
        {"id": "1", "text": "one", "category": "Work"},
        {"id": "2", "text": "two", "recurrence": "every friday"},
    )
    done = await importing.bring(file)
    undoing = await _undone(importing, done["change_set"])
    assert await importing.todos() == []
    await _undone(importing, undoing)
    assert (await importing.bring(file))["result"]["counts"]["existed"] == 2
    await _undone(importing, done["change_set"])
    again = await importing.bring(file)
    assert again["result"]["counts"]["created"] == 2
    assert await importing.titles() == ["one", "two"]
    two = next(todo for todo in await importing.todos() if todo["title"] == "two")
    assert two["recurrence"] is not None
    assert (await importing.bring(file))["result"]["counts"]["existed"] == 2


async def test_an_import_that_was_taken_back_and_is_back_comes_once(importing: Importing) -> None:
    file = texts("one")
    done = await importing.bring(file)
    undone = await importing.undo(done)
    await _undone(importing, undone["undo"]["job_id"])
    assert await importing.titles() == ["one"]
    assert (await importing.bring(file))["result"]["counts"]["existed"] == 1


async def test_a_browser_is_migrated_with_one_call(importing: Importing) -> None:
    body = {
        "todos": [
            {"id": 1700000000000, "text": "one", "category": "Home", "createdAt": "2024-01-01"},
            {"id": "b", "text": "two", "completed": True},
        ],
        "preferences": {"theme": "dark"},
    }
    answer = await importing.person.post("/imports/browser", json=body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert answer.headers["location"] == f"/api/v1/imports/{told['import_id']}"
    assert (
        answer.headers["change-set"]
        == (await importing.read({"id": told["import_id"]}))["change_set"]
    )
    by_id = {todo["id"]: todo for todo in await importing.todos()}
    assert set(told["todos"]) == {"1700000000000", "b"}
    assert by_id[told["todos"]["1700000000000"]]["title"] == "one"
    assert by_id[told["todos"]["b"]]["created_via"] == "migration"
    again = (await importing.person.post("/imports/browser", json=body)).json()
    assert again["todos"] == told["todos"]
    assert again["result"]["counts"]["existed"] == 2
    me = (await importing.person.get("/me")).json()
    assert me["preferences"]["theme"] == "dark"


async def test_an_anonymous_account_imports_and_upgrades(
    http: httpx2.AsyncClient, app: FastAPI, app_db: Database
) -> None:
    somebody = person(http, await http.post("/api/v1/auth/anonymous", json={}))
    importing = Importing.of(somebody, app, app_db)
    await importing.bring(texts("one", "two"))
    body = {"email": address("ada"), "password": PASSWORD}
    upgraded = await somebody.post("/auth/upgrade", json=body)
    after = Importing.of(person(http, upgraded), app, app_db)
    assert await after.titles() == ["one", "two"]
    assert (await after.bring(texts("one", "two")))["result"]["counts"]["existed"] == 2


@pytest.mark.parametrize(
    ("files", "data", "status", "pointer"),
    [
        ({}, {"format": "ics"}, 422, "/file"),
        ({"file": ("a", b"")}, {}, 422, "/file"),
        ({"file": ("a", b"[]")}, {"format": "excel"}, 422, "/format"),
        ({"file": ("a", b"[]")}, {"dry_run": "maybe"}, 422, "/dry_run"),
        ({"file": ("a", b"[]"), "also": ("b", b"x")}, {}, 422, "/also"),
    ],
)
async def test_what_is_no_upload_is_a_problem(
    importing: Importing,
    files: dict[str, tuple[str, bytes]],
    data: dict[str, str],
    status: int,
    pointer: str,
) -> None:
    options = {"files": files} if files else {"files": {"format": (None, data.pop("format"))}}
    answer = await importing.person.post("/imports", data=data, **options)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in {each["pointer"] for each in answer.json()["errors"]}


async def test_other_media_types_and_sizes_are_refused(importing: Importing) -> None:
    answer = await importing.person.post("/imports", json={})
    assert answer.status_code == 415
    answer = await importing.person.post("/imports/browser", content=b"[]")
    assert answer.status_code == 415
    answer = await importing.person.post("/imports/browser", json={"no": "todos"})
    assert answer.status_code == 422
    many = {"todos": [{"id": n, "text": "x"} for n in range(501)]}
    answer = await importing.person.post("/imports/browser", json=many)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many")


async def test_a_file_of_no_kind_fails_with_a_sentence(importing: Importing) -> None:
    done = await importing.bring(b"\x00\x01\x02 nothing of a todo", name="a.bin")
    assert done["status"] == "failed"
    assert "no file of a kind" in done["error"]


async def test_a_key_is_answered_once(importing: Importing) -> None:
    person, key = importing.person, {"Idempotency-Key": "k" * 20}
    file = {"file": ("a.json", texts("one"))}
    first = await person.post("/imports", files=file, headers=key)
    again = await person.post("/imports", files=file, headers=key)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotency-replayed"] == "true"
    other = await person.post("/imports", files={"file": ("a", b"[1]")}, headers=key)
    assert other.status_code == 422
    assert len((await person.get("/imports")).json()["data"]) == 1


async def test_nobody_else_sees_it(importing: Importing, charlie: Person) -> None:
    done = await importing.bring(texts("one"))
    for path in ("", "/rows"):
        assert (await charlie.get(f"/imports/{done['id']}{path}")).status_code == 404
    assert (await charlie.post(f"/imports/{done['id']}/undo")).status_code == 404
    assert (await charlie.get("/imports")).json()["data"] == []
