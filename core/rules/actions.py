"""Links in messages that do one thing for whoever holds them: made again, never stored.

A token is the action itself and HMAC-SHA256 over it, so that every attempt of a message carries
the same one, and nothing needs to be written before somebody follows it.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final
from uuid import UUID, uuid5

from core.rules import signed

PURPOSE: Final = "action-links"  # the key is crypto.derive(encryption, this)
LIFETIME: Final = timedelta(days=7)  # after the message was due

_BODY: Final = struct.Struct(">BHQ16s16s16s16s")
TOKEN_CHARS: Final = (_BODY.size + signed.MAC_BYTES) * 4 // 3


class Verb(IntEnum):
    """Numbers are in tokens that are under way: never give one to another verb."""

    COMPLETE = 1  # this todo
    SNOOZE = 2  # this reminder


@dataclass(frozen=True, slots=True)
class Action:
    """`minutes` of a snooze, else 0. `message_id`: the delivery that carries it."""

    verb: Verb
    workspace_id: UUID
    user_id: UUID
    subject_id: UUID
    message_id: UUID
    expires_at: datetime
    minutes: int = 0

    @property
    def id(self) -> UUID:
        """The same for each copy of this link, and for no other one."""
        return uuid5(self.message_id, f"{self.verb}|{self.minutes}|{self.subject_id}")


def token(key: bytes, action: Action) -> str:
    """132 characters, URL-safe."""
    body = _BODY.pack(
        action.verb,
        action.minutes,
        int(action.expires_at.timestamp()),
        action.workspace_id.bytes,
        action.user_id.bytes,
        action.subject_id.bytes,
        action.message_id.bytes,
    )
    return signed.text_of(key, body)


def read(key: bytes, text: str) -> Action | None:
    """The action, or None for what was not made with this key. Whether it expired is not asked."""
    body = signed.body_of(key, text, longest=TOKEN_CHARS)
    if body is None:
        return None
    try:
        verb, minutes, expires, *ids = _BODY.unpack(body)
        workspace_id, user_id, subject_id, message_id = (UUID(bytes=each) for each in ids)
        return Action(
            Verb(verb),
            workspace_id,
            user_id,
            subject_id,
            message_id,
            datetime.fromtimestamp(expires, UTC),
            minutes,
        )
    except ValueError:
        return None
