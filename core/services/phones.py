"""Proof that a phone number is its owner's: a code by text message, good once, for 15 minutes."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select, update

from core import crypto
from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid
from core.events import Event
from core.ids import uuid7
from core.models.deliveries import Channel, Deliveries, DeliveryKind
from core.models.users import Users
from core.rules.tokens import PHONE_CODE_LIFETIME, PHONE_CODE_PURPOSE, phone_code
from core.services import audits, single_messages, throttles, users
from core.services.doors import Door
from core.services.single_messages import Message
from core.services.throttles import Throttle
from core.statements import query

TRIES: Final = 5  # of a million codes
A_DAY: Final = 86_400
CODES_A_DAY: Final = 5  # each costs money, and reaches whoever has the number


@dataclass(frozen=True, slots=True)
class _Asked:
    id: UUID
    at: datetime


_ASKED: Final = query(
    select(Deliveries.id, Deliveries.created_at)
    .where(
        Deliveries.workspace_id == bindparam("user_id"),
        Deliveries.subject_id == bindparam("user_id"),
        Deliveries.kind == DeliveryKind.VERIFICATION,
        Deliveries.channel == Channel.SMS,
    )
    .order_by(Deliveries.created_at.desc(), Deliveries.id.desc())
    .limit(1),
    _Asked,
)
_VERIFY: Final = query(
    update(Users)
    .where(Users.id == bindparam("of_id"))
    .values(
        phone_verified_at=bindparam("now"),
        version=Users.version + 1,
        updated_at=bindparam("now"),
    )
)


async def send_code(tx: Transaction, door: Door, actor: Actor, *, dev: bool, now: datetime) -> None:
    """Queue the message; earlier codes end. Once a minute, five a day for a person and a number.

    Raises `Conflict` where there is nothing to verify, and for people whose e-mail address is not:
    accounts cost nothing, messages do (in the dev profile neither).
    """
    user = await users.lock(tx, actor.user_id)
    if user.phone is None or user.phone_verified:
        raise Conflict("there is no phone number to verify, or it is verified already")
    if not (user.email_verified or dev):
        raise Conflict("verify your e-mail address first")
    number = crypto.derive(door.key, f"phone-number {user.phone}").hex()[:32]
    throttles.hit(tx, Throttle(f"phone:{actor.user_id}", 1, 60))
    throttles.hit(tx, Throttle(f"phone-day:{actor.user_id}", CODES_A_DAY, A_DAY))
    throttles.hit(tx, Throttle(f"phone-number:{number}", CODES_A_DAY, A_DAY))
    message = Message(
        id=uuid7(),
        user_id=actor.user_id,
        kind=DeliveryKind.VERIFICATION,
        channel=Channel.SMS,
        subject_id=actor.user_id,
    )
    single_messages.send(tx, message, now=now)


async def verify(tx: Transaction, door: Door, actor: Actor, code: str, *, now: datetime) -> None:
    """The number is its owner's. Raises `Invalid` for any code but the last one sent, to it."""
    # In a transaction of its own: a wrong code is rolled back, its count must stay.
    seconds = int(PHONE_CODE_LIFETIME.total_seconds())
    async with door.database.transaction() as counting:
        throttles.hit(counting, Throttle(f"phone-code:{actor.user_id}", TRIES, seconds))
    user = await users.lock(tx, actor.user_id)
    asked = await tx.first(_ASKED, user_id=actor.user_id)
    key = crypto.derive(door.key, PHONE_CODE_PURPOSE)
    if (
        user.phone is None
        or user.phone_verified
        or asked is None
        or now - asked.at > PHONE_CODE_LIFETIME
        or not hmac.compare_digest(code, phone_code(key, asked.id, user.phone))
    ):
        detail = "this is not the last code that was sent to your number, or it has expired"
        raise Invalid(detail, pointer="/code", code="code")
    tx.run(_VERIFY, of_id=actor.user_id, now=now)
    audits.record(tx, "phone.verified", actor_id=actor.user_id, subject_id=actor.user_id)
    before = {"phone_verified": False}
    tx.emit(Event(actor.user_id, "user.updated", actor.user_id, ["phone_verified"], before))
