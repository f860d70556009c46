from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response

from api import query, versions
from api.paths import V1
from api.schemas.lists import ListBody, ListPatch
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core.services import lists
from core.services.lists import TodoList

router = APIRouter(prefix=f"{V1}/lists", tags=["lists"], route_class=Authenticated)


@dataclass(frozen=True, slots=True)
class ListPage:
    """All lists of a workspace: there are at most 500."""

    data: list[TodoList]
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_lists", openapi_extra=query.documented(InWorkspace))
async def list_lists(visit: Visit) -> ListPage:
    found = await lists.all_of(visit.tx, visit.actor, workspace_id=visit.workspace_id)
    return ListPage(found, None, has_more=False)


@router.post(
    "", status_code=201, operation_id="create_list", openapi_extra=query.documented(InWorkspace)
)
async def create_list(visit: Visit, body: ListBody, response: Response) -> TodoList:
    made = await lists.create(
        visit.tx, visit.actor, body.name, workspace_id=visit.workspace_id, now=visit.now
    )
    response.headers["Location"] = f"/api/v1/lists/{made.id}"
    response.headers["ETag"] = made.etag
    return made


@router.get("/{list_id}", operation_id="get_list", responses=versions.NOT_MODIFIED)
async def get_list(visit: Visit, list_id: UUID, response: Response) -> TodoList:
    found = await lists.get(visit.tx, visit.actor, list_id)
    if versions.unchanged(visit, response, found.etag):
        return Response(status_code=304, headers={"ETag": found.etag})  # type: ignore[return-value]  # as it is
    return found


@router.patch("/{list_id}", operation_id="update_list")
async def update_list(
    visit: Visit,
    list_id: UUID,
    body: ListPatch,
    response: Response,
    if_match: versions.IfMatch = None,
) -> TodoList:
    changed = await lists.edit(
        visit.tx,
        visit.actor,
        list_id,
        body.changes(),
        if_version=versions.wanted(if_match),
        now=visit.now,
    )
    response.headers["ETag"] = changed.etag
    return changed


@router.delete("/{list_id}", status_code=204, operation_id="delete_list")
async def delete_list(visit: Visit, list_id: UUID, if_match: versions.IfMatch = None) -> None:
    """Its todos stay, without a list."""
    await lists.delete(
        visit.tx, visit.actor, list_id, if_version=versions.wanted(if_match), now=visit.now
    )
