"""What the data map says is a person's, table by table: the members of an archive but its todos.

Nothing here names a column that is told: `core/data_map.yaml` says which are, in which member, and
how a row leads to its person. What others wrote in a shared workspace, and who they are, is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ColumnElement, any_, bindparam, false, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB

from core.db import Transaction
from core.models import Table
from core.rules import data_map
from core.services.export_seals import Seals
from core.statements import Query, query

PAGE: Final = 200  # rows: some milliseconds of work, in which the worker does nothing else
TODOS: Final = "todos.json"  # written by `export_todos`
ME: Final = "me"
OTHERS: Final = "another member"
PEOPLE: Final = frozenset({"created_by", "assignee_id", "actor_id"})
# What somebody else may have written, where a workspace is shared.
OF_ALL: Final = frozenset(
    {("events", "before"), ("webhook_deliveries", "body"), ("calendar_links", "base")}
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose archive it is. `alone` are the workspaces that nobody else is in.

    `linked` are the anonymous accounts, and so their workspaces, that ended in this one.
    """

    user_id: UUID
    workspaces: tuple[UUID, ...]
    alone: frozenset[UUID]
    linked: tuple[UUID, ...] = ()

    def named(self, somebody: UUID | None) -> str | None:
        """Nobody else is named in an archive."""
        if somebody is None:
            return None
        return ME if somebody == self.user_id else OTHERS


@dataclass(frozen=True, slots=True)
class Leads:
    """`column` names rows of another table: those are the person's that `query` finds among them.

    With `further`, it tells what these lead to.
    """

    column: str
    query: Query[tuple[Any, ...]]
    further: "Leads | None"


@dataclass(frozen=True, slots=True)
class Section:
    """The columns of one table that stand in one member; each page is read by its key."""

    member: str
    table: str
    columns: tuple[str, ...]
    first: Query[dict[str, Any]]
    further: Query[dict[str, Any]]
    key: tuple[str, ...]
    leads: Leads | None


@cache
def sections() -> Mapping[str, tuple[Section, ...]]:
    """By member, in the order of the map."""
    found: dict[tuple[str, str], list[str]] = {}
    for member, table, column in data_map.read().exported():
        if member != TODOS:
            found.setdefault((member, table), []).append(column)
    members: dict[str, list[Section]] = {}
    for (member, table), columns in found.items():
        members.setdefault(member, []).append(_section(member, table, columns))
    return {member: tuple(each) for member, each in members.items()}


async def page(
    tx: Transaction, scope: Scope, section: Section, after: Mapping[str, Any] | None
) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
    """The person's among the next rows, as they are stored; and what to go on after, if anything.

    Those of the key are always among its columns.
    """
    asked: dict[str, Any] = {"me": scope.user_id, "alone": list(scope.alone)}
    asked["spaces"] = list(scope.workspaces)
    if after is None:
        found = await tx.all(section.first, **asked)
    else:
        at = {f"after_{name}": after[name] for name in section.key}
        found = await tx.all(section.further, **asked, **at)
    last = found[-1] if len(found) == PAGE else None
    if section.leads is not None and found:
        own = await _own(tx, section.leads, [each[section.leads.column] for each in found], asked)
        found = [each for each in found if each[section.leads.column] in own]
    return found, last


async def _own(
    tx: Transaction, leads: Leads, ids: list[UUID], asked: Mapping[str, Any]
) -> set[UUID]:
    """Those of these rows that are the person's. Looked up and not joined, as in `export_todos`."""
    found = await tx.all(leads.query, **asked, ids=ids)
    if leads.further is None:
        return {each for each, _ in found}
    own = await _own(tx, leads.further, [there for _, there in found], asked)
    return {each for each, there in found if there in own}


def told(section: Section, row: Mapping[str, Any], scope: Scope, seals: Seals) -> dict[str, Any]:
    """As it stands in the archive: sealed words opened, other people unnamed."""
    answer = {}
    for column in section.columns:
        value = row[column]
        if column in PEOPLE:
            value = scope.named(value)
        elif (section.table, column) in OF_ALL and row["workspace_id"] not in scope.alone:
            value = None
        elif isinstance(value, bytes):
            value = seals.opened(section.table, column, row)
        answer[column] = value
    return answer


def schema(member: str) -> dict[str, Any]:
    """Of this member: JSON Schema, made of the columns' types."""
    tables = {each.table: {"type": "array", "items": _shape(each)} for each in sections()[member]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:voicetodo:export:{member}:1",
        "title": f"{member} of an export",
        "description": "; ".join(f"{t}: {data_map.read().tables[t].says}" for t in tables),
        "type": "object",
        "additionalProperties": False,
        "required": list(tables),
        "properties": tables,
    }


def _shape(section: Section) -> dict[str, Any]:
    columns = Table.metadata.tables[section.table].c
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(section.columns),
        "properties": {name: _type(section.table, columns[name]) for name in section.columns},
    }


def _type(table: str, column: sa.Column[Any]) -> dict[str, Any]:
    if column.name in PEOPLE:
        return {"enum": [ME, OTHERS, None]}
    if isinstance(column.type, JSONB | sa.LargeBinary):
        return {}  # what was sealed may have been JSON
    if isinstance(column.type, sa.ARRAY):
        of: dict[str, Any] = {"type": "array"}
    else:
        of = next(shape for kind, shape in _TYPES if isinstance(column.type, kind))
    optional = column.nullable or (table, column.name) in OF_ALL
    return {**of, "type": [of["type"], "null"]} if optional else of


_TYPES: Final[tuple[tuple[type[Any], dict[str, Any]], ...]] = (
    (sa.Boolean, {"type": "boolean"}),
    (sa.Integer, {"type": "integer"}),
    (sa.Float, {"type": "number"}),
    (sa.Uuid, {"type": "string", "format": "uuid"}),
    (sa.DateTime, {"type": "string", "format": "date-time"}),
    (sa.Date, {"type": "string", "format": "date"}),
    (sa.Time, {"type": "string"}),
    (sa.String, {"type": "string"}),
)


def _section(member: str, name: str, columns: list[str]) -> Section:
    table = Table.metadata.tables[name]
    key = tuple(column.name for column in table.primary_key)
    leads = _leads(name)
    # Where it is, for what is sealed there or shared; and whose it is.
    beside = [each for each in ("workspace_id",) if each in table.c]
    beside += [leads.column] if leads else []
    names = tuple(dict.fromkeys([*key, *beside, *columns]))

    def into(*values: Any) -> dict[str, Any]:
        return dict(zip(names, values, strict=True))

    keys = [table.c[each] for each in key]
    after = tuple_(*(bindparam(f"after_{each.name}", type_=each.type) for each in keys))
    rows = select(*(table.c[each] for each in names)).order_by(*keys).limit(PAGE)
    if leads is None:
        rows = rows.where(_mine(name, table))
    rows = rows.where(*_there(name, table))
    further = rows.where(tuple_(*keys) > after)
    return Section(
        member, name, tuple(columns), query(rows, into), query(further, into), key, leads
    )


def _leads(name: str) -> Leads | None:
    whose = data_map.read().tables[name].whose
    if whose is None or whose.table is None:
        return None
    there = Table.metadata.tables[whose.table]
    further = _leads(whose.table)
    these = there.c.id == any_(bindparam("ids", type_=sa.ARRAY(sa.Uuid())))
    rows = select(there.c.id, there.c[further.column] if further else there.c.id)
    rows = rows.where(these, *_there(whose.table, there))
    if further is None:
        rows = rows.where(_mine(whose.table, there))
    return Leads(whose.column, query(rows), further)


def _there(name: str, table: sa.Table) -> list[ColumnElement[bool]]:
    """Where the person is a member: keys begin with it. What names the person needs no more."""
    whose = data_map.read().tables[name].whose
    if "workspace_id" not in table.c or (whose is not None and whose.column == "user_id"):
        return []
    return [table.c.workspace_id == any_(bindparam("spaces", type_=sa.ARRAY(sa.Uuid())))]


def _mine(name: str, table: sa.Table) -> ColumnElement[bool]:
    """Whether a row is this person's, by what it says itself."""
    whose = data_map.read().tables[name].whose
    if whose is None:
        return false()
    me, column = bindparam("me", type_=sa.Uuid()), table.c[whose.column]
    if column.name != "workspace_id":
        return column == me
    alone = column == any_(bindparam("alone", type_=sa.ARRAY(sa.Uuid())))
    authors = [table.c[each] == me for each in sorted(PEOPLE) if each in table.c]
    return or_(alone, *authors)
