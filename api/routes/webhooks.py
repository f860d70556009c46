"""Where outside services tell us what happened. Signed, taken once, answered when it is written."""

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from fastapi import APIRouter

from api.transaction import Transactional
from api.visit import Visit
from core.errors import NotFound
from core.services import mail_events
from integrations import sendgrid_events

router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=Transactional)

_EVENTS = {
    "type": "array",
    "maxItems": 10_000,
    "items": {"type": "object"},
    "example": [
        {
            "event": "delivered",
            "email": "ada@example.com",
            "timestamp": 1785738600,
            "sg_event_id": "ZGVsaXZlcmVkLTA",
            "delivery_id": "0198730f-6f3c-7a54-b1c4-8f5f6f3f0d10",
            "workspace_id": "0198730f-6f3c-7a54-b1c4-8f5f6f3f0d11",
        }
    ],
}


@router.post(
    "/sendgrid",
    status_code=204,
    operation_id="receive_mail_events",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": _EVENTS}}}},
    responses={401: {"description": "Not signed by SendGrid within the last five minutes"}},
)
async def receive_mail_events(visit: Visit) -> None:
    """SendGrid's signed event webhook: what became of our e-mails."""
    key: EllipticCurvePublicKey | None = visit.app.state.mail_events_key
    if key is None:
        raise NotFound("mail events are not set up here")
    body = await visit.body()
    sendgrid_events.verify(key, body, visit.headers, now=visit.now)
    await mail_events.take(visit.tx, sendgrid_events.read(body), now=visit.now)
