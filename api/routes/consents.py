from fastapi import APIRouter

from api.schemas.memos import Consents, ConsentsGiven
from api.transaction import Authenticated
from api.visit import Visit
from core.services import consents

router = APIRouter(prefix="/me/consents", tags=["accounts"], route_class=Authenticated)


@router.get("", operation_id="get_consents")
async def get_consents(visit: Visit) -> Consents:
    """What I agreed to, since when, and until when."""
    return Consents(await consents.page(visit.tx, visit.actor.user_id))


@router.put("", operation_id="put_consents")
async def put_consents(visit: Visit, body: ConsentsGiven) -> Consents:
    """Agree, or withdraw that: from then on nothing more is sent. Kept in the audit log."""
    for kind, agrees in body.given().items():
        await consents.put(visit.tx, visit.actor, kind, agrees=agrees, now=visit.now)
    return Consents(await consents.page(visit.tx, visit.actor.user_id))
