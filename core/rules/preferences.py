"""What a person wishes to be told, how, and when not. Read from what their account stores.

What cannot be read is what it is by default: a preference must not stop a message. Whoever writes
preferences is told what is wrong with them at the door (`api/schemas/preferences.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from core.rules import durations
from core.rules.digests import Plan
from core.rules.quiet_hours import QuietHours
from core.rules.retries import Reason

# The keys of `users.preferences` that are ours; any other belongs to clients.
KEYS: Final = (
    "channels",
    "quiet_hours",
    "digest",
    "muted_lists",
    "paused_until",
    "escalation",
)
# As well, but not of messages: replacing those leaves it alone.
AUDIO_DAYS: Final = "audio_retention_days"
MOST_AUDIO_DAYS: Final = 3650
SHORTEST_ESCALATION: Final = timedelta(minutes=1)
LONGEST_ESCALATION: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Escalation:
    """What was pushed and is not read after this long goes out by another channel as well."""

    after: timedelta
    to: str

    @classmethod
    def of(cls, stored: object) -> Self | None:
        if not isinstance(stored, Mapping):
            return None
        try:
            days, seconds = durations.read(stored["after"])
        except (KeyError, TypeError, ValueError):
            return None
        after = timedelta(days, seconds)
        if not SHORTEST_ESCALATION <= after <= LONGEST_ESCALATION:
            return None
        return cls(after, "email") if stored.get("to", "email") == "email" else None


@dataclass(frozen=True, slots=True)
class Preferences:
    """`channels`: by kind of message, for those kinds of which the person said something."""

    channels: Mapping[str, list[str]]
    quiet: QuietHours | None
    digest: Plan
    muted_lists: frozenset[UUID]
    paused_until: datetime | None
    escalation: Escalation | None
    unsubscribed: frozenset[str] = frozenset()  # kinds of which a link turned the e-mails off

    @classmethod
    def of(cls, stored: object) -> Self:
        if not stored or not isinstance(stored, Mapping):
            return cls({}, None, Plan(), frozenset(), None, None)
        found: Mapping[str, Any] = stored
        channels = found.get("channels")
        return cls(
            channels={
                kind: [each for each in wanted if isinstance(each, str)]
                for kind, wanted in (channels if isinstance(channels, Mapping) else {}).items()
                if isinstance(wanted, list)
            },
            quiet=QuietHours.of(found.get("quiet_hours")),
            digest=Plan.of(found.get("digest")),
            muted_lists=frozenset(_ids(found.get("muted_lists"))),
            paused_until=_instant(found.get("paused_until")),
            escalation=Escalation.of(found.get("escalation")),
            unsubscribed=frozenset(_texts(found.get("unsubscribed"))),
        )

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and now < self.paused_until

    def refuses_email(self, kind: str) -> bool:
        """Whatever a single reminder says; until they choose e-mail for this kind again."""
        chosen = self.channels.get(kind)
        return kind in self.unsubscribed and chosen is not None and "email" not in chosen

    def silences(self, list_id: UUID | None, now: datetime) -> Reason | None:
        """Why a reminder of a todo in this list is only shown in the app."""
        if self.is_paused(now):
            return Reason.PAUSED
        return Reason.LIST_MUTED if list_id in self.muted_lists else None


def _texts(stored: object) -> Iterable[str]:
    return (each for each in (stored if isinstance(stored, list) else ()) if isinstance(each, str))


def _ids(stored: object) -> Iterable[UUID]:
    for each in stored if isinstance(stored, list) else ():
        try:
            yield UUID(each)
        except (AttributeError, TypeError, ValueError):
            continue


def _instant(stored: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(stored) if isinstance(stored, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo else None
