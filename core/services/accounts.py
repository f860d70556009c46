"""Accounts: made, entered, upgraded. Passwords are hashed before a connection is taken."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, insert, literal, select, update

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Forbidden, Unauthenticated
from core.events import Event
from core.ids import uuid7
from core.models.deliveries import DeliveryKind
from core.models.users import Users, UserStatus
from core.models.workspaces import Feeds, Memberships, Role, WorkspaceKind, Workspaces
from core.rules import passwords as rule
from core.services import account_mails, audits, merges, sessions, throttles, users, verifications
from core.services.doors import Door, Visitor
from core.services.sessions import SignedIn
from core.services.throttles import Throttle
from core.services.users import User
from core.statements import query


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new account is made of; without address and password it is anonymous."""

    email: str | None = None
    password: str | None = None
    name: str = ""
    timezone: str = "UTC"
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Proof:
    """An account whose password was shown, and the try that this took."""

    user_id: UUID
    password_hash: str
    new_hash: str | None  # set when the stored one was made with other parameters than today's
    throttle: Throttle


_ADD_USER = query(
    insert(Users).values(
        id=bindparam("id"),
        email=bindparam("email"),
        password_hash=bindparam("password_hash"),
        name=bindparam("name"),
        timezone=bindparam("timezone"),
        locale=bindparam("locale"),
        verification_id=bindparam("verification_id"),
        verification_asked_at=bindparam("now"),
        created_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
_ADD_WORKSPACE = query(
    insert(Workspaces).values(
        id=bindparam("user_id"), kind=WorkspaceKind.PERSONAL, name=literal("Personal")
    )
)
_ADD_OWNER = query(
    insert(Memberships).values(
        user_id=bindparam("user_id"), workspace_id=bindparam("user_id"), role=Role.OWNER
    )
)
_ADD_FEED = query(insert(Feeds).values(workspace_id=bindparam("user_id")))
_CREDENTIALS = query(
    select(Users.id, Users.password_hash).where(
        Users.email == bindparam("of_email"), Users.status == UserStatus.ACTIVE
    )
)
_REHASH = query(
    update(Users)
    .where(Users.id == bindparam("of_id"), Users.password_hash == bindparam("old_hash"))
    .values(password_hash=bindparam("new_hash"))
)
_UPGRADE = query(
    update(Users)
    .where(Users.id == bindparam("of_id"), Users.email.is_(None))
    .values(
        email=bindparam("new_email"),
        password_hash=bindparam("password_hash"),
        name=bindparam("new_name"),
        verification_id=bindparam("verification_id"),
        verification_asked_at=bindparam("now"),
        version=Users.version + 1,
        updated_at=bindparam("now"),
    )
)
DEFAULT_ALL_DAY_TIME: Final = str(users.DEFAULTS["all_day_time"])


async def register(
    tx: Transaction, door: Door, visitor: Visitor, draft: Draft, *, now: datetime
) -> SignedIn:
    """A new person with a workspace of their own, signed in; the verification e-mail is queued.

    Raises `Conflict` for an address that has an account, after the same time as for any other.
    """
    await _count(door, door.by_address(visitor))
    password_hash = None
    if draft.password is not None:
        _check(door, draft.password, draft.name, draft.email or "")
        password_hash = await door.passwords.hash(draft.password)
    user_id, verification_id = uuid7(), uuid7() if draft.email else None
    tx.act_in([user_id], user_id)
    tx.run(
        _ADD_USER,
        id=user_id,
        email=draft.email,
        password_hash=password_hash,
        name=draft.name,
        timezone=draft.timezone,
        locale=draft.locale,
        verification_id=verification_id,
        now=now,
    )
    for statement in (_ADD_WORKSPACE, _ADD_OWNER, _ADD_FEED):
        tx.run(statement, user_id=user_id)
    if verification_id is not None:
        verifications.send(tx, user_id, verification_id, now=now)
    audits.record(tx, "account.registered", actor_id=user_id, subject_id=user_id)
    user = User(
        id=user_id,
        email=draft.email,
        email_verified=False,
        name=draft.name,
        timezone=draft.timezone,
        locale=draft.locale,
        all_day_time=DEFAULT_ALL_DAY_TIME,
        preferences={},
        phone=None,
        phone_verified=False,
        anonymous=draft.email is None,
        version=1,
        created_at=now,
        updated_at=now,
    )
    return sessions.open_(tx, door, user, user_agent=visitor.user_agent, now=now)


async def login(
    tx: Transaction, door: Door, visitor: Visitor, *, email: str, password: str, now: datetime
) -> SignedIn:
    """Raises `Unauthenticated`, saying neither what was wrong nor whether there is an account."""
    proof = await _prove(door, visitor, email, password, now=now)
    user = await _enter(tx, proof)
    session_id = uuid7()
    signed_in = sessions.open_(
        tx, door, user, user_agent=visitor.user_agent, session_id=session_id, now=now
    )
    if user.email_verified and not door.knows(visitor.device or "", email, now):
        tx.act_in([user.id], user.id)
        # A program that keeps no cookie is a new device each time: one mail a day for each.
        about = f"{visitor.user_agent}|{visitor.address}|{now:%Y-%m-%d}"
        kind = DeliveryKind.NEW_SIGN_IN
        await account_mails.send(tx, user.id, kind, session_id, about=about, now=now)
    return signed_in


async def upgrade(
    tx: Transaction, door: Door, actor: Actor, visitor: Visitor, draft: Draft, *, now: datetime
) -> SignedIn:
    """Give an anonymous account an address and a password; it keeps its id and all it has.

    Raises `Conflict` for an account that has an address, and for an address that has an account.
    """
    email, password = draft.email or "", draft.password or ""
    await _count(door, door.by_address(visitor))
    _check(door, password, draft.name, email)
    password_hash = await door.passwords.hash(password)
    user = await users.lock(tx, actor.user_id)
    if not user.anonymous:
        raise Conflict("this account has an e-mail address already")
    verification_id = uuid7()
    name = draft.name or user.name
    tx.run(
        _UPGRADE,
        of_id=user.id,
        new_email=email,
        password_hash=password_hash,
        new_name=name,
        verification_id=verification_id,
        now=now,
    )
    verifications.send(tx, user.id, verification_id, now=now)
    audits.record(tx, "account.upgraded", actor_id=user.id, subject_id=user.id)
    tx.emit(
        Event(
            user.id, "user.updated", user.id, ["email", "name"], {"email": None, "name": user.name}
        )
    )
    upgraded = replace(
        user, email=email, name=name, anonymous=False, version=user.version + 1, updated_at=now
    )
    return sessions.renew(tx, door, upgraded, actor.session_id, now=now)


async def link(
    tx: Transaction,
    door: Door,
    actor: Actor,
    visitor: Visitor,
    *,
    email: str,
    password: str,
    now: datetime,
) -> SignedIn:
    """Move what an anonymous account has into an existing one, whose password is shown.

    The anonymous account ends; the answer signs in to the other. Raises as `login`, and `Conflict`
    for an account that is not anonymous.
    """
    proof = await _prove(door, visitor, email, password, now=now)
    await tx.person()  # the anonymous session stands: from here on the work is done in both
    await merges.move(tx, actor.user_id, proof.user_id, now=now)
    user = await _enter(tx, proof)
    return sessions.open_(tx, door, user, user_agent=visitor.user_agent, now=now)


async def confirm(
    tx: Transaction,
    door: Door,
    visitor: Visitor,
    user: User,
    password: str | None,
    *,
    now: datetime,
) -> None:
    """Somebody who is signed in shows their password again, before what cannot be taken back.

    An anonymous account has none to show. Raises `Forbidden` for a wrong or a missing one, after
    as many tries as a sign-in has.
    """
    if user.email is None:
        return
    if password is None:
        raise Forbidden("show your password again")
    try:
        proof = await _prove(door, visitor, user.email, password, now=now)
    except Unauthenticated as error:
        raise Forbidden("the password is wrong") from error
    throttles.forgive(tx, proof.throttle)


def _check(door: Door, password: str, name: str, email: str) -> None:
    rule.check(password, min_chars=door.password_min_chars, about=(name, email))


async def _count(door: Door, throttle: Throttle) -> None:
    """In a transaction of its own: a request that fails is rolled back, its count must stay."""
    async with door.database.transaction() as tx:
        throttles.hit(tx, throttle)


async def _prove(
    door: Door, visitor: Visitor, email: str, password: str, *, now: datetime
) -> Proof:
    """The try is counted first, so that a hundred at once are not evaluated before one counts."""
    throttle = door.by_account(email, visitor, now=now)
    async with door.database.transaction() as counting:
        throttles.hit(counting, door.by_address(visitor))
        throttles.hit(counting, throttle)
        found = await counting.first(_CREDENTIALS, of_email=email)
    user_id, password_hash = found or (None, None)
    if not await door.passwords.verify(password, password_hash) or user_id is None:
        raise Unauthenticated("the e-mail address or the password is wrong")
    outdated = door.passwords.outdated(password_hash)
    new_hash = await door.passwords.hash(password) if outdated else None
    return Proof(user_id, password_hash, new_hash, throttle)


async def _enter(tx: Transaction, proof: Proof) -> User:
    if proof.new_hash is not None:
        tx.run(
            _REHASH,
            of_id=proof.user_id,
            old_hash=proof.password_hash,
            new_hash=proof.new_hash,
        )
    throttles.forgive(tx, proof.throttle)
    return await users.get(tx, proof.user_id)
