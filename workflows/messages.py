"""The messages under the name that workflows use; activities take them from `core.messages`."""

from core.messages import (
    CalendarMessage,
    ConnectionMessage,
    DeliveryMessage,
    ErasureMessage,
    ErasureStep,
    JobMessage,
    Kind,
    Provider,
    Queue,
    SlackMessage,
    Store,
    TickMessage,
    TranscriptionMessage,
    ZoneCursor,
    ZoneMessage,
)

__all__ = [
    "CalendarMessage",
    "ConnectionMessage",
    "DeliveryMessage",
    "ErasureMessage",
    "ErasureStep",
    "JobMessage",
    "Kind",
    "Provider",
    "Queue",
    "SlackMessage",
    "Store",
    "TickMessage",
    "TranscriptionMessage",
    "ZoneCursor",
    "ZoneMessage",
]
