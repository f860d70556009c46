"""The mark that a known device keeps."""

from fastapi import Response

from api.visit import Visit, mark_cookie
from core.services.doors import DEVICE_LIFETIME


def remember(visit: Visit, response: Response, mark: str) -> None:
    """Set the mark as a cookie. It lets nobody in: it only earns tries of its own."""
    name = mark_cookie(visit.app.state.settings)
    response.set_cookie(
        name,
        mark,
        max_age=int(DEVICE_LIFETIME.total_seconds()),
        secure=name.startswith("__Host-"),
        httponly=True,
        samesite="strict",
    )
