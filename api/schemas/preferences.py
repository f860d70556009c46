"""What may come in about notifications: how, when, and when not."""

from datetime import timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.schemas.dues import Body
from api.schemas.moments import Duration, Instant
from core.models.deliveries import Channel
from core.rules.digests import Frequency, Plan, Weekday
from core.rules.preferences import LONGEST_ESCALATION, SHORTEST_ESCALATION

MOST_MUTED = 100

ClockTime = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5, examples=["09:00"])
]
Channels = Annotated[list[Channel], Field(max_length=len(Channel))]


class ChannelPreferences(Body):
    """By kind of message; null or absent is the default."""

    reminder: Annotated[
        Channels | None,
        Field(
            description="Of reminders that name no channels. Default: in the app, by e-mail, and"
            " to each browser that takes push messages"
        ),
    ] = None
    digest: Annotated[Channels | None, Field(description="Default: by e-mail")] = None


class QuietHours(Body):
    """Wall times in one's own zone, also over midnight: push and Slack wait until they end."""

    start: ClockTime
    end: ClockTime

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.start == self.end:
            msg = "quiet hours end at another time than they start"
            raise ValueError(msg)
        return self


class DigestPreferences(Body):
    """At one's own local time, up to ten minutes later. `weekday` counts for weekly ones only."""

    frequency: Frequency = Frequency.OFF
    at: ClockTime = Plan().at.isoformat("minutes")
    weekday: Weekday = Weekday.MONDAY


class Escalation(Body):
    """A push or Slack message that is not read after this long is sent by e-mail, too."""

    after: Annotated[Duration, Field(ge=SHORTEST_ESCALATION, le=LONGEST_ESCALATION)] = timedelta(
        minutes=10
    )
    to: Literal[Channel.EMAIL] = Channel.EMAIL


class Notifying(Body):
    """Every field may be left out: then it is the default."""

    channels: ChannelPreferences | None = None
    quiet_hours: QuietHours | None = None
    digest: DigestPreferences | None = None
    muted_lists: Annotated[
        list[UUID] | None,
        Field(
            max_length=MOST_MUTED,
            description="Lists whose todos' reminders are only shown in the app",
        ),
    ] = None
    paused_until: Annotated[
        Instant | None,
        Field(description="Until then reminders are only shown in the app, and no digest is sent"),
    ] = None
    escalation: Escalation | None = None


class ReadAllBody(Body):
    """`until`: what came later stays unread, as whoever asks has not seen it yet."""

    until: Instant | None = None


class PreviewBody(Body):
    """The digest that one would get now; `frequency` null: of one's own plan, else daily."""

    frequency: Literal[Frequency.DAILY, Frequency.WEEKLY] | None = None
