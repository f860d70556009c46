from fastapi import APIRouter, Response

from api.paths import V1
from api.schemas.accounts import MePatch, PhoneCode
from api.transaction import Authenticated
from api.versions import IfMatch, unchanged, wanted
from api.visit import Visit
from core.errors import Conflict
from core.services import phones, users
from core.services.users import User
from core.settings import Settings

router = APIRouter(prefix=V1, tags=["accounts"], route_class=Authenticated)


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
    """JSON Merge Patch. What is floating follows a new time zone or all-day time.

    At once, unless it is much: then `Link: <…>; rel="monitor"` names the job that moves it.
    """
    edited = await users.edit(
        visit.tx, visit.actor.user_id, body.to_patch(), if_version=wanted(if_match), now=visit.now
    )
    response.headers["ETag"] = edited.user.etag
    if edited.job_id is not None:
        response.headers["Link"] = f'</api/v1/jobs/{edited.job_id}>; rel="monitor"'
    return edited.user


@router.post(
    "/me/phone/code",
    status_code=202,
    operation_id="send_phone_code",
    response_class=Response,
    summary="Send a code to my phone number",
)
async def send_phone_code(visit: Visit) -> Response:
    """Six digits, good for 15 minutes. Once a minute, five times a day; codes before end."""
    settings: Settings = visit.app.state.settings
    if settings.twilio_from is None:
        raise Conflict("this server sends no text messages")
    await phones.send_code(visit.tx, visit.door, visit.actor, dev=settings.dev, now=visit.now)
    return Response(status_code=202)


@router.post(
    "/me/phone/verify",
    status_code=204,
    operation_id="verify_phone",
    summary="Verify my phone number by the code",
)
async def verify_phone(visit: Visit, body: PhoneCode) -> None:
    """Reminders may then go there as text messages. Five tries in a quarter of an hour."""
    await phones.verify(visit.tx, visit.door, visit.actor, body.code, now=visit.now)
