"""What became of each occurrence: the statements."""

from sqlalchemy import (
    Integer,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from core.models.series import Occurrences, OccurrenceStatus
from core.models.todos import Status, Todos
from core.statements import query

_later = aliased(Occurrences)
_THESE = and_(
    Occurrences.workspace_id == bindparam("of_workspace_id"),
    Occurrences.series_id == bindparam("of_series_id"),
)
_RECORD = (
    "workspace_id",
    "series_id",
    "turn",
    "recurrence_id",
    "status",
    "todo_id",
    "planned_on",
    "planned_time",
    "due_at",
    "settled_at",
)
_add_occurrence = insert(Occurrences).values({name: bindparam(name) for name in _RECORD})
ADD = query(_add_occurrence)
RECORD_AGAIN = query(
    _add_occurrence.on_conflict_do_update(
        index_elements=_RECORD[:4],
        set_={
            "status": _add_occurrence.excluded.status,
            "todo_id": _add_occurrence.excluded.todo_id,
            "settled_at": None,
        },
        where=and_(
            Occurrences.status != OccurrenceStatus.OPEN,
            Occurrences.status != OccurrenceStatus.MOVED,
        ),
    )
)
_OPEN = or_(
    Occurrences.status == OccurrenceStatus.OPEN, Occurrences.status == OccurrenceStatus.MOVED
)
_OF_TODO = and_(_THESE, Occurrences.todo_id == bindparam("of_todo_id"))
SETTLE = query(
    update(Occurrences)
    .where(_OF_TODO, _OPEN)
    .values(status=bindparam("status"), settled_at=bindparam("settled_at"))
)
FORGET_OPEN = query(delete(Occurrences).where(_OF_TODO, _OPEN))
_PLACE = tuple_(Occurrences.turn, Occurrences.recurrence_id)
_THERE = tuple_(bindparam("of_turn", type_=Integer), bindparam("of_recurrence_id", type_=Text))
FORGET_LATER = query(delete(Occurrences).where(_THESE, _PLACE > _THERE))
REOPEN = query(
    update(Occurrences)
    .where(_THESE, _PLACE == _THERE)
    .values(status=bindparam("status"), settled_at=None)
)
# Of a completed todo: which occurrence it was, and whether any but the newest came after it.
COMPLETED_AS = query(
    select(
        Occurrences.turn,
        Occurrences.recurrence_id,
        Occurrences.planned_on,
        Occurrences.planned_time,
        select(func.count())
        .select_from(_later)
        .where(
            _later.workspace_id == Occurrences.workspace_id,
            _later.series_id == Occurrences.series_id,
            tuple_(_later.turn, _later.recurrence_id) > _PLACE,
        )
        .scalar_subquery(),
    )
    .where(_OF_TODO, Occurrences.status == OccurrenceStatus.COMPLETED)
    .order_by(Occurrences.turn.desc(), Occurrences.recurrence_id.desc())
    .limit(1)
)
_again = case(
    (Todos.status == Status.PENDING, OccurrenceStatus.OPEN), else_=OccurrenceStatus.COMPLETED
)
# After `undo`: what stands of an occurrence is what stands of its todo.
RECONCILE = query(
    update(Occurrences)
    .where(
        _THESE,
        Todos.workspace_id == Occurrences.workspace_id,
        Todos.id == Occurrences.todo_id,
        Todos.deleted_at.is_(None),
        or_(
            and_(Todos.status == Status.PENDING, Occurrences.status == OccurrenceStatus.COMPLETED),
            and_(Todos.status == Status.COMPLETED, _OPEN),
        ),
        ~exists().where(
            _later.workspace_id == Occurrences.workspace_id,
            _later.series_id == Occurrences.series_id,
            _later.todo_id == Occurrences.todo_id,
            tuple_(_later.turn, _later.recurrence_id) > _PLACE,
        ),
    )
    .values(status=_again, settled_at=Todos.completed_at)
)
