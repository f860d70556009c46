"""What may come in about connections to outside services."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from api.schemas.dues import Body
from api.schemas.text import line
from core.errors import Invalid
from core.models.connections import Provider
from core.rules.calendar_policy import Policy


class ProviderName(StrEnum):
    """As addresses have it."""

    GOOGLE_CALENDAR = "google-calendar"
    SLACK = "slack"

    @property
    def provider(self) -> Provider:
        return Provider(self.value.replace("-", "_"))


OF_CALENDARS: Final = frozenset({"calendar_id", "calendar_name", "events_become_todos"})
OF_SLACK: Final = frozenset({"digest_channel"})
FIELDS: Final = {Provider.GOOGLE_CALENDAR: OF_CALENDARS, Provider.SLACK: OF_SLACK}


class IntegrationBody(Body):
    """What is absent stays as it is."""

    calendar_id: Annotated[
        str | None,
        line(1024, blank=False),
        Field(description="Google Calendar: one of its calendars; the old one keeps its events"),
    ] = None
    calendar_name: Annotated[
        str | None, line(500, blank=False), Field(description="Google Calendar: shown to people")
    ] = None
    events_become_todos: Annotated[
        Policy | None,
        Field(description="Google Calendar: all, tagged (those that say #todo), none"),
    ] = None
    digest_channel: Annotated[
        str | None,
        line(100, blank=False),
        Field(description="Slack: a channel that digests go to; null: to me"),
    ] = None

    def check(self, provider: Provider) -> None:
        """Raises `Invalid` for what this provider has not, and for a null that says nothing."""
        for name in sorted(self.model_fields_set):
            if name not in FIELDS[provider]:
                raise Invalid("not a setting of this provider", pointer=f"/{name}", code="unknown")
            if name in OF_CALENDARS and getattr(self, name) is None:
                raise Invalid("may be left out, but not null", pointer=f"/{name}", code="null")
