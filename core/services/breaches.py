"""After a breach: whose data lay open, of which kinds, and how much of it (Art. 33(3), 34).

Counted along the data map, so that no table is forgotten: whatever was there before `until`, and of
it what came within the time. Rows that tell no time count always. What was deleted since is not
seen: of that, look at a backup of the time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier
from sqlalchemy import Text

from core.errors import NotFound
from core.models import Table as Model
from core.rules import data_map
from core.rules.data_map import DataMap, Risk, Table
from core.services import support

# What tells when a row came; the first of them that a table has.
MOMENTS: Final = (
    *("created_at", "at", "received_at", "started_at", "requested_at", "granted_at"),
    *("applied_at", "used_at", "decided_at"),
)
ROOM: Final = "workspace_id"


@dataclass(frozen=True, slots=True)
class Exposed:
    """Of one kind; `sealed`: of use only with the installation's keys. `tables`: where it lay."""

    category: str
    says: str
    risk: Risk
    sealed: bool
    people: int
    records: int
    new: int
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concerned:
    """A person: how many rows, and of which kinds those that are not sealed."""

    id: UUID
    email: str | None
    records: int
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    since: datetime
    until: datetime
    workspace_id: UUID | None
    exposed: tuple[Exposed, ...]
    people: tuple[Concerned, ...]


Kind = tuple[str, bool]  # a category, sealed or not


@dataclass(slots=True)
class _Found:
    people: set[UUID] = field(default_factory=set)
    tables: list[str] = field(default_factory=list)
    records: int = 0
    new: int = 0


def report(url: str, *, since: datetime, until: datetime, workspace_id: UUID | None) -> Report:
    """What lay open, all of it read in one snapshot. Raises `NotFound` without such a workspace."""
    data = data_map.read()
    found: dict[Kind, _Found] = {}
    people: dict[UUID, tuple[int, set[str]]] = {}
    given = {"since": since, "until": until, "workspace_id": workspace_id}
    with support.snapshot(url) as connection:
        if workspace_id is not None and not _there(connection, workspace_id):
            raise NotFound("there is no such workspace")
        for table in data.tables.values():
            if table.whose is None or (workspace_id is not None and ROOM not in table.columns):
                continue
            kinds = _kinds(table)
            source = _source(data, table, in_room=workspace_id is not None)
            for kind, records, new in _rows(connection, source, table, kinds, given):
                each = found.setdefault(kind, _Found())
                each.records, each.new = each.records + records, each.new + new
                each.tables.append(table.name)
            for person, records, of_kinds in _persons(connection, source, kinds, given):
                held, categories = people.setdefault(person, (0, set()))
                people[person] = held + records, categories
                for kind in of_kinds:
                    found[kind].people.add(person)
                categories.update(name for name, sealed in of_kinds if not sealed)
        emails = dict(connection.execute(SQL("SELECT id, email FROM users")).fetchall())
    concerned = [
        Concerned(
            person,
            emails[person],
            records,
            tuple(name for name in data.categories if name in categories),
        )
        for person, (records, categories) in sorted(people.items())
    ]
    return Report(since, until, workspace_id, _exposed(data, found), tuple(concerned))


def _there(connection: Connection[Any], workspace_id: UUID) -> bool:
    statement = SQL("SELECT 1 FROM workspaces WHERE id = %s")
    return connection.execute(statement, (workspace_id,)).fetchone() is not None


def _kinds(table: Table) -> dict[Kind, list[str]]:
    """Its columns, by kind."""
    kinds: dict[Kind, list[str]] = {}
    for column, answers in table.columns.items():
        kinds.setdefault((answers.category, answers.sealed), []).append(column)
    return kinds


@dataclass(frozen=True, slots=True)
class _Source:
    """`rows` as `t`; with `persons` joined, each row of them once for each `p` that it is of."""

    rows: Composed
    persons: Composed
    where: Composed
    moment: Composable


def _source(data: DataMap, table: Table, *, in_room: bool) -> _Source:
    columns = Model.metadata.tables[table.name].columns
    moment = next((name for name in MOMENTS if name in columns), None)
    at = Identifier("t", moment) if moment else SQL("NULL::timestamptz")
    wheres: list[Composable] = [SQL("true")]
    if moment:
        wheres.append(SQL("{} < %(until)s").format(at))
    if in_room:
        wheres.append(SQL("t.workspace_id = %(workspace_id)s"))
    return _Source(
        SQL(" FROM {} t").format(Identifier(table.name)),
        SQL("").join(_joins(data, table)),
        SQL(" WHERE ") + SQL(" AND ").join(wheres),
        at,
    )


def _joins(data: DataMap, table: Table) -> Iterator[Composable]:
    """From a row to its people: along the map, and from a workspace to all of its members."""
    name, alias, whose = table.name, "t", table.whose
    while whose is not None and whose.table is not None:
        ours, theirs = (Model.metadata.tables[each].columns for each in (name, whose.table))
        through = f"{alias}_"
        is_text = isinstance(ours[whose.column].type, Text)
        link = SQL("{} = {}").format(
            Identifier(through, "id") + SQL("::text" if is_text else ""),
            Identifier(alias, whose.column),
        )
        if ROOM in ours and ROOM in theirs:
            link += SQL(" AND {} = {}").format(Identifier(through, ROOM), Identifier(alias, ROOM))
        yield SQL(" JOIN {} {} ON {}").format(Identifier(whose.table), Identifier(through), link)
        name, alias, whose = whose.table, through, data.tables[whose.table].whose
    if whose is None:
        return
    person = Identifier(alias, whose.column)
    if whose.column == ROOM or name == "workspaces":
        yield SQL(" JOIN memberships m ON m.workspace_id = {}").format(person)
        person = Identifier("m", "user_id")
    yield SQL(" JOIN users p ON p.id = {}").format(person)


def _rows(
    connection: Connection[Any],
    source: _Source,
    table: Table,
    kinds: Mapping[Kind, list[str]],
    given: Mapping[str, Any],
) -> Iterator[tuple[Kind, int, int]]:
    """How many rows have something of each kind, and how many of those are new."""
    counts: list[Composable] = []
    for columns in kinds.values():
        held = _held(columns)
        counts.append(SQL("count(*) FILTER (WHERE {})").format(held))
        counts.append(
            SQL("count(*) FILTER (WHERE ({}) AND {} >= %(since)s)").format(held, source.moment)
        )
    statement = SQL("SELECT ") + SQL(", ").join(counts) + source.rows + source.where
    row = connection.execute(statement, given).fetchone()
    assert row is not None, table.name  # noqa: S101 (a count has always a row)
    for kind, records, new in zip(kinds, row[::2], row[1::2], strict=True):
        if records:
            yield kind, records, new


def _persons(
    connection: Connection[Any],
    source: _Source,
    kinds: Mapping[Kind, list[str]],
    given: Mapping[str, Any],
) -> Iterator[tuple[UUID, int, list[Kind]]]:
    having = [SQL("bool_or({})").format(_held(columns)) for columns in kinds.values()]
    statement = (
        SQL("SELECT p.id, count(*), ")
        + SQL(", ").join(having)
        + source.rows
        + source.persons
        + source.where
        + SQL(" GROUP BY p.id")
    )
    for person, records, *has in connection.execute(statement, given):
        yield person, records, [kind for kind, is_held in zip(kinds, has, strict=True) if is_held]


def _held(columns: Iterable[str]) -> Composed:
    return SQL(" OR ").join(
        SQL("{} IS NOT NULL").format(Identifier("t", column)) for column in columns
    )


def _exposed(data: DataMap, found: Mapping[Kind, _Found]) -> tuple[Exposed, ...]:
    """The worst first, and what is sealed after what is not."""
    worst = list(reversed(Risk))
    every = (
        Exposed(
            name,
            data.categories[name].says,
            data.categories[name].risk,
            sealed,
            len(each.people),
            each.records,
            each.new,
            tuple(each.tables),
        )
        for (name, sealed), each in found.items()
    )
    return tuple(
        sorted(every, key=lambda each: (each.sealed, worst.index(each.risk), each.category))
    )
