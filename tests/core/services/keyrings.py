"""People's keyrings as a process has them, and a token that is sealed with them."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from pydantic import SecretStr

from core.crypto import Keyring
from core.db import Database
from core.epochs import SubjectRing
from core.models.connections import Provider
from core.services import connections, subject_keys
from tests.people import Person
from tests.teams import sql

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
Site = Callable[..., SubjectRing]


async def sealing(db: Database, ring: SubjectRing, user: UUID) -> Keyring:
    async with db.transaction() as tx:
        return await subject_keys.sealing(tx, ring.of(connections.PURPOSE), user)


async def opening(db: Database, ring: SubjectRing, user: UUID) -> Keyring:
    async with db.transaction(read_only=True) as tx:
        return await subject_keys.opening(tx, ring.of(connections.PURPOSE), user)


async def connect(db: Database, ring: Keyring, user: UUID, token: str) -> None:
    async with db.transaction() as tx:
        tx.act_in([user], user)
        draft = connections.Draft(Provider.SLACK, "T1", "C1", SecretStr(token))
        of = ring.of(connections.PURPOSE)
        await connections.put(tx, user, user, draft, ring=of, now=NOW)


async def token(db: Database, ring: Keyring, user: UUID) -> str | None:
    """None: as good as not connected."""
    async with db.transaction(read_only=True) as tx:
        tx.act_in([user], user)
        of = ring.of(connections.PURPOSE)
        found = await connections.find(tx, user, user, Provider.SLACK, ring=of)
        return None if found is None else found.secret.get_secret_value()


async def epochs_of(url: str, people: list[Person]) -> list[int]:
    ids = [each.id for each in people]
    rows = await sql(url, "SELECT epoch FROM subject_keys WHERE user_id = ANY (%s)", ids)
    return sorted(epoch for (epoch,) in rows)
