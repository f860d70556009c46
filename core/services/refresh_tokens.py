"""Refresh tokens: each is exchanged once for its one successor, and its reuse is noticed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.crypto import digest
from core.db import Transaction
from core.ids import uuid7
from core.models.deliveries import DeliveryKind, Notifications
from core.models.users import RefreshTokens, Sessions, Users, UserStatus
from core.services import account_mails, audits, sessions
from core.services.doors import Door
from core.services.sessions import SignedIn
from core.services.users import COLUMNS, User
from core.statements import query

GRACE: Final = timedelta(seconds=30)  # a lost answer may be asked for again


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
_TELL = query(
    insert(Notifications).values(
        workspace_id=bindparam("user_id"),
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        kind=literal("session_revoked"),
        title=literal("A sign-in was ended: its refresh token was used twice"),
    )
)


async def exchange(
    tx: Transaction, door: Door, presented: str, *, now: datetime
) -> SignedIn | None:
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
        until=now + sessions.REFRESH_LIFETIME,
    )
    if taken is not None:
        session_id, user = taken
        return sessions.signed_in(door, user, session_id, successor, now=now)
    spent = await tx.first(_FIND_SPENT, of_hash=digest(presented), now=now)
    if spent is None or spent.rotated_at is None or not spent.stands:
        return None
    if now - spent.rotated_at <= GRACE:
        return sessions.signed_in(door, spent.user, spent.session_id, successor, now=now)
    owner = spent.user.id
    ended = await tx.first(sessions.END, of_id=spent.session_id, of_user=owner, now=now)
    if ended is not None:
        tx.act_in([owner], owner)
        audits.record(tx, "session.reused", actor_id=None, subject_id=spent.session_id)
        tx.run(_TELL, user_id=owner, id=uuid7())
        if spent.user.email_verified:
            kind, session_id = DeliveryKind.TOKEN_REUSED, spent.session_id
            await account_mails.send(tx, owner, kind, session_id, about=str(session_id), now=now)
    return None
