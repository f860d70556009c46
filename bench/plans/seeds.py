"""A million rows in each table: one tenant with a tenth of them, and many small ones.

Row `i` of every table belongs to the same workspace, so whatever row names another one finds it.
What goes by age reaches a little further back than it is kept, as in a house that runs.
"""

from collections.abc import Callable
from typing import Any, Final

import psycopg
from sqlalchemy import ARRAY, Boolean, Column, Double, Integer, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from bench.plans.columns import COLUMNS
from core.models import Table

# `near` is one of the first twenty rows of the same workspace: what many others hang on.
GROUND: Final = """
CREATE FUNCTION pid(kind text, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(1600000000000 + i * 60000), 12, '0') || '7' || substr(md5(kind || i), 1, 3)
            || '8' || substr(md5(kind || i), 4, 15))::uuid
$$;
CREATE UNLOGGED TABLE plan_rows AS
SELECT i, w, near, p, pid('users', w) AS who, now() - (1 - p) * interval '730 days' AS at,
       abs(hashint8(i)::bigint) AS h
FROM (
    SELECT i, i <= {big} AS is_big,
           CASE WHEN i <= {big} THEN 1 ELSE 2 + (i - {big} - 1) % {small} END AS w,
           CASE WHEN i <= {big} THEN 1 + i % 20
                ELSE {big} + 1 + (i - {big} - 1) % {small} + {small} * (i / {small} % 5)
           END AS near,
           CASE WHEN i <= {big} THEN i::float / {big}
                ELSE (i - {big})::float / ({rows} - {big}) END AS p
    FROM generate_series(1::bigint, {rows}) AS i
) n;
CREATE UNLOGGED TABLE plan_people AS
SELECT i, i AS w, i AS near, i::float / {rows} AS p, pid('users', i) AS who,
       now() - (1 - i::float / {rows}) * interval '730 days' AS at, abs(hashint8(i)::bigint) AS h
FROM generate_series(1::bigint, {rows}) AS i;
"""
# Tables with a row for each person, or for each workspace.
OF_PEOPLE: Final = frozenset(
    (
        *("users", "workspaces", "memberships", "feeds", "connections", "calendar_syncs"),
        *("slack_homes", "slack_members", "digests", "consents", "erasure_ledger"),
        *("calendar_channels", "push_subscriptions", "subject_keys"),
    )
)
FEW: Final = frozenset({"leases", "parked_deliveries", "oauth_states"})  # a tenth: soon over
UNFILLED: Final = frozenset({"key_epochs", "retention_runs"})  # a row a year, and one a rule
_PLAIN: Final[tuple[tuple[type[Any], Callable[[str], str]], ...]] = (
    (Uuid, lambda name: f"pid('{name}', r.i)"),
    (LargeBinary, lambda name: f"sha256(('{name}' || r.i)::bytea)"),
    (Boolean, lambda _: "false"),
    (Integer, lambda _: "0"),  # of any size
    (Double, lambda _: "0"),
    (ARRAY, lambda _: "'{{}}'"),
    (JSONB, lambda _: "'{{}}'"),
)
_WHOSE: Final = {"workspace_id": "r.who", "user_id": "r.who"}


def _value(table: str, column: Column[Any]) -> str | None:
    """What stands in a column; null: its default, or nothing."""
    given = COLUMNS.get(table, {}).get(column.name)
    if given is not None:
        return given
    if column.name in _WHOSE and (column.primary_key or not column.nullable):
        return _WHOSE[column.name]
    if column.name == "id":
        return f"pid('{table}', r.i)"
    if column.nullable or column.server_default is not None:
        return None
    return next((make(column.name) for kind, make in _PLAIN if isinstance(column.type, kind)), "''")


def statements(rows: int) -> list[tuple[str, str]]:
    """(what, SQL), in order; run them as the owner with `session_replication_role = replica`."""
    sizes = {"rows": rows, "big": rows // 10, "small": max(rows // 100, 1)}
    made = [("the ground", GROUND.format(**sizes))]
    for table in Table.metadata.sorted_tables:
        if table.name in UNFILLED:
            continue
        values = {c.name: value for c in table.columns if (value := _value(table.name, c))}
        source = "plan_people" if table.name in OF_PEOPLE else "plan_rows"
        least = " WHERE r.i % 10 = 0" if table.name in FEW else ""
        sql = f"INSERT INTO {table.name} ({', '.join(values)}) SELECT {', '.join(values.values())}"
        made.append((table.name, f"{sql} FROM {source} r{least}".format(**sizes)))
    made.append(("teams", TEAMS))
    return made


# The big tenant's person is in thirty more workspaces.
TEAMS: Final = """
INSERT INTO memberships (user_id, workspace_id, role)
SELECT pid('users', 1), pid('users', w), 'member' FROM generate_series(2, 31) AS w
"""


def fill(url: str, rows: int, told: Callable[[str], None]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        # The keys hold by construction; to check each costs twice the filling.
        connection.execute("SET session_replication_role = replica")
        for what, sql in statements(rows):
            told(what)
            connection.execute(sql.encode())
        told("statistics")
        connection.execute("VACUUM ANALYZE")
