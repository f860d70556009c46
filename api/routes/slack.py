"""Where Slack tells us what people type and press there. Signed, taken once, answered at once.

Slack waits three seconds. So what is told is written, with the wish to have it done, and that is
all: neither Temporal nor Slack is asked anything before the answer.
"""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.paths import V1
from api.transaction import Transactional
from api.visit import Visit
from core.errors import NotFound
from core.services import slack_inbound
from core.services.slack_inbound import Told
from integrations import slack_requests
from integrations.slack_requests import Challenge

router = APIRouter(prefix=f"{V1}/webhooks/slack", tags=["webhooks"], route_class=Transactional)

Responses = dict[int | str, dict[str, Any]]
REFUSED: Final[Responses] = {
    401: {"description": "Not signed by Slack within the last five minutes"}
}


@router.post(
    "/commands",
    operation_id="receive_slack_command",
    response_class=Response,
    responses={200: {"description": "Written; the answer goes to its `response_url`"}, **REFUSED},
)
async def receive_command(visit: Visit) -> Response:
    """A slash command of Slack's, `/todo`. The body is Slack's own form."""
    return await _taken(visit, slack_requests.command(await _genuine(visit)))


@router.post(
    "/interactions",
    operation_id="receive_slack_interaction",
    response_class=Response,
    responses={200: {"description": "Written; the answer goes to its `response_url`"}, **REFUSED},
)
async def receive_interaction(visit: Visit) -> Response:
    """A button or the message shortcut. The body is Slack's own form, `payload` is JSON."""
    return await _taken(visit, slack_requests.interaction(await _genuine(visit)))


@router.post(
    "/events",
    operation_id="receive_slack_event",
    response_class=Response,
    responses={200: {"description": "Written, or of no concern"}, **REFUSED},
)
async def receive_event(visit: Visit) -> Response:
    """An event of Slack's Events API, or its question whether this address is ours."""
    told = slack_requests.event(await _genuine(visit))
    if isinstance(told, Challenge):
        return JSONResponse({"challenge": told.text})
    return await _taken(visit, told)


async def _genuine(visit: Visit) -> bytes:
    secret: bytes | None = visit.app.state.slack_signing
    if secret is None:
        raise NotFound("Slack is not set up here")
    body = await visit.body()
    slack_requests.verify(secret, body, visit.headers, now=visit.now)
    return body


async def _taken(visit: Visit, told: Told | None) -> Response:
    """Nothing stands in it: an empty answer shows nothing in Slack."""
    if told is not None:
        await slack_inbound.take(visit.tx, told, now=visit.now)
    return Response()
