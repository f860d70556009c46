"""E-mails of a kind, turned off by a link in one of them, and on again. Needs no session.

Off is two things in the preferences: the channels of that kind without e-mail, and the kind in
`unsubscribed`, which also holds for reminders that name channels of their own. Whoever chooses
e-mail for the kind again, here or in the app, gets it again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core import crypto
from core.db import Transaction
from core.errors import NotFound, Unauthenticated
from core.models.deliveries import Channel
from core.rules import unsubscribing
from core.rules.preferences import Preferences
from core.rules.unsubscribing import Kind, Wish
from core.services import audits, users
from core.services.users import User
from core.statements import Query, row

USES_A_MINUTE: Final = 60
KEY: Final = "unsubscribed"

_HAS_BROWSERS: Final = Query(
    b"SELECT EXISTS (SELECT FROM push_subscriptions WHERE user_id = %(user_id)s)",
    row,
    {},
    writes=False,
)


@dataclass(frozen=True, slots=True)
class EmailChoice:
    """Whether e-mails of this kind are sent to whom the link was sent."""

    kind: str
    subscribed: bool
    again: str  # the token of the link that turns it round


async def look(tx: Transaction, encryption: bytes, token: str) -> tuple[EmailChoice, bool]:
    """How it is now, and what the link wants. Raises `NotFound` for what is no link of ours."""
    wish, user = await _begin(tx, encryption, token)
    return _choice(encryption, wish, subscribed=not _is_off(user, wish.kind)), wish.wanted


async def follow(tx: Transaction, encryption: bytes, token: str, *, now: datetime) -> EmailChoice:
    """Do what the link says; twice is once. Raises `NotFound` for what is no link of ours."""
    wish, user = await _begin(tx, encryption, token)
    if _is_off(user, wish.kind) is wish.wanted:
        changed = await _changed(tx, user, wish)
        await users.edit(tx, user.id, {"preferences": changed}, now=now)
        action = "email.resubscribed" if wish.wanted else "email.unsubscribed"
        audits.record(tx, action, actor_id=user.id, subject_id=user.id)
    return _choice(encryption, wish, subscribed=wish.wanted)


async def _begin(tx: Transaction, encryption: bytes, token: str) -> tuple[Wish, User]:
    wish = unsubscribing.read(crypto.derive(encryption, unsubscribing.PURPOSE), token)
    if wish is None:
        raise NotFound("this link is not ours")
    tx.act_for(wish.user_id, limit_key=f"unsubscribe:{wish.user_id}", limit=USES_A_MINUTE)
    try:
        return wish, await users.get(tx, wish.user_id)
    except Unauthenticated as error:  # says that a session ended: there is none
        raise NotFound("the account of this link is closed") from error


async def _changed(tx: Transaction, user: User, wish: Wish) -> dict[str, Any]:
    """The patch of the preferences."""
    name = wish.kind.stored
    off = [each for each in _texts(user.preferences.get(KEY)) if each != name]
    if wish.wanted:
        channels = [*_without_email(await _channels(tx, user, wish.kind)), Channel.EMAIL]
    else:
        channels = _without_email(await _channels(tx, user, wish.kind))
        off.append(name)
    return {"channels": {name: channels}, KEY: off or None}


async def _channels(tx: Transaction, user: User, kind: Kind) -> list[str]:
    """Those chosen, or what is the default of this kind."""
    chosen = _stored(user, kind)
    if chosen is not None:
        return chosen
    if kind is Kind.DIGEST:
        return [Channel.EMAIL]
    found = await tx.first(_HAS_BROWSERS, user_id=user.id)
    return [Channel.IN_APP, Channel.EMAIL, *([Channel.PUSH] if found and found[0] else [])]


def _is_off(user: User, kind: Kind) -> bool:
    return Preferences.of(user.preferences).refuses_email(kind.stored)


def _stored(user: User, kind: Kind) -> list[str] | None:
    channels = user.preferences.get("channels")
    chosen = channels.get(kind.stored) if isinstance(channels, dict) else None
    return _texts(chosen) if isinstance(chosen, list) else None


def _without_email(channels: list[str]) -> list[str]:
    return [each for each in channels if each != Channel.EMAIL]


def _texts(stored: object) -> list[str]:
    found = stored if isinstance(stored, list) else []
    return [each for each in found if isinstance(each, str)]


def _choice(encryption: bytes, wish: Wish, *, subscribed: bool) -> EmailChoice:
    key = crypto.derive(encryption, unsubscribing.PURPOSE)
    back = Wish(wish.user_id, wish.kind, wanted=not wish.wanted)
    return EmailChoice(wish.kind.stored, subscribed, unsubscribing.token(key, back))
