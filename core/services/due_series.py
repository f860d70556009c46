"""Series whose occurrence was left undone: the todo moves on, or a further one is made.

By then the next occurrence, or its first reminder, has come. However many occurrences passed, the
last ones are found in constant time; `pile_up: all` makes at most 30 and says how many it left out.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import DateTime, Integer, Uuid, and_, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from core import due, logs
from core.db import Transaction
from core.due import SOURCES, Claimed
from core.messages import Kind
from core.models.reminders import Leases
from core.models.series import OccurrenceStatus, Series
from core.models.todos import Status, Todos
from core.rules import series as rule
from core.rules.recurrence import PileUp
from core.rules.rrule import InvalidRule
from core.rules.series import MOST_COUNTED, Step
from core.services import series_writes as writes
from core.services.series_rows import SeriesRow, select_series
from core.services.todo_rows import TodoRow, select_rows
from core.statements import query

log = logs.get(__name__)

SOURCE: Final = SOURCES[Kind.SERIES]
MOST_AT_ONCE: Final = 30
UNTRIED_FOR: Final = timedelta(minutes=5)


_TODOS = query(
    select_rows()
    .join(Series, and_(Series.workspace_id == Todos.workspace_id, Series.todo_id == Todos.id))
    .where(
        tuple_(Series.workspace_id, Series.id).in_(
            select(
                func.unnest(bindparam("workspaces", type_=ARRAY(Uuid())), type_=Uuid()),
                func.unnest(bindparam("ids", type_=ARRAY(Uuid())), type_=Uuid()),
            )
        )
    )
    .order_by(Todos.workspace_id, Todos.id)
    .with_for_update(of=Todos),
    TodoRow.of_row,
)
_mine = (
    func.unnest(
        bindparam("workspaces", type_=ARRAY(Uuid())),
        bindparam("ids", type_=ARRAY(Uuid())),
        bindparam("arm_nos", type_=ARRAY(Integer())),
        bindparam("next_ats", type_=ARRAY(DateTime(timezone=True))),
        bindparam("tokens", type_=ARRAY(Uuid())),
    )
    .table_valued("workspace_id", "id", "arm_no", "next_at", "token")
    .render_derived("mine")
)
# Locked with its lease: nobody takes it over meanwhile, and a change of it comes before or after.
_CLAIMED = query(
    select_series()
    .join(
        _mine,
        and_(
            _mine.c.workspace_id == Series.workspace_id,
            _mine.c.id == Series.id,
            _mine.c.arm_no == Series.arm_no,
            _mine.c.next_at == Series.next_at,
        ),
    )
    .join(
        Leases,
        and_(
            Leases.kind == bindparam("kind"),
            Leases.workspace_id == Series.workspace_id,
            Leases.row_id == Series.id,
            Leases.token == _mine.c.token,
        ),
    )
    .order_by(Series.workspace_id, Series.id)
    .with_for_update(of=(Leases, Series)),
    SeriesRow.of_row,
)


async def advance(tx: Transaction, claimed: Sequence[Claimed], *, now: datetime) -> int:
    """Let each of these make way for what has come; how many did. Leases end with `tx`.

    Run twice, the second time finds them armed anew.
    """
    tx.act_in(list({each.workspace_id for each in claimed}))
    columns = _columns(claimed)
    # Todos before their series, as people's changes lock them: else the two wait for each other.
    # A series that is changed between the two is armed anew, and not found by the second.
    todos = {
        each.id: each
        for each in await tx.all(
            _TODOS, workspaces=columns["workspaces"], ids=columns["ids"], user_id=None
        )
    }
    found = await tx.all(_CLAIMED, kind=SOURCE.kind, **columns)
    moved = 0
    for row in found:
        todo = todos.get(row.todo_id) if row.todo_id else None
        moved += await _advance(tx, row, todo, now=now)
    due.release(tx, SOURCE, claimed)
    return moved


async def _advance(tx: Transaction, row: SeriesRow, todo: TodoRow | None, *, now: datetime) -> bool:
    stands = todo is not None and todo.status == Status.PENDING and todo.deleted_at is None
    if todo is None or todo.due is None or not stands or not row.active:
        writes.write(tx, row, replace(row, next_at=None), now=now)
        return False
    plan = row.plan
    piles_up = plan.recurrence.pile_up is PileUp.ALL
    try:
        steps, passed = rule.came(
            plan,
            todo.due,
            row.planned,
            before=row.before,
            all_day_time=row.all_day_time or writes.ALL_DAY,
            now=now,
            most=MOST_AT_ONCE if piles_up else 1,
        )
        armed = writes.arm(row, todo.due, row.before)
    except InvalidRule as error:
        # Accepted once, by other holidays or limits than today's: it must not stop the others.
        log.error("series.refused", series_id=row.id, error=error)
        writes.write(tx, row, replace(row, next_at=None), now=now)
        return False
    if not steps or plan.recurrence.pile_up is PileUp.KEEP:
        writes.write(tx, row, armed, now=now)
        return False
    if piles_up:
        await _make(tx, row, todo, steps, left_out=passed - len(steps), now=now)
    else:
        writes.settle(tx, row, todo.id, OccurrenceStatus.MISSED, now=now)
        missed = min(todo.missed + passed, MOST_COUNTED)
        # Its reminders are armed by the rule: they fire for the new occurrence already.
        await writes.move_on(tx, row, todo, steps[-1], missed=missed, now=now, rearm=False)
    return True


async def _make(
    tx: Transaction,
    row: SeriesRow,
    todo: TodoRow,
    steps: Sequence[Step],
    *,
    left_out: int,
    now: datetime,
) -> None:
    for step in steps:
        row, todo = await writes.succeed(
            tx,
            row,
            todo,
            step,
            left_out=left_out if step is steps[0] else 0,
            # Late after an outage, the newest one's reminders still go out; older ones' do not.
            armed_from=row.next_at if step is steps[-1] else now,
            now=now,
        )


def put_aside(tx: Transaction, claimed: Claimed) -> None:
    """Queue that nobody tries this one again for some minutes (as `vt_app`, in its workspace)."""
    tx.act_in([claimed.workspace_id])
    due.rest(tx, SOURCE, [claimed], wait=UNTRIED_FOR)


def _columns(claimed: Sequence[Claimed]) -> dict[str, Any]:
    return {
        "workspaces": [each.workspace_id for each in claimed],
        "ids": [each.id for each in claimed],
        "arm_nos": [each.arm_no for each in claimed],
        "next_ats": [each.next_at for each in claimed],
        "tokens": [each.token for each in claimed],
    }
