from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import pages, versions
from api.paths import V1
from api.transaction import Authenticated
from api.visit import Visit
from core.models.jobs import JobKind, JobStatus
from core.services import jobs
from core.services.jobs import Job

router = APIRouter(prefix=f"{V1}/jobs", tags=["jobs"], route_class=Authenticated)


@dataclass(frozen=True, slots=True)
class JobPage:
    """Newest first."""

    data: list[Job]
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_jobs")
async def list_jobs(
    visit: Visit,
    response: Response,
    status: Annotated[JobStatus | None, Query()] = None,
    kind: Annotated[JobKind | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> JobPage:
    """The long work that I asked for, in all workspaces."""
    question = f"jobs {visit.actor.user_id} {status} {kind}"
    before = pages.moment(visit, question, cursor)
    found = await jobs.page(
        visit.tx, visit.actor, status=status, kind=kind, before=before, limit=limit
    )
    data, next_cursor = pages.cut(
        visit, response, question, found, limit, lambda each: [each.created_at, each.id]
    )
    return JobPage(data, next_cursor, has_more=next_cursor is not None)


@router.get(
    "/{job_id}", operation_id="get_job", response_model=Job, responses=versions.NOT_MODIFIED
)
async def get_job(visit: Visit, job_id: UUID, response: Response) -> Job | Response:
    """How far it is. `If-None-Match` makes asking again cheap."""
    job = await jobs.get(visit.tx, visit.actor, job_id)
    if versions.unchanged(visit, response, job.etag):
        return Response(status_code=304, headers={"ETag": job.etag})
    return job


@router.post("/{job_id}/cancel", operation_id="cancel_job")
async def cancel_job(visit: Visit, job_id: UUID) -> Job:
    """What was done stays done. 409 for one that is over, or that must run to its end."""
    return await jobs.cancel(visit.tx, visit.actor, job_id, now=visit.now)
