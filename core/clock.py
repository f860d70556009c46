"""The only place that reads a clock. Everything else is given `now`."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
