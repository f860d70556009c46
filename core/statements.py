"""Statements: SQLAlchemy writes them once, `core/db.py` sends them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, overload

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

T = TypeVar("T")

DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy has no hint here


def row(*values: Any) -> tuple[Any, ...]:
    return values


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """A statement compiled once, and what becomes of each row (its columns, by position)."""

    sql: bytes
    into: Callable[..., T]
    constants: dict[str, Any]
    writes: bool


@overload
def query(statement: ClauseElement) -> Query[tuple[Any, ...]]: ...
@overload
def query(statement: ClauseElement, into: Callable[..., T]) -> Query[T]: ...
def query(statement: ClauseElement, into: Callable[..., Any] = row) -> Query[Any]:
    """Compile; ~0.1 ms, so do it at import time or behind a cache of the statement's shape."""
    compiled = statement.compile(dialect=DIALECT)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 (no other compiler is of this dialect)
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    writes = bool(getattr(statement, "is_dml", False))
    return Query(str(compiled).encode(), into, constants, writes)


ENTER = Query(
    b"SELECT * FROM vt_enter(%(session)s, %(user)s, %(key)s, %(limit)s, %(seconds)s, %(claim)s)",
    row,
    {},
    writes=False,
)
ACT_FOR = Query(
    b"SELECT * FROM vt_act_for(%(user)s, %(key)s, %(limit)s, %(seconds)s)", row, {}, writes=False
)
ACT_IN = Query(
    b"SELECT set_config('vt.user', %(user)s, true), set_config('vt.readable', %(readable)s, true),"
    b" set_config('vt.writable', %(writable)s, true)",
    row,
    {},
    writes=False,
)
NOTHING = Query(b"SELECT", row, {}, writes=False)
# Not marked as a write: what a failing request counted must not be taken back with it.
HIT = Query(b"SELECT * FROM vt_hit(%(key)s, %(limit)s, %(seconds)s)", row, {}, writes=False)
ABORT = Query(b"SELECT vt_abort()", row, {}, writes=False)
# As `vt_leave` locks them: for what must not be decided twice at a time in a workspace.
LOCK_FEEDS = Query(
    b"SELECT 1 FROM feeds WHERE workspace_id = ANY (%(ids)s) ORDER BY workspace_id FOR UPDATE",
    row,
    {},
    writes=False,
)
LEAVE = Query(
    b"SELECT vt_leave(%(events)s, %(actor)s, %(change_set)s,"
    b" %(key)s, %(request)s, %(status)s, %(answer)s)",
    row,
    {},
    writes=True,
)
