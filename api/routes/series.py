from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from api import pages
from api.paths import V1
from api.transaction import Authenticated
from api.visit import Visit
from core.services import series, series_pages, todos
from core.services.series_pages import OccurrencePage, Series

router = APIRouter(prefix=f"{V1}/series", tags=["series"], route_class=Authenticated)


@router.get("/{series_id}", operation_id="get_series")
async def get_series(visit: Visit, series_id: UUID) -> Series:
    """The rule, where it stands, and when an occurrence left undone makes way."""
    return await series_pages.get(visit.tx, visit.actor, series_id)


@router.get("/{series_id}/occurrences", operation_id="list_occurrences")
async def list_occurrences(
    visit: Visit,
    series_id: UUID,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = pages.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> OccurrencePage:
    """What became of each, the newest first."""
    question = f"occurrences {visit.actor.user_id} {series_id}"
    after = None
    if cursor is not None:
        turn, recurrence_id = pages.unseal(visit, question, cursor)
        after = (turn, recurrence_id)
    found = await series_pages.occurrences(
        visit.tx, visit.actor, series_id, after=after, limit=limit
    )
    data, next_cursor = pages.cut(
        visit, response, question, found, limit, lambda each: [each.turn, each.recurrence_id]
    )
    return OccurrencePage(data, next_cursor, has_more=next_cursor is not None)


@router.post("/{series_id}/pause", operation_id="pause_series")
async def pause_series(visit: Visit, series_id: UUID) -> Series:
    """Nothing moves on and nobody is reminded until it is resumed."""
    row, now = await series.lock(visit.tx, visit.actor, series_id, now=visit.now)
    await series.pause(visit.tx, row, now=now)
    return await series_pages.get(visit.tx, visit.actor, series_id)


@router.post("/{series_id}/resume", operation_id="resume_series")
async def resume_series(visit: Visit, series_id: UUID) -> Series:
    """On from the next occurrence: what passed in the pause was not missed."""
    row, now = await series.lock(visit.tx, visit.actor, series_id, now=visit.now)
    await series.resume(visit.tx, row, now=now)
    return await series_pages.get(visit.tx, visit.actor, series_id)


@router.post("/{series_id}/stop", operation_id="stop_series")
async def stop_series(visit: Visit, series_id: UUID) -> Series:
    """Its todo stays, and nothing comes after it."""
    row, now = await series.lock(visit.tx, visit.actor, series_id, now=visit.now)
    await series.stop(visit.tx, row, now=now)
    return await series_pages.get(visit.tx, visit.actor, series_id)


@router.post("/{series_id}/complete", operation_id="complete_series")
async def complete_series(visit: Visit, series_id: UUID) -> Series:
    """Its todo is completed, and nothing comes after it."""
    found = await series_pages.get(visit.tx, visit.actor, series_id)
    if found.todo_id is not None:
        await todos.complete(visit.tx, visit.actor, found.todo_id, last=True, now=visit.now)
    return await series_pages.get(visit.tx, visit.actor, series_id)
