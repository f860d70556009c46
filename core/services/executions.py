"""Our own ledger of what Temporal was asked to run: it is rebuilt from here when its data is lost.

Rows are recorded when the relay claims their outbox row, before the start: a workflow that ends at
once finds its row, and a worker that dies in between leaves an open one for the sweep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, update

from core.db import Transaction
from core.ids import uuid7
from core.models.outbox import Executions
from core.statements import Query, query, row

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

_CLOSE = query(
    update(Executions)
    .where(Executions.workflow_id == bindparam("id"), Executions.open)
    .values(open=False, closed_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Execution:
    workflow_id: str
    type: str
    started_at: datetime


# What still stands in the outbox, dead letters included, is the relay's business.
_UNCLOSED = Query(
    b"""
    SELECT workflow_id, type, started_at FROM executions e
    WHERE open AND started_at < now() - %(age)s::interval
      AND (started_at, workflow_id) > (%(after_at)s, %(after_id)s)
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.workflow_id = e.workflow_id)
    ORDER BY started_at, workflow_id LIMIT %(limit)s
    """,
    Execution,
    {},
    writes=False,
)
_REQUEUE = Query(
    b"""
    INSERT INTO outbox (id, workflow_type, workflow_id, arguments, subject_id, fairness_key)
    SELECT %(id)s, type, workflow_id, arguments, subject_id, fairness_key FROM executions e
    WHERE workflow_id = %(workflow_id)s AND open
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.workflow_id = e.workflow_id)
    """,
    row,
    {},
    writes=True,
)


# What somebody asked for in a workspace that stays: it is told from what it is about.
_THEIRS = b"""
    fairness_key = %(user)s::text OR fairness_key = ANY (%(workspaces)s) OR subject_id IN (
        SELECT id FROM jobs WHERE user_id = %(user)s
        UNION ALL SELECT id FROM deliveries WHERE user_id = %(user)s
        UNION ALL SELECT subject_id FROM deliveries WHERE user_id = %(user)s
            AND kind <> 'erasure_begun'
        UNION ALL SELECT id FROM connections WHERE user_id = %(user)s
        UNION ALL SELECT id FROM voice_memos WHERE user_id = %(user)s
        UNION ALL SELECT id FROM slack_inbound WHERE user_id = %(user)s)
"""
_CLAIM_UNSENT = Query(b"DELETE FROM outbox WHERE " + _THEIRS, row, {}, writes=True)
_CLAIM = Query(
    b"""
    UPDATE executions SET fairness_key = %(user)s::text, open = false,
        closed_at = coalesce(closed_at, now())
    WHERE (open OR fairness_key <> %(user)s::text) AND ("""
    + _THEIRS
    + b")",
    row,
    {},
    writes=True,
)
_OF_PERSON = Query(
    b"SELECT workflow_id FROM executions WHERE fairness_key = %(user)s::text"
    b" ORDER BY workflow_id LIMIT 200",
    row,
    {},
    writes=False,
)
_FORGET = Query(b"DELETE FROM executions WHERE workflow_id = ANY (%(ids)s)", row, {}, writes=True)


def close(tx: Transaction, workflow_id: str, *, now: datetime) -> None:
    """Nothing is left to do for this workflow: in the transaction that settles its work.

    May be repeated, and works in either role.
    """
    tx.run(_CLOSE, id=workflow_id, now=now)


async def unclosed(
    tx: Transaction, *, age: timedelta, after: Execution | None, limit: int
) -> list[Execution]:
    """The next open ones that are older than `age` and not waiting in the outbox, oldest first."""
    return await tx.all(
        _UNCLOSED,
        age=age,
        after_at=after.started_at if after else _BEGINNING,
        after_id=after.workflow_id if after else "",
        limit=limit,
    )


async def of_person(tx: Transaction, user_id: UUID, workspaces: Sequence[UUID]) -> list[str]:
    """The ids of up to 200 workflows that worked for this person, marked as theirs and closed.

    Theirs are those of their own workspaces, and elsewhere those about something of their own. Once
    marked they are found when the rows that led to them are gone. What is not relayed yet goes.
    `tx` works as `vt_eraser`.
    """
    tx.run(_CLAIM_UNSENT, user=user_id, workspaces=[str(each) for each in workspaces])
    tx.run(_CLAIM, user=user_id, workspaces=[str(each) for each in workspaces])
    return [found for (found,) in await tx.all(_OF_PERSON, user=user_id)]


def forget(tx: Transaction, workflow_ids: Sequence[str]) -> None:
    """Queue that nothing is known of these any more. `tx` works as `vt_eraser`."""
    tx.run(_FORGET, ids=list(workflow_ids))


def requeue(tx: Transaction, workflow_id: str) -> None:
    """Ask once more for a workflow that Temporal no longer knows: same id, type and arguments."""
    tx.run(_REQUEUE, id=uuid7(), workflow_id=workflow_id)
