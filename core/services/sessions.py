"""Sign-ins: opened, refreshed, listed, ended. Every request looks at its session's row."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import bindparam, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core import tokens
from core.actor import Actor
from core.crypto import digest
from core.db import Transaction, query
from core.errors import NotFound
from core.ids import uuid7
from core.models.deliveries import Notifications
from core.models.users import RefreshTokens, Sessions, Users, UserStatus
from core.services import audits
from core.services.doors import Door
from core.services.users import COLUMNS, User

LIFETIME: Final = timedelta(days=30)
REFRESH_LIFETIME: Final = timedelta(days=7)
GRACE: Final = timedelta(seconds=30)  # a lost answer may be asked for again
REFRESH_BYTES: Final = 32
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


@dataclass(frozen=True, slots=True)
class _Spent:
    """A token that was exchanged before, and the session it belongs to."""

    session_id: UUID
    rotated_at: datetime | None
    stands: bool
    user: User

    @classmethod
    def of_row(cls, *values: Any) -> "_Spent":
        session_id, rotated_at, stands, *user = values
        return cls(session_id, rotated_at, stands, User.of_row(*user))


def _rotated(*values: Any) -> tuple[UUID, User]:
    session_id, *user = values
    return session_id, User.of_row(*user)


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
_STANDS = (
    Sessions.id == RefreshTokens.session_id,
    Users.id == Sessions.user_id,
    Sessions.revoked_at.is_(None),
    Sessions.expires_at > bindparam("now"),
    Users.status == UserStatus.ACTIVE,
)
# One statement takes the token, and only one of many at once finds it untaken.
_taken = (
    update(RefreshTokens)
    .where(
        RefreshTokens.token_hash == bindparam("of_hash"),
        RefreshTokens.rotated_at.is_(None),
        RefreshTokens.expires_at > bindparam("now"),
        *_STANDS,
    )
    .values(rotated_at=bindparam("now"))
    .returning(RefreshTokens.session_id, Sessions.expires_at.label("ends_at"), *COLUMNS)
    .cte("taken")
)
_follows = (
    upsert(RefreshTokens)
    .from_select(
        ["token_hash", "session_id", "created_at", "expires_at"],
        select(
            bindparam("next_hash", type_=RefreshTokens.token_hash.type),
            _taken.c.session_id,
            bindparam("now", type_=RefreshTokens.created_at.type),
            func.least(bindparam("until", type_=RefreshTokens.expires_at.type), _taken.c.ends_at),
        ),
    )
    .on_conflict_do_nothing()
    .cte("follows")
)
_seen = (
    update(Sessions)
    .where(Sessions.id == _taken.c.session_id)
    .values(last_seen_at=bindparam("now"))
    .cte("seen")
)
_ROTATE = replace(
    query(
        select(_taken.c.session_id, *(_taken.c[column.key] for column in COLUMNS)).add_cte(
            _follows, _seen
        ),
        _rotated,
    ),
    writes=True,
)
_FIND_SPENT = query(
    select(
        RefreshTokens.session_id,
        RefreshTokens.rotated_at,
        (
            Sessions.revoked_at.is_(None)
            & (Sessions.expires_at > bindparam("now"))
            & (Users.status == UserStatus.ACTIVE)
        ),
        *COLUMNS,
    ).where(
        RefreshTokens.token_hash == bindparam("of_hash"),
        Sessions.id == RefreshTokens.session_id,
        Users.id == Sessions.user_id,
    ),
    _Spent.of_row,
)
_END = query(
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
_TELL = query(
    insert(Notifications).values(
        workspace_id=bindparam("user_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        kind=literal("session_revoked"),
        title=literal("A sign-in was ended: its refresh token was used twice"),
    )
)


def open_(tx: Transaction, door: Door, user: User, *, user_agent: str, now: datetime) -> SignedIn:
    """A new session, written with the caller's transaction."""
    session_id = uuid7()
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


async def refresh(tx: Transaction, door: Door, presented: str, *, now: datetime) -> SignedIn | None:
    """Exchange a refresh token for its one successor; null when it is no good.

    1. However many present it at once, one takes it, and all get the same successor.
    2. Within `GRACE` of that it is a lost answer: the same successor once more.
    3. Later it is in two hands: the session ends and its owner is told. That must be committed,
       hence null and not an error.
    """
    successor = door.successor(presented)
    taken = await tx.first(
        _ROTATE,
        of_hash=digest(presented),
        next_hash=digest(successor),
        now=now,
        until=now + REFRESH_LIFETIME,
    )
    if taken is not None:
        session_id, user = taken
        return _signed_in(door, user, session_id, successor, now=now)
    spent = await tx.first(_FIND_SPENT, of_hash=digest(presented), now=now)
    if spent is None or spent.rotated_at is None or not spent.stands:
        return None
    if now - spent.rotated_at <= GRACE:
        return _signed_in(door, spent.user, spent.session_id, successor, now=now)
    owner = spent.user.id
    ended = await tx.first(_END, of_id=spent.session_id, of_user=owner, now=now)
    if ended is not None:
        tx.act_in([owner], owner)
        audits.record(tx, "session.reused", actor_id=None, subject_id=spent.session_id)
        tx.run(_TELL, user_id=owner, id=uuid7())
    return None


async def live(tx: Transaction, actor: Actor, *, now: datetime) -> list[Session]:
    """One's own, newest first; `current` is the one that asks."""
    return await tx.all(_LIVE, of_user=actor.user_id, current=actor.session_id, now=now)


async def end(tx: Transaction, actor: Actor, session_id: UUID, *, now: datetime) -> None:
    """Its tokens are refused from now on. Raises `NotFound` unless it is one's own and stands."""
    ended = await tx.first(_END, of_id=session_id, of_user=actor.user_id, now=now)
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
    return _signed_in(door, user, session_id, refresh_token, now=now)


def _signed_in(
    door: Door, user: User, session_id: UUID, refresh_token: str, *, now: datetime
) -> SignedIn:
    access_token = door.tokens.issue(user.id, session_id, uuid7(), now=now)
    lasts = int(tokens.LIFETIME.total_seconds())
    return SignedIn(user, access_token, refresh_token, "Bearer", lasts)
