from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path

from api import query
from api.paths import V1
from api.schemas.tags import TagPatch
from api.schemas.text import line
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core.services import tags
from core.services.tags import Tag

router = APIRouter(prefix=f"{V1}/tags", tags=["tags"], route_class=Authenticated)

Name = Annotated[str, Path(), line(50, blank=False)]


@dataclass(frozen=True, slots=True)
class TagPage:
    """Tags in use: a workspace's first 1,000 by name."""

    data: list[Tag]
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_tags", openapi_extra=query.documented(InWorkspace))
async def list_tags(visit: Visit) -> TagPage:
    return TagPage(
        await tags.all_of(visit.tx, visit.actor, workspace_id=visit.workspace_id),
        None,
        has_more=False,
    )


@router.patch("/{name}", operation_id="rename_tag", openapi_extra=query.documented(InWorkspace))
async def rename_tag(visit: Visit, name: Name, body: TagPatch) -> Tag:
    """On every todo that carries it."""
    return await tags.rename(
        visit.tx, visit.actor, name, body.name, workspace_id=visit.workspace_id, now=visit.now
    )


@router.delete(
    "/{name}",
    status_code=204,
    operation_id="delete_tag",
    openapi_extra=query.documented(InWorkspace),
)
async def delete_tag(visit: Visit, name: Name) -> None:
    """From every todo that carries it."""
    await tags.remove(visit.tx, visit.actor, name, workspace_id=visit.workspace_id, now=visit.now)
