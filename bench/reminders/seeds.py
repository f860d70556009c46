"""Reminders as rows, as many and as full as the API would have written them."""

from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg

from core.rules import zones
from core.rules.retries import delivery_id

ROWS: Final = """
CREATE TEMP TABLE people AS SELECT uuidv7() AS id, n FROM generate_series(1, %(users)s) AS n;
INSERT INTO users (id, email, email_verified_at, name, timezone)
SELECT id, replace(id::text, '-', '') || '@example.com', now(), 'Ada Lovelace', 'Europe/Berlin'
FROM people;
INSERT INTO workspaces (id, kind, name) SELECT id, 'personal', '' FROM people;
INSERT INTO memberships (user_id, workspace_id, role) SELECT id, id, 'owner' FROM people;
INSERT INTO feeds (workspace_id) SELECT id FROM people;
CREATE TEMP TABLE made AS
SELECT p.id AS workspace_id, uuidv7() AS todo_id, uuidv7() AS id, g.n,
       %(at)s + g.n::bigint * 7919 %% %(seconds)s * interval '1 second' AS at
FROM generate_series(1, %(reminders)s) AS g (n) JOIN people p ON p.n = 1 + g.n %% %(users)s;
INSERT INTO todos (workspace_id, id, title, position, due_on, due_time, due_at)
SELECT workspace_id, todo_id, 'Call the dentist about number ' || n, n,
       (at AT TIME ZONE 'Europe/Berlin')::date, (at AT TIME ZONE 'Europe/Berlin')::time, at
FROM made;
INSERT INTO reminders (workspace_id, id, todo_id, user_id, lane, next_at, arm_no, at_on, at_time,
                       armed_zone, armed_tzdata, channels)
SELECT workspace_id, id, todo_id, workspace_id, n %% %(lanes)s, at, 1,
       (at AT TIME ZONE 'Europe/Berlin')::date, (at AT TIME ZONE 'Europe/Berlin')::time,
       'Europe/Berlin', %(tzdata)s, %(channels)s
FROM made;
"""


def due_at_once(
    url: str, at: datetime, *, reminders: int, users: int, channel: str, lanes: int
) -> list[str]:
    """Reminders of that second, spread evenly over new users; the ids of their deliveries."""
    with psycopg.connect(url) as connection:
        values = _values(at, reminders, users) | {"channels": [channel], "lanes": lanes}
        _run(connection, values)
        rows: list[tuple[UUID, UUID]] = connection.execute(
            "SELECT id, workspace_id FROM made"
        ).fetchall()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE users, todos, reminders, memberships")
    return [str(delivery_id(reminder, 1, user, channel)) for reminder, user in rows]


def pending(url: str, at: datetime, *, reminders: int, users: int, seconds: int) -> None:
    """Reminders scattered over so many seconds from `at` on, with the channels people prefer."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # keys: a third of the time
        _run(connection, _values(at, reminders, users) | {"seconds": seconds})


def _values(at: datetime, reminders: int, users: int) -> dict[str, object]:
    return {
        "at": at,
        "reminders": reminders,
        "users": users,
        "lanes": 1,
        "seconds": 1,
        "channels": None,
        "tzdata": zones.tzdata_version(),
    }


def _run(connection: "psycopg.Connection[tuple[UUID, UUID]]", values: dict[str, object]) -> None:
    with psycopg.ClientCursor(connection) as cursor:
        for statement in ROWS.split(";\n")[:-1]:
            cursor.execute(statement.encode(), values)
