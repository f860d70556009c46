"""What comes in and goes out about addresses that are told what happens."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from api.schemas.dues import Body
from api.schemas.moments import Duration, Instant
from api.schemas.text import line
from core.models.webhooks import EndpointStatus, Payload, WebhookStatus
from core.rules.egress import MAX_URL_CHARS
from core.services.webhook_deliveries import Attempt, Delivery, DeliveryDetail
from core.services.webhook_endpoint_rows import Endpoint
from core.services.webhook_endpoints import (
    ALL,
    LONGEST_OVERLAP,
    NAMES,
    OVERLAP,
    Created,
    Draft,
)

Url = Annotated[
    str,
    Field(
        max_length=MAX_URL_CHARS,
        description="https, and on the public Internet; dev: below the sandbox's /hooks/",
        examples=["https://example.com/hooks/todos"],
    ),
]
# What is none of them is refused by the service, which says which one it was.
EventName = Annotated[
    str, Field(max_length=64, json_schema_extra={"enum": sorted(NAMES), "examples": ["todo.*"]})
]
EventNames = Annotated[
    list[EventName],
    Field(min_length=1, max_length=100, description="Types, a noun and `.*`, or `*` for all"),
]
Description = Annotated[str, line(200)]


class WebhookEndpointBody(Body):
    url: Url
    events: EventNames = Field(default_factory=lambda: [ALL])
    description: Description = ""
    payload: Payload = Payload.FULL

    def to_draft(self) -> Draft:
        return Draft(self.url, self.events, self.description, self.payload)


class WebhookEndpointPatch(Body):
    """`status`: `disabled` by hand, or `active` again, from then on."""

    url: Url = ""
    events: EventNames = Field(default_factory=lambda: [ALL])
    description: Description = ""
    payload: Payload = Payload.FULL
    status: EndpointStatus = EndpointStatus.ACTIVE

    def changes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class RotationBody(Body):
    """For how long deliveries are signed with the secret before it as well; `PT0S`: not at all."""

    overlap: Annotated[Duration, Field(le=LONGEST_OVERLAP)] = OVERLAP


class RedeliveryBody(Body):
    """Of the deliveries made from `since` to before `until` (now, if absent), in their order."""

    since: Instant
    until: Instant | None = None
    status: Annotated[
        WebhookStatus | None, Field(description="Only these; null: whatever became of them")
    ] = WebhookStatus.FAILED

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.until is not None and self.until - self.since <= timedelta(0):
            msg = "`until` is after `since`"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True)
class WebhookEndpoint(Endpoint):
    """An address that is told what happens in a workspace.

    `disabled_reason` is null while it is active. `public_key` verifies `v1a` signatures. Until
    `previous_secret_until` deliveries are signed with the secret before this one as well.
    `failing_since`: of the failures that no success has ended; after five days it is disabled.
    """

    @classmethod
    def of(cls, found: Endpoint) -> Self:
        return cls(**_told(found))


@dataclass(frozen=True, slots=True)
class NewWebhookEndpoint(Endpoint):
    """With its `secret`, `whsec_…`, which is told this once."""

    secret: str

    @classmethod
    def of(cls, made: Created) -> Self:
        return cls(**_told(made.endpoint), secret=made.secret)


@dataclass(frozen=True, slots=True)
class WebhookEndpointPage:
    """In the order they were made."""

    data: list[WebhookEndpoint]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class WebhookDelivery(Delivery):
    """One message to one endpoint. Receivers know a repetition by its `message_id`.

    `event_seq` is null of a test. `status_code` and `error` are of the last attempt, `next_at` of
    the one to come.
    """

    @classmethod
    def of(cls, found: Delivery) -> Self:
        return cls(**_told(found))


@dataclass(frozen=True, slots=True)
class WebhookAttempt(Attempt):
    """`status_code` is null where no answer came; `error` says why."""

    @classmethod
    def of(cls, found: Attempt) -> Self:
        return cls(**_told(found))


@dataclass(frozen=True, slots=True)
class WebhookDeliveryDetail(Delivery):
    """`body` is the text that was signed and sent; null before that, and 14 days after.

    `log` has each attempt, the first one first.
    """

    body: str | None
    log: list[WebhookAttempt]

    @classmethod
    def of_detail(cls, found: DeliveryDetail) -> Self:
        log = [WebhookAttempt.of(each) for each in found.attempts]
        return cls(**_told(found.delivery), body=found.body, log=log)


@dataclass(frozen=True, slots=True)
class WebhookDeliveryPage:
    """The newest first."""

    data: list[WebhookDelivery]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Redelivered:
    """How many are on their way again."""

    redelivered: int


def _told(found: Endpoint | Delivery | Attempt) -> dict[str, Any]:
    return {each.name: getattr(found, each.name) for each in fields(found)}
