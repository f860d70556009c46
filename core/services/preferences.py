"""How a person is told of things, and when not: read with defaults, replaced as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from core.db import Transaction
from core.rules import durations
from core.rules.preferences import KEYS, Escalation, Preferences
from core.rules.quiet_hours import QuietHours
from core.services import users
from core.services.users import User


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """By kind of message; null is the default of that kind."""

    reminder: list[str] | None
    digest: list[str] | None


@dataclass(frozen=True, slots=True)
class QuietTimes:
    start: str  # HH:MM
    end: str


@dataclass(frozen=True, slots=True)
class DigestChoice:
    frequency: str
    at: str  # HH:MM
    weekday: str


@dataclass(frozen=True, slots=True)
class EscalationChoice:
    after: str  # ISO 8601
    to: str


@dataclass(frozen=True, slots=True)
class NotificationPreferences:
    """What counts; `PUT` takes it as it is."""

    channels: ChannelChoice
    quiet_hours: QuietTimes | None
    digest: DigestChoice
    muted_lists: list[UUID]
    paused_until: datetime | None
    escalation: EscalationChoice | None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        found = Preferences.of(stored)
        plan = found.digest
        return cls(
            ChannelChoice(found.channels.get("reminder"), found.channels.get("digest")),
            _quiet(found.quiet),
            DigestChoice(plan.frequency, plan.at.isoformat("minutes"), plan.weekday),
            sorted(found.muted_lists),
            found.paused_until,
            _escalation(found.escalation),
        )


def _quiet(hours: QuietHours | None) -> QuietTimes | None:
    if hours is None:
        return None
    return QuietTimes(hours.start.isoformat("minutes"), hours.end.isoformat("minutes"))


def _escalation(found: Escalation | None) -> EscalationChoice | None:
    if found is None:
        return None
    return EscalationChoice(durations.iso(int(found.after.total_seconds())), found.to)


async def replace(
    tx: Transaction,
    user_id: UUID,
    values: Mapping[str, Any],
    *,
    if_version: int | None,
    now: datetime,
) -> User:
    """All that is ours; what is not named goes back to its default. Clients' own keys stay.

    Raises `Stale`.
    """
    edited = await users.edit(
        tx,
        user_id,
        {"preferences": {name: values.get(name) for name in KEYS}},
        anew=KEYS,
        if_version=if_version,
        now=now,
    )
    return edited.user
