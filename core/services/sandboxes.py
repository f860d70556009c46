"""Sandboxes: workspaces for integrators, whose time stands still until somebody moves it.

A clock moves from instant to instant at which something falls due there, and what is due is worked
on as everywhere: claimed under leases (`core/due.py`), handed to the handler of its kind. Only
where `now` comes from differs, and that no vendor is called.

`step` is one transaction: the clock stands at the next instant, what is due there is in our hands,
and the job says so. So whoever is killed, wherever, left nothing half told: the next one finds the
clock where it got to, and takes the rows over as their leases end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update

from core import due
from core.actor import Actor
from core.db import Transaction
from core.due import Claimed, Source
from core.errors import Conflict, Forbidden, Invalid
from core.events import Event
from core.ids import uuid7
from core.messages import JobMessage, Kind
from core.models.jobs import JobKind, JobStatus
from core.models.reminders import Leases
from core.models.todos import Todos
from core.models.workspaces import Feeds, Memberships, Role, WorkspaceKind, Workspaces
from core.services import jobs, workspaces
from core.services.jobs import Found, Job
from core.services.workspaces import Workspace
from core.statements import LOCK_FEEDS, query

MAX_PER_PERSON: Final = 5
LONGEST_ADVANCE: Final = timedelta(days=366)
MOST_INSTANTS: Final = 10_000  # of one job; a reminder a minute is a week of them
BATCH: Final = 200  # rows of a kind at a time, as a tick's
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)  # as far as a todo may be due
MOVERS: Final = frozenset({Role.OWNER, Role.ADMIN})

TOO_MANY: Final = (
    f"more than {MOST_INSTANTS} instants: the clock stands where it got to, move it on from there"
)
STUCK: Final = "something that is due could not be worked on; the clock stands there"

_COUNT = query(
    select(func.count())
    .select_from(Workspaces)
    .join(Memberships, Memberships.workspace_id == Workspaces.id)
    .where(
        Memberships.user_id == bindparam("user_id"),
        Memberships.role == Role.OWNER,
        Workspaces.kind == WorkspaceKind.SANDBOX,
    )
)
_ADD = query(
    insert(Workspaces).values(
        id=bindparam("id"),
        kind=WorkspaceKind.SANDBOX,
        name=bindparam("name"),
        clock_at=bindparam("clock_at"),
        created_at=bindparam("now"),
    )
)
_ADD_OWNER = query(
    insert(Memberships).values(
        user_id=bindparam("user_id"), workspace_id=bindparam("id"), role=Role.OWNER
    )
)
_ADD_FEED = query(insert(Feeds).values(workspace_id=bindparam("id")))
# Before the workspace takes the rest with it: todos hold on to their lists, leases know nobody.
_DELETE_TODOS = query(delete(Todos).where(Todos.workspace_id == bindparam("id")))
_DELETE_LEASES = query(delete(Leases).where(Leases.workspace_id == bindparam("id")))
_DELETE = query(
    delete(Workspaces).where(
        Workspaces.id == bindparam("id"), Workspaces.kind == WorkspaceKind.SANDBOX
    )
)
# NO KEY: whatever is written there meanwhile refers to this row, and need not wait.
_CLOCK = query(
    select(Workspaces.clock_at)
    .where(Workspaces.id == bindparam("id"))
    .with_for_update(key_share=True)
)
_SET = query(
    update(Workspaces)
    .where(Workspaces.id == bindparam("of_id"))
    .values(clock_at=bindparam("new_clock_at"))
)


async def create(
    tx: Transaction, actor: Actor, *, name: str, clock_at: datetime | None, now: datetime
) -> Workspace:
    """One's own, with its time standing at `clock_at`, or at the real now."""
    await tx.all(LOCK_FEEDS, ids=[actor.user_id])  # two at a time must not both be the fifth
    count = await tx.first(_COUNT, user_id=actor.user_id)
    if count and count[0] >= MAX_PER_PERSON:
        raise Conflict(f"a person has at most {MAX_PER_PERSON} sandboxes: delete one first")
    made = Workspace(
        uuid7(), WorkspaceKind.SANDBOX, name, Role.OWNER, (clock_at or now).astimezone(UTC), now
    )
    # Row-level security lets nobody make a workspace that is not named before.
    tx.act_in([actor.user_id, made.id], actor.user_id)
    tx.run(_ADD, id=made.id, name=name, clock_at=made.clock_at, now=now)
    tx.run(_ADD_OWNER, id=made.id, user_id=actor.user_id)
    tx.run(_ADD_FEED, id=made.id)
    tx.emit(Event(actor.user_id, "workspace.created", made.id))
    return made


async def remove(tx: Transaction, actor: Actor, workspace_id: UUID) -> None:
    """With all that is in it. A job that moves its clock finds it gone, and ends."""
    await _sandbox(tx, actor, workspace_id, frozenset({Role.OWNER}))
    tx.run(_DELETE_TODOS, id=workspace_id)
    tx.run(_DELETE_LEASES, id=workspace_id)
    tx.run(_DELETE, id=workspace_id)
    tx.emit(Event(actor.user_id, "workspace.deleted", workspace_id))


async def move_clock(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    *,
    advance: timedelta | None,
    to: datetime | None,
    now: datetime,
) -> Job:
    """Ask for its clock to be moved, by so much or to an instant. Raises `Conflict`, `Invalid`.

    The job's `result`: `from`, `to`, how many `instants` the clock stopped at, and how many due
    rows were `handled`.
    """
    sandbox = await _sandbox(tx, actor, workspace_id, MOVERS)
    found = await tx.first(_CLOCK, id=sandbox.id)
    clock_at: datetime = found[0] if found else now
    pointer = "/to" if to is not None else "/advance"
    target = to.astimezone(UTC) if to is not None else clock_at + (advance or timedelta(0))
    if target < clock_at:
        detail = f"a clock moves forward only; it stands at {clock_at.isoformat()}"
        raise Invalid(detail, pointer=pointer, code="in_the_past")
    if target - clock_at > LONGEST_ADVANCE or target > LAST:
        detail = f"at most {LONGEST_ADVANCE.days} days at a time, and not beyond {LAST:%Y-%m-%d}"
        raise Invalid(detail, pointer=pointer, code="too_far")
    result = {"from": clock_at.isoformat(), "to": target.isoformat(), "instants": 0, "handled": 0}
    return jobs.create(
        tx,
        JobKind.CLOCK,
        result,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the clock stands now, and what is due there and in our hands. `over`: nothing more."""

    over: bool
    at: datetime | None = None
    work: tuple[tuple[Kind, tuple[Claimed, ...]], ...] = ()
    instants: int = 0
    handled: int = 0
    progress: float = 1.0


async def step(
    tx: Transaction,
    message: JobMessage,
    *,
    sources: Mapping[Kind, Source] = due.SOURCES,
    most: int = MOST_INSTANTS,
    now: datetime,
) -> Stop:
    """Move the clock to the next instant at which something is due, and claim that.

    What was due before (written while the clock moved on) is worked on where the clock stands.
    Without anything due up to the target the clock goes there, and the job has succeeded.
    """
    tx.act_in([message.workspace_id])
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    if job is None:
        return await _ended(tx, message)
    move = _Move.of(job)
    found = await tx.first(_CLOCK, id=job.workspace_id)
    clock_at: datetime = found[0] if found else move.to
    waiting = {
        kind: at
        for kind, source in sources.items()
        if (at := await due.earliest(tx, source, job.workspace_id)) and at <= move.to
    }
    if not waiting:
        tx.run(_SET, of_id=job.workspace_id, new_clock_at=max(move.to, clock_at))
        jobs.finish(tx, job, JobStatus.SUCCEEDED, move.result, now=now)
        return Stop(over=True, at=move.to, instants=move.instants, handled=move.handled)
    at = max(min(waiting.values()), clock_at)
    if at > clock_at:
        if move.instants >= most:
            jobs.finish(tx, job, JobStatus.FAILED, move.result, error=TOO_MANY, now=now)
            return Stop(True, clock_at, (), move.instants, move.handled, job.progress)
        move = replace(move, instants=move.instants + 1)
        tx.run(_SET, of_id=job.workspace_id, new_clock_at=at)
    work = []
    for kind, earliest in waiting.items():
        if earliest <= at:
            rows = await due.claim_in(tx, sources[kind], job.workspace_id, until=at, limit=BATCH)
            work.append((kind, tuple(rows)))
            # One that another worker had begun was counted when that one took it.
            first = sum(not each.taken_over for each in rows)
            move = replace(move, handled=move.handled + first)
    progress = move.share(at)
    jobs.tell(tx, job, progress, move.result, now=now)
    return Stop(False, at, tuple(work), move.instants, move.handled, progress)


async def _ended(tx: Transaction, message: JobMessage) -> Stop:
    """What came of a job that ended before this step."""
    job = await jobs.last(tx, message.workspace_id, message.job_id)
    if job is None:
        return Stop(over=True, progress=0.0)
    move = _Move.of(job)
    return Stop(True, None, (), move.instants, move.handled, job.progress)


async def give_up(tx: Transaction, message: JobMessage, *, now: datetime) -> None:
    """The job has failed over what is due where the clock stands."""
    tx.act_in([message.workspace_id])
    job = await jobs.lock(tx, message.workspace_id, message.job_id)
    if job is not None:
        jobs.finish(tx, job, JobStatus.FAILED, job.result, error=STUCK, now=now)


@dataclass(frozen=True, slots=True)
class _Move:
    """What stands in the `result` of a job that moves a clock."""

    since: datetime
    to: datetime
    instants: int
    handled: int

    @classmethod
    def of(cls, job: Found) -> "_Move":
        told = job.result
        since, to = (datetime.fromisoformat(told[name]) for name in ("from", "to"))
        return cls(since, to, told["instants"], told["handled"])

    @property
    def result(self) -> dict[str, Any]:
        return {
            "from": self.since.isoformat(),
            "to": self.to.isoformat(),
            "instants": self.instants,
            "handled": self.handled,
        }

    def share(self, at: datetime) -> float:
        whole = self.to - self.since
        return (at - self.since) / whole if whole else 0.0


async def _sandbox(
    tx: Transaction, actor: Actor, workspace_id: UUID, roles: frozenset[Role]
) -> Workspace:
    """Raises `NotFound`, `Forbidden` for other roles, `Conflict` for what is no sandbox."""
    found = await workspaces.get(tx, actor, workspace_id)
    if found.role not in roles:
        raise Forbidden
    if found.kind != WorkspaceKind.SANDBOX:
        raise Conflict("only a sandbox is deleted, or has a clock that can be moved")
    return found
