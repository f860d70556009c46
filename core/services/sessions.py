"""Sign-ins: opened, listed, ended. Every request looks at its session's row."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from core import tokens
from core.actor import Actor
from core.crypto import digest
from core.db import Transaction
from core.errors import InsufficientUserAuthentication, NotFound
from core.ids import uuid7
from core.models.users import RefreshTokens, Sessions, Users
from core.services import audits
from core.services.doors import Door
from core.services.users import User
from core.statements import query

LIFETIME: Final = timedelta(days=30)
REFRESH_LIFETIME: Final = timedelta(days=7)
REFRESH_BYTES: Final = 32
RECENT: Final = timedelta(minutes=15)  # a sign-in that what is sensitive asks for
MAX_LISTED: Final = 100
MAX_USER_AGENT_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and what speaks for them: `expires_in` seconds, then refresh."""

    user: User
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int


@dataclass(frozen=True, slots=True)
class Session:
    id: UUID
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


_OPEN = query(
    insert(Sessions).values(
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        user_agent=bindparam("user_agent"),
        authenticated_at=bindparam("now"),
        created_at=bindparam("now"),
        last_seen_at=bindparam("now"),
        expires_at=bindparam("until"),
    )
)
_ADD_TOKEN = query(
    insert(RefreshTokens).values(
        token_hash=bindparam("token_hash"),
        session_id=bindparam("session_id"),
        created_at=bindparam("now"),
        expires_at=bindparam("until"),
    )
)
END: Final = query(
    update(Sessions)
    .where(
        Sessions.id == bindparam("of_id"),
        Sessions.user_id == bindparam("of_user"),
        Sessions.revoked_at.is_(None),
        Sessions.expires_at > bindparam("now"),
    )
    .values(revoked_at=bindparam("now"))
    .returning(Sessions.id)
)
_END_ALL = query(
    update(Sessions)
    .where(Sessions.user_id == bindparam("of_user"), Sessions.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_SHOW_PASSWORD = query(
    update(Sessions)
    .where(Sessions.id == bindparam("of_id"))
    .values(authenticated_at=bindparam("now"))
)
_AUTHENTICATED = query(
    select(Sessions.authenticated_at, Users.password_hash.is_(None))
    .join(Users, Users.id == Sessions.user_id)
    .where(Sessions.id == bindparam("of_id"))
)
_LIVE = query(
    select(
        Sessions.id,
        Sessions.user_agent,
        Sessions.created_at,
        Sessions.last_seen_at,
        Sessions.expires_at,
        Sessions.id == bindparam("current"),
    )
    .where(
        Sessions.user_id == bindparam("of_user"),
        Sessions.revoked_at.is_(None),
        Sessions.expires_at > bindparam("now"),
    )
    .order_by(Sessions.id.desc())
    .limit(MAX_LISTED),
    Session,
)


def open_(
    tx: Transaction,
    door: Door,
    user: User,
    *,
    user_agent: str,
    session_id: UUID | None = None,
    now: datetime,
) -> SignedIn:
    """A new session, written with the caller's transaction."""
    session_id = session_id or uuid7()
    tx.run(
        _OPEN,
        id=session_id,
        user_id=user.id,
        user_agent=user_agent[:MAX_USER_AGENT_CHARS],
        now=now,
        until=now + LIFETIME,
    )
    return _with_tokens(tx, door, user, session_id, now=now)


def renew(tx: Transaction, door: Door, user: User, session_id: UUID, *, now: datetime) -> SignedIn:
    """New tokens for a session whose person just showed a password. The earlier ones still work."""
    tx.run(_SHOW_PASSWORD, of_id=session_id, now=now)
    return _with_tokens(tx, door, user, session_id, now=now)


async def live(tx: Transaction, actor: Actor, *, now: datetime) -> list[Session]:
    """One's own, newest first; `current` is the one that asks."""
    return await tx.all(_LIVE, of_user=actor.user_id, current=actor.session_id, now=now)


async def must_be_recent(tx: Transaction, actor: Actor, *, now: datetime) -> None:
    """Raises `InsufficientUserAuthentication` unless a password was shown just now.

    Who has none is let by: there is nothing more to show than the session.
    """
    found = await tx.first(_AUTHENTICATED, of_id=actor.session_id)
    at, without_password = found or (None, False)
    if at is None or (at < now - RECENT and not without_password):
        raise InsufficientUserAuthentication(max_age=RECENT)


async def end(tx: Transaction, actor: Actor, session_id: UUID, *, now: datetime) -> None:
    """Its tokens are refused from now on. Raises `NotFound` unless it is one's own and stands."""
    ended = await tx.first(END, of_id=session_id, of_user=actor.user_id, now=now)
    if ended is None:
        raise NotFound("there is no such session of yours")
    audits.record(tx, "session.ended", actor_id=actor.user_id, subject_id=session_id)


def end_all(tx: Transaction, user_id: UUID, *, now: datetime) -> None:
    tx.run(_END_ALL, of_user=user_id, now=now)


def _with_tokens(
    tx: Transaction, door: Door, user: User, session_id: UUID, *, now: datetime
) -> SignedIn:
    refresh_token = secrets.token_urlsafe(REFRESH_BYTES)
    tx.run(
        _ADD_TOKEN,
        token_hash=digest(refresh_token),
        session_id=session_id,
        now=now,
        until=now + REFRESH_LIFETIME,
    )
    return signed_in(door, user, session_id, refresh_token, now=now)


def signed_in(
    door: Door, user: User, session_id: UUID, refresh_token: str, *, now: datetime
) -> SignedIn:
    access_token = door.tokens.issue(user.id, session_id, uuid7(), now=now)
    lasts = int(tokens.LIFETIME.total_seconds())
    return SignedIn(user, access_token, refresh_token, "Bearer", lasts)
