from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path

from api.deps import Me, Now, Tx, Workspace
from api.schemas.text import line
from api.schemas.todos import TagPatch
from api.transaction import Transactional
from core.services import tags
from core.services.tags import Tag

router = APIRouter(prefix="/tags", tags=["tags"], route_class=Transactional)

Name = Annotated[str, Path(), line(50, blank=False)]


@dataclass(frozen=True, slots=True)
class TagPage:
    """Tags in use: a workspace's first 1,000 by name."""

    data: list[Tag]
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_tags")
async def list_tags(tx: Tx, actor: Me, workspace_id: Workspace) -> TagPage:
    return TagPage(await tags.all_of(tx, actor, workspace_id=workspace_id), None, has_more=False)


@router.patch("/{name}", operation_id="rename_tag")
async def rename_tag(
    name: Name, body: TagPatch, tx: Tx, actor: Me, workspace_id: Workspace, now: Now
) -> Tag:
    """On every todo that carries it."""
    return await tags.rename(tx, actor, name, body.name, workspace_id=workspace_id, now=now)


@router.delete("/{name}", status_code=204, operation_id="delete_tag")
async def delete_tag(name: Name, tx: Tx, actor: Me, workspace_id: Workspace, now: Now) -> None:
    """From every todo that carries it."""
    await tags.remove(tx, actor, name, workspace_id=workspace_id, now=now)
