"""The messages under the name that workflows use; activities take them from `core.messages`."""

from core.messages import DeliveryMessage, Kind, TickMessage

__all__ = ["DeliveryMessage", "Kind", "TickMessage"]
