"""The link that an unknown member of a Slack team is given, to say who they are with us.

A token names the team and the member, and ends ten minutes later. It is made again, never stored:
whoever holds it can only begin to connect, and in Slack no other member can finish that.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from core.rules import signed

PURPOSE: Final = "slack-links"  # the key is crypto.derive(encryption, this)
LIFETIME: Final = timedelta(minutes=10)

_BODY: Final = re.compile(r"([A-Za-z0-9_-]{1,64})\|([A-Za-z0-9_-]{1,64})\|([0-9]{1,11})")
LONGEST: Final = 240  # characters of a token


@dataclass(frozen=True, slots=True)
class Member:
    team_id: str
    slack_user_id: str

    @property
    def named(self) -> str:
        """As what is expected of who answers at Slack."""
        return f"{self.team_id}:{self.slack_user_id}"


def token(key: bytes, member: Member, *, now: datetime) -> str:
    """URL-safe; good for ten minutes."""
    ends = int((now + LIFETIME).timestamp())
    body = f"{member.team_id}|{member.slack_user_id}|{ends}".encode()
    return signed.text_of(key, body)


def read(key: bytes, text: str, *, now: datetime) -> Member | None:
    """The member, or None for what was not made with this key, or is too old."""
    body = signed.body_of(key, text, longest=LONGEST)
    if body is None:
        return None
    found = _BODY.fullmatch(body.decode("ascii", "replace"))
    if found is None or now >= datetime.fromtimestamp(int(found[3]), UTC):
        return None
    return Member(found[1], found[2])
