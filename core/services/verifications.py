"""Proof that an e-mail address is its owner's: a link, sent durably, good once and for 48 hours."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, func, null, select, update

from core import crypto
from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid
from core.events import Event
from core.ids import uuid7
from core.models.deliveries import Channel, DeliveryKind
from core.models.users import Users, UserStatus
from core.rules import tokens
from core.services import audits, single_messages, throttles
from core.services.single_messages import Message
from core.services.throttles import Throttle
from core.statements import query

WORKFLOW: Final = "SendVerification"


@dataclass(frozen=True, slots=True)
class _Asked:
    user_id: UUID
    email: str
    asked_at: datetime


_ASK_AGAIN = query(
    update(Users)
    .where(
        Users.id == bindparam("of_id"),
        Users.email.is_not(None),
        Users.email_verified_at.is_(None),
    )
    .values(verification_id=bindparam("delivery_id"), verification_asked_at=bindparam("now"))
    .returning(Users.id)
)
_ASKED = query(
    select(Users.id, Users.email, func.coalesce(Users.verification_asked_at, Users.created_at))
    .where(
        Users.verification_id == bindparam("delivery_id"),
        Users.email.is_not(None),
        Users.status == UserStatus.ACTIVE,
    )
    .with_for_update(),
    _Asked,
)
_VERIFY = query(
    update(Users)
    .where(Users.id == bindparam("of_id"))
    .values(
        email_verified_at=bindparam("now"),
        email_suppressed=null(),
        verification_id=null(),
        version=Users.version + 1,
        updated_at=bindparam("now"),
    )
)


def send(tx: Transaction, user_id: UUID, delivery_id: UUID, *, now: datetime) -> None:
    """Queue the e-mail whose link carries this delivery's id; it leaves after the commit."""
    message = Message(
        id=delivery_id,
        user_id=user_id,
        kind=DeliveryKind.VERIFICATION,
        channel=Channel.EMAIL,
        subject_id=user_id,
    )
    single_messages.send(tx, message, workflow=WORKFLOW, now=now)


async def send_again(tx: Transaction, actor: Actor, *, now: datetime) -> None:
    """Once a minute; earlier links end. Raises `Conflict` where there is nothing to verify."""
    throttles.hit(tx, Throttle(f"verification:{actor.user_id}", 1, 60))
    delivery_id = uuid7()
    asked = await tx.first(_ASK_AGAIN, of_id=actor.user_id, delivery_id=delivery_id, now=now)
    if asked is None:
        raise Conflict("there is no e-mail address to verify, or it is verified already")
    send(tx, actor.user_id, delivery_id, now=now)


async def verify(tx: Transaction, encryption: bytes, token: str, *, now: datetime) -> None:
    """The address this link went to is its owner's. Raises `Invalid` for any but a live one."""
    delivery_id = tokens.parse_verification_token(token)
    asked = None
    if delivery_id is not None:
        asked = await tx.first(_ASKED, delivery_id=delivery_id)
    key = crypto.derive(encryption, tokens.VERIFICATION_PURPOSE)
    if (
        asked is None
        or delivery_id is None
        or now - asked.asked_at > tokens.VERIFICATION_LIFETIME
        or not tokens.verification_token_is_genuine(key, token, delivery_id, asked.email)
    ):
        detail = "this link was used, has expired, or is not ours: ask for a new one"
        raise Invalid(detail, pointer="/token", code="token")
    tx.act_in([asked.user_id], asked.user_id)
    tx.run(_VERIFY, of_id=asked.user_id, now=now)
    audits.record(tx, "email.verified", actor_id=asked.user_id, subject_id=asked.user_id)
    tx.emit(
        Event(
            asked.user_id,
            "user.updated",
            asked.user_id,
            ["email_verified"],
            {"email_verified": False},
        )
    )
