from fastapi import APIRouter

from api.paths import V1
from api.schemas.memos import Consents, ConsentsGiven
from api.transaction import Authenticated
from api.visit import Visit
from core.services import consents

router = APIRouter(prefix=f"{V1}/me/consents", tags=["accounts"], route_class=Authenticated)


@router.get("", operation_id="get_consents")
async def get_consents(visit: Visit) -> Consents:
    """What I agreed to, in which version, since when and until when; and the text of each."""
    return Consents(await consents.page(visit.tx, visit.actor.user_id))


@router.put("", operation_id="put_consents")
async def put_consents(visit: Visit, body: ConsentsGiven) -> Consents:
    """Agree, or withdraw that: from then on nothing more is sent.

    Each change is kept as proof: the version of the text, when, by which sign-in, and its network
    address as a keyed hash. Send `versions` as they were shown; 412 if a text has changed since.
    """
    for kind, agrees in body.given().items():
        await consents.put(
            visit.tx,
            visit.actor,
            kind,
            agrees=agrees,
            now=visit.now,
            shown=body.shown(kind),
            address_hash=visit.door.proof_of(visit.visitor),
        )
    return Consents(await consents.page(visit.tx, visit.actor.user_id))
