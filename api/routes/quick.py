from fastapi import APIRouter, Response

from api import query
from api.paths import V1
from api.schemas.voice import QuickBody
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core.services import voice_quick
from core.services.voice_quick import Quick
from core.services.voice_results import Using

router = APIRouter(prefix=f"{V1}/todos", tags=["todos"], route_class=Authenticated)


@router.post(
    "/quick",
    status_code=201,
    operation_id="add_quickly",
    openapi_extra=query.documented(InWorkspace),
    responses={200: {"description": "Understood only (`dry_run`)", "model": Quick}},
)
async def add(visit: Visit, body: QuickBody, response: Response) -> Quick:
    """A typed line becomes a todo: `Buy milk tomorrow 5pm #Groceries @errand p1`."""
    using: Using = visit.app.state.voice
    added = await voice_quick.add(
        visit.tx,
        visit.actor,
        body.text,
        body.to_asked(),
        ring=using.ring,
        workspace_id=visit.workspace_id,
        now=visit.now,
    )
    if body.dry_run:
        response.status_code = 200
    if added.todo is not None:
        response.headers["Location"] = f"/api/v1/todos/{added.todo.id}"
        response.headers["ETag"] = added.todo.etag
    return added
