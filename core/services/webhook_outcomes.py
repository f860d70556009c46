"""What is posted to endpoints, what came of it, and what that says of the receiver."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.models.webhooks import DisabledReason
from core.rules import webhook_retries


@dataclass(frozen=True, slots=True)
class Post:
    """A message to be sent now; `attempt` and `tries` count this one."""

    id: UUID
    seq: int | None
    message_id: str
    event_type: str
    body: bytes = field(repr=False)
    attempt: int
    tries: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one attempt. `status_code` is null when no answer came; `wait` is the receiver's wish."""

    post: Post
    status_code: int | None
    error: str | None
    at: datetime
    took: timedelta
    excerpt: str | None = None
    wait: timedelta | None = None

    @property
    def delivered(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300  # noqa: PLR2004 - HTTP

    @property
    def next_at(self) -> datetime | None:
        """Of the next try, if there is one."""
        if self.delivered:
            return None
        waits = webhook_retries.wait(self.post.id, self.post.tries, self.wait)
        return None if waits is None else self.at + waits

    def row(self) -> dict[str, Any]:
        """As the statement that settles it reads it."""
        next_at = self.next_at
        pending = next_at is not None
        return {
            "id": self.post.id,
            "attempt": self.post.attempt,
            "tries": self.post.tries,
            "status": "delivered" if self.delivered else "pending" if pending else "failed",
            "status_code": self.status_code,
            "error": self.error,
            "next_at": next_at,
            "at": self.at,
            "took_ms": round(self.took.total_seconds() * 1000),
            "excerpt": self.excerpt,
            "delivered_at": self.at if self.delivered else None,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """How a receiver does, attempt by attempt."""

    failures: int
    failing_since: datetime | None
    last_failure_at: datetime | None
    last_success_at: datetime | None = None
    hold_until: datetime | None = None
    disabled: DisabledReason | None = None

    @property
    def goes_on(self) -> bool:
        """It may be sent the next message now."""
        return self.hold_until is None and self.disabled is None

    def after(self, outcome: Outcome) -> "Standing":
        if outcome.delivered:
            return Standing(0, None, self.last_failure_at, outcome.at)
        since = webhook_retries.failing_since(
            self.failing_since, self.last_failure_at, now=outcome.at
        )
        failures = self.failures + webhook_retries.is_down(outcome.status_code)
        rest = outcome.wait or timedelta(0)
        if webhook_retries.is_down(outcome.status_code):
            rest = max(rest, webhook_retries.rest(failures))
        disabled = None
        if outcome.status_code == webhook_retries.GONE:
            disabled = DisabledReason.GONE
        elif outcome.at - since >= webhook_retries.DISABLE_AFTER:
            disabled = DisabledReason.FAILING
        return Standing(
            failures,
            since,
            outcome.at,
            self.last_success_at,
            outcome.at + rest if rest else None,
            disabled,
        )
