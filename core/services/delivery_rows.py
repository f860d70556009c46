"""A delivery as its person is told of it: what became of it, and its log line by line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import ColumnElement, and_

from core.models.deliveries import Deliveries
from core.models.push import PushSubscriptions


@dataclass(frozen=True, slots=True)
class LogEntry:
    at: datetime
    what: str  # held, folded, escalates, sending, sent, failed, retry, …
    detail: str | None

    @classmethod
    def of_json(cls, line: dict[str, str]) -> Self:
        return cls(datetime.fromisoformat(line["at"]), line["what"], line.get("detail"))


@dataclass(frozen=True, slots=True)
class ExplainedDelivery:
    id: UUID
    arm_no: int
    channel: str
    device: str | None  # of push; null once it was given up
    status: str
    ambiguous: bool
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    next_attempt_at: datetime | None
    vendor_id: str | None
    error: str | None
    log: list[LogEntry]

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        """From `COLUMNS`, and what a class that knows more of it reads behind them."""
        *columns, log = values[: len(COLUMNS)]
        fields = (*columns, [LogEntry.of_json(each) for each in log], *values[len(COLUMNS) :])
        return cls(*fields)


COLUMNS: Final = (
    Deliveries.id,
    Deliveries.arm_no,
    Deliveries.channel,
    PushSubscriptions.name,
    Deliveries.status,
    Deliveries.ambiguous,
    Deliveries.attempts,
    Deliveries.due_at,
    Deliveries.sent_at,
    Deliveries.next_attempt_at,
    Deliveries.vendor_id,
    Deliveries.error,
    Deliveries.log,
)
# Of a delivery by push the browser that it goes to: for an outer join.
TO_BROWSER: Final[ColumnElement[bool]] = and_(
    PushSubscriptions.id == Deliveries.target_id,
    PushSubscriptions.user_id == Deliveries.user_id,
)
