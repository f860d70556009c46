"""What an anonymous account has moves into an existing one, in one statement for all tables.

One statement, because its foreign keys are checked when it ends: todos, their lists and their
reminders change their workspace together, and nothing refers across in between.
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select, update

from core.db import Transaction
from core.errors import Conflict
from core.events import Event
from core.models.users import Users, UserStatus
from core.services import audits, push_subscriptions, rearming, sessions, voice_seals
from core.statements import Query, query, row


@dataclass(frozen=True, slots=True)
class _Side:
    id: UUID
    email: str | None
    status: str
    timezone: str
    all_day_time: time


@dataclass(frozen=True, slots=True)
class _Moved:
    noun: str
    id: UUID


_LOCK: Final = query(
    select(Users.id, Users.email, Users.status, Users.timezone, Users.all_day_time)
    .where(Users.id.in_([bindparam("source"), bindparam("target")]))
    .order_by(Users.id)
    .with_for_update(),
    _Side,
)
_END: Final = query(
    update(Users)
    .where(Users.id == bindparam("of_id"))
    .values(status=UserStatus.MERGED, version=Users.version + 1, updated_at=bindparam("now"))
)
# A list whose name the target has already becomes that list. Ids are kept, so that clients find
# their todos again; only one that a client chose and the target has as well is made anew. Deleted
# rows move too: others refer to them. Deliveries under way stay: their worker finds the account
# closed, and the moved reminder is taken anew where it is now.
_MOVE: Final = Query(
    b"""
    WITH list_map AS MATERIALIZED (
        SELECT a.id AS old_id, a.deleted_at IS NULL AS live, named.id IS NOT NULL AS merged,
               coalesce(named.id, CASE WHEN same.id IS NULL THEN a.id ELSE gen_random_uuid() END)
                   AS new_id
        FROM lists a
        LEFT JOIN lists named ON named.workspace_id = %(target)s AND named.deleted_at IS NULL
            AND a.deleted_at IS NULL AND lower(named.name) = lower(a.name)
        LEFT JOIN lists same ON same.workspace_id = %(target)s AND same.id = a.id
        WHERE a.workspace_id = %(source)s
    ), todo_map AS MATERIALIZED (
        SELECT a.id AS old_id, a.deleted_at IS NULL AS live,
               CASE WHEN same.id IS NULL THEN a.id ELSE gen_random_uuid() END AS new_id
        FROM todos a
        LEFT JOIN todos same ON same.workspace_id = %(target)s AND same.id = a.id
        WHERE a.workspace_id = %(source)s
    ), moved_series AS (
        UPDATE series s SET workspace_id = %(target)s, created_by = %(target)s,
               todo_id = (SELECT new_id FROM todo_map WHERE old_id = s.todo_id),
               arm_no = s.arm_no + 1, version = s.version + 1, updated_at = %(now)s
        WHERE s.workspace_id = %(source)s
    ), moved_occurrences AS (
        UPDATE occurrences o SET workspace_id = %(target)s,
               todo_id = (SELECT new_id FROM todo_map WHERE old_id = o.todo_id)
        WHERE o.workspace_id = %(source)s
    ), moved_lists AS (
        UPDATE lists l SET workspace_id = %(target)s, id = m.new_id,
               version = l.version + 1, updated_at = %(now)s
        FROM list_map m
        WHERE l.workspace_id = %(source)s AND l.id = m.old_id AND NOT m.merged
    ), merged_lists AS (
        DELETE FROM lists l USING list_map m
        WHERE l.workspace_id = %(source)s AND l.id = m.old_id AND m.merged
    ), moved_todos AS (
        UPDATE todos t SET workspace_id = %(target)s, id = m.new_id,
               list_id = (SELECT new_id FROM list_map WHERE old_id = t.list_id),
               parent_id = (SELECT new_id FROM todo_map WHERE old_id = t.parent_id),
               assignee_id = CASE WHEN t.assignee_id IS NOT NULL THEN %(target)s::uuid END,
               created_by = %(target)s, version = t.version + 1, updated_at = %(now)s
        FROM todo_map m WHERE t.workspace_id = %(source)s AND t.id = m.old_id
    ), moved_reminders AS (
        UPDATE reminders r SET workspace_id = %(target)s, user_id = %(target)s,
               todo_id = m.new_id, version = r.version + 1
        FROM todo_map m WHERE r.workspace_id = %(source)s AND r.todo_id = m.old_id
        RETURNING r.id, m.live
    ), moved_words AS (
        UPDATE todo_voice v SET workspace_id = %(target)s, todo_id = m.new_id, original_text = NULL
        FROM todo_map m WHERE v.workspace_id = %(source)s AND v.todo_id = m.old_id
    ), moved_deliveries AS (
        UPDATE deliveries d SET workspace_id = %(target)s, user_id = %(target)s,
               todo_id = (SELECT new_id FROM todo_map WHERE old_id = d.todo_id)
        WHERE d.workspace_id = %(source)s AND d.status IN ('sent', 'failed', 'cancelled', 'missed')
    ), moved_notifications AS (
        UPDATE notifications n SET workspace_id = %(target)s, user_id = %(target)s,
               todo_id = (SELECT new_id FROM todo_map WHERE old_id = n.todo_id)
        WHERE n.workspace_id = %(source)s
    ), moved_imports AS (
        UPDATE imports i SET workspace_id = %(target)s, user_id = %(target)s
        WHERE i.workspace_id = %(source)s
    ), moved_import_rows AS (
        UPDATE import_rows r SET workspace_id = %(target)s,
               todo_id = coalesce((SELECT new_id FROM todo_map WHERE old_id = r.todo_id), r.todo_id)
        WHERE r.workspace_id = %(source)s
    ), moved_jobs AS (
        UPDATE jobs j SET workspace_id = %(target)s, user_id = %(target)s
        WHERE j.workspace_id = %(source)s AND j.kind IN ('import', 'import_undo')
    ), moved_refs AS (
        UPDATE import_refs f SET workspace_id = %(target)s, user_id = %(target)s,
               todo_id = (SELECT new_id FROM todo_map WHERE old_id = f.todo_id)
        WHERE f.workspace_id = %(source)s
    )
    SELECT 'list', new_id FROM list_map WHERE live AND NOT merged
    UNION ALL SELECT 'todo', new_id FROM todo_map WHERE live
    UNION ALL SELECT 'reminder', id FROM moved_reminders WHERE live
    """,
    _Moved,
    {},
    writes=True,
)
# Sealed for the place where they stand: what moves is sealed anew.
_WORDS: Final = Query(
    b"""
    SELECT todo_id, original_text FROM todo_voice
    WHERE workspace_id = %(source)s AND original_text IS NOT NULL
    """,
    row,
    {},
    writes=False,
)
_SEAL: Final = Query(
    b"""
    UPDATE todo_voice SET original_text = %(original_text)s
    WHERE workspace_id = %(target)s AND todo_id = %(todo_id)s
    """,
    row,
    {},
    writes=True,
)


_LINKED: Final = Query(
    b"SELECT u.id FROM audit_log a JOIN users u ON u.id = a.subject_id AND u.status = 'merged'"
    b" WHERE a.actor_id = %(user)s AND a.action = 'account.linked' ORDER BY a.at, u.id",
    row,
    {},
    writes=False,
)
# One that is under way would go on in the account that ends.
_IMPORTING: Final = Query(
    b"""
    SELECT 1 FROM jobs WHERE workspace_id = %(source)s AND finished_at IS NULL
      AND kind IN ('import', 'import_undo') LIMIT 1
    """,
    row,
    {},
    writes=False,
)


async def linked(tx: Transaction, user_id: UUID) -> list[UUID]:
    """The anonymous accounts that ended in this one. What did not move is still in them."""
    return [found for (found,) in await tx.all(_LINKED, user=user_id)]


async def move(tx: Transaction, source: UUID, target: UUID, *, now: datetime) -> None:
    """Todos, lists, reminders and what was told of them; then the anonymous account ends.

    Floating times are read in the target's zone from now on. Raises `Conflict` unless the source
    is anonymous and both stand.
    """
    tx.act_in([source, target], target)
    sides = {side.id: side for side in await tx.all(_LOCK, source=source, target=target)}
    giving, taking = sides[source], sides[target]
    if giving.email is not None or source == target:
        raise Conflict("only an anonymous account can be linked to another")
    if {giving.status, taking.status} != {UserStatus.ACTIVE}:
        raise Conflict("one of the two accounts is closed")
    if await tx.first(_IMPORTING, source=source) is not None:
        raise Conflict("an import is under way: link the account when it is done")
    said = await tx.all(_WORDS, source=source)
    kept = set()
    for moved in await tx.all(_MOVE, source=source, target=target, now=now):
        tx.emit(Event(target, f"{moved.noun}.created", moved.id))
        kept.add(moved.id)
    for todo_id, sealed in said:
        words = await voice_seals.moved(tx, bytes(sealed), todo_id, source=source, target=target)
        if todo_id in kept and words is not None:
            tx.run(_SEAL, target=target, todo_id=todo_id, original_text=words)
    if (giving.timezone, giving.all_day_time) != (taking.timezone, taking.all_day_time):
        moves = {"timezone": [giving.timezone, taking.timezone]}
        await rearming.follow(tx, target, key=source, changed=moves, now=now)
    push_subscriptions.move(tx, source, target)
    tx.run(_END, of_id=source, now=now)
    sessions.end_all(tx, source, now=now)
    audits.record(tx, "account.linked", actor_id=target, subject_id=source)
