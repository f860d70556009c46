"""What workflows and activities are told: ids, numbers and enumerations, never contents.

They stand in a history for days, so a field is added with a default and never renamed. Writers of
the outbox name the same fields; activities and workflows both read them, hence their place here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """What falls due; each kind has its table, its handler and its Schedules."""

    REMINDERS = "reminders"
    SERIES = "series"
    DIGESTS = "digests"
    PARKED = "parked"  # deliveries of which many failed at once
    CALENDARS = "calendars"
    WEBHOOKS = "webhooks"  # endpoints that the feed is ahead of, or that wait for a retry
    SLACK_HOMES = "slack_homes"  # opened, or looked at while the feed went on


@dataclass(frozen=True, slots=True)
class TickMessage:
    kind: Kind
    lane: int


class Queue(StrEnum):
    """Where attempts wait: a task queue for each kind of vendor, so that none holds up another.

    The values are those of `Channel`.
    """

    EMAIL = "email"
    PUSH = "push"
    SLACK = "slack"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class DeliveryMessage:
    """Without a `queue`, as older ones are, its attempts wait in the workflow's own."""

    workspace_id: UUID
    delivery_id: UUID
    queue: Queue | None = None


@dataclass(frozen=True, slots=True)
class JobMessage:
    workspace_id: UUID
    job_id: UUID


class Provider(StrEnum):
    """Who transcribes. Each that is set up has a task queue of its own, `transcribe-<provider>`.

    The values are the names that the setting `transcribers` takes.
    """

    EMBEDDED = "embedded"
    OPENAI = "openai"
    DEEPGRAM = "deepgram"


@dataclass(frozen=True, slots=True)
class TranscriptionMessage:
    """Of the job that processes a recording. A null `provider`: nobody was asked yet."""

    job: JobMessage
    provider: Provider | None


@dataclass(frozen=True, slots=True)
class ZoneCursor:
    """How far a change of zones is: which kind of row, and after which one of them."""

    mover: int
    at: datetime
    id: UUID
    workspace_id: UUID


@dataclass(frozen=True, slots=True)
class ZoneMessage:
    job: JobMessage
    after: ZoneCursor | None


@dataclass(frozen=True, slots=True)
class CalendarMessage:
    """One run of a connection's sync; a newer one makes it void."""

    workspace_id: UUID
    connection_id: UUID
    run_no: int


@dataclass(frozen=True, slots=True)
class ConnectionMessage:
    """An outside service that somebody connected."""

    workspace_id: UUID
    connection_id: UUID


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """Something that Slack told."""

    inbound_id: UUID


class Store(StrEnum):
    """Where something of a person is, in the order in which it is erased."""

    CONNECTIONS = "connections"  # accesses to outside services, and those services
    WORKFLOWS = "workflows"  # what is under way
    BLOBS = "blobs"
    MAIL = "mail"  # the last one to them
    MAIL_SERVICE = "mail_service"
    ROWS = "rows"
    HISTORIES = "histories"  # what began meanwhile
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class ErasureMessage:
    erasure_id: UUID


@dataclass(frozen=True, slots=True)
class ErasureStep:
    erasure_id: UUID
    store: Store
