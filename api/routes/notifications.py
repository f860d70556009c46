from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import pages
from api.paths import V1
from api.schemas.preferences import ReadAllBody
from api.transaction import Authenticated
from api.visit import Visit
from core.services import notifications
from core.services.notifications import Notification, NotificationPage, ReadAll

router = APIRouter(prefix=f"{V1}/notifications", tags=["notifications"], route_class=Authenticated)


@router.get("", operation_id="list_notifications")
async def list_notifications(
    visit: Visit,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> NotificationPage:
    """Newest first: reminders and digests that came, what failed for good, what I should know.

    Read ones are kept for 30 days, all for 90.
    """
    question = f"notifications {visit.actor.user_id}"
    before = pages.moment(visit, question, cursor)
    found = await notifications.page(visit.tx, visit.actor, before=before, limit=limit)
    unread = await notifications.unread(visit.tx, visit.actor)
    data, next_cursor = pages.cut(
        visit, response, question, found, limit, lambda each: [each.created_at, each.id]
    )
    return NotificationPage(data, unread, next_cursor, has_more=next_cursor is not None)


@router.post("/read-all", operation_id="read_all_notifications")
async def read_all_notifications(visit: Visit, body: ReadAllBody | None = None) -> ReadAll:
    """All of mine, of all workspaces; with `until` those that came up to then."""
    until = body.until if body else None
    return await notifications.read_all(visit.tx, visit.actor, until=until, now=visit.now)


@router.post("/{notification_id}/read", operation_id="read_notification")
async def read_notification(notification_id: UUID, visit: Visit) -> Notification:
    """Reading twice keeps the first time."""
    return await notifications.read(visit.tx, visit.actor, notification_id, now=visit.now)
