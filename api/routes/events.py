from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import pages, query
from api.paths import V1
from api.transaction import Authenticated
from api.visit import InWorkspace, Visit
from core.services import changes
from core.services.changes import Change

router = APIRouter(prefix=f"{V1}/events", tags=["events"], route_class=Authenticated)

MAX_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True)
class EventPage:
    """`next_since` is what to ask for next, now or when there is more."""

    data: list[Change]
    next_since: int
    next_cursor: str | None
    has_more: bool


@router.get("", operation_id="list_events", openapi_extra=query.documented(InWorkspace))
async def list_events(
    visit: Visit,
    response: Response,
    since: Annotated[int, Query(ge=0, le=MAX_SEQ, description="The last `seq` seen")] = 0,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> EventPage:
    """What happened in a workspace, in order and without gaps."""
    question = f"events {visit.actor.user_id} {visit.workspace_id}"
    if cursor is not None:
        since = pages.unseal(visit, question, cursor)
    found = await changes.since(
        visit.tx, visit.actor, workspace_id=visit.workspace_id, seq=since, limit=limit + 1
    )
    data, more = found[:limit], len(found) > limit
    last = data[-1].seq if data else since
    next_cursor = pages.seal(visit, question, last) if more else None
    pages.next_link(visit, response, next_cursor)
    return EventPage(data, last, next_cursor, more)
