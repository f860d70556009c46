"""A row of somebody's in every table that the data map gives to people, each value its own mark.

Laid directly into the database, past keys and triggers: the constraints of a row hold all the same.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB

from core.models import Table
from core.rules import data_map

ENUM: Final = re.compile(r"^(\w+) IN \('([^']*)'")
THERE: Final = frozenset({"workspaces", "memberships"})  # everybody has their own
# What a constraint of the row, or whoever reads it, asks for.
FIXED: Final[Mapping[tuple[str, str], Any]] = {
    ("lists", "deleted_at"): None,
    ("todos", "status"): "completed",
    ("todos", "deleted_at"): None,
    ("todos", "created_via"): "voice",
    ("todos", "due_zone"): "Asia/Tokyo",
    ("series", "start_zone"): "Asia/Tokyo",
    ("series", "rrule"): "FREQ=DAILY;INTERVAL=17",
    ("series", "holidays"): "NL",
    ("reminders", "at_on"): None,
    ("reminders", "at_time"): None,
    ("reminders", "at_zone"): None,
    ("reminders", "before_s"): 4567,
    ("jobs", "status"): "succeeded",
    ("jobs", "kind"): "import",
    ("jobs", "progress"): 0.25,
    ("voice_memos", "status"): "deleted",
    ("voice_memos", "blob"): None,
    ("voice_memos", "blob_key"): None,
    ("exports", "blob"): None,
    ("exports", "blob_key"): None,
    ("imports", "blob"): None,
    ("imports", "blob_key"): None,
    ("erasures", "status"): "done",
}


class Marks:
    """What was laid for one person: `values[table][column]`."""

    def __init__(self, person_id: UUID, sealed: Mapping[tuple[str, str], Any]) -> None:
        self.person_id = person_id
        self.values: dict[str, dict[str, Any]] = {}
        self.sealed = sealed  # (table, column) -> what seals the mark of a row
        self._numbers = count(101)

    @asynccontextmanager
    async def laid(self, url: str) -> AsyncIterator[None]:
        """For as long as the block lasts: rows that lead nowhere could not be restored."""
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("SET session_replication_role = replica")
            try:
                await self._lay_all(connection)
                yield
            finally:
                await self._take_back(connection)

    async def _lay_all(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Into every table with a column that is exported; those that lead to them come first."""
        tables = data_map.read().tables
        wanted = dict.fromkeys(table for _, table, _ in data_map.read().exported())
        for name in wanted:
            if name in THERE:
                continue
            whose = tables[name].whose
            assert whose is not None, name
            if whose.table is not None:
                assert whose.table in self.values, f"{name} before {whose.table}"
            await self._lay(connection, name)

    async def _take_back(self, connection: psycopg.AsyncConnection[Any]) -> None:
        for name, row in self.values.items():
            if name == "users":
                continue
            keys = [each.name for each in Table.metadata.tables[name].primary_key]
            these = " AND ".join(f"{each} = %({each})s" for each in keys)
            statement = f"DELETE FROM {name} WHERE {these}"  # noqa: S608 - our names
            await connection.execute(statement.encode(), row)

    async def _lay(self, connection: psycopg.AsyncConnection[Any], name: str) -> None:
        table = Table.metadata.tables[name]
        row = {column.name: self._value(name, column) for column in table.columns}
        for (where, column), seal in self.sealed.items():
            if where == name:
                row[column] = seal(row)
        self.values[name] = row
        if name == "users":
            return await self._change(connection, row)
        columns, slots = ", ".join(row), ", ".join(f"%({each})s" for each in row)
        statement = f"INSERT INTO {name} ({columns}) VALUES ({slots})"  # noqa: S608 - our names
        await connection.execute(statement.encode(), row)
        return None

    async def _change(self, connection: psycopg.AsyncConnection[Any], row: dict[str, Any]) -> None:
        """The account is there; nobody could sign in if all of it was changed."""
        kept = {"id", "status", "password_hash", "verification_id", "verification_asked_at"}
        row.update(timezone="Asia/Tokyo", phone=f"+49{next(self._numbers)}0000000")
        row.update(email_suppressed="bounced", status="active", id=self.person_id)
        changes = ", ".join(f"{each} = %({each})s" for each in row if each not in kept)
        await connection.execute(
            f"UPDATE users SET {changes} WHERE id = %(id)s".encode(),  # noqa: S608 - our names
            row,
        )

    def _value(self, name: str, column: sa.Column[Any]) -> Any:
        if (name, column.name) in FIXED:
            return FIXED[name, column.name]
        leads = self._leads(name, column)
        if leads is not None:
            return leads
        number, kind = next(self._numbers), column.type
        for check in column.table.constraints:
            said = ENUM.match(str(getattr(check, "sqltext", "")))
            if said and said[1] == column.name:
                return said[2]
        if isinstance(kind, sa.ARRAY):
            return [self._plain(name, column, kind.item_type, number)]
        return self._plain(name, column, kind, number)

    def _leads(self, name: str, column: sa.Column[Any]) -> Any:
        """What makes the row this person's, and of the rows that were laid before it."""
        whose = data_map.read().tables[name].whose
        if column.name in {"workspace_id", "user_id", "actor_id", "created_by", "assignee_id"}:
            return self.person_id
        if whose is not None and column.name == whose.column:
            return self.person_id if whose.table is None else self.values[whose.table]["id"]
        for key in column.foreign_keys:
            there = key.target_fullname.partition(".")[0]
            if there in self.values and key.column.name == "id" and there != name:
                return self.values[there]["id"]
        return None

    def _plain(self, name: str, column: sa.Column[Any], kind: Any, number: int) -> Any:
        mark = f"mark-{name}-{column.name}-{self.person_id.hex[-12:]}"
        if isinstance(kind, JSONB):
            return Jsonb({"is": mark} if column.name != "log" else [{"is": mark}])
        plain: tuple[tuple[Any, Any], ...] = (
            (sa.Boolean, True),
            (sa.Integer, number),
            (sa.Float, number / 8),
            (sa.Uuid, uuid4()),
            (sa.LargeBinary, mark.encode()),
            (sa.DateTime, datetime(2031, 1, 1, tzinfo=UTC) + timedelta(minutes=number)),
            (sa.Date, date(2031, 1, 1) + timedelta(days=number)),
            (sa.Time, time(3, number % 60, 7)),
            (sa.String, mark),
        )
        return next(value for each, value in plain if isinstance(kind, each))
