from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api import versions
from api.deps import Me, Now, Tx, Workspace
from api.schemas.todos import ListBody, ListPatch
from api.transaction import Transactional
from core.services import lists
from core.services.lists import TodoList

router = APIRouter(prefix="/lists", tags=["lists"], route_class=Transactional)


@dataclass(frozen=True, slots=True)
class ListPage:
    """All lists of a workspace: there are at most 500."""

    data: list[TodoList]
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_lists")
async def list_lists(tx: Tx, actor: Me, workspace_id: Workspace) -> ListPage:
    found = await lists.all_of(tx, actor, workspace_id=workspace_id)
    return ListPage(found, None, has_more=False)


@router.post("", status_code=201, operation_id="create_list")
async def create_list(
    body: ListBody, response: Response, tx: Tx, actor: Me, workspace_id: Workspace, now: Now
) -> TodoList:
    made = await lists.create(tx, actor, body.name, workspace_id=workspace_id, now=now)
    response.headers["Location"] = f"/api/v1/lists/{made.id}"
    response.headers["ETag"] = made.etag
    return made


@router.get("/{list_id}", operation_id="get_list")
async def get_list(
    list_id: UUID, request: Request, response: Response, tx: Tx, actor: Me
) -> TodoList:
    found = await lists.get(tx, actor, list_id)
    if versions.unchanged(request, response, found.etag):
        return Response(status_code=304, headers={"ETag": found.etag})  # type: ignore[return-value]  # as it is
    return found


@router.patch("/{list_id}", operation_id="update_list")
async def update_list(
    list_id: UUID,
    body: ListPatch,
    response: Response,
    tx: Tx,
    actor: Me,
    now: Now,
    if_match: versions.IfMatch = None,
) -> TodoList:
    changed = await lists.edit(
        tx, actor, list_id, body.changes(), if_version=versions.wanted(if_match), now=now
    )
    response.headers["ETag"] = changed.etag
    return changed


@router.delete("/{list_id}", status_code=204, operation_id="delete_list")
async def delete_list(
    list_id: UUID, tx: Tx, actor: Me, now: Now, if_match: versions.IfMatch = None
) -> None:
    """Its todos stay, without a list."""
    await lists.delete(tx, actor, list_id, if_version=versions.wanted(if_match), now=now)
