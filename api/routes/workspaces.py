from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import pages
from api.paths import V1
from api.schemas.workspaces import ClockBody, WorkspaceBody
from api.transaction import Authenticated
from api.visit import Visit
from core.errors import Invalid
from core.models.workspaces import WorkspaceKind
from core.services import delivery_pages, sandboxes, workspaces
from core.services.delivery_pages import Delivery
from core.services.jobs import Job
from core.services.workspaces import Workspace

router = APIRouter(prefix=f"{V1}/workspaces", tags=["workspaces"], route_class=Authenticated)

Limit = Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=512)]


@dataclass(frozen=True, slots=True)
class WorkspacePage:
    """In the order they were made."""

    data: list[Workspace]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """The latest due first."""

    data: list[Delivery]
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_workspaces")
async def list_workspaces(
    visit: Visit, response: Response, limit: Limit = pages.DEFAULT_LIMIT, cursor: Cursor = None
) -> WorkspacePage:
    """Those that I am a member of."""
    question = f"workspaces {visit.actor.user_id}"
    after = UUID(pages.unseal(visit, question, cursor)) if cursor is not None else None
    found = await workspaces.page(visit.tx, visit.actor, after=after, limit=limit)
    data, next_cursor = pages.cut(visit, response, question, found, limit, lambda each: each.id)
    return WorkspacePage(data, next_cursor, has_more=next_cursor is not None)


@router.post("", status_code=201, operation_id="create_workspace")
async def create_workspace(visit: Visit, body: WorkspaceBody, response: Response) -> Workspace:
    """A sandbox: its time stands still at `now` until moved, and its channels only record.

    At most five a person.
    """
    if body.kind is not WorkspaceKind.SANDBOX:
        raise Invalid("only a sandbox can be made", pointer="/kind", code="unsupported_kind")
    made = await sandboxes.create(
        visit.tx, visit.actor, name=body.name, clock_at=body.now, now=visit.now
    )
    response.headers["Location"] = f"/api/v1/workspaces/{made.id}"
    return made


@router.get("/{workspace_id}", operation_id="get_workspace")
async def get_workspace(visit: Visit, workspace_id: UUID) -> Workspace:
    return await workspaces.get(visit.tx, visit.actor, workspace_id)


@router.delete("/{workspace_id}", status_code=204, operation_id="delete_workspace")
async def delete_workspace(visit: Visit, workspace_id: UUID) -> None:
    """A sandbox, with all that is in it, for good. 409 for any other kind."""
    await sandboxes.remove(visit.tx, visit.actor, workspace_id)


@router.post("/{workspace_id}/clock", status_code=202, operation_id="move_clock")
async def move_clock(visit: Visit, workspace_id: UUID, body: ClockBody, response: Response) -> Job:
    """Move a sandbox's time forward, from one due instant to the next, and work on what is due.

    Forward only (422 `in_the_past`), at most 366 days (422 `too_far`) and 10,000 instants (the job
    fails, the clock stands where it got to), one move at a time (409), by owners and admins.
    """
    job = await sandboxes.move_clock(
        visit.tx, visit.actor, workspace_id, advance=body.advance, to=body.to, now=visit.now
    )
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return job


@router.get("/{workspace_id}/deliveries", operation_id="list_deliveries")
async def list_deliveries(
    visit: Visit,
    workspace_id: UUID,
    response: Response,
    limit: Limit = pages.DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> DeliveryPage:
    """What went out to me from there, or was recorded, the latest due first."""
    question = f"deliveries {visit.actor.user_id} {workspace_id}"
    before = pages.moment(visit, question, cursor)
    found = await delivery_pages.page(
        visit.tx, visit.actor, workspace_id, before=before, limit=limit
    )
    data, next_cursor = pages.cut(
        visit, response, question, found, limit, lambda each: [each.due_at, each.id]
    )
    return DeliveryPage(data, next_cursor, has_more=next_cursor is not None)
