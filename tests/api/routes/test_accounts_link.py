"""An anonymous account moves into an existing one."""

from datetime import UTC, datetime, timedelta

import httpx2
import psycopg

from core.db import Database
from core.services import erasure_steps
from tests.people import PASSWORD, Person, anonymous, person, register
from tests.teams import sql

DAY = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


async def make(who: Person, path: str, **body: object) -> dict[str, object]:
    answer = await who.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, object] = answer.json()
    return made


async def link(guest: Person, to: Person, password: str = PASSWORD) -> httpx2.Response:
    return await guest.post("/auth/link", json={"email": to.email, "password": password})


async def test_everything_moves_and_lists_of_one_name_become_one(
    http: httpx2.AsyncClient, database_url: str
) -> None:
    alice = await register(http, "alice", timezone="Asia/Tokyo")
    guest = await anonymous(http)
    work = await make(alice, "/lists", name="Work")
    own = await make(alice, "/todos", title="Hers", list_id=work["id"])
    guests_work = await make(guest, "/lists", name="WORK")
    garden = await make(guest, "/lists", name="Garden")
    gone_list = await make(guest, "/lists", name="Gone")
    parent = await make(guest, "/todos", title="Plan", list_id=guests_work["id"])
    child = await make(guest, "/todos", title="Step", parent_id=parent["id"])
    floating = await make(
        guest,
        "/todos",
        title="Water",
        list_id=garden["id"],
        due={"date": DAY, "time": "08:00"},
        assignee_id=str(guest.id),
        reminders=[{"before": "PT0S"}],
    )
    gone = await make(guest, "/todos", title="Gone", list_id=garden["id"])
    assert (await guest.delete(f"/todos/{gone['id']}")).status_code == 204
    assert (await guest.delete(f"/lists/{gone_list['id']}")).status_code == 204

    answer = await link(guest, alice)
    assert answer.status_code == 200, answer.text
    linked = person(http, answer)
    assert linked.id == alice.id
    assert (await guest.get("/me")).status_code == 401

    todos = {t["title"]: t for t in (await linked.get("/todos")).json()["data"]}
    assert set(todos) == {"Hers", "Plan", "Step", "Water"}
    ids = {title: todos[title]["id"] for title in todos}
    assert ids == {
        "Hers": own["id"],
        "Plan": parent["id"],
        "Step": child["id"],
        "Water": floating["id"],
    }
    assert {todo["workspace_id"] for todo in todos.values()} == {str(alice.id)}
    assert todos["Plan"]["list_id"] == work["id"]
    assert todos["Step"]["parent_id"] == parent["id"]
    assert todos["Water"]["list_id"] == garden["id"]
    assert todos["Water"]["assignee_id"] == str(alice.id)
    lists = {each["name"] for each in (await linked.get("/lists")).json()["data"]}
    assert lists == {"Work", "Garden"}

    tokyo = datetime.fromisoformat(f"{DAY}T08:00:00+09:00")
    assert datetime.fromisoformat(todos["Water"]["due_at"]) == tokyo
    (reminder,) = todos["Water"]["reminders"]
    assert datetime.fromisoformat(reminder["next_fire_at"]) == tokyo
    events = (await linked.get("/events?since=0")).json()
    told = {(event["type"], event["subject_id"]) for event in events["data"]}
    moved = {"Plan", "Step", "Water"}
    assert {("todo.created", ids[title]) for title in moved} <= told
    assert ("list.created", garden["id"]) in told
    assert ("reminder.created", reminder["id"]) in told
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        for table in ("todos", "lists", "reminders"):
            query = f"SELECT count(*) FROM {table} WHERE workspace_id = %s".encode()  # noqa: S608 (names from here)
            cursor = await connection.execute(query, [guest.id])
            assert await cursor.fetchone() == (0,), table
        cursor = await connection.execute("SELECT status FROM users WHERE id = %s", [guest.id])
        assert await cursor.fetchone() == ("merged",)


async def test_an_id_that_both_have_is_made_anew(http: httpx2.AsyncClient, alice: Person) -> None:
    guest = await anonymous(http)
    both = "01a1fcc6-2ec0-782a-9955-447e9005f84a"
    await make_with_id(alice, both, "Hers")
    await make_with_id(guest, both, "The guest's")
    child = await make(guest, "/todos", title="Step", parent_id=both)
    linked = person(http, await link(guest, alice))
    todos = {t["title"]: t for t in (await linked.get("/todos")).json()["data"]}
    assert set(todos) == {"Hers", "The guest's", "Step"}
    assert todos["Hers"]["id"] == both
    assert todos["Step"]["id"] == child["id"]
    assert todos["Step"]["parent_id"] == todos["The guest's"]["id"] != both


async def make_with_id(who: Person, todo_id: str, title: str) -> None:
    answer = await who.put(f"/todos/{todo_id}", json={"title": title})
    assert answer.status_code == 201, answer.text


async def test_needs_the_password_of_the_other(http: httpx2.AsyncClient, alice: Person) -> None:
    guest = await anonymous(http)
    todo = await make(guest, "/todos", title="Mine")
    assert (await link(guest, alice, "not-her-password-at-all")).status_code == 401
    assert (await guest.get(f"/todos/{todo['id']}")).status_code == 200
    assert (await alice.get(f"/todos/{todo['id']}")).status_code == 404


async def test_only_an_anonymous_account_can_be_linked(alice: Person, bob: Person) -> None:
    todo = await make(bob, "/todos", title="Bob's")
    assert (await link(bob, alice)).status_code == 409
    assert (await link(alice, alice)).status_code == 409
    assert (await bob.get(f"/todos/{todo['id']}")).status_code == 200


async def test_what_was_imported_moves_and_does_not_come_twice(
    http: httpx2.AsyncClient, alice: Person, database_url: str
) -> None:
    kept = {"todos": [{"id": "1", "text": "Milk"}, {"id": "2", "text": "Bread"}], "preferences": {}}
    guest = await anonymous(http)
    made = await guest.post("/imports/browser", json=kept)
    assert made.status_code in {200, 201}, made.text
    linked = person(http, await link(guest, alice))
    assert linked.id == alice.id
    import_id = made.json()["import_id"]
    assert (await linked.get(f"/imports/{import_id}")).status_code == 200
    again = await linked.post("/imports/browser", json=kept)
    assert again.json()["todos"] == made.json()["todos"]
    assert len((await linked.get("/todos")).json()["data"]) == 2
    left = await sql(
        database_url,
        "SELECT 1 FROM imports WHERE user_id = %s UNION ALL SELECT 1 FROM import_refs"
        " WHERE user_id = %s UNION ALL SELECT 1 FROM jobs WHERE user_id = %s",
        *[guest.id] * 3,
    )
    assert left == []


async def test_an_import_under_way_is_waited_for(http: httpx2.AsyncClient, alice: Person) -> None:
    guest = await anonymous(http)
    asked = await guest.post("/imports", files={"file": ("todos.json", b'[{"title": "Milk"}]')})
    assert asked.status_code == 202, asked.text
    refused = await link(guest, alice)
    assert refused.status_code == 409, refused.text
    assert "import is under way" in refused.json()["detail"]
    assert (await guest.get("/me")).status_code == 200


async def test_who_ends_their_account_ends_what_was_linked_to_it(
    http: httpx2.AsyncClient, alice: Person, bob: Person, database_url: str
) -> None:
    guest, others = await anonymous(http), await anonymous(http)
    await make(guest, "/todos", title="Left in the feed")
    assert (await link(guest, alice)).status_code == 200
    assert (await link(others, bob)).status_code == 200
    asked = await alice.post("/me/erasure", json={"password": PASSWORD, "grace_days": 0})
    assert asked.status_code == 202, asked.text
    [(erasure_id,)] = await sql(
        database_url, "SELECT id FROM erasures WHERE user_id = %s", alice.id
    )
    eraser = Database(database_url, role="vt_eraser", size=1)
    await eraser.open()
    try:
        for _ in range(2):
            async with eraser.transaction() as tx:
                begun = await erasure_steps.begin(tx, erasure_id, now=datetime.now(UTC))
            assert begun == alice.id
    finally:
        await eraser.close()
    started = await sql(
        database_url,
        "SELECT e.user_id FROM erasures e JOIN outbox o ON o.subject_id = e.id"
        " WHERE e.user_id = ANY (%s)",
        [guest.id, others.id],
    )
    assert started == [(guest.id,)]
