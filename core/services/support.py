"""What an operator may look at when somebody asks for help: how much there is, and one's own rows.

Read with a connection of its own, as an administrator and in one snapshot: a transaction of ours
sees one person's rows, or none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString

from psycopg import Connection, OperationalError, connect
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from core.errors import Misconfigured, NotFound, Unavailable
from core.models import Table
from core.rules import data_map

_OF_PERSON: Final[dict[str, LiteralString]] = {
    "workspace_id": "= %(id)s",  # the personal one has its person's id
    "user_id": "= %(id)s",
    "actor_id": "= %(id)s",
    "fairness_key": "= %(id)s::text",
}


def counts(url: str) -> dict[str, int]:
    """How many rows each table has, all at the same moment."""
    with snapshot(url) as connection:
        return {
            name: _value(connection, SQL("SELECT count(*) FROM {}").format(Identifier(name)))
            for name in sorted(Table.metadata.tables)
        }


def person(url: str, email: str) -> dict[str, list[dict[str, Any]]]:
    """Every row that belongs to this person, by table, without hashes. Raises `NotFound`."""
    with snapshot(url) as connection:
        select = SQL("SELECT id FROM users WHERE email = lower(%(email)s)")
        found = connection.execute(select, {"email": email}).fetchone()
        if found is None:
            raise NotFound(f"there is no account of {email}")
        rows: dict[str, list[dict[str, Any]]] = {}
        for name, table in sorted(Table.metadata.tables.items()):
            conditions: list[Composable] = [
                SQL("{} {}").format(Identifier(column), SQL(equals))
                for column, equals in _OF_PERSON.items()
                if column in table.columns
            ]
            if name == "users":
                conditions.append(SQL("id = %(id)s"))
            if conditions:
                rows[name] = _value(connection, _rows(name, conditions), id=found[0])
        return rows


def _never(table: str) -> list[str]:
    """Nobody who helps needs these, and whoever reads over their shoulder must not have them."""
    columns = data_map.read().tables[table].columns.items()
    return [name for name, it in columns if it.sealed or it.category == "credential"]


def _rows(table: str, conditions: list[Composable]) -> Composed:
    return SQL(
        "SELECT coalesce(jsonb_agg(row ORDER BY row), '[]') FROM "
        "(SELECT to_jsonb(t) - {never}::text[] AS row FROM {table} t WHERE {conditions}) AS rows"
    ).format(
        never=Literal(_never(table)),
        table=Identifier(table),
        conditions=SQL(" OR ").join(conditions),
    )


def _value(connection: Connection[Any], statement: SQL | Composed, **parameters: Any) -> Any:
    found = connection.execute(statement, parameters).fetchone()
    return found[0] if found else None


@contextmanager
def snapshot(url: str) -> Iterator[Connection[Any]]:
    """A connection that reads, as an administrator, everything as it is at one moment.

    Raises `Unavailable`, and `Misconfigured` when row-level security would hide rows from it.
    """
    try:
        connection = connect(url, connect_timeout=3)
    except OperationalError as error:
        raise Unavailable("PostgreSQL does not answer: is `voicetodo up` running?") from error
    with connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = '60s'")
        unseeing = SQL(
            "SELECT NOT (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = current_user"
        )
        if _value(connection, unseeing):
            raise Misconfigured(
                "row-level security hides every row from the user of DATABASE_URL: "
                "ask as a superuser, or as a role with BYPASSRLS"
            )
        yield connection
