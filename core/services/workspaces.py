"""Where somebody works: what they may see there, what they may do, and what time it is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute

from core.actor import Actor
from core.db import Transaction
from core.errors import Forbidden, NotFound
from core.models.workspaces import Memberships, Role, Workspaces
from core.statements import query


class Access(StrEnum):
    READ = "read"
    WRITE = "write"


WRITERS = frozenset({Role.OWNER, Role.ADMIN, Role.MEMBER})


@dataclass(frozen=True, slots=True)
class Workspace:
    """As a member sees it. `clock_at` is null where time passes by itself."""

    id: UUID
    kind: str
    name: str
    role: str
    clock_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace as its member finds it. `now` is its own time (sandboxes have a clock)."""

    workspace_id: UUID
    now: datetime
    may_write: bool


def visible(
    workspace_id: InstrumentedAttribute[UUID], *, leads: bool = True
) -> ColumnElement[bool]:
    """Part of every read a person can reach; binds `user_id`. Row-level security repeats it.

    `leads=False` is for rows that an index finds by their person, in the order asked for: they are
    checked, and PostgreSQL does not go from workspace to workspace to sort what is there.
    """
    mine: Any = select(Memberships.workspace_id).where(Memberships.user_id == bindparam("user_id"))
    found: ColumnElement[bool] = workspace_id.in_(mine)
    return found if leads else found.is_(True)


async def place(
    tx: Transaction, actor: Actor, workspace_id: UUID, access: Access, *, now: datetime
) -> Place:
    """Raises `NotFound` where the actor cannot see, `Forbidden` where they may only look.

    One's personal workspace has one's own id, so nothing needs to be read for it.
    """
    if workspace_id == actor.user_id:
        return Place(workspace_id, now, may_write=True)
    membership = (await tx.person()).memberships.get(workspace_id)
    if membership is None:
        raise NotFound("there is no such workspace that you can see")
    may_write = membership.role in WRITERS
    if access is Access.WRITE and not may_write:
        raise Forbidden
    return Place(workspace_id, membership.clock_at or now, may_write)


_MINE = (
    select(
        Workspaces.id,
        Workspaces.kind,
        Workspaces.name,
        Memberships.role,
        Workspaces.clock_at,
        Workspaces.created_at,
    )
    .join(
        Memberships,
        and_(
            Memberships.workspace_id == Workspaces.id,
            Memberships.user_id == bindparam("user_id"),
        ),
    )
    .order_by(Workspaces.id)
)
_PAGE = query(_MINE.where(Workspaces.id > bindparam("after")).limit(bindparam("limit")), Workspace)
_GET = query(_MINE.where(Workspaces.id == bindparam("id")), Workspace)
_BEFORE_ALL = UUID(int=0)


async def page(tx: Transaction, actor: Actor, *, after: UUID | None, limit: int) -> list[Workspace]:
    """Up to `limit` + 1 of those that one is a member of, in the order they were made."""
    return await tx.all(_PAGE, user_id=actor.user_id, after=after or _BEFORE_ALL, limit=limit + 1)


async def get(tx: Transaction, actor: Actor, workspace_id: UUID) -> Workspace:
    found = await tx.first(_GET, user_id=actor.user_id, id=workspace_id)
    if found is None:
        raise NotFound("there is no such workspace that you can see")
    return found
