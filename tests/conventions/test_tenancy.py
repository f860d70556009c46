"""Row-level security, seen from the database: it holds although the code above may be wrong."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql as composed
from psycopg.errors import InsufficientPrivilege, UniqueViolation

from core.ids import uuid7
from tests.people import Person
from tests.teams import sql, team
from tests.todos import make, read

DUE = {"date": "2030-07-01", "time": "18:00", "timezone": "UTC"}
FILLED = {
    "todos",
    "lists",
    "reminders",
    "leases",
    "events",
    "feeds",
    "notifications",
    "deliveries",
    "jobs",
    "voice_sessions",
    "voice_commands",
    "todo_voice",
    "memberships",
    "workspaces",
}
# Asked by a secret, or by who somebody is elsewhere, before any workspace is known: ids only.
ASKED_BEFORE = ["oauth_states", "slack_members", "calendar_channels", "slack_inbound"]
TENANT_TABLES = """
    SELECT table_name::text, column_name::text FROM information_schema.columns
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
      AND (column_name = 'workspace_id' OR (table_name, column_name) = ('workspaces', 'id'))
      AND table_name <> ALL (%s)
"""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


async def tenant_tables(database_url: str) -> dict[str, str]:
    """Table -> its column of the workspace."""
    found: dict[str, str] = dict(await sql(database_url, TENANT_TABLES, ASKED_BEFORE))
    assert set(found) >= FILLED
    return found


async def fill(database_url: str, person: Person) -> None:
    """A row of hers in every table that belongs to a workspace."""
    await make(person, list="L", due=DUE, reminders=[{"before": "PT5M"}])
    said = await person.post("/voice/commands", json={"text": "Add milk"})
    assert said.json()["executed"], said.text
    await sql(
        database_url,
        "INSERT INTO notifications (workspace_id, id, user_id, kind, title)"
        " VALUES (%s, %s, %s, 'session_revoked', 'x')",
        person.id,
        uuid7(),
        person.id,
    )
    await sql(
        database_url,
        "INSERT INTO deliveries"
        " (workspace_id, id, kind, subject_id, user_id, channel, status, due_at)"
        " VALUES (%s, %s, 'reminder', %s, %s, 'in_app', 'sent', now())",
        person.id,
        uuid7(),
        uuid7(),
        person.id,
    )
    await sql(
        database_url,
        "INSERT INTO jobs (workspace_id, id, user_id, kind, status, finished_at)"
        " VALUES (%s, %s, %s, 'clock', 'cancelled', now())",
        person.id,
        uuid7(),
        person.id,
    )
    await sql(
        database_url,
        "INSERT INTO used_actions (workspace_id, id, user_id, used_at, expires_at)"
        " VALUES (%s, %s, %s, now(), now())",
        person.id,
        uuid7(),
        person.id,
    )
    await sql(
        database_url,
        "INSERT INTO leases (kind, workspace_id, row_id, arm_no, token, until)"
        " VALUES ('tried', %s, %s, 1, %s, now())",
        person.id,
        uuid7(),
        uuid7(),
    )


@pytest.fixture
async def as_app(database_url: str) -> AsyncIterator[Connection]:
    """A connection in the role that people's requests run in; each statement its own."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("SET ROLE vt_app")
        yield connection


async def act_as(connection: Connection, *workspaces: UUID) -> None:
    ids = "{" + ",".join(map(str, workspaces)) + "}"
    for name in ("vt.readable", "vt.writable"):
        await connection.execute("SELECT set_config(%s, %s, false)", (name, ids))


async def test_every_tenant_table_is_guarded_even_from_its_owner(database_url: str) -> None:
    tables = await tenant_tables(database_url)
    rows = await sql(
        database_url,
        "SELECT relname::text, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relname = ANY (%s) AND relnamespace = 'public'::regnamespace",
        list(tables),
    )
    assert {name: (on, forced) for name, on, forced in rows} == dict.fromkeys(tables, (True, True))


async def test_no_working_role_is_above_the_guard(database_url: str) -> None:
    rows = await sql(
        database_url,
        "SELECT rolname::text, rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles"
        " WHERE rolname LIKE 'vt\\_%%' ORDER BY 1",
    )
    roles = ("vt_app", "vt_eraser", "vt_retention", "vt_worker")
    assert rows == [(role, *[False] * 4) for role in roles]
    owned = await sql(
        database_url,
        "SELECT count(*) FROM pg_class JOIN pg_roles r ON r.oid = relowner"
        " WHERE r.rolname LIKE 'vt\\_%%'",
    )
    assert owned == [(0,)]


async def test_nobody_sees_nothing(alice: Person, database_url: str, as_app: Connection) -> None:
    await fill(database_url, alice)
    for table, column in (await tenant_tables(database_url)).items():
        count = composed.SQL("SELECT count(*) FROM {}").format(composed.Identifier(table))
        for settings in (False, True):  # never set, and set to somebody who is in no workspace
            if settings:
                await act_as(as_app)
            answer = await (await as_app.execute(count)).fetchone()
            assert answer == (0,), table
        await as_app.execute("RESET ALL")
        await as_app.execute("SET ROLE vt_app")
        if table in FILLED:
            filled = await sql(
                database_url,
                f"SELECT count(*) FROM {table} WHERE {column} = %s",  # noqa: S608 (the catalogue's names)
                alice.id,
            )
            assert filled != [(0,)], f"{table} has nothing that could have been seen"


async def test_one_sees_and_touches_ones_own(
    alice: Person, bob: Person, database_url: str, as_app: Connection
) -> None:
    await fill(database_url, alice)
    await fill(database_url, bob)
    await act_as(as_app, alice.id)
    for table, column in (await tenant_tables(database_url)).items():
        names = {"table": composed.Identifier(table), "column": composed.Identifier(column)}
        owners = composed.SQL("SELECT DISTINCT {column} FROM {table}").format(**names)
        seen = {row[0] for row in await (await as_app.execute(owners)).fetchall()}
        assert seen <= {alice.id}, table
        assert seen or table not in FILLED, table
        for verb in ("UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"):
            statement = composed.SQL(verb + " WHERE {column} = %s").format(**names)
            try:
                touched = (await as_app.execute(statement, (bob.id,))).rowcount
            except InsufficientPrivilege:
                continue
            assert touched == 0, (table, verb)


async def test_nothing_is_written_or_moved_into_a_foreign_workspace(
    alice: Person, bob: Person, as_app: Connection, database_url: str
) -> None:
    await fill(database_url, alice)
    await act_as(as_app, alice.id)
    add = "INSERT INTO lists (workspace_id, id, name, position) VALUES (%s, %s, 'x', 1)"
    await as_app.execute(add, (alice.id, uuid7()))
    refused: list[tuple[str, tuple[Any, ...]]] = [
        (add, (bob.id, uuid7())),
        ("UPDATE lists SET workspace_id = %s WHERE name = 'x'", (bob.id,)),
        ("UPDATE feeds SET workspace_id = %s", (bob.id,)),
        ("UPDATE notifications SET workspace_id = %s", (bob.id,)),
        (
            "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, 'owner')",
            (alice.id, bob.id),
        ),
        ("INSERT INTO workspaces (id, kind, name) VALUES (%s, 'team', 'x')", (uuid7(),)),
        ("UPDATE workspaces SET kind = 'team'", ()),
        ("UPDATE workspaces SET name = 'x'", ()),
        ("DELETE FROM jobs", ()),
        ("DELETE FROM events", ()),
        ("UPDATE events SET type = 'x'", ()),
        ("DELETE FROM audit_log", ()),
        ("DELETE FROM deliveries", ()),
        ("SELECT * FROM outbox", ()),
    ]
    for statement, values in refused:
        with pytest.raises((InsufficientPrivilege, UniqueViolation)) as raised:
            await as_app.execute(statement.encode(), values)
        assert isinstance(raised.value, InsufficientPrivilege), statement


async def test_members_share_and_viewers_look(
    alice: Person, bob: Person, charlie: Person, database_url: str
) -> None:
    shared = await team(database_url, owner=alice, member=bob, viewer=charlie)
    there = f"?workspace_id={shared}"
    todo = (
        await alice.post(f"/todos{there}", json={"title": "x", "list": "L", "tags": ["t"]})
    ).json()
    path, list_path = f"/todos/{todo['id']}", f"/lists/{todo['list_id']}"
    at = {"date": "2030-01-01", "time": "09:00"}
    writes: list[tuple[str, str, Any]] = [
        ("POST", f"/todos{there}", {"title": "y"}),
        ("PUT", path, {"title": "y"}),
        ("PUT", f"/todos/{uuid7()}{there}", {"title": "y"}),
        ("PATCH", path, {"title": "y"}),
        ("POST", f"{path}/complete", None),
        ("POST", f"{path}/reopen", None),
        ("POST", f"{path}/reminders", {"at": at}),
        ("POST", f"/lists{there}", {"name": "M"}),
        ("PATCH", list_path, {"name": "N"}),
        ("PATCH", f"/tags/t{there}", {"name": "u"}),
        ("DELETE", f"/tags/t{there}", None),
        ("DELETE", list_path, None),
        ("DELETE", path, None),
    ]
    for method, target, body in writes:
        sent = {} if body is None else {"json": body}
        answer = await charlie.request(method, target, **sent)
        assert answer.status_code == 403, (method, target, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await read(charlie, todo["id"]) == await read(alice, todo["id"]) == todo
    for target in ("/todos", "/lists", "/tags", "/events"):
        assert (await charlie.get(f"{target}{there}")).json()["data"]
    assert (await charlie.get("/todos")).json()["data"] == []

    edited = await bob.patch(path, json={"title": "bob was here", "assignee_id": str(charlie.id)})
    assert edited.status_code == 200
    assert (await read(alice, todo["id"]))["title"] == "bob was here"
    told = (await alice.get(f"/events{there}")).json()["data"][-1]
    assert told["actor_id"] == str(bob.id)
    own = await make(bob, "his own")
    assert own["workspace_id"] == str(bob.id)
    assert (await alice.get(f"/todos/{own['id']}")).status_code == 404

    await sql(
        database_url,
        "DELETE FROM memberships WHERE user_id = %s AND workspace_id = %s",
        bob.id,
        shared,
    )
    assert (await bob.get(path)).status_code == 404
    assert (await bob.get(f"/todos{there}")).status_code == 404
    assert (await bob.patch(path, json={"title": "z"})).status_code == 404
