"""People's connections to outside services: kept sealed, read to be used, paused when refused."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import SecretStr

from core import crypto, epochs, logs
from core.crypto import Keyring
from core.db import Transaction
from core.ids import uuid7
from core.models.connections import ConnectionStatus, Provider
from core.services import audits, notification_rows, subject_keys
from core.statements import Query, row

log = logs.get(__name__)

PURPOSE: Final = "connections"  # the ring is `Keys.ring.of(this)`
PAUSED: Final = "connection_paused"  # a kind of notification
NAMES: Final = {Provider.GOOGLE_CALENDAR: "Google Calendar", Provider.SLACK: "Slack"}
WHY: Final = {
    ConnectionStatus.NEEDS_REAUTH: "{name} no longer lets Voice Todo in: connect it again",
    ConnectionStatus.NEEDS_ADDRESS: "{name} no longer takes messages where yours went: connect it"
    " again",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """One that can be used now."""

    id: UUID
    account_id: str
    address: str
    secret: SecretStr
    digest_channel: str | None = None  # of Slack: digests go there, not to `address`


@dataclass(frozen=True, slots=True)
class Draft:
    """`address`: where messages go, a conversation or a person of this account; or nothing.

    `name`: by which its owner knows the account.
    """

    provider: Provider
    account_id: str
    address: str
    secret: SecretStr
    name: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    workspace_id: UUID
    user_id: UUID
    id: UUID
    account_id: str
    address: str
    secret: bytes = field(repr=False)
    digest_channel: str | None

    @classmethod
    def of_row(cls, *values: Any) -> Self:
        return cls(*values)


_GET: Final = Query(
    b"""
    SELECT workspace_id, user_id, id, account_id, address, secret, digest_channel
    FROM connections
    WHERE workspace_id = %(workspace_id)s AND user_id = %(user_id)s AND provider = %(provider)s
      AND status = 'active'
    """,
    _Row.of_row,
    {},
    writes=False,
)
_BY_ID: Final = Query(
    b"""
    SELECT workspace_id, user_id, id, account_id, address, secret, digest_channel
    FROM connections
    WHERE workspace_id = %(workspace_id)s AND id = %(id)s AND status = %(status)s
    """,
    _Row.of_row,
    {},
    writes=False,
)
_ID: Final = Query(
    b"""
    SELECT id FROM connections
    WHERE workspace_id = %(workspace_id)s AND user_id = %(user_id)s AND provider = %(provider)s
    """,
    row,
    {},
    writes=False,
)
_PUT: Final = Query(
    b"""
    INSERT INTO connections AS c (workspace_id, id, user_id, provider, account_id, address,
        name, scopes, secret, secret_key, secret_hash, status, created_at, updated_at)
    VALUES (%(workspace_id)s, %(id)s, %(user_id)s, %(provider)s, %(account_id)s, %(address)s,
        %(name)s, %(scopes)s, %(secret)s, %(secret_key)s, %(secret_hash)s, 'active', %(now)s,
        %(now)s)
    ON CONFLICT (workspace_id, id) DO UPDATE SET
        account_id = excluded.account_id, address = excluded.address, name = excluded.name,
        scopes = excluded.scopes, secret = excluded.secret,
        secret_key = excluded.secret_key, secret_hash = excluded.secret_hash,
        status = 'active', problem = NULL, updated_at = excluded.updated_at
    """,
    row,
    {},
    writes=True,
)
# A token that is refused is refused to all who share it; a place is one person's. Whoever connected
# anew meanwhile has another token, or another place, and is left alone.
_PAUSE: Final = Query(
    b"""
    UPDATE connections SET status = %(status)s, problem = %(problem)s, updated_at = %(now)s
    WHERE workspace_id = %(workspace_id)s AND provider = %(provider)s AND status = 'active'
      AND secret_hash = %(secret_hash)s
      AND (%(status)s = 'needs_reauth' OR id = %(id)s AND address = %(address)s)
    RETURNING id, user_id
    """,
    row,
    {},
    writes=True,
)


def reach(alias: bytes) -> bytes:
    """SQL: what `deliveries.Person` has at its end, of a user `u` in the workspace of `alias`."""
    return (
        b"""(SELECT c.status FROM connections c WHERE c.workspace_id = """
        + alias
        + b""".workspace_id AND c.user_id = u.id AND c.provider = 'slack'
             AND c.status <> 'disconnecting'),
           u.phone, u.phone_verified_at IS NOT NULL, u.email_suppressed"""
    )


def digest_channel(workspace: bytes, user: bytes) -> bytes:
    """SQL: the channel of Slack that this user's digests go to; null: none."""
    return (
        b"(SELECT c.digest_channel FROM connections c WHERE c.workspace_id = "
        + workspace
        + b" AND c.user_id = "
        + user
        + b" AND c.provider = 'slack' AND c.status <> 'disconnecting')"
    )


async def put(
    tx: Transaction,
    workspace_id: UUID,
    user_id: UUID,
    draft: Draft,
    *,
    ring: Keyring,
    now: datetime,
) -> UUID:
    """Connect, or connect again: a person has one to each provider in a workspace."""
    known = await tx.first(_ID, workspace_id=workspace_id, user_id=user_id, provider=draft.provider)
    connection_id: UUID = known[0] if known else uuid7()
    secret = draft.secret.get_secret_value()
    ring = await subject_keys.sealing(tx, ring, user_id)
    tx.run(
        _PUT,
        workspace_id=workspace_id,
        id=connection_id,
        user_id=user_id,
        provider=draft.provider,
        account_id=draft.account_id,
        address=draft.address,
        name=draft.name,
        scopes=list(draft.scopes),
        secret=ring.seal(secret.encode(), aad=_place(workspace_id, connection_id)),
        secret_key=ring.key_id,
        secret_hash=crypto.digest(secret),
        now=now,
    )
    audits.record(tx, "connection.added", actor_id=user_id, subject_id=connection_id)
    return connection_id


async def find(
    tx: Transaction, workspace_id: UUID, user_id: UUID, provider: Provider, *, ring: Keyring
) -> Connection | None:
    """The one to use, opened; none if there is none, or it is paused."""
    found = await tx.first(_GET, workspace_id=workspace_id, user_id=user_id, provider=provider)
    return await _opened(tx, found, ring)


async def by_id(
    tx: Transaction,
    workspace_id: UUID,
    connection_id: UUID,
    *,
    ring: Keyring,
    status: ConnectionStatus = ConnectionStatus.ACTIVE,
) -> Connection | None:
    """The same by its id; none if it is gone or has another status."""
    found = await tx.first(_BY_ID, workspace_id=workspace_id, id=connection_id, status=status)
    return await _opened(tx, found, ring)


async def pause(
    tx: Transaction,
    workspace_id: UUID,
    connection: Connection,
    provider: Provider,
    status: ConnectionStatus,
    *,
    problem: str,
    now: datetime,
) -> None:
    """Use it no more, and tell its owner in the app: once, however many messages found out."""
    paused = await tx.all(
        _PAUSE,
        workspace_id=workspace_id,
        provider=provider,
        status=status,
        problem=problem,
        secret_hash=crypto.digest(connection.secret.get_secret_value()),
        id=connection.id,
        address=connection.address,
        now=now,
    )
    title = WHY[status].format(name=NAMES[provider])
    told = [notification_rows.told(workspace_id, user_id, PAUSED, title) for _, user_id in paused]
    notification_rows.add(tx, told)


async def _opened(tx: Transaction, found: _Row | None, ring: Keyring) -> Connection | None:
    if found is None:
        return None
    ring = await subject_keys.opening(tx, ring, found.user_id)
    secret = epochs.opened(ring, found.secret, aad=_place(found.workspace_id, found.id))
    if secret is None:  # as good as none: connected anew it works
        log.error("connection.unreadable", subject_id=found.id)
        return None
    opened = SecretStr(secret.decode())
    return Connection(found.id, found.account_id, found.address, opened, found.digest_channel)


def _place(workspace_id: UUID, connection_id: UUID) -> bytes:
    return crypto.place("connections", "secret", connection_id, workspace_id)
