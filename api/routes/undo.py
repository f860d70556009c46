from fastapi import APIRouter

from api.deps import Me, Now, Tx
from api.schemas.todos import UndoBody
from api.transaction import Transactional
from core.services import changes
from core.services.changes import Undone

router = APIRouter(prefix="/undo", tags=["undo"], route_class=Transactional)


@router.post("", operation_id="undo")
async def undo(body: UndoBody, tx: Tx, actor: Me, now: Now) -> Undone:
    """Take back a whole change set (the `Change-Set` header of any change) within 30 days."""
    return await changes.undo(tx, actor, body.change_set, now=now)
