"""For load balancers and operators; no version prefix."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api import clearance
from core import metrics, schema
from core.errors import Unavailable
from core.services import revisions

Word = Annotated[str, Field(max_length=64)]

router = APIRouter(tags=["operations"])


@router.get("/health", operation_id="health")
async def health() -> dict[str, Word]:
    """The process answers. Asks nothing else."""
    return {"status": "ok"}


@router.get("/ready", operation_id="ready")
async def ready(request: Request) -> dict[str, Word]:
    """The database answers, has the revision that this code expects, and nobody erased is back."""
    found = await revisions.gap(request.app.state.database)
    if found is not None:
        raise Unavailable(found.remedy)
    clearance.require(request.app)
    return {"status": "ready", "revision": schema.head()}


@router.get("/metrics", include_in_schema=False)
async def prometheus() -> Response:
    return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)
