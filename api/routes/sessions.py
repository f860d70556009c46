from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from fastapi import APIRouter

from api.paths import V1
from api.transaction import Authenticated
from api.visit import Visit
from core.services import sessions
from core.services.sessions import Session

router = APIRouter(prefix=V1, tags=["accounts"], route_class=Authenticated)


@dataclass(frozen=True, slots=True)
class SessionPage:
    """All of them: there are never many."""

    data: list[Session]
    next_cursor: None
    has_more: Literal[False]


@router.get("/sessions", operation_id="list_sessions", summary="Where I am signed in")
async def list_sessions(visit: Visit) -> SessionPage:
    return SessionPage(await sessions.live(visit.tx, visit.actor, now=visit.now), None, False)


@router.delete(
    "/sessions/{id}", operation_id="end_session", status_code=204, summary="Sign out elsewhere"
)
async def end_session(visit: Visit, id: UUID) -> None:  # noqa: A002 (the path's own name)
    """Takes effect with the next request of that session."""
    await sessions.end(visit.tx, visit.actor, id, now=visit.now)
