"""Connecting an account of an outside service: a question, and its answer within ten minutes.

1. `begin` writes down who asks, for which workspace and provider, and gives the address at which
   the provider asks the person.
2. They come back with a code and the state. `take` gives what was written down, once: the row is
   gone afterwards, whatever becomes of the rest.
3. Between transactions the code is exchanged at the provider.
4. `store` keeps what came, in the name of the session that asked: one that has ended keeps nothing.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from core import crypto
from core.actor import Actor
from core.crypto import Keyring
from core.db import Transaction
from core.errors import Conflict, NotFound
from core.models.connections import ConnectionStatus, Provider
from core.services import connections
from core.services.connections import NAMES, Draft
from core.services.workspaces import Access, place
from core.statements import Query, row

PURPOSE: Final = "connecting"  # the ring is `Keys.ring.of(this)`
LIFETIME: Final = timedelta(minutes=10)
STATE_BYTES: Final = 32
VERIFIER_BYTES: Final = 48  # 64 characters; RFC 7636 takes 43 to 128
MAX_STATE_CHARS: Final = 100


class Asking(Protocol):
    """Where a provider asks people; `integrations/oauth.py` has them."""

    @property
    def provider(self) -> Provider: ...

    def authorize_url(self, state: str, challenge: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that was asked. `expected`: who alone may answer it, where that is known."""

    provider: Provider
    workspace_id: UUID
    user_id: UUID
    session_id: UUID
    verifier: str = field(repr=False)
    expected: str | None


_ADD: Final = Query(
    b"""
    INSERT INTO oauth_states (state_hash, provider, workspace_id, user_id, session_id,
        verifier_sealed, expected, expires_at)
    VALUES (%(state_hash)s, %(provider)s, %(workspace_id)s, %(user_id)s, %(session_id)s,
        %(verifier)s, %(expected)s, %(expires_at)s)
    """,
    row,
    {},
    writes=True,
)
# Gone even if it came too late or to the wrong door: it is shown once.
_TAKE: Final = Query(
    b"""
    DELETE FROM oauth_states WHERE state_hash = %(state_hash)s
    RETURNING provider, workspace_id, user_id, session_id, verifier_sealed, expected, expires_at
    """,
    row,
    {},
    writes=True,
)
_KNOWN: Final = Query(
    b"""
    SELECT id, account_id, status FROM connections
    WHERE workspace_id = %(workspace_id)s AND user_id = %(user_id)s AND provider = %(provider)s
    FOR UPDATE
    """,
    row,
    {},
    writes=False,
)
_REMOVE: Final = Query(
    b"DELETE FROM connections WHERE workspace_id = %(workspace_id)s AND id = %(id)s",
    row,
    {},
    writes=True,
)
# Whoever connects proves that they are this member; so the newest connection is the one.
_MEMBER: Final = Query(
    b"""
    WITH earlier AS (
        DELETE FROM slack_members
        WHERE workspace_id = %(workspace_id)s AND connection_id = %(connection_id)s
          AND (team_id, slack_user_id) <> (%(team_id)s, %(slack_user_id)s)
    )
    INSERT INTO slack_members (team_id, slack_user_id, workspace_id, user_id, connection_id)
    VALUES (%(team_id)s, %(slack_user_id)s, %(workspace_id)s, %(user_id)s, %(connection_id)s)
    ON CONFLICT (team_id, slack_user_id) DO UPDATE SET workspace_id = excluded.workspace_id,
        user_id = excluded.user_id, connection_id = excluded.connection_id
    """,
    row,
    {},
    writes=True,
)


async def begin(
    tx: Transaction,
    actor: Actor,
    workspace_id: UUID,
    asking: Asking,
    *,
    ring: Keyring,
    expected: str | None = None,
    now: datetime,
) -> str:
    """The address to send the person to; good for ten minutes and one answer.

    Raises `NotFound` and `Forbidden` as every write does, `Conflict` in a sandbox.
    """
    await _may_connect(tx, actor, workspace_id, now=now)
    state, verifier = secrets.token_urlsafe(STATE_BYTES), secrets.token_urlsafe(VERIFIER_BYTES)
    state_hash = crypto.digest(state)
    tx.run(
        _ADD,
        state_hash=state_hash,
        provider=asking.provider,
        workspace_id=workspace_id,
        user_id=actor.user_id,
        session_id=actor.session_id,
        verifier=ring.seal(verifier.encode(), aad=_place(state_hash, workspace_id)),
        expected=expected,
        expires_at=now + LIFETIME,
    )
    hashed = hashlib.sha256(verifier.encode()).digest()
    return asking.authorize_url(state, base64.urlsafe_b64encode(hashed).decode().rstrip("="))


async def take(
    tx: Transaction, provider: Provider, state: str, *, ring: Keyring, now: datetime
) -> Pending | None:
    """What was asked with this state: once. Commit before the code is exchanged.

    None for a state that was used, is too old, is another provider's, or was never ours.
    """
    if not state or len(state) > MAX_STATE_CHARS:
        return None
    state_hash = crypto.digest(state)
    found = await tx.first(_TAKE, state_hash=state_hash)
    if found is None:
        return None
    asked, workspace_id, user_id, session_id, sealed, expected, expires_at = found
    if asked != provider or expires_at <= now:
        return None
    verifier = ring.unseal(sealed, aad=_place(state_hash, workspace_id)).decode()
    return Pending(provider, workspace_id, user_id, session_id, verifier, expected)


async def store(
    tx: Transaction, pending: Pending, draft: Draft, *, ring: Keyring, now: datetime
) -> UUID:
    """Keep the access; `tx` has been entered by the session that asked. The connection's id.

    Raises `Unauthenticated` where that session ended, `NotFound` and `Forbidden` where they may no
    longer write, `Conflict` for somebody else's account than was expected, or another than is
    connected: its events or messages would be taken for those of the first.
    """
    actor = Actor(pending.user_id, pending.session_id)
    await tx.person()
    await _may_connect(tx, actor, pending.workspace_id, now=now)
    if pending.expected not in {None, f"{draft.account_id}:{draft.address}"}:
        raise Conflict("that is another account than the one this link was made for")
    mine: dict[str, Any] = {"workspace_id": pending.workspace_id, "user_id": pending.user_id}
    known = await tx.first(_KNOWN, **mine, provider=draft.provider)
    if known is not None and known[1] != draft.account_id:
        if known[2] in (ConnectionStatus.ACTIVE, ConnectionStatus.DISCONNECTING):
            raise Conflict(
                f"another account of {NAMES[draft.provider]} is connected: disconnect it first"
            )
        tx.run(_REMOVE, workspace_id=pending.workspace_id, id=known[0])
    connection_id = await connections.put(
        tx, pending.workspace_id, pending.user_id, draft, ring=ring, now=now
    )
    if draft.provider is Provider.SLACK:
        tx.run(
            _MEMBER,
            **mine,
            connection_id=connection_id,
            team_id=draft.account_id,
            slack_user_id=draft.address,
        )
    return connection_id


async def _may_connect(tx: Transaction, actor: Actor, workspace_id: UUID, *, now: datetime) -> None:
    await place(tx, actor, workspace_id, Access.WRITE, now=now)
    membership = (await tx.person()).memberships.get(workspace_id)
    if membership is None:
        raise NotFound("there is no such workspace that you can see")
    if membership.clock_at is not None:
        raise Conflict("a sandbox reaches no outside service: its time is its own")


def _place(state_hash: bytes, workspace_id: UUID) -> bytes:
    return f"oauth_states|verifier_sealed|{state_hash.hex()}|{workspace_id}".encode()
