"""The plan of each statement that a service sends: in its role, with its settings and parameters.

Row-level security changes plans, and so does a statement's history: from its sixth execution on a
connection PostgreSQL may keep one plan for all parameters. So each is planned twice: for these
parameters alone, and after five executions by a small tenant.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import AsyncCursor, sql
from psycopg.adapt import PyFormat, Transformer

from core.db import Database, Statement, Transaction
from core.pool import Connection
from core.statements import ABORT, ACT_FOR, ACT_IN, ENTER, HIT, LEAVE, LOCK_FEEDS, NOTHING, Query

SETTING: Final = (ENTER, ACT_FOR, ACT_IN)  # run, and not looked at
OURS: Final = (*SETTING, NOTHING, HIT, ABORT, LEAVE, LOCK_FEEDS)
EXECUTIONS: Final = 5  # after so many PostgreSQL compares the plan for all with those for each


class Recording(Transaction):
    """Runs as ever, and remembers what it sent."""

    sent: list[Statement]

    async def _execute(
        self, connection: Connection, statement: Query[Any], parameters: dict[str, Any]
    ) -> AsyncCursor[Any]:
        self.sent.append((statement, parameters))
        return await super()._execute(connection, statement, parameters)

    @property
    def asked(self) -> list[Statement]:
        """What was sent, and what is queued still."""
        return [*self.sent, *self._queue]


class Watched(Database):
    @asynccontextmanager
    async def recording(self) -> AsyncIterator[Recording]:
        """A transaction that leaves no trace; what it only queued is not sent."""
        transaction = Recording(self._pool, patience_s=self._patience_s)
        transaction.sent = []
        try:
            yield transaction
        finally:
            await transaction.roll_back()
            await transaction.release()


@dataclass(frozen=True, slots=True)
class Plan:
    """`read` rows came from tables, of which `returned` were of use; `dropped` after a filter."""

    sql: str
    later: bool
    indexes: frozenset[str]
    scanned: frozenset[str]  # tables read from end to end
    read: float
    dropped: float
    returned: float
    pages: int
    ms: float
    text: dict[str, Any]


def plans(
    connection: psycopg.Connection[Any], asked: Sequence[Statement], before: Sequence[Statement]
) -> Iterator[Plan]:
    """Of each statement of a transaction, as it is and after `before`, which others asked."""
    for later in (False, True):
        with connection.transaction(force_rollback=True):
            if not later:
                connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            for nth, (statement, parameters) in enumerate(asked):
                known = {**statement.constants, **parameters}
                if statement in SETTING:
                    with psycopg.ClientCursor(connection) as cursor:
                        cursor.execute(statement.sql, known)
                elif statement not in OURS:
                    same = [b for b in before if b[0] is statement][:1] or [(statement, parameters)]
                    warm = {**statement.constants, **same[0][1]}
                    yield _plan(connection, f"p{nth}", statement, known, warm if later else None)
        connection.execute("DEALLOCATE ALL")


def _plan(
    connection: psycopg.Connection[Any],
    name: str,
    statement: Query[Any],
    known: dict[str, Any],
    warm: dict[str, Any] | None,
) -> Plan:
    order: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if found[1] not in order:
            order.append(found[1])
        return f"${order.index(found[1]) + 1}"

    text = re.sub(r"%\((\w+)\)s|%%", numbered, statement.sql.decode())
    types = ", ".join(_type(connection, _wider(known[o], (warm or known)[o])) for o in order)
    prepared = sql.Identifier(name)
    heading = sql.SQL("PREPARE {} " + (f"({types})" if types else "") + " AS ")
    connection.execute(heading.format(prepared) + sql.SQL(text))
    if warm is not None:
        for _ in range(EXECUTIONS):
            connection.execute(_execute("EXPLAIN EXECUTE {}", prepared, [warm[o] for o in order]))
    how = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE {}"
    row = connection.execute(_execute(how, prepared, [known[o] for o in order])).fetchone()
    assert row is not None  # noqa: S101 - EXPLAIN answers
    return _read(row[0][0], text, later=warm is not None)


def _execute(how: str, prepared: sql.Identifier, values: list[Any]) -> sql.Composed:
    call = sql.SQL(how).format(prepared)
    if not values:
        return call
    return call + sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, values)))


def _type(connection: psycopg.Connection[Any], value: Any) -> str:
    """As psycopg sends it."""
    if value is None:
        return "unknown"
    oid = Transformer(connection).get_dumper(value, PyFormat.AUTO).oid
    known = connection.adapters.types.get(oid)
    if known is None:
        return "unknown"
    return known.regtype if oid == known.oid else f"{known.regtype}[]"


def _wider(one: Any, other: Any) -> Any:
    """Small numbers are sent as smaller types, which the other one may not fit."""
    numbers = isinstance(one, int) and isinstance(other, int)
    return max(one, other, key=abs) if numbers else one


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _read(explained: dict[str, Any], text: str, *, later: bool) -> Plan:
    top = explained["Plan"]
    nodes = list(_nodes(top))
    scans = [n for n in nodes if "Relation Name" in n and n["Node Type"] != "ModifyTable"]
    use = top["Plans"][0] if top["Node Type"] == "ModifyTable" and "Plans" in top else top
    dropped = sum(_dropped(each) for each in nodes)
    return Plan(
        text,
        later,
        frozenset(each["Index Name"] for each in nodes if "Index Name" in each),
        frozenset(each["Relation Name"] for each in scans if each["Node Type"] == "Seq Scan"),
        sum(each["Actual Rows"] * each["Actual Loops"] for each in scans) + dropped,
        dropped,
        max(each["Actual Rows"] for each in (top, use)),
        top.get("Shared Hit Blocks", 0) + top.get("Shared Read Blocks", 0),
        explained["Execution Time"],
        top,
    )


def _dropped(node: dict[str, Any]) -> float:
    reasons = (
        "Rows Removed by Filter",
        "Rows Removed by Index Recheck",
        "Rows Removed by Join Filter",
    )
    return float(sum(node.get(each, 0) for each in reasons) * node["Actual Loops"])
