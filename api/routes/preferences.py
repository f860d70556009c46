from fastapi import APIRouter, Response

from api.paths import V1
from api.schemas.preferences import Notifying
from api.transaction import Authenticated
from api.versions import NOT_MODIFIED, IfMatch, unchanged, wanted
from api.visit import Visit
from core.services import preferences, users
from core.services.preferences import NotificationPreferences

router = APIRouter(
    prefix=f"{V1}/me/notification-preferences", tags=["notifications"], route_class=Authenticated
)


@router.get(
    "",
    operation_id="get_notification_preferences",
    response_model=NotificationPreferences,
    responses=NOT_MODIFIED,
)
async def get_notification_preferences(
    visit: Visit, response: Response
) -> NotificationPreferences | Response:
    """How I am told of things, with defaults where I said nothing. The ETag is my account's."""
    user = await users.get(visit.tx, visit.actor.user_id)
    if unchanged(visit, response, user.etag):
        return Response(status_code=304, headers=dict(response.headers))
    return NotificationPreferences.of(user.preferences)


@router.put("", operation_id="replace_notification_preferences")
async def replace_notification_preferences(
    visit: Visit, body: Notifying, response: Response, if_match: IfMatch = None
) -> NotificationPreferences:
    """All of them at once: what is left out goes back to its default.

    `PATCH /me` changes some of them; other keys of `preferences` are not touched here.
    """
    user = await preferences.replace(
        visit.tx,
        visit.actor.user_id,
        body.model_dump(mode="json", exclude_unset=True),
        if_version=wanted(if_match),
        now=visit.now,
    )
    response.headers["ETag"] = user.etag
    return NotificationPreferences.of(user.preferences)
