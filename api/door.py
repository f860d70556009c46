"""What the routes of accounts ask for besides a transaction, and the mark a known device keeps."""

from typing import Annotated

from fastapi import Depends, Request, Response

from core.services.doors import DEVICE_LIFETIME, Door, Visitor
from core.settings import Settings

MAX_MARK_CHARS = 200


async def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def _visitor(request: Request) -> Visitor:
    mark = request.cookies.get(_cookie(request.app.state.settings))
    return Visitor(
        address=request.client.host if request.client else "",  # X-Forwarded-For is not trusted
        user_agent=request.headers.get("user-agent", ""),
        device=mark if mark and len(mark) <= MAX_MARK_CHARS else None,
    )


TheDoor = Annotated[Door, Depends(_door)]
TheVisitor = Annotated[Visitor, Depends(_visitor)]


def remember(request: Request, response: Response, mark: str) -> None:
    """Set the mark as a cookie. It lets nobody in: it only earns tries of its own."""
    settings: Settings = request.app.state.settings
    response.set_cookie(
        _cookie(settings),
        mark,
        max_age=int(DEVICE_LIFETIME.total_seconds()),
        secure=_secure(settings),
        httponly=True,
        samesite="strict",
    )


def _secure(settings: Settings) -> bool:
    return settings.api_url.startswith("https:")


def _cookie(settings: Settings) -> str:
    return "__Host-vt-device" if _secure(settings) else "vt-device"
