"""The messages under the name that workflows use; activities take them from `core.messages`."""

from core.messages import (
    DeliveryMessage,
    JobMessage,
    Kind,
    Queue,
    TickMessage,
    ZoneCursor,
    ZoneMessage,
)

__all__ = [
    "DeliveryMessage",
    "JobMessage",
    "Kind",
    "Queue",
    "TickMessage",
    "ZoneCursor",
    "ZoneMessage",
]
