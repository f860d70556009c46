"""A Slack workspace as it is kept: its people, conversations, messages and App Homes, in memory."""

import itertools
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

TEAM: Final = "T0SANDBOX"
TEAM_NAME: Final = "Sandbox"
DOMAIN: Final = "sandbox"
SITE: Final = "https://sandbox.slack.example"
BOT: Final = {"user": "U0VOICETODO", "bot_id": "B0VOICETODO", "app_id": "A0VOICETODO"}
MAX_MESSAGES: Final = 2000  # of one conversation
MAX_EPHEMERAL: Final = 500


class Unknown(Exception):
    """There is no such person, place, message or button."""


@dataclass(slots=True)
class Message:
    ts: str
    text: str
    blocks: list[Any]
    metadata: dict[str, Any] | None
    user: str = BOT["user"]
    edited_ts: str | None = None

    @property
    def is_ours(self) -> bool:
        return self.user == BOT["user"]

    @property
    def at_utc(self) -> datetime:
        return datetime.fromtimestamp(float(self.ts), UTC)

    def to_json(self, *, metadata: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "text": self.text,
            "team": TEAM,
            "blocks": self.blocks,
        }
        if self.is_ours:
            shown |= {"bot_id": BOT["bot_id"], "app_id": BOT["app_id"]}
        if metadata and self.metadata is not None:
            shown["metadata"] = self.metadata
        if self.edited_ts:
            shown["edited"] = {"user": self.user, "ts": self.edited_ts}
        return shown


@dataclass(slots=True)
class Conversation:
    """`with_user`: of a direct message."""

    id: str
    name: str
    with_user: str | None = None
    is_member: bool = True
    is_archived: bool = False
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=MAX_MESSAGES))

    def to_json(self) -> dict[str, Any]:
        if self.with_user:
            return {"id": self.id, "is_im": True, "user": self.with_user}
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": True,
            "is_member": self.is_member,
            "is_archived": self.is_archived,
        }


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    name: str
    email: str

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "team_id": TEAM,
            "name": self.name.lower(),
            "deleted": False,
            "real_name": self.name,
            "tz": "Europe/Berlin",
            "profile": {"real_name": self.name, "display_name": self.name, "email": self.email},
            "is_bot": False,
        }


@dataclass(slots=True)
class Ephemeral:
    """What only one person sees, until they look away."""

    user: str
    channel: str
    message: Message


class Workspace:
    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.conversations: dict[str, Conversation] = {}
        self.homes: dict[str, dict[str, Any]] = {}  # by person: the view that the app published
        self.ephemeral: deque[Ephemeral] = deque(maxlen=MAX_EPHEMERAL)
        self._numbers = itertools.count(1)
        self._last_ts = 0.0
        self.add_channel("general")
        self.add_member("Alice", "alice@example.com")
        self.add_member("Bob", "bob@example.com")

    def add_channel(self, name: str, *, is_member: bool = True) -> Conversation:
        made = Conversation(f"C{next(self._numbers):010d}", name, is_member=is_member)
        self.conversations[made.id] = made
        return made

    def add_member(self, name: str, email: str) -> Member:
        made = Member(f"U{next(self._numbers):010d}", name, email)
        self.members[made.id] = made
        return made

    def member(self, name: str) -> Member:
        """By id, name or address. Raises `Unknown`."""
        wanted = name.casefold()
        for each in self.members.values():
            if wanted in (each.id.casefold(), each.name.casefold(), each.email):
                return each
        raise Unknown(f"no such person: {name}")

    def named(self, name: str, member: Member) -> Conversation:
        """By id or name; `""`: this person's direct messages with the app. Raises `Unknown`."""
        if not name:
            return self.direct(member.id)
        for each in self.conversations.values():
            if name.removeprefix("#") in (each.id, each.name):
                return each
        raise Unknown(f"no such conversation: {name}")

    def newest(self) -> Iterator[Conversation]:
        """Those with messages, the one last written to first."""
        written = (each for each in self.conversations.values() if each.messages)
        return iter(sorted(written, key=lambda each: each.messages[-1].ts, reverse=True))

    def direct(self, user: str) -> Conversation:
        """With a member; the same conversation each time."""
        key = f"D{user[1:]}"
        made = Conversation(key, self.members[user].name, with_user=user)
        return self.conversations.setdefault(key, made)

    def place(self, channel: str) -> Conversation | None:
        """By its id, or by that of the person whom it is with."""
        return self.direct(channel) if channel in self.members else self.conversations.get(channel)

    def found(self, channel: str, ts: str) -> Message | None:
        of = self.place(channel)
        return next((each for each in (of.messages if of else ()) if each.ts == ts), None)

    def whispered(self, channel: str, ts: str) -> Ephemeral | None:
        """As it stands there still; an answer may have replaced it."""
        matching = (e for e in self.ephemeral if (e.channel, e.message.ts) == (channel, ts))
        return next(matching, None)

    def ts(self) -> str:
        """Unique, as Slack's are: they are the messages' names."""
        self._last_ts = max(time.time(), self._last_ts + 0.000_001)
        return f"{self._last_ts:.6f}"
