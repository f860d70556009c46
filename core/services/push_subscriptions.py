"""A person's browsers that show push messages: added, named, listed, given up."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, delete, select

from core.actor import Actor
from core.db import Transaction
from core.errors import Conflict, Invalid, NotFound
from core.ids import uuid7
from core.models.deliveries import Channel, DeliveryKind
from core.models.push import PushSubscriptions
from core.models.users import Sessions
from core.rules import egress, push
from core.services import audits, single_messages, throttles
from core.services.single_messages import Message
from core.services.throttles import Throttle
from core.statements import LOCK_FEEDS, Query, query, row

MAX_PER_PERSON: Final = 20
TRIALS_A_MINUTE: Final = 10


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """`failures`: messages its push service refused since one was last accepted."""

    id: UUID
    name: str
    endpoint: str
    created_at: datetime
    last_used_at: datetime | None
    failures: int


@dataclass(frozen=True, slots=True)
class PushSubscriptionPage:
    """The newest first."""

    data: list[PushSubscription]
    next_cursor: str | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """As a browser's `PushSubscription` says; `name` null: keep it, or make one of the browser."""

    endpoint: str
    p256dh: str
    auth: str = field(repr=False)
    name: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Services:
    """Which push services may be called; with `sandbox_url` (the dev profile) only that."""

    known: Collection[str]
    sandbox_url: str | None

    def refusal(self, endpoint: str) -> str | None:
        """Why not this one, as a sentence. Names are judged again when they are dialled."""
        if (why := egress.refusal(endpoint, sandbox_url=self.sandbox_url)) is not None:
            return why
        if self.sandbox_url is None and not push.is_known(endpoint, self.known):
            return "This push service is not one of those this server sends to."
        return None


_COLUMNS: Final = (
    PushSubscriptions.id,
    PushSubscriptions.name,
    PushSubscriptions.endpoint,
    PushSubscriptions.created_at,
    PushSubscriptions.last_used_at,
    PushSubscriptions.failures,
)
# As `push_rows.LIVE`.
_LIVE: Final = PushSubscriptions.session_id.is_(None) | (
    select(Sessions.id)
    .where(Sessions.id == PushSubscriptions.session_id, Sessions.revoked_at.is_(None))
    .exists()
)
_MINE: Final = (PushSubscriptions.user_id == bindparam("of_user"), _LIVE)
_LIST: Final = query(
    select(*_COLUMNS).where(*_MINE).order_by(PushSubscriptions.id.desc()), PushSubscription
)
_GET: Final = query(
    select(*_COLUMNS).where(*_MINE, PushSubscriptions.id == bindparam("of_id")), PushSubscription
)
_DELETE: Final = query(
    delete(PushSubscriptions)
    .where(
        PushSubscriptions.user_id == bindparam("of_user"),
        PushSubscriptions.id == bindparam("of_id"),
    )
    .returning(PushSubscriptions.id)
)
_FORGET: Final = query(
    delete(PushSubscriptions).where(
        PushSubscriptions.user_id == bindparam("of_user"),
        PushSubscriptions.endpoint != bindparam("endpoint"),
        ~_LIVE,
    )
)
_PUT: Final = Query(
    b"""
    INSERT INTO push_subscriptions AS s
        (id, user_id, session_id, endpoint, p256dh, auth, name, created_at)
    VALUES (%(id)s, %(user_id)s, %(session_id)s, %(endpoint)s, %(p256dh)s, %(auth)s,
            coalesce(%(name)s, %(default_name)s), %(now)s)
    ON CONFLICT (user_id, endpoint) DO UPDATE SET
        session_id = excluded.session_id, p256dh = excluded.p256dh, auth = excluded.auth,
        name = coalesce(%(name)s, s.name), failures = 0
    RETURNING id, name, endpoint, created_at, last_used_at, failures
    """,
    PushSubscription,
    {},
    writes=True,
)
_MOVE: Final = Query(
    b"""
    UPDATE push_subscriptions s SET user_id = %(target)s, session_id = NULL
    WHERE s.user_id = %(source)s AND NOT EXISTS (
        SELECT FROM push_subscriptions o
        WHERE o.user_id = %(target)s AND o.endpoint = s.endpoint)
    """,
    row,
    {},
    writes=True,
)


async def mine(tx: Transaction, actor: Actor) -> PushSubscriptionPage:
    """All of them: there are few."""
    found = await tx.all(_LIST, of_user=actor.user_id)
    return PushSubscriptionPage(found, None, has_more=False)


async def put(
    tx: Transaction, actor: Actor, draft: Draft, services: Services, *, now: datetime
) -> tuple[PushSubscription, bool]:
    """The same endpoint again renews it; whether it is new. Bound to the session that asks."""
    _check(draft, services)
    await tx.all(LOCK_FEEDS, ids=[actor.user_id])  # two at a time must not both be the last
    tx.run(_FORGET, of_user=actor.user_id, endpoint=draft.endpoint)
    others = await tx.all(_LIST, of_user=actor.user_id)
    is_new = all(each.endpoint != draft.endpoint for each in others)
    if is_new and len(others) >= MAX_PER_PERSON:
        raise Conflict(f"a person has at most {MAX_PER_PERSON} devices: remove one first")
    values: dict[str, Any] = {
        "id": uuid7(),
        "user_id": actor.user_id,
        "session_id": actor.session_id,
        "endpoint": draft.endpoint,
        "p256dh": draft.p256dh,
        "auth": draft.auth,
        "name": draft.name,
        "default_name": push.device_name(draft.user_agent),
        "now": now,
    }
    [made] = await tx.all(_PUT, **values)
    if is_new:
        audits.record(tx, "push_subscription.added", actor_id=actor.user_id, subject_id=made.id)
    return made, is_new


async def remove(tx: Transaction, actor: Actor, subscription_id: UUID) -> None:
    """What is on its way to it ends. Raises `NotFound` unless it is one's own."""
    if await tx.first(_DELETE, of_user=actor.user_id, of_id=subscription_id) is None:
        raise NotFound("there is no such push subscription of yours")
    audits.record(
        tx, "push_subscription.removed", actor_id=actor.user_id, subject_id=subscription_id
    )


async def try_out(tx: Transaction, actor: Actor, subscription_id: UUID, *, now: datetime) -> UUID:
    """Queue a message that says it is a test; the id of its delivery. Ten a minute."""
    if await tx.first(_GET, of_user=actor.user_id, of_id=subscription_id) is None:
        raise NotFound("there is no such push subscription of yours")
    throttles.hit(tx, Throttle(f"trials:{actor.user_id}", TRIALS_A_MINUTE, 60))
    message = Message(
        id=uuid7(),
        user_id=actor.user_id,
        kind=DeliveryKind.TEST,
        channel=Channel.PUSH,
        subject_id=subscription_id,
        target_id=subscription_id,
    )
    single_messages.send(tx, message, now=now)
    return message.id


def move(tx: Transaction, source: UUID, target: UUID) -> None:
    """Queue giving the browsers of one account to another; its sessions end with it."""
    tx.run(_MOVE, source=source, target=target)


def _check(draft: Draft, services: Services) -> None:
    if (why := services.refusal(draft.endpoint)) is not None:
        raise Invalid(why, pointer="/endpoint", code="endpoint")
    try:
        push.read_point(draft.p256dh)
    except ValueError as error:
        detail = "an uncompressed point of P-256, in base64url"
        raise Invalid(detail, pointer="/keys/p256dh", code="p256dh") from error
    try:
        push.read_auth(draft.auth)
    except ValueError as error:
        raise Invalid("16 bytes, in base64url", pointer="/keys/auth", code="auth") from error
