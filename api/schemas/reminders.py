"""What may come in about reminders."""

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictBool, model_validator

from api.schemas.dues import AtBody, Body
from api.schemas.moments import Duration
from api.schemas.text import line
from core.errors import Invalid
from core.models.deliveries import Channel
from core.rules import snooze
from core.rules.reminders import Wish
from core.rules.snooze import Snooze
from core.services.reminder_rows import Waiting
from core.services.reminders import ReminderDraft


class ReminderFields(Body):
    at: AtBody | None = None
    before: Duration | None = None
    channels: Annotated[list[Channel], Field(min_length=1, max_length=4)] | None = None
    urgent: StrictBool = False

    def wished_channels(self) -> list[str] | None:
        return None if self.channels is None else [*dict.fromkeys(self.channels)]


class ReminderBody(ReminderFields):
    """Either `at` or `before` (ISO 8601, before the todo's due time)."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.at is None) == (self.before is None):
            msg = "give either `at` or `before`"
            raise ValueError(msg)
        return self

    def to_draft(self) -> ReminderDraft:
        at = self.at
        wish = (
            Wish(None, None, None, self.before)
            if at is None
            else Wish(at.date, at.time, at.timezone, None)
        )
        return ReminderDraft(wish, self.wished_channels(), self.urgent)


class ReminderPatch(ReminderFields):
    """JSON Merge Patch; giving `at` clears `before` and the other way round."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.at is not None and self.before is not None:
            msg = "give either `at` or `before`"
            raise ValueError(msg)
        return self

    def merged_into(self, stored: Waiting) -> ReminderDraft:
        sent = self.model_fields_set
        wish = stored.wish
        if self.at is not None:
            wish = Wish(self.at.date, self.at.time, self.at.timezone, None)
        elif self.before is not None:
            wish = Wish(None, None, None, self.before)
        elif {"before" if wish.before is not None else "at"} & sent:
            raise Invalid("a reminder has either `at` or `before`", pointer="/at", code="missing")
        channels = stored.channels
        if "channels" in sent:
            channels = self.wished_channels()
        return ReminderDraft(wish, channels, self.urgent if "urgent" in sent else stored.urgent)


def _snooze(read: Callable[[str], Snooze]) -> AfterValidator:
    def check(words: str) -> str:
        read(words)
        return words

    return AfterValidator(check)


class SnoozeBody(Body):
    """Either `for` or `until`; wall times, `tonight` and `tomorrow` are in one's own zone."""

    for_: Annotated[
        Annotated[str, line(64), _snooze(snooze.read_for)] | None,
        Field(
            alias="for",
            description="An ISO 8601 duration, `10m`, `2h30m`, `2d`, `tonight` or `tomorrow`",
            examples=["PT10M", "2h30m", "tonight"],
        ),
    ] = None
    until: Annotated[
        Annotated[str, line(64), _snooze(snooze.read_until)] | None,
        Field(
            description="An instant of RFC 3339, a local time, the next `18:30`, `tonight`"
            " (20:00; from 19:00 on: in an hour) or `tomorrow` (one's all-day time)",
            examples=["2030-05-04T09:00:00Z", "2030-05-04T09:00", "18:30", "tomorrow"],
        ),
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.for_ is None) == (self.until is None):
            msg = "give either `for` or `until`"
            raise ValueError(msg)
        return self

    def to_wish(self) -> Snooze:
        if self.for_ is not None:
            return snooze.read_for(self.for_)
        return snooze.read_until(self.until or "")
