"""Endpoints of outgoing webhooks: made, looked at, changed, given new secrets, removed.

They belong to a workspace, and to the person who made them: what is sent is what that person sees.
Whoever may write in the workspace manages all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction
from core.errors import Conflict, Invalid, NotFound
from core.ids import uuid7
from core.models.webhooks import DisabledReason, EndpointStatus, Payload
from core.rules import egress
from core.rules.event_types import EVENT_TYPES
from core.services import audits, feeds, lanes, webhook_secrets
from core.services import webhook_endpoint_rows as rows
from core.services.webhook_endpoint_rows import Endpoint, Row
from core.services.workspaces import Access, place
from core.statements import LOCK_FEEDS

MAX_PER_WORKSPACE: Final = 20
OVERLAP: Final = timedelta(hours=24)
LONGEST_OVERLAP: Final = timedelta(days=7)
ALL: Final = "*"
NONE: Final = "there is no such webhook endpoint that you can see"
NAMES: Final = frozenset(
    {ALL, *EVENT_TYPES, *(f"{name.partition('.')[0]}.*" for name in EVENT_TYPES)}
)


@dataclass(frozen=True, slots=True)
class Created:
    """The only answer that tells the secret."""

    endpoint: Endpoint
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """`events`: names of `EVENT_TYPES`, a noun and `.*`, or `*`."""

    url: str
    events: Sequence[str]
    description: str = ""
    payload: Payload = Payload.FULL


_BEFORE_ALL: Final = UUID(int=0)


async def create(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    draft: Draft,
    *,
    ring: Keyring,
    sandbox_url: str | None,
    now: datetime,
) -> Created:
    """It gets what happens from now on. Raises `Invalid` for its URL or events, `Conflict`.

    `sandbox_url` as with `egress.refusal`; `ring` is of `webhook_secrets.PURPOSE`.
    """
    await place(tx, actor, workspace_id, Access.WRITE, now=now)
    _check_url(draft.url, sandbox_url)
    events = _checked_events(draft.events)
    await tx.all(LOCK_FEEDS, ids=[workspace_id])  # two at a time must not both be the last
    count = await tx.first(rows.COUNT, workspace_id=workspace_id)
    if count and count[0] >= MAX_PER_WORKSPACE:
        raise Conflict(f"a workspace has at most {MAX_PER_WORKSPACE} endpoints: remove one first")
    endpoint_id, secret, seed = uuid7(), webhook_secrets.new_secret(), webhook_secrets.new_seed()
    here = endpoint_id, workspace_id
    [made] = await tx.all(
        rows.ADD,
        workspace_id=workspace_id,
        id=endpoint_id,
        user_id=actor.user_id,
        url=draft.url,
        description=draft.description,
        events=events,
        payload=draft.payload,
        secret=webhook_secrets.seal(ring, "secret", *here, secret),
        signing_key=webhook_secrets.seal(ring, "signing_key", *here, seed),
        lane=lanes.of(endpoint_id),
        seq=await feeds.head(tx, workspace_id),
        now=now,
    )
    audits.record(tx, "webhook_endpoint.created", actor_id=actor.user_id, subject_id=endpoint_id)
    return Created(made.answer(ring), webhook_secrets.told(secret))


async def get(tx: Transaction, actor: Actor, endpoint_id: UUID, *, ring: Keyring) -> Endpoint:
    """Raises `NotFound`, and `Forbidden` for those who may only look around in its workspace."""
    return (await _found(tx, actor, endpoint_id)).answer(ring)


async def page(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    *,
    after: UUID | None,
    limit: int,
    ring: Keyring,
) -> list[Endpoint]:
    """Up to `limit` + 1 of a workspace, in the order they were made."""
    await place(tx, actor, workspace_id, Access.WRITE, now=tx.began_at)
    found = await tx.all(
        rows.PAGE, workspace_id=workspace_id, after=after or _BEFORE_ALL, limit=limit + 1
    )
    return [each.answer(ring) for each in found]


async def change(
    tx: Transaction,
    actor: Actor,
    endpoint_id: UUID,
    changes: Mapping[str, Any],
    *,
    ring: Keyring,
    sandbox_url: str | None,
    now: datetime,
) -> Endpoint:
    """`changes`: any of url, description, events, payload and status.

    Disabled, it forgets what was pending and misses what happens; both can be sent again as long
    as it is remembered. Enabled by another person, it is theirs.
    """
    found = await _locked(tx, actor, endpoint_id)
    here = {"workspace_id": found.workspace_id, "id": endpoint_id}
    if "url" in changes:
        _check_url(changes["url"], sandbox_url)
    events = changes.get("events", found.events)
    if "events" in changes:
        events = _checked_events(events)
    status = changes.get("status", found.status)
    if status != found.status and status == EndpointStatus.ACTIVE:
        seq = await feeds.head(tx, found.workspace_id)
        tx.run(rows.ENABLE, **here, user_id=actor.user_id, seq=seq)
    elif status != found.status:
        await disable(tx, found.workspace_id, endpoint_id, DisabledReason.BY_HAND, now=now)
    [changed] = await tx.all(
        rows.CHANGE,
        **here,
        url=changes.get("url", found.url),
        description=changes.get("description", found.description),
        events=events,
        payload=changes.get("payload", found.payload),
        now=now,
    )
    audits.record(tx, "webhook_endpoint.changed", actor_id=actor.user_id, subject_id=endpoint_id)
    return changed.answer(ring)


async def disable(
    tx: Transaction,
    workspace_id: UUID,
    endpoint_id: UUID,
    reason: DisabledReason,
    *,
    now: datetime,
) -> bool:
    """Whether it was this that switched it off. What was pending is given up."""
    here = {"workspace_id": workspace_id, "id": endpoint_id}
    if await tx.first(rows.DISABLE, **here, reason=reason, now=now) is None:
        return False
    tx.run(rows.GIVE_UP, **here)
    return True


async def remove(tx: Transaction, actor: Actor, endpoint_id: UUID) -> None:
    """With all that is remembered of what was sent there."""
    found = await _locked(tx, actor, endpoint_id)
    tx.run(rows.REMOVE, workspace_id=found.workspace_id, id=endpoint_id)
    audits.record(tx, "webhook_endpoint.removed", actor_id=actor.user_id, subject_id=endpoint_id)


async def rotate(
    tx: Transaction,
    actor: Actor,
    endpoint_id: UUID,
    *,
    overlap: timedelta = OVERLAP,
    ring: Keyring,
    now: datetime,
) -> Created:
    """A new secret. For `overlap` (at most a week, may be none) the one before signs as well."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid("at most a week", pointer="/overlap", code="out_of_range")
    found = await _locked(tx, actor, endpoint_id)
    where = {"workspace_id": found.workspace_id, "id": endpoint_id}
    here = endpoint_id, found.workspace_id
    [(sealed,)] = await tx.all(rows.SECRET, **where)
    before = webhook_secrets.unseal(ring, "secret", *here, sealed)
    secret = webhook_secrets.new_secret()
    previous = webhook_secrets.seal(ring, "secret_previous", *here, before) if overlap else None
    [changed] = await tx.all(
        rows.ROTATE,
        **where,
        secret=webhook_secrets.seal(ring, "secret", *here, secret),
        previous=previous,
        previous_until=now + overlap if overlap else None,
        now=now,
    )
    audits.record(tx, "webhook_endpoint.rotated", actor_id=actor.user_id, subject_id=endpoint_id)
    return Created(changed.answer(ring), webhook_secrets.told(secret))


def matches(events: Sequence[str], event_type: str) -> bool:
    """Whether an endpoint with this filter gets events of the type."""
    noun = event_type.partition(".")[0]
    return any(each in {ALL, event_type, f"{noun}.*"} for each in events)


async def require(tx: Transaction, actor: Actor, endpoint_id: UUID) -> UUID:
    """Its workspace, where the actor may write. Raises as `get` does."""
    return (await _found(tx, actor, endpoint_id)).workspace_id


async def _found(tx: Transaction, actor: Actor, endpoint_id: UUID) -> Row:
    found = await tx.first(rows.GET, id=endpoint_id)
    if found is None:
        raise NotFound(NONE)
    await place(tx, actor, found.workspace_id, Access.WRITE, now=tx.began_at)
    return found


async def _locked(tx: Transaction, actor: Actor, endpoint_id: UUID) -> Row:
    """Asked twice: who may only look around must not be told that there is none."""
    await _found(tx, actor, endpoint_id)
    found = await tx.first(rows.LOCK, id=endpoint_id)
    if found is None:
        raise NotFound(NONE)
    return found


def _check_url(url: str, sandbox_url: str | None) -> None:
    if (why := egress.refusal(url, sandbox_url=sandbox_url)) is not None:
        raise Invalid(why, pointer="/url", code="url")


def _checked_events(events: Sequence[str]) -> list[str]:
    for at, name in enumerate(events):
        if name not in NAMES:
            detail = "a type of event, a noun and .*, or *"
            raise Invalid(detail, pointer=f"/events/{at}", code="event_type")
    if not events:
        raise Invalid("at least one type of event, or *", pointer="/events", code="too_short")
    return list(dict.fromkeys(events))
