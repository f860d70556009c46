"""For load balancers and operators; no version prefix."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import column, select, table

from api import clearance
from core import metrics, migrate
from core.db import Database
from core.errors import Unavailable
from core.statements import query

router = APIRouter(tags=["operations"])

_REVISION = query(select(column("version_num")).select_from(table("alembic_version")))


@router.get("/health", operation_id="health")
async def health() -> dict[str, str]:
    """The process answers. Asks nothing else."""
    return {"status": "ok"}


@router.get("/ready", operation_id="ready")
async def ready(request: Request) -> dict[str, str]:
    """The database answers, has the revision that this code expects, and nobody erased is back."""
    database: Database = request.app.state.database
    async with database.transaction(read_only=True) as tx:
        found = await tx.first(_REVISION)
    if found is None or found[0] != migrate.head():
        raise Unavailable("the database is not migrated: run `voicetodo admin migrate`")
    clearance.require(request.app)
    return {"status": "ready", "revision": found[0]}


@router.get("/metrics", include_in_schema=False)
async def prometheus() -> Response:
    return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)
