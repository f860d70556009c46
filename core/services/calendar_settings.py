"""What people say about a calendar that is kept in step, and what they are shown of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

from core import crypto
from core.db import Transaction
from core.errors import Conflict, NotFound
from core.ids import uuid7
from core.models.calendars import SyncState
from core.models.jobs import JobKind
from core.rules.calendar_policy import Policy
from core.services import calendar_syncs, jobs, lanes
from core.services.jobs import Job
from core.statements import Query, row

PRIMARY: Final = "primary"  # as Google calls a person's own calendar


@dataclass(frozen=True, slots=True)
class Shown:
    """`progress` is 0 to 1 while a run works, `quarantined` counts deletions that wait."""

    connection_id: UUID
    calendar_id: str
    calendar_name: str
    events_become_todos: str
    state: str
    progress: float | None
    last_synced_at: datetime | None
    problem: str | None
    quarantined: int


_BEGIN: Final = Query(
    b"""
    INSERT INTO calendar_syncs AS s (workspace_id, id, user_id, calendar_id, lane, next_at)
    SELECT c.workspace_id, c.id, c.user_id, %(calendar_id)s, %(lane)s, %(now)s FROM connections c
    WHERE c.workspace_id = %(workspace_id)s AND c.id = %(id)s
    ON CONFLICT (workspace_id, id) DO UPDATE SET
        state = 'idle', next_at = %(now)s, arm_no = s.arm_no + 1, fence = s.fence + 1,
        problem = NULL, failures = 0, full_sync = true, channel_renew_at = NULL,
        updated_at = %(now)s
    """,
    row,
    {},
    writes=True,
)
_SHOWN: Final = Query(
    b"""
    SELECT s.id, s.calendar_id, s.calendar_name, s.policy, s.state,
           CASE WHEN s.state = 'running'
                THEN least(s.progress_done::float / greatest(s.progress_total, 1), 1) END,
           s.last_synced_at, s.problem,
           (SELECT count(*) FROM calendar_links l
            WHERE l.workspace_id = s.workspace_id AND l.connection_id = s.id
              AND l.gone IS NOT NULL AND l.quarantined IS NOT NULL)
    FROM calendar_syncs s
    WHERE s.id = ANY (%(ids)s::uuid[]) AND s.workspace_id = ANY ((SELECT vt_readable())::uuid[])
    """,
    Shown,
    {},
    writes=False,
)
_LOCK: Final = Query(
    b"""
    SELECT calendar_id, state, run_no, job_id FROM calendar_syncs
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s FOR UPDATE
    """,
    row,
    {},
    writes=False,
)
_CHANGE: Final = Query(
    b"""
    UPDATE calendar_syncs
    SET policy = coalesce(%(policy)s, policy), calendar_name = coalesce(%(name)s, calendar_name),
        updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)
# Events that are wanted now may have stood there long before, where no news tells of them.
_LIST_ANEW: Final = Query(
    b"""
    UPDATE calendar_syncs
    SET sync_token = NULL, page_token = NULL, full_list = true, fence = fence + 1,
        arm_no = arm_no + 1, updated_at = %(now)s,
        state = CASE state WHEN 'paused' THEN state ELSE 'idle' END,
        next_at = CASE state WHEN 'paused' THEN NULL ELSE %(now)s END
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND policy <> %(policy)s
    """,
    row,
    {},
    writes=True,
)
# The ids of events hang on connection and todo: in another calendar they are free.
_LEAVE_CALENDAR: Final = Query(
    b"DELETE FROM calendar_links WHERE workspace_id = %(workspace_id)s AND connection_id = %(id)s",
    row,
    {},
    writes=True,
)
# One that is paused while its connection is used had a calendar that was gone.
_GO_TO_CALENDAR: Final = Query(
    b"""
    UPDATE calendar_syncs s
    SET calendar_id = %(calendar_id)s, calendar_name = %(name)s, sync_token = NULL,
        page_token = NULL, after_id = NULL, feed_until = NULL, listed_at = NULL, full_sync = true,
        full_list = true, channel_renew_at = NULL, failures = 0, problem = NULL,
        fence = s.fence + 1, arm_no = s.arm_no + 1, updated_at = %(now)s,
        state = CASE c.status WHEN 'active' THEN 'idle' ELSE s.state END,
        next_at = CASE c.status WHEN 'active' THEN %(now)s END
    FROM connections c
    WHERE s.workspace_id = %(workspace_id)s AND s.id = %(id)s
      AND c.workspace_id = s.workspace_id AND c.id = s.id
    """,
    row,
    {},
    writes=True,
)
# A run under way goes on, and another one follows it.
_POKE: Final = Query(
    b"""
    UPDATE calendar_syncs
    SET poked_at = greatest(poked_at, %(now)s),
        next_at = CASE state WHEN 'idle' THEN least(next_at, %(now)s) ELSE next_at END
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND state <> 'paused'
    """,
    row,
    {},
    writes=True,
)
_ASK: Final = Query(
    b"""
    UPDATE calendar_syncs SET job_id = %(job_id)s, job_run = run_no + 1
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s
    """,
    row,
    {},
    writes=True,
)
_CHANNEL: Final = Query(
    b"""
    SELECT channel_id, workspace_id, connection_id FROM calendar_channels
    WHERE token_hash = %(token_hash)s
    """,
    row,
    {},
    writes=False,
)


def begin(tx: Transaction, workspace_id: UUID, connection_id: UUID, *, now: datetime) -> None:
    """Queue keeping it in step from now on, or again: after it was connected anew."""
    this = {"workspace_id": workspace_id, "id": connection_id}
    tx.run(_BEGIN, **this, calendar_id=PRIMARY, lane=lanes.of(connection_id), now=now)


async def change(
    tx: Transaction,
    workspace_id: UUID,
    connection_id: UUID,
    *,
    calendar_id: str | None,
    calendar_name: str | None,
    policy: Policy | None,
    now: datetime,
) -> None:
    """Null leaves as it is. Another calendar begins anew; the events in the old one stay there.

    With another policy every event is looked at once more; todos that were made before stay.

    Raises `NotFound` where nothing is kept in step.
    """
    this = {"workspace_id": workspace_id, "id": connection_id}
    found = await tx.first(_LOCK, **this)
    if found is None:
        raise NotFound("this connection has no calendar")
    if policy is not None:
        tx.run(_LIST_ANEW, **this, policy=policy, now=now)
    tx.run(_CHANGE, **this, policy=policy, name=calendar_name, now=now)
    if calendar_id is not None and calendar_id != found[0]:
        _go_to(tx, workspace_id, connection_id, calendar_id, calendar_name or "", now=now)


async def shown(tx: Transaction, connection_ids: Sequence[UUID]) -> dict[UUID, Shown]:
    """What people see of each of these that keeps a calendar in step."""
    found = await tx.all(_SHOWN, ids=list(connection_ids)) if connection_ids else []
    return {each.connection_id: each for each in found}


async def forget(
    tx: Transaction, workspace_id: UUID, connection_id: UUID, *, now: datetime
) -> None:
    """It is being disconnected: nothing is read or written for it any more. Twice is once."""
    await calendar_syncs.pause(tx, workspace_id, connection_id, None, now=now)


def poke(tx: Transaction, workspace_id: UUID, connection_id: UUID, *, now: datetime) -> None:
    """Queue that a run begins at once, or follows the one under way."""
    tx.run(_POKE, workspace_id=workspace_id, id=connection_id, now=now)


async def ask(
    tx: Transaction, workspace_id: UUID, connection_id: UUID, user_id: UUID, *, now: datetime
) -> Job | UUID:
    """A job that is over when a run that begins from now on is; the id of an open one instead.

    Raises `Conflict` while the connection cannot be used, `NotFound` without a calendar.
    """
    this = {"workspace_id": workspace_id, "id": connection_id}
    found = await tx.first(_LOCK, **this)
    if found is None:
        raise NotFound("this connection has no calendar")
    _, state, _, job_id = found
    if state == SyncState.PAUSED:
        raise Conflict("this calendar is not kept in step: connect it again")
    tx.run(_POKE, **this, now=now)
    if job_id is not None:
        known: UUID = job_id
        return known
    result = {"connection_id": str(connection_id), "done": 0, "total": 0}
    made = jobs.create(
        tx,
        JobKind.CALENDAR_SYNC,
        result,
        workspace_id=workspace_id,
        user_id=user_id,
        job_id=uuid7(),
        now=now,
    )
    tx.run(_ASK, **this, job_id=made.id)
    return made


async def notified(tx: Transaction, token: str, channel_id: str, *, now: datetime) -> bool:
    """A calendar says that it has news. Whether we know the channel; ten times is once."""
    found = await tx.first(_CHANNEL, token_hash=crypto.digest(token))
    if found is None:
        return False
    known, workspace_id, connection_id = found
    if not compare_digest(str(known), channel_id):
        return False
    tx.act_in([workspace_id])
    tx.run(_POKE, workspace_id=workspace_id, id=connection_id, now=now)
    return True


def _go_to(
    tx: Transaction,
    workspace_id: UUID,
    connection_id: UUID,
    calendar_id: str,
    name: str,
    *,
    now: datetime,
) -> None:
    this: dict[str, Any] = {"workspace_id": workspace_id, "id": connection_id}
    tx.run(_LEAVE_CALENDAR, **this)
    tx.run(_GO_TO_CALENDAR, **this, calendar_id=calendar_id, name=name, now=now)
