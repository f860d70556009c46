"""What other programs read of an archive, read by ourselves: a calendar file loses little."""

from typing import Any

import httpx2
from fastapi import FastAPI

from core.db import Database
from tests.exporting import export
from tests.importing import Importing
from tests.people import Person, register
from tests.todos import make

DUE = {"date": "2031-03-03", "time": "18:00", "timezone": "Europe/Berlin"}


def shown(todos: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    titles = {todo["id"]: todo["title"] for todo in todos}
    plain = ("title", "description", "status", "priority", "tags", "due", "location")
    every = [
        (
            *(todo[name] for name in plain),
            titles.get(todo["parent_id"]),
            (todo["completed_at"] or "")[:19],  # RFC 5545 knows no parts of a second
            todo["recurrence"] if todo["status"] == "pending" else None,  # the newest has the rule
            [(each["at"], each["before"]) for each in todo["reminders"]],
        )
        for todo in todos
    ]
    return sorted(every, key=repr)


async def test_a_calendar_file_of_ours_is_the_same_account(
    app: FastAPI, app_db: Database, http: httpx2.AsyncClient, alice: Person
) -> None:
    rule = {"rrule": "FREQ=MONTHLY;BYMONTHDAY=15", "shift": "before", "anchor": "completion"}
    rent = await make(alice, "Rent", list="Home", due=DUE, recurrence=rule)
    await alice.post(f"/todos/{rent['id']}/complete")
    await make(
        alice,
        "Weekly; odd, \\ title",
        description="two\nlines",
        due={"date": "2031-03-03", "time": "09:30"},
        recurrence={"rrule": "FREQ=WEEKLY", "exdates": ["2031-03-17"], "pile_up": "all"},
        reminders=[{"before": "PT15M"}, {"before": "P1D"}],
        tags=["a", "b"],
        priority="low",
        location="Köln",
    )
    shop = await make(alice, "Shop", due={"date": "2031-03-04"})
    await make(alice, "Bread", parent_id=shop["id"])
    opened = await export(app, app_db, alice, "ics")
    other = await register(http, "bea", timezone=(await alice.get("/me")).json()["timezone"])
    bringing = Importing.of(other, app, app_db)
    done = await bringing.bring(opened.read("todos.ics"), name="todos.ics")
    assert (done["status"], done["format"]) == ("succeeded", "ics"), done
    mine = await Importing.of(alice, app, app_db).todos()
    assert shown(await bringing.todos()) == shown(mine)
    lists = [each["name"] for each in (await other.get("/lists")).json()["data"]]
    assert "Home" in lists
