"""What may come in to be read as a recurrence of ours."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.dues import Body, Zone
from api.schemas.moments import Calendar, Instant
from api.schemas.text import line
from api.schemas.text import text as lines
from core.rules.graph_reading import Ending, Kind, Pattern, Place, Range
from core.rules.rrule import Weekday

MAX_CHARS = 20_000


class Source(StrEnum):
    TODOIST = "todoist"
    RRULE = "rrule"
    VTODO = "vtodo"
    MICROSOFT_GRAPH = "microsoft_graph"


class Day(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_WEEKDAYS = dict(zip(Day, Weekday, strict=True))
_Whole = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class GraphPattern(Body):
    """Graph sends all of these; what a type does not use is not looked at."""

    type: Kind
    interval: _Whole = 1
    days_of_week: Annotated[tuple[Day, ...], Field(max_length=7, alias="daysOfWeek")] = ()
    first_day_of_week: Annotated[Day, Field(alias="firstDayOfWeek")] = Day.SUNDAY
    index: Place = Place.FIRST
    day_of_month: Annotated[_Whole, Field(alias="dayOfMonth")] = 0
    month: _Whole = 0

    def to_pattern(self) -> Pattern:
        return Pattern(
            self.type,
            self.interval,
            frozenset(_WEEKDAYS[day] for day in self.days_of_week),
            _WEEKDAYS[self.first_day_of_week],
            self.index,
            self.day_of_month,
            self.month,
        )


class GraphRange(Body):
    type: Ending
    start_date: Annotated[Calendar, Field(alias="startDate")]
    end_date: Annotated[date | None, Field(alias="endDate")] = None
    number_of_occurrences: Annotated[_Whole, Field(alias="numberOfOccurrences")] = 0
    recurrence_time_zone: Annotated[
        Annotated[str, line(64)] | None, Field(alias="recurrenceTimeZone")
    ] = None

    def to_range(self) -> Range:
        return Range(
            self.type,
            self.start_date,
            self.end_date,
            self.number_of_occurrences,
            self.recurrence_time_zone or None,
        )


class GraphRecurrence(Body):
    """learn.microsoft.com/graph/api/resources/patternedrecurrence."""

    pattern: GraphPattern
    range: GraphRange


class ConvertBody(Body):
    """`text` of Todoist, an RRULE or a VTODO; for Microsoft Graph its object in `pattern`."""

    source: Annotated[Source, Field(alias="from")]
    text: Annotated[str, lines(MAX_CHARS, blank=False)] | None = None
    pattern: GraphRecurrence | None = None
    timezone: Zone | None = Field(
        None, description="Times are fixed to it; default: they go where one goes"
    )
    language: Annotated[str, line(35, blank=False)] | None = Field(
        None, description="Of the words, BCP 47; default: one's own. English is always understood"
    )
    now: Instant | None = Field(None, description="What the words are about; default: now")

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "from": "todoist",
                    "text": "jeden Werktag um 9 Uhr",
                    "language": "de",
                    "timezone": "Europe/Berlin",
                    "now": "2030-02-01T12:00:00Z",
                }
            ]
        },
    )

    @model_validator(mode="after")
    def _given(self) -> Self:
        named = "pattern" if self.source is Source.MICROSOFT_GRAPH else "text"
        other = "text" if named == "pattern" else "pattern"
        if getattr(self, named) is None or getattr(self, other) is not None:
            msg = f"from {self.source} takes `{named}` and no `{other}`"
            raise ValueError(msg)
        return self
