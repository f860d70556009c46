"""Where outside services tell us what happened. Signed, taken once, answered when it is written."""

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from fastapi import APIRouter

from api.paths import V1
from api.transaction import Transactional
from api.visit import Visit
from core.errors import NotFound
from core.services import mail_events
from integrations import sendgrid_events

router = APIRouter(prefix=f"{V1}/webhooks", tags=["webhooks"], route_class=Transactional)


@router.post(
    "/sendgrid",
    status_code=204,
    operation_id="receive_mail_events",
    responses={401: {"description": "Not signed by SendGrid within the last five minutes"}},
)
async def receive_mail_events(visit: Visit) -> None:
    """SendGrid's signed event webhook: what became of our e-mails.

    The body is SendGrid's own (an array of events), told by its headers
    `X-Twilio-Email-Event-Webhook-Signature` and `…-Timestamp`.
    """
    key: EllipticCurvePublicKey | None = visit.app.state.mail_events_key
    if key is None:
        raise NotFound("mail events are not set up here")
    body = await visit.body()
    sendgrid_events.verify(key, body, visit.headers, now=visit.now)
    await mail_events.take(visit.tx, sendgrid_events.read(body), now=visit.now)
