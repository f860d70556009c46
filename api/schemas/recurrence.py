"""What may come in about recurrence."""

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from api.schemas.dues import Body, DueBody, Zone
from api.schemas.moments import Calendar, Instant
from api.schemas.text import line
from core.rules import rrule
from core.rules.recurrence import Anchor, PileUp, Recurrence, Shift
from core.rules.rrule import MAX_CHARS, InvalidRule, Skip
from core.services.series import refusal
from core.services.series_rows import RecurrenceDraft

MAX_DATES = 500
MAX_PREVIEW = 100

Dates = Annotated[tuple[Calendar, ...], Field(max_length=MAX_DATES)]


class RecurrenceBody(Body):
    """RFC 5545, SECONDLY excepted, its start taken from the todo's due."""

    rrule: Annotated[str, line(MAX_CHARS, blank=False), Field(description="RFC 5545 RRULE")]
    anchor: Anchor = Field(
        Anchor.SCHEDULE, description="What the next one counts from: the plan, or its completion"
    )
    skip: Skip | None = Field(
        None, description="Days that a month does not have (RFC 7529); default: the rule's, `omit`"
    )
    pile_up: PileUp = Field(PileUp.ROLL, description="What becomes of an occurrence left undone")
    exdates: Dates = ()
    rdates: Dates = ()
    holidays: Annotated[str, line(16, blank=False)] | None = Field(
        None, description="Public holidays of a country or a part of it", examples=["DE", "DE-BE"]
    )
    shift: Shift = Field(Shift.NONE, description="Where to, from weekends and holidays")

    def to_draft(self) -> RecurrenceDraft:
        """Raises `Invalid`."""
        try:
            return RecurrenceDraft(self.rrule, self.to_recurrence())
        except InvalidRule as error:
            raise refusal(error) from error

    def to_recurrence(self) -> Recurrence:
        """Raises `InvalidRule`."""
        rule = rrule.parse(self.rrule)
        if self.skip is not None:
            if rule.skip not in {Skip.OMIT, self.skip}:
                raise InvalidRule("skip_twice", "`skip` and the SKIP of the rule differ")
            rule = replace(rule, skip=self.skip)
        return Recurrence(
            rule,
            self.anchor,
            self.pile_up,
            tuple(sorted(set(self.exdates))),
            tuple(sorted(set(self.rdates))),
            self.holidays,
            self.shift,
        )


class PreviewBody(Body):
    """`due` is the start: the first occurrence, as in RFC 5545."""

    recurrence: RecurrenceBody
    due: DueBody
    timezone: Zone | None = Field(
        None, description="Of a floating or all-day due; default: one's own"
    )
    after: Instant | None = Field(None, description="Only those that come later")
    count: Annotated[int, Field(strict=True, ge=1, le=MAX_PREVIEW)] = 10

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "recurrence": {"rrule": "FREQ=MONTHLY;BYMONTHDAY=31", "skip": "backward"},
                    "due": {"date": "2030-01-31", "time": "09:00", "timezone": "Europe/Berlin"},
                    "count": 3,
                }
            ]
        },
    )


class ExplainBody(Body):
    recurrence: RecurrenceBody
    due: DueBody
    locale: Annotated[str, line(35, blank=False)] | None = Field(
        None, description="BCP 47; default: one's own", examples=["de-AT"]
    )

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "recurrence": {"rrule": "FREQ=MONTHLY;BYDAY=-1FR"},
                    "due": {"date": "2030-01-25", "time": "09:00"},
                    "locale": "en",
                }
            ]
        },
    )
