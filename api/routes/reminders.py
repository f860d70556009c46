from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response

from api.paths import V1
from api.schemas.reminders import ReminderBody, ReminderPatch, SnoozeBody
from api.transaction import Authenticated
from api.visit import Visit
from core.services import explanations, reminders, todo_writes
from core.services.explanations import Explanation
from core.services.todo_rows import Reminder

router = APIRouter(prefix=V1, tags=["reminders"], route_class=Authenticated)


@dataclass(frozen=True, slots=True)
class ReminderPage:
    """Never more than a page: a todo has at most 20."""

    data: list[Reminder]
    next_cursor: str | None
    has_more: bool


@router.get("/todos/{todo_id}/reminders", operation_id="list_reminders")
async def list_reminders(visit: Visit, todo_id: UUID) -> ReminderPage:
    """One's own reminders of this todo."""
    return ReminderPage(
        await reminders.of_todo(visit.tx, visit.actor, todo_id), None, has_more=False
    )


@router.post("/todos/{todo_id}/reminders", status_code=201, operation_id="create_reminder")
async def create_reminder(
    visit: Visit, todo_id: UUID, body: ReminderBody, response: Response
) -> Reminder:
    row = await todo_writes.lock(visit.tx, visit.actor, todo_id)
    reminder = await reminders.add(visit.tx, visit.actor, row, body.to_draft(), now=visit.now)
    response.headers["Location"] = f"/api/v1/reminders/{reminder.id}/why"
    return reminder


@router.patch("/reminders/{reminder_id}", operation_id="update_reminder")
async def update_reminder(visit: Visit, reminder_id: UUID, body: ReminderPatch) -> Reminder:
    """JSON Merge Patch; giving `at` clears `before` and the other way round."""
    found = await reminders.get(visit.tx, visit.actor, reminder_id)
    draft = body.merged_into(found)
    return await reminders.update_one(visit.tx, visit.actor, found, draft, now=visit.now)


@router.delete("/reminders/{reminder_id}", status_code=204, operation_id="delete_reminder")
async def delete_reminder(visit: Visit, reminder_id: UUID) -> None:
    await reminders.remove(visit.tx, visit.actor, reminder_id, now=visit.now)


@router.post("/reminders/{reminder_id}/snooze", operation_id="snooze_reminder")
async def snooze_reminder(visit: Visit, reminder_id: UUID, body: SnoozeBody) -> Reminder:
    """Fire later instead: in so long, or at a time, in the words of people too."""
    wish = body.to_wish()
    return await reminders.snooze(visit.tx, visit.actor, reminder_id, wish, now=visit.now)


@router.get("/reminders/{reminder_id}/why", operation_id="explain_reminder")
async def explain_reminder(visit: Visit, reminder_id: UUID) -> Explanation:
    """Why it came, did not come, or will come: every attempt, in order."""
    return await explanations.why(visit.tx, visit.actor, reminder_id, now=visit.now)
