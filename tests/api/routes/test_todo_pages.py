"""Lists of todos: filters, orders, and walking through them page by page."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from core.ids import uuid7
from tests.people import API, Person
from tests.teams import sql, team
from tests.todos import make, refusal

MANY = 130
RANKS = ["high", "medium", "low", "none"]


async def lay(database_url: str, person: Person, many: int = MANY) -> None:
    """Todos whose sort keys are equal in large groups, and absent in one of three."""
    await sql(
        database_url,
        """
        INSERT INTO todos (workspace_id, id, title, priority, position, created_by, due_on, due_at)
        SELECT %s, vt.id, 'laid ' || n, (%s::text[])[1 + n %% 4], n %% 7, %s,
               CASE WHEN n %% 3 > 0 THEN date '2030-01-01' + (n %% 2)::int END,
               CASE WHEN n %% 3 > 0 THEN (date '2030-01-01' + (n %% 2)::int)::timestamptz END
        FROM unnest(%s::uuid[]) WITH ORDINALITY AS vt(id, n)
        """,
        person.id,
        RANKS,
        person.id,
        [uuid7() for _ in range(many)],
    )


async def titles(person: Person, query: str = "") -> list[str]:
    answer = await person.get(f"/todos?{query}")
    assert answer.status_code == 200, answer.text
    return sorted(todo["title"] for todo in answer.json()["data"])


def key(todo: dict[str, Any], sort: str) -> Any:
    """What a list in this order ascends by."""
    return {
        "due": (todo["due_at"] is None, todo["due_at"] or "", todo["id"]),
        "priority": (RANKS.index(todo["priority"]), todo["id"]),
        "position": (todo["position"], todo["id"]),
        "created": todo["id"],
    }[sort]


async def walk(person: Person, query: str, *, between: Any = None) -> list[dict[str, Any]]:
    """Every row of every page, by `next_cursor`."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await person.get(f"/todos?{query}{cursor}")).json()
        found += page["data"]
        assert len(found) < 3 * MANY, "it goes round in circles"
        assert page["has_more"] is (page["next_cursor"] is not None)
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"
        if between is not None:
            await between()


@pytest.mark.parametrize("sort", ["due", "priority", "created", "position"])
@pytest.mark.parametrize("limit", [1, 13, 50, 65])
async def test_a_walk_meets_every_todo_once(
    alice: Person, database_url: str, sort: str, limit: int
) -> None:
    many = MANY if limit > 1 else 25
    await lay(database_url, alice, many)
    found = await walk(alice, f"sort={sort}&limit={limit}")
    assert len(found) == many
    assert len({todo["id"] for todo in found}) == many
    assert found == sorted(found, key=lambda todo: key(todo, sort))


@pytest.mark.parametrize("sort", ["due", "priority", "created", "position"])
async def test_rows_that_come_and_go_hide_no_others(
    alice: Person, database_url: str, sort: str
) -> None:
    await lay(database_url, alice)
    before = {todo["id"] for todo in await walk(alice, "limit=100")}

    async def disturb() -> None:
        await make(alice, "new", position=-1, priority="high", due={"date": "2020-01-01"})
        await make(alice, "new", position=99, priority="none")
        new = (await alice.get("/todos?q=new&limit=1")).json()["data"][0]
        await alice.delete(f"/todos/{new['id']}")

    found = await walk(alice, f"sort={sort}&limit=20", between=disturb)
    ids = [todo["id"] for todo in found]
    assert len(set(ids)) == len(ids)
    assert before <= set(ids)


async def test_the_link_leads_to_the_next_page(alice: Person, database_url: str) -> None:
    await lay(database_url, alice, 5)
    first = await alice.get("/todos?sort=due&limit=3&fields=id")
    url, _, rel = first.headers["link"].partition("; ")
    assert rel == 'rel="next"'
    second = await alice.get(url.strip("<>").removeprefix(API))
    both = first.json()["data"] + second.json()["data"]
    assert len({todo["id"] for todo in both}) == 5
    assert all(set(todo) == {"id"} for todo in both)
    assert "link" not in second.headers


async def test_a_cursor_belongs_to_its_question_and_person(
    alice: Person, bob: Person, database_url: str
) -> None:
    await lay(database_url, alice, 3)
    shared = await team(database_url, owner=alice, member=bob)
    page = (await alice.get("/todos?sort=due&limit=1")).json()
    cursor = page["next_cursor"]
    others = [
        await bob.get(f"/todos?sort=due&limit=1&cursor={cursor}"),
        await bob.get(f"/todos?sort=due&limit=1&workspace_id={alice.id}&cursor={cursor}"),
        await alice.get(f"/todos?sort=created&limit=1&cursor={cursor}"),
        await alice.get(f"/todos?sort=due&status=pending&cursor={cursor}"),
        await alice.get(f"/todos?sort=due&workspace_id={shared}&cursor={cursor}"),
        await alice.get(f"/events?cursor={cursor}"),
        await alice.get(f"/todos?sort=due&cursor={cursor[:-2]}"),
        await alice.get(f"/todos?sort=due&cursor={cursor[:-6]}AAAAAA"),
        await alice.get("/todos?sort=due&cursor=x"),
        await alice.get("/todos?sort=due&cursor=%C3%BC%00"),
    ]
    for nth, answer in enumerate(others):
        if nth == 1:  # not hers at all
            assert answer.status_code in {404, 422}
            continue
        assert refusal(answer) == (422, "/query/cursor", "cursor"), nth
    more = await alice.get(f"/todos?sort=due&limit=2&cursor={cursor}")
    assert more.status_code == 200, "another size of page is the same question"


async def test_fields(alice: Person) -> None:
    made = await make(alice, reminders=[{"at": {"date": "2030-01-01", "time": "09:00"}}])
    page = (await alice.get("/todos?fields=title,%20reminders,due_at")).json()
    wanted = {name: made[name] for name in ("title", "reminders", "due_at")}
    assert page == {"data": [wanted], "next_cursor": None, "has_more": False}
    refused = await alice.get("/todos?fields=title,created_by")
    assert refusal(refused) == (422, "/query/fields", "fields")


async def test_filters(alice: Person) -> None:
    parent = await make(alice, "parent", list="Home", priority="high", tags=["a b", "c"])
    await make(
        alice,
        "child 50%",
        parent_id=parent["id"],
        due={"date": "2030-01-01", "time": "10:00", "timezone": "UTC"},
        description="Under_score",
    )
    done = await make(alice, "done", assignee_id=str(alice.id))
    await alice.post(f"/todos/{done['id']}/complete")
    gone = await make(alice, "gone", tags=["c"])
    await alice.delete(f"/todos/{gone['id']}")

    assert await titles(alice) == ["child 50%", "done", "parent"]
    for query, expected in {
        "status=pending": ["child 50%", "parent"],
        "status=completed": ["done"],
        "priority=high": ["parent"],
        "tag=c": ["parent"],
        "tag=a%20b": ["parent"],
        "tag=C": [],
        f"list_id={parent['list_id']}": ["parent"],
        f"list_id={uuid7()}": [],
        f"parent_id={parent['id']}": ["child 50%"],
        "due_before=2030-01-01T10:00:00Z": [],
        "due_before=2030-01-01T10:00:01Z": ["child 50%"],
        "due_after=2030-01-01T10:00:00Z": ["child 50%"],
        "due_after=2030-01-01T12:00:01%2B02:00": [],
        "q=CHILD": ["child 50%"],
        "q=0%25": ["child 50%"],
        "q=%25": ["child 50%"],
        "q=under_": ["child 50%"],
        "q=%5C": [],
        "q=n_": [],
        "assignee=me": ["done"],
        f"assignee={alice.id}": ["done"],
        f"assignee={uuid7()}": [],
        "status=pending&priority=none": ["child 50%"],
    }.items():
        assert await titles(alice, query) == expected, query


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("status=open", "status"),
        ("priority=urgent", "priority"),
        ("list_id=1", "list_id"),
        ("due_before=2030-01-01T10:00:00", "due_before"),
        ("due_after=1893456000", "due_after"),
        ("assignee=you", "assignee"),
        ("sort=title", "sort"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1e2", "limit"),
        ("q=" + "x" * 201, "q"),
        ("q=%00", "q"),
        ("workspace_id=mine", "workspace_id"),
    ],
)
async def test_what_a_list_cannot_be_asked(alice: Person, query: str, name: str) -> None:
    status, pointer, _ = refusal(await alice.get(f"/todos?{query}"))
    assert (status, pointer.split("/")[:3]) == (422, ["", "query", name])


async def test_a_foreign_workspace_is_not_there(alice: Person, charlie: Person) -> None:
    await make(alice)
    for path in ("/todos", "/lists", "/tags", "/events"):
        foreign = await charlie.get(f"{path}?workspace_id={alice.id}")
        random = await charlie.get(f"{path}?workspace_id={uuid7()}")
        assert foreign.status_code == random.status_code == 404
        assert foreign.json()["detail"] == random.json()["detail"]
    foreign = await charlie.post(f"/todos?workspace_id={alice.id}", json={"title": "x"})
    assert foreign.status_code == 404
    assert await titles(alice) == ["milk"]


async def test_reads_at_once_do_not_mix(alice: Person, bob: Person) -> None:
    await asyncio.gather(*(make(alice, f"a{n}") for n in range(5)), make(bob, "b"))
    pages = await asyncio.gather(*(person.get("/todos") for person in (alice, bob) * 20))
    for nth, page in enumerate(pages):
        owners = {UUID(todo["workspace_id"]) for todo in page.json()["data"]}
        assert owners == {(alice, bob)[nth % 2].id}
