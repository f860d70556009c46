"""What may come in about workspaces."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from api.schemas.dues import Body
from api.schemas.lists import Name
from api.schemas.moments import FIRST_DAY, Duration, Instant
from core.models.workspaces import WorkspaceKind

FIRST_INSTANT = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)


class WorkspaceBody(Body):
    kind: Annotated[WorkspaceKind, Field(description="Only `sandbox` can be made")]
    name: Name = "Sandbox"
    now: Annotated[
        Instant | None,
        Field(ge=FIRST_INSTANT, description="Where its clock stands; default: the real now"),
    ] = None


class ClockBody(Body):
    """By so much, or to an instant: one of both. Not backwards, and at most 366 days."""

    advance: Annotated[Duration | None, Field(description="ISO 8601")] = None
    to: Instant | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.advance is None) == (self.to is None):
            msg = "give either `advance` or `to`"
            raise ValueError(msg)
        return self
