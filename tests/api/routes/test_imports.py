"""Files that people bring, through the door they are brought by."""

import pytest
from fastapi import FastAPI

from core.db import Database
from tests.importing import Importing, document, texts
from tests.people import Person


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
