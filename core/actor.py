"""Who acts. Everything a service does is done in somebody's name."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    user_id: UUID
    session_id: UUID
