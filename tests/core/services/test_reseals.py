"""After it the earlier key opens nothing that is kept, and is needed for nothing."""

import asyncio
import os
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from sqlalchemy import LargeBinary

from core import crypto
from core.actor import Actor
from core.crypto import Keyring
from core.db import Database
from core.epochs import subject
from core.errors import Invalid
from core.ids import uuid7
from core.models import Table
from core.models.connections import Provider
from core.services import connections, memo_secrets, memos, reseals, voice_seals
from tests.core.services.keyrings import Site, connect, opening, token
from tests.people import Person
from tests.teams import sql

OLD, NEW = Keyring((os.urandom(32),)), Keyring((os.urandom(32),))
BOTH = Keyring((*NEW.keys, *OLD.keys))
NOT_SEALED = {  # hashes, and what is of no use after 72 hours
    ("refresh_tokens", "token_hash"),
    ("idempotency_keys", "key_hash"),
    ("idempotency_keys", "request_hash"),
    ("idempotency_keys", "answer"),
    ("connections", "secret_hash"),
    ("oauth_states", "state_hash"),
    ("oauth_states", "verifier_sealed"),  # of no use after ten minutes
    ("calendar_syncs", "channel_token_hash"),
    ("calendar_channels", "token_hash"),
    ("slack_homes", "shows"),
    ("subject_keys", "wrapped"),  # by the key of an epoch: `voicetodo admin keys rotate-epoch`
    ("voice_memos", "sha256"),
    ("imports", "sha256"),
    ("exports", "sha256"),
    ("exports", "token_hash"),
    ("consent_log", "address_hash"),
    ("erasure_receipts", "signature"),
    ("voice_uploads", "sha256"),
    ("webhook_deliveries", "body"),  # what was sent to others anyway; 14 days
}


def test_no_sealed_column_is_forgotten() -> None:
    there = {
        (table.name, column.name)
        for table in Table.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert there - NOT_SEALED == {(kept.table, kept.column) for kept in reseals.KEPT}
    assert there >= NOT_SEALED


async def test_what_an_earlier_key_sealed(
    app_db: Database, database_url: str, alice: Person
) -> None:
    now, memo_id, key = datetime.now(UTC), uuid7(), crypto.new_key()
    of_memos = OLD.of(memo_secrets.PURPOSE)
    slack = connections.Draft(Provider.SLACK, "T1", "C1", SecretStr("xoxb-old"))
    async with app_db.transaction() as tx:
        tx.act_in([alice.id], alice.id)
        ring = OLD.of(connections.PURPOSE)
        await connections.put(tx, alice.id, alice.id, slack, ring=ring, now=now)
        draft = memos.Draft(
            id=memo_id, capture_id=uuid7(), session_id=None, language=None,
            media_type="audio/wav", size=1, sha256=bytes(32), blob=f"memos/{uuid7()}",
            blob_key=memo_secrets.seal_key(of_memos, alice.id, memo_id, key), put_at=now,
        )  # fmt: skip
        row, _, _ = await memos.receive(tx, Actor(alice.id, uuid7()), alice.id, draft, now=now)
        words = memo_secrets.seal_transcript(of_memos, row, "buy milk")
        memos.hear(tx, row, memos.Heard(words, None, "en", "embedded", "demo", None, 1.0), now=now)
    told = {(each.table, each.column): each.resealed for each in reseals.run(database_url, BOTH)}
    assert told["connections", "secret"] >= 1
    assert told["voice_memos", "blob_key"] >= 1
    assert told["voice_memos", "transcript"] >= 1
    assert all(each.resealed == 0 for each in reseals.run(database_url, BOTH)), "done already"
    async with app_db.transaction() as tx:
        tx.act_in([alice.id], alice.id)
        found = await memos.lock(tx, alice.id, memo_id)
        ring = NEW.of(connections.PURPOSE)
        slack_now = await connections.find(tx, alice.id, alice.id, Provider.SLACK, ring=ring)
    assert found is not None
    assert slack_now is not None
    assert slack_now.secret.get_secret_value() == "xoxb-old"
    assert memo_secrets.transcript(NEW.of(memo_secrets.PURPOSE), found) == "buy milk"
    with pytest.raises(Invalid):
        memo_secrets.transcript(of_memos, found)
    named = await sql(
        database_url, "SELECT secret_key FROM connections WHERE user_id = %s", alice.id
    )
    assert named == [(ring.key_id,)]


async def test_what_was_sealed_before_opens_and_is_moved(
    app_db: Database, database_url: str, site: Site, alice: Person
) -> None:
    ring = site()
    await connect(app_db, Keyring(ring.keys), alice.id, "xoxb-before")
    assert await token(app_db, ring, alice.id) == "xoxb-before"
    column = "SELECT secret, secret_key FROM connections WHERE user_id = %s"

    async def moved() -> tuple[int, int]:
        told = await asyncio.to_thread(lambda: list(reseals.run(database_url, ring)))
        [found] = [each for each in told if each.table == "connections"]
        return found.resealed, found.unopened

    count, foreign = await moved()
    assert count >= 1
    [(secret, named)] = await sql(database_url, column, alice.id)
    assert subject(secret) == alice.id
    assert named == (await opening(app_db, ring, alice.id)).key_id
    assert await token(app_db, site(), alice.id) == "xoxb-before"
    assert await token(app_db, Keyring(ring.keys), alice.id) is None
    assert await moved() == (0, foreign), "done already"
    assert [(secret, named)] == await sql(database_url, column, alice.id)


@pytest.mark.parametrize("secret", [b"", b"\x02", b"\x02" + bytes(15), b"\x01 sealed by nobody"])
async def test_what_nobody_sealed_is_counted_and_stays(
    app_db: Database, database_url: str, site: Site, alice: Person, secret: bytes
) -> None:
    ring = site()
    await connect(app_db, Keyring(ring.keys), alice.id, "xoxb-before")
    broken = "UPDATE connections SET secret = %s WHERE user_id = %s RETURNING secret"
    [stays] = await sql(database_url, broken, secret, alice.id)
    told = await asyncio.to_thread(lambda: list(reseals.run(database_url, ring)))
    assert sum(each.unopened for each in told if each.table == "connections") >= 1
    assert await sql(
        database_url, "SELECT secret FROM connections WHERE user_id = %s", alice.id
    ) == [stays]


async def test_words_of_a_linked_account_are_moved_to_its_owner(
    database_url: str, site: Site, alice: Person
) -> None:
    """The command that they were said with stayed in the account that ended."""
    ring, todo_id = site(), uuid7()
    said = voice_seals.seal_words(
        Keyring(ring.keys).of(voice_seals.PURPOSE), alice.id, todo_id, "buy milk"
    )
    await sql(
        database_url,
        "INSERT INTO todos (workspace_id, id, title, created_by, created_via, position)"
        " VALUES (%s, %s, 'Milk', %s, 'voice', 1)",
        *(alice.id, todo_id, alice.id),
    )
    await sql(
        database_url,
        "INSERT INTO todo_voice (workspace_id, todo_id, command_id, confidence, original_text,"
        " resolver_version) VALUES (%s, %s, %s, 1, %s, 1)",
        *(alice.id, todo_id, uuid7(), said),
    )
    await asyncio.to_thread(lambda: list(reseals.run(database_url, ring)))
    words = "SELECT original_text FROM todo_voice WHERE todo_id = %s"
    [(sealed,)] = await sql(database_url, words, todo_id)
    assert subject(sealed) == alice.id
    key = "SELECT epoch, wrapped FROM subject_keys WHERE user_id = %s"
    [(epoch, wrapped)] = await sql(database_url, key, alice.id)
    process = site()
    voice_seals.ring_of(process)
    kept = voice_seals.Words(sealed, epoch, wrapped)
    assert voice_seals.words(alice.id, todo_id, kept) == "buy milk"
    assert voice_seals.words(alice.id, uuid7(), kept) is None, "of another todo"
