from fastapi import APIRouter, Request, Response

from api.deps import Me, Now, Tx
from api.schemas.accounts import MePatch
from api.transaction import Transactional
from api.versions import IfMatch, unchanged, wanted
from core.services import users
from core.services.users import User

router = APIRouter(tags=["accounts"], route_class=Transactional)


@router.get(
    "/me",
    operation_id="get_me",
    response_model=User,
    summary="My account",
    responses={304: {"description": "Not changed"}},
)
async def get_me(tx: Tx, me: Me, request: Request, response: Response) -> User | Response:
    user = await users.get(tx, me.user_id)
    if unchanged(request, response, user.etag):
        return Response(status_code=304, headers=dict(response.headers))
    return user


@router.patch("/me", operation_id="edit_me", summary="Change my account")
async def edit_me(
    body: MePatch, tx: Tx, me: Me, now: Now, response: Response, if_match: IfMatch = None
) -> User:
    """JSON Merge Patch. Floating reminders follow a new time zone at once."""
    user = await users.edit(tx, me.user_id, body.to_patch(), if_version=wanted(if_match), now=now)
    response.headers["ETag"] = user.etag
    return user
