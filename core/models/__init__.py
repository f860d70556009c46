"""Importing this package registers every table."""

from core.models import (
    connections,
    deliveries,
    digests,
    events,
    jobs,
    memos,
    outbox,
    push,
    reminders,
    series,
    slack,
    slack_inbound,
    todos,
    transcriptions,
    users,
    voice,
    workspaces,
)
from core.models.table import Table, TenantTable

__all__ = [
    "Table",
    "TenantTable",
    "connections",
    "deliveries",
    "digests",
    "events",
    "jobs",
    "memos",
    "outbox",
    "push",
    "reminders",
    "series",
    "slack",
    "slack_inbound",
    "todos",
    "transcriptions",
    "users",
    "voice",
    "workspaces",
]
