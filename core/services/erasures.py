"""The end of an account as its person sees it: looked at before, asked for, taken back.

During the grace everything works as ever. Once it has begun nobody signs in any more, and only the
address of the receipt says how far it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from core import outbox
from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, NotFound
from core.ids import uuid7
from core.models.deliveries import DeliveryKind
from core.models.erasures import ErasureStatus
from core.rules.data_requests import RequestKind, RequestOutcome
from core.services import account_mails, audits, data_requests, erasure_rows, executions
from core.statements import Query, row

WORKFLOW: Final = "EraseAccount"
GRACE_DAYS: Final = 14
LONGEST_GRACE_DAYS: Final = 30
# What nobody would miss, or what nobody but the worker may look at.
_UNCOUNTED: Final = frozenset(
    {"feeds", "leases", "outbox", "rate_limits", "idempotency_keys", "used_actions", "import_refs"}
    | {"calendar_channels", "parked_deliveries", "slack_inbound", "slack_homes", "slack_members"}
    | {"digests", "digest_periods", "voice_applied", "oauth_states", "webhook_attempts"}
)
KEPT: Final = {
    "audit_log": "who did what and when, as random ids without contents; 12 months",
    "erasure_ledger": "the random id of the account, so that no backup brings it back",
    "erasure_receipts": "the receipt: figures that lead to nobody",
}


@dataclass(frozen=True, slots=True)
class Erasure:
    """`receipt_id`: whoever has it can see, without signing in, how far it is."""

    id: UUID
    status: str
    requested_at: datetime
    due_at: datetime
    finished_at: datetime | None
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Staying:
    """What is kept, how much of it, and why."""

    what: str
    count: int
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`goes`: rows by table. `ends` and `passes_on`: workspaces without and with other members.

    `told`: the outside services that are asked to forget.
    """

    goes: dict[str, int]
    recordings: int
    ends: list[UUID]
    passes_on: list[UUID]
    told: list[str]
    keeps: list[Staying]


@dataclass(frozen=True, slots=True)
class Progress:
    """An erasure as the address of its receipt tells it. `signature`: null until it is done."""

    id: UUID
    status: str
    issued_at: datetime | None
    stores: dict[str, Any]
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Open:
    """One as an operator sees it. `steps`: by store, what it is at and after which problem."""

    id: UUID
    status: str
    due_at: datetime
    steps: dict[str, Any]


_COLUMNS: Final = b"SELECT id, status, requested_at, due_at, finished_at, receipt_id FROM erasures "
_LAST: Final = Query(
    _COLUMNS + b"WHERE user_id = %(user)s ORDER BY requested_at DESC LIMIT 1",
    Erasure,
    {},
    writes=False,
)
_ADD: Final = Query(
    b"""
    INSERT INTO erasures (id, user_id, receipt_id, requested_at, due_at)
    VALUES (%(id)s, %(user)s, %(receipt_id)s, %(now)s, %(due_at)s)
    ON CONFLICT (user_id) WHERE status IN ('waiting', 'running') DO NOTHING
    RETURNING id
    """,
    row,
    {},
    writes=True,
)
_CANCEL: Final = Query(
    b"""
    UPDATE erasures SET status = 'cancelled', finished_at = %(now)s
    WHERE user_id = %(user)s AND status = 'waiting' RETURNING id
    """,
    row,
    {},
    writes=True,
)
_PROGRESS: Final = Query(
    b"""
    SELECT e.receipt_id, e.status, r.issued_at, coalesce(r.counts, e.steps), r.signature
    FROM erasures e LEFT JOIN erasure_receipts r ON r.id = e.receipt_id
    WHERE e.receipt_id = %(id)s AND e.status <> 'cancelled'
    """,
    Progress,
    {},
    writes=False,
)

_OPEN: Final = Query(
    b"SELECT id, status, due_at, steps FROM erasures WHERE status IN ('waiting', 'running')"
    b" ORDER BY due_at LIMIT 200",
    Open,
    {},
    writes=False,
)


def _counting() -> Query[tuple[str, int]]:
    wheres: dict[str, list[str]] = {}
    for going in erasure_rows.PLAN:
        if going.table not in _UNCOUNTED:
            wheres.setdefault(going.table, []).append(going.where)
    sql = " UNION ALL ".join(
        f"SELECT '{table}', count(*) FROM {table} WHERE ({') OR ('.join(every)})"  # noqa: S608 - constants of ours
        for table, every in sorted(wheres.items())
    )
    return Query(sql.encode(), row, {}, writes=False)


_COUNTS: Final = _counting()
_SHARED: Final = Query(
    b"SELECT workspace_id FROM memberships WHERE user_id = %(user)s"
    b" AND workspace_id <> ALL (%(workspaces)s) ORDER BY 1",
    row,
    {},
    writes=False,
)
_TOLD: Final = Query(
    b"SELECT DISTINCT provider FROM connections WHERE user_id = %(user)s ORDER BY 1",
    row,
    {},
    writes=False,
)
_LEFT: Final = Query(
    b"SELECT count(*) FROM todos WHERE created_by = %(user)s AND workspace_id = ANY (%(shared)s)",
    row,
    {},
    writes=False,
)
_AUDITED: Final = Query(
    b"SELECT count(*) FROM audit_log WHERE actor_id = %(user)s", row, {}, writes=False
)
_RECORDINGS: Final = Query(
    b"SELECT count(*) FROM voice_memos WHERE user_id = %(user)s AND blob IS NOT NULL",
    row,
    {},
    writes=False,
)


def workflow_id(erasure_id: UUID) -> str:
    return f"erasure:{erasure_id}"


async def preview(tx: Transaction, actor: Actor) -> Preview:
    """What an erasure would take now, and what it would leave."""
    user = actor.user_id
    ends = [found for (found,) in await tx.all(erasure_rows.GONE, user=user)]
    shared = [found for (found,) in await tx.all(_SHARED, user=user, workspaces=ends)]
    counts = await tx.all(_COUNTS, user=user, workspaces=ends)
    told = [found for (found,) in await tx.all(_TOLD, user=user)]
    [(left,)] = await tx.all(_LEFT, user=user, shared=shared)
    [(audited,)] = await tx.all(_AUDITED, user=user)
    [(recordings,)] = await tx.all(_RECORDINGS, user=user)
    keeps = [
        Staying("todos", left, "they belong to your teams, and name you no more"),
        *(Staying(what, audited if what == "audit_log" else 1, why) for what, why in KEPT.items()),
    ]
    goes = {table: count for table, count in counts if count}
    return Preview(goes, recordings, ends, shared, told, [each for each in keeps if each.count])


async def request(tx: Transaction, user_id: UUID, *, grace: timedelta, now: datetime) -> Erasure:
    """Ask for it; a mail tells its person, with a grace how to cancel it.

    Raises `Conflict` while one is waiting or under way.
    """
    asked = Erasure(uuid7(), ErasureStatus.WAITING, now, now + grace, None, uuid4())
    added = await tx.first(
        _ADD,
        id=asked.id,
        user=user_id,
        receipt_id=asked.receipt_id,
        now=now,
        due_at=asked.due_at,
    )
    if added is None:
        raise Conflict("your account is going to be erased already: cancel that first")
    start(tx, asked.id, workflow_id(asked.id))
    if grace:
        kind = DeliveryKind.ERASURE_ASKED
        await account_mails.send(tx, user_id, kind, asked.id, about=str(asked.id), now=now)
    data_requests.begin(tx, RequestKind.ERASURE, user_id, subject_id=asked.id, now=now)
    audits.record(tx, "erasure.asked", actor_id=user_id, subject_id=asked.id)
    return asked


def start(tx: Transaction, erasure_id: UUID, workflow: str) -> None:
    """Queue its workflow, which waits for the end of the grace. It leads to nobody, in Temporal."""
    outbox.start(
        tx, WORKFLOW, workflow, subject_id=erasure_id, tenant=erasure_id, erasure_id=erasure_id
    )


async def last(tx: Transaction, actor: Actor) -> Erasure:
    """The newest that one asked for, cancelled ones included."""
    found = await tx.first(_LAST, user=actor.user_id)
    if found is None:
        raise NotFound("nobody asked for your account to be erased")
    return found


async def cancel(tx: Transaction, actor: Actor, *, now: datetime) -> None:
    """Everything stays as it is. Raises `NotFound` unless one is waiting."""
    cancelled = await tx.first(_CANCEL, user=actor.user_id, now=now)
    if cancelled is None:
        raise NotFound("no erasure of your account is waiting")
    erasure_id = cancelled[0]
    workflow = workflow_id(erasure_id)
    outbox.cancel(tx, WORKFLOW, workflow, subject_id=erasure_id, tenant=erasure_id)
    executions.close(tx, workflow, now=now)
    data_requests.close(tx, erasure_id, RequestOutcome.WITHDRAWN, now=now)
    audits.record(tx, "erasure.cancelled", actor_id=actor.user_id, subject_id=erasure_id)


async def progress(tx: Transaction, receipt_id: UUID) -> Progress:
    """How far it is; signed once it is done. Raises `NotFound`, also for a cancelled one."""
    found = await tx.first(_PROGRESS, id=receipt_id)
    if found is None:
        raise NotFound("there is no such receipt")
    return found


async def open_(tx: Transaction) -> list[Open]:
    """Those that wait or run, the next first. `tx` works as `vt_worker`."""
    return await tx.all(_OPEN)
