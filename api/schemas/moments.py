"""Dates, wall times, instants and durations as they are written in RFC 3339 and ISO 8601.

Pydantic alone would also take numbers and guess what they count from; and JSON Schema's own
`time` wants an offset, which a wall time has not.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from core.rules import durations

# Far enough for every todo; and arithmetic on it stays within the years of Python and PostgreSQL.
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2200, 1, 1)
LAST_INSTANT: Final = datetime(2200, 1, 1, tzinfo=UTC)
LONGEST: Final = timedelta(days=366)

_DATE: Final = r"^\d{4}-\d{2}-\d{2}$"
_TIME: Final = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"
_INSTANT: Final = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$"


def _written(pattern: str, like: str) -> BeforeValidator:
    shape = re.compile(pattern, re.ASCII)

    def check(value: object) -> object:
        if not isinstance(value, str) or not shape.match(value) or value.endswith("\n"):
            raise ValueError(f"write it like {like}")
        return value

    return BeforeValidator(check)


def _told(pattern: str, longest: int, example: str) -> WithJsonSchema:
    """The pattern says how long it can be, but not to everybody who reads schemas."""
    return WithJsonSchema(
        {"type": "string", "pattern": pattern, "maxLength": longest, "examples": [example]}
    )


Calendar = Annotated[date, _written(_DATE, "2030-05-04"), Field(ge=FIRST_DAY, le=LAST_DAY)]
WallTime = Annotated[time, _written(_TIME, "09:00"), _told(_TIME, len("09:00:00"), "09:00")]
Instant = Annotated[
    AwareDatetime, _written(_INSTANT, "2030-05-04T09:00:00Z"), Field(le=LAST_INSTANT)
]
Duration = Annotated[
    timedelta,
    Field(ge=timedelta(0), le=LONGEST),
    _written(durations.PATTERN, "PT15M"),
    _told(durations.PATTERN, durations.LONGEST, "PT15M"),
]
