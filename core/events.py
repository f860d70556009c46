"""What happened, in the past tense; buffered by a transaction and numbered when it commits."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one subject. `before` holds the old value of each changed field."""

    workspace_id: UUID
    type: str  # "todo.created", "list.deleted", "reminder.due" …
    subject_id: UUID
    changed: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
