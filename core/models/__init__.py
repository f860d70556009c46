"""Importing this package registers every table."""

from core.models import (
    deliveries,
    digests,
    events,
    jobs,
    outbox,
    push,
    reminders,
    series,
    todos,
    users,
    workspaces,
)
from core.models.table import Table, TenantTable

__all__ = [
    "Table",
    "TenantTable",
    "deliveries",
    "digests",
    "events",
    "jobs",
    "outbox",
    "push",
    "reminders",
    "series",
    "todos",
    "users",
    "workspaces",
]
