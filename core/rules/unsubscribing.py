"""Links that turn a kind of e-mail off, or on again, for whoever holds them: made, never stored.

They have no end: a mailbox's own button must work for as long as the mail is there.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from core.rules import signed

PURPOSE: Final = "unsubscribe-links"  # the key is crypto.derive(encryption, this)

_BODY: Final = struct.Struct(">BB16s")
TOKEN_CHARS: Final = (_BODY.size + signed.MAC_BYTES) * 4 // 3


class Kind(IntEnum):
    """Of e-mail that can be turned off. Numbers are in mails: never give one to another kind."""

    REMINDER = 1
    DIGEST = 2

    @property
    def stored(self) -> str:
        return self.name.lower()


# By the kind of the message. What is not here is about the account, and cannot be turned off.
KINDS: Final = {"reminder": Kind.REMINDER, "escalation": Kind.REMINDER, "digest": Kind.DIGEST}


@dataclass(frozen=True, slots=True)
class Wish:
    """No more e-mails of this kind to this person, or (`wanted`) them again."""

    user_id: UUID
    kind: Kind
    wanted: bool = False


def token(key: bytes, wish: Wish) -> str:
    """56 characters, URL-safe."""
    body = _BODY.pack(wish.wanted, wish.kind, wish.user_id.bytes)
    return signed.text_of(key, body)


def read(key: bytes, text: str) -> Wish | None:
    """The wish, or None for what was not made with this key."""
    body = signed.body_of(key, text, longest=TOKEN_CHARS)
    if body is None:
        return None
    try:
        wanted, kind, user_id = _BODY.unpack(body)
        return Wish(UUID(bytes=user_id), Kind(kind), bool(wanted))
    except ValueError:
        return None
