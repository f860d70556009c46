"""People's keys in PostgreSQL: made once, whoever is first, of use to one person, and gone."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from core import clock
from core.crypto import Keyring
from core.db import Database
from core.epochs import SubjectRing, subject
from core.errors import Conflict, Invalid, KeysMissing
from core.messages import Store
from core.services import connections, erasure_steps, erasures, subject_keys
from tests.core.services.keyrings import NOW, Site, connect, epochs_of, opening, sealing, token
from tests.people import Person, register
from tests.teams import sql, team
from tests.voicing import memo, memo_of, upload, wav

HERE = b"connections|secret|1|2"


async def test_sealed_with_a_key_of_one_s_own(
    app_db: Database, database_url: str, site: Site, alice: Person, bob: Person
) -> None:
    ring = site()
    await connect(app_db, ring, alice.id, "xoxb-1")
    [(secret, named)] = await sql(
        database_url, "SELECT secret, secret_key FROM connections WHERE user_id = %s", alice.id
    )
    assert subject(secret) == alice.id
    hers = await opening(app_db, ring, alice.id)
    assert named == hers.key_id
    assert await token(app_db, site(), alice.id) == "xoxb-1", "in another process"
    assert await token(app_db, Keyring(ring.keys), alice.id) is None, "without her key"
    his = await sealing(app_db, ring, bob.id)
    sealed = hers.seal(b"said", aad=HERE)
    assert hers.unseal(sealed, aad=HERE) == b"said"
    with pytest.raises(Invalid):
        his.unseal(sealed, aad=HERE)
    assert his.key_id != hers.key_id


async def test_one_s_key_is_of_no_use_in_the_row_of_another(
    app_db: Database, database_url: str, site: Site, alice: Person, bob: Person
) -> None:
    await sealing(app_db, site(), alice.id)
    await sealing(app_db, site(), bob.id)
    swap = (
        "UPDATE subject_keys SET wrapped = (SELECT wrapped FROM subject_keys WHERE user_id = %s)"
        " WHERE user_id = %s"
    )
    await sql(database_url, swap, alice.id, bob.id)
    with pytest.raises(KeysMissing):
        await opening(app_db, site(), bob.id)


async def test_many_at_once_make_one_key(
    app_db: Database, database_url: str, site: Site, alice: Person
) -> None:
    """And one epoch: each of these is a process that finds none."""
    rings = await asyncio.gather(*(sealing(app_db, site(), alice.id) for _ in range(8)))
    assert len({each.key_id for each in rings}) == 1
    found = await sql(
        database_url,
        "SELECT epoch FROM key_epochs WHERE sealed_by = %s",
        site().epochs.sealed_by,
    )
    assert len(found) == 1
    sealed = rings[0].seal(b"token", aad=HERE)
    assert (await opening(app_db, site(), alice.id)).unseal(sealed, aad=HERE) == b"token"


async def test_what_is_rolled_back_is_not_remembered(
    app_db: Database, site: Site, alice: Person
) -> None:
    """Else the process would go on sealing with a key that nobody has."""
    ring = site()

    async def undone() -> Keyring:
        tried = []
        with suppress(Conflict):
            async with app_db.transaction() as tx:
                of = ring.of(connections.PURPOSE)
                tried += [await subject_keys.sealing(tx, of, alice.id)]
                assert [await subject_keys.opening(tx, of, alice.id)] == tried
                raise Conflict
        return tried[0]

    never = await undone()
    kept = await sealing(app_db, ring, alice.id)
    assert kept.key_id != never.key_id
    assert (await opening(app_db, site(), alice.id)).key_id == kept.key_id


async def test_asked_for_once_a_minute(
    app_db: Database, database_url: str, site: Site, alice: Person
) -> None:
    ring, forgetful = site(), site(kept_s=0)
    await sealing(app_db, ring, alice.id)
    known = [await opening(app_db, each, alice.id) for each in (ring, forgetful)]
    await sql(database_url, "UPDATE subject_keys SET wrapped = '' WHERE user_id = %s", alice.id)
    assert await opening(app_db, ring, alice.id) == known[0], "without asking"
    with pytest.raises(KeysMissing):
        await opening(app_db, forgetful, alice.id)


async def test_an_erasure_destroys_the_key(
    app_db: Database, database_url: str, site: Site, http: httpx2.AsyncClient
) -> None:
    person, ring = await register(http), site(kept_s=0)
    sealed = (await sealing(app_db, ring, person.id)).seal(b"said", aad=HERE)
    eraser = Database(database_url, role="vt_eraser", size=1)
    await eraser.open()
    async with app_db.transaction() as tx:
        tx.act_in([person.id], person.id)
        asked = await erasures.request(tx, person.id, grace=timedelta(0), now=NOW)
    try:
        async with eraser.transaction() as tx:
            await erasure_steps.begin(tx, asked.id, now=clock.now())
        async with eraser.transaction() as tx:
            await erasure_steps.enter(tx, asked.id, Store.ACCOUNT, now=clock.now())
        async with eraser.transaction() as tx:
            key = Ed25519PrivateKey.generate()
            await erasure_steps.finish(tx, asked.id, "none", key=key, now=clock.now())
    finally:
        await eraser.close()
    assert await epochs_of(database_url, [person]) == []
    [(counts,)] = await sql(
        database_url, "SELECT counts FROM erasure_receipts WHERE id = %s", asked.receipt_id
    )
    assert counts[Store.ACCOUNT] == {"users": 1, "keys": 1}
    with pytest.raises(Invalid):  # of a recording, say, that an old copy of the blobs has
        (await opening(app_db, ring, person.id)).unseal(sealed, aad=HERE)


async def test_recordings_and_words_through_the_api(
    app: FastAPI, database_url: str, alice: Person, bob: Person
) -> None:
    """Bob reads what Alice said in a todo that they share; without the file a sentence says why."""
    shared = await team(database_url, owner=alice, member=bob)
    audio = wav()
    kept = memo_of(await upload(alice, audio))
    text = {"text": "remind me to buy milk tomorrow"}
    said = await alice.post(f"/voice/commands?workspace_id={shared}", json=text)
    assert said.status_code == 200, said.text
    for statement in (
        "SELECT blob_key FROM voice_memos WHERE workspace_id = ANY (%s)",
        "SELECT sealed FROM voice_commands WHERE workspace_id = ANY (%s)",
        "SELECT original_text FROM todo_voice WHERE workspace_id = ANY (%s)",
    ):
        rows = await sql(database_url, statement, [alice.id, shared])
        assert [subject(sealed) for (sealed,) in rows] == [alice.id], statement
    ring: SubjectRing = app.state.keys.ring
    ring.epochs.forget()
    [todo] = (await bob.get(f"/todos?workspace_id={shared}")).json()["data"]
    assert todo["voice"]["original_text"] == text["text"]
    assert (await alice.get(f"/voice/memos/{kept}/audio")).content == audio
    [epoch] = await epochs_of(database_url, [alice])
    file = ring.epochs.folder / f"{epoch}.key"
    aside = file.rename(file.with_name("aside"))
    try:
        ring.epochs.forget()
        answer = await alice.get(f"/voice/memos/{kept}/audio")
        assert (answer.status_code, answer.json()["title"]) == (
            503,
            "A key is missing on the server",
        )
        shown = await bob.get(f"/todos?workspace_id={shared}")
        assert shown.status_code == 200, "a page of todos is more than their words"
    finally:
        aside.rename(file)
        ring.epochs.forget()
    assert (await memo(alice, kept))["id"] == kept
