from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response

from api.deps import Me, Now, Tx
from api.schemas.todos import ReminderBody, ReminderPatch, SnoozeBody
from api.transaction import Transactional
from core.services import explanations, reminders, todos
from core.services.explanations import Explanation
from core.services.todo_rows import Reminder

router = APIRouter(tags=["reminders"], route_class=Transactional)


@dataclass(frozen=True, slots=True)
class ReminderPage:
    """Never more than a page: a todo has at most 20."""

    data: list[Reminder]
    next_cursor: str | None
    has_more: bool


@router.get("/todos/{todo_id}/reminders", operation_id="list_reminders")
async def list_reminders(todo_id: UUID, tx: Tx, actor: Me) -> ReminderPage:
    """One's own reminders of this todo."""
    return ReminderPage(await reminders.of_todo(tx, actor, todo_id), None, has_more=False)


@router.post("/todos/{todo_id}/reminders", status_code=201, operation_id="create_reminder")
async def create_reminder(
    todo_id: UUID, body: ReminderBody, response: Response, tx: Tx, actor: Me, now: Now
) -> Reminder:
    row = await todos.lock(tx, actor, todo_id)
    reminder = await reminders.add(tx, actor, row, body.to_draft(), now=now)
    response.headers["Location"] = f"/api/v1/reminders/{reminder.id}/why"
    return reminder


@router.patch("/reminders/{reminder_id}", operation_id="update_reminder")
async def update_reminder(
    reminder_id: UUID, body: ReminderPatch, tx: Tx, actor: Me, now: Now
) -> Reminder:
    """JSON Merge Patch; giving `at` clears `before` and the other way round."""
    found = await reminders.get(tx, actor, reminder_id)
    draft = body.merged_into(found)
    return await reminders.update_one(tx, actor, found, draft, now=now)


@router.delete("/reminders/{reminder_id}", status_code=204, operation_id="delete_reminder")
async def delete_reminder(reminder_id: UUID, tx: Tx, actor: Me, now: Now) -> None:
    await reminders.remove(tx, actor, reminder_id, now=now)


@router.post("/reminders/{reminder_id}/snooze", operation_id="snooze_reminder")
async def snooze_reminder(
    reminder_id: UUID, body: SnoozeBody, tx: Tx, actor: Me, now: Now
) -> Reminder:
    """Fire later instead: in so long, or at an instant."""
    until = now + body.for_ if body.for_ is not None else body.until
    assert until is not None  # noqa: S101 (the schema says one of both)
    return await reminders.snooze(tx, actor, reminder_id, until, now=now)


@router.get("/reminders/{reminder_id}/why", operation_id="explain_reminder")
async def explain_reminder(reminder_id: UUID, tx: Tx, actor: Me, now: Now) -> Explanation:
    """Why it came, did not come, or will come: every attempt, in order."""
    return await explanations.why(tx, actor, reminder_id, now=now)
