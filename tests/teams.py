"""Workspaces that several people share, laid directly into the database."""

from typing import Any
from uuid import UUID

import psycopg

from core.ids import uuid7
from tests.people import Person


async def sql(database_url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run as the superuser, who no row-level security binds; its rows, if it has any."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        cursor = await connection.execute(statement.encode(), values)
        return await cursor.fetchall() if cursor.description else []


async def team(database_url: str, **people: Person) -> UUID:
    """`team(url, owner=alice, member=bob, viewer=charlie)`: the id of their workspace."""
    workspace_id = uuid7()
    await sql(
        database_url,
        "INSERT INTO workspaces (id, kind, name) VALUES (%s, 'team', 'Team')",
        workspace_id,
    )
    await sql(database_url, "INSERT INTO feeds (workspace_id) VALUES (%s)", workspace_id)
    for role, person in people.items():
        await join(database_url, workspace_id, person, role)
    return workspace_id


async def join(database_url: str, workspace_id: UUID, person: Person, role: str) -> None:
    await sql(
        database_url,
        "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, %s)",
        person.id,
        workspace_id,
        role,
    )
