"""The messages under the name that workflows use; activities take them from `core.messages`."""

from core.messages import (
    CalendarMessage,
    ConnectionMessage,
    DeliveryMessage,
    JobMessage,
    Kind,
    Provider,
    Queue,
    SlackMessage,
    TickMessage,
    TranscriptionMessage,
    ZoneCursor,
    ZoneMessage,
)

__all__ = [
    "CalendarMessage",
    "ConnectionMessage",
    "DeliveryMessage",
    "JobMessage",
    "Kind",
    "Provider",
    "Queue",
    "SlackMessage",
    "TickMessage",
    "TranscriptionMessage",
    "ZoneCursor",
    "ZoneMessage",
]
