"""Bodies in general, and when something is due."""

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from api.schemas.moments import Calendar, WallTime
from api.schemas.text import line
from core.rules import zones
from core.rules.reminders import Due


def _zone(name: str) -> str:
    zones.zone(name)
    return name


Zone = Annotated[str, line(64, blank=False), AfterValidator(_zone)]


class Body(BaseModel):
    """Unknown fields are refused: a misspelt one must not be lost, nor a forbidden one tried."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class DueBody(Body):
    """`date` alone: all day. With `time` and `timezone`: fixed. `timezone` null: floating."""

    date: Calendar
    time: WallTime | None = None
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _zone_needs_time(self) -> Self:
        if self.timezone is not None and self.time is None:
            msg = "an all-day due has no timezone"
            raise ValueError(msg)
        return self

    def to_due(self) -> Due:
        return Due(self.date, self.time, self.timezone)


class AtBody(Body):
    """A wall time; `timezone` null or absent is floating in one's own zone."""

    date: Calendar
    time: WallTime
    timezone: Zone | None = None
