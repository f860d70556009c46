"""Lanes: all that falls due is spread over them, and each has a tick that looks after it."""

from uuid import UUID

from core.settings import settings


def of(row_id: UUID) -> int:
    """Evenly by the random end of its id."""
    return row_id.int % settings().lanes
