from fastapi import APIRouter, Response

from api.schemas.accounts import MePatch
from api.transaction import Authenticated
from api.versions import IfMatch, unchanged, wanted
from api.visit import Visit
from core.services import users
from core.services.users import User

router = APIRouter(tags=["accounts"], route_class=Authenticated)


@router.get(
    "/me",
    operation_id="get_me",
    response_model=User,
    summary="My account",
    responses={304: {"description": "Not changed"}},
)
async def get_me(visit: Visit, response: Response) -> User | Response:
    user = await users.get(visit.tx, visit.actor.user_id)
    if unchanged(visit, response, user.etag):
        return Response(status_code=304, headers=dict(response.headers))
    return user


@router.patch("/me", operation_id="edit_me", summary="Change my account")
async def edit_me(
    visit: Visit, body: MePatch, response: Response, if_match: IfMatch = None
) -> User:
    """JSON Merge Patch. Floating reminders follow a new time zone at once."""
    user = await users.edit(
        visit.tx, visit.actor.user_id, body.to_patch(), if_version=wanted(if_match), now=visit.now
    )
    response.headers["ETag"] = user.etag
    return user
