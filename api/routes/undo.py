from fastapi import APIRouter

from api.paths import V1
from api.schemas.undo import UndoBody
from api.transaction import Authenticated
from api.visit import Visit
from core.services import changes, voice_records
from core.services.changes import Undone

router = APIRouter(prefix=f"{V1}/undo", tags=["undo"], route_class=Authenticated)


@router.post("", operation_id="undo")
async def undo(visit: Visit, body: UndoBody) -> Undone:
    """Take back a whole change set (the `Change-Set` header of any change) within 30 days."""
    undone = await changes.undo(visit.tx, visit.actor, body.change_set, now=visit.now)
    voice_records.undone(visit.tx, visit.actor, body.change_set)
    return undone
