"""People's keys in PostgreSQL: made once, whoever is first, wrapped anew, and gone for good."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from psycopg.errors import ForeignKeyViolation
from pydantic import SecretStr

from core import clock
from core.crypto import Keyring
from core.db import Database
from core.embedded_cluster import binary
from core.epochs import Epochs, SubjectRing, subject
from core.errors import Conflict, Invalid, KeysMissing
from core.ids import uuid7
from core.messages import Store
from core.models.connections import Provider
from core.services import (
    connections,
    erasure_steps,
    erasures,
    key_epochs,
    reseals,
    subject_keys,
    voice_seals,
)
from tests.people import Person, register
from tests.teams import sql, team
from tests.voicing import memo, memo_of, upload, wav

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HERE = b"connections|secret|1|2"
PEOPLE = 5
Site = Callable[..., SubjectRing]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The ring of an installation as each of its processes loads it anew."""
    key = os.urandom(32)

    def loaded(*, kept_s: float = 60, folder: str = "epochs") -> SubjectRing:
        epochs = Epochs(tmp_path / folder, Keyring((key,)), kept_s=kept_s)
        return SubjectRing((key,), epochs)

    return loaded


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


async def crowd(http: httpx2.AsyncClient, db: Database, ring: SubjectRing) -> list[Person]:
    """Each with a token that is sealed with a key of their own."""
    people = [await register(http, f"person{n}") for n in range(PEOPLE)]
    for each in people:
        await connect(db, ring, each.id, f"of {each.id}")
    return people


async def epochs_of(url: str, people: list[Person]) -> list[int]:
    ids = [each.id for each in people]
    rows = await sql(url, "SELECT epoch FROM subject_keys WHERE user_id = ANY (%s)", ids)
    return sorted(epoch for (epoch,) in rows)


async def rotate(url: str, ring: SubjectRing, **options: int) -> list[key_epochs.Rotated]:
    return await asyncio.to_thread(
        lambda: list(key_epochs.rotate(url, ring.epochs, **options)),
    )


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


async def test_installations_that_share_a_database_have_epochs_of_their_own(
    app_db: Database, database_url: str, site: Site, alice: Person, bob: Person, tmp_path: Path
) -> None:
    await sealing(app_db, site(), alice.id)
    key = os.urandom(32)
    other = SubjectRing((key,), Epochs(tmp_path / "other", Keyring((key,))))
    await sealing(app_db, other, bob.id)
    [hers], [his] = [await epochs_of(database_url, [each]) for each in (alice, bob)]
    assert hers != his
    assert [each.done for each in await rotate(database_url, other)] == [0, 1], "its own alone"
    assert await epochs_of(database_url, [alice]) == [hers]


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


async def test_a_rotation_that_is_killed_half_way(
    app_db: Database, database_url: str, site: Site, http: httpx2.AsyncClient
) -> None:
    ring = site()
    people = await crowd(http, app_db, ring)
    [old] = set(await epochs_of(database_url, people))
    with closing(key_epochs.rotate(database_url, site().epochs, batch=2)) as begun:
        new = next(begun).epoch
        assert next(begun).done == 2
        with pytest.raises(Conflict, match="under way"):
            next(key_epochs.rotate(database_url, site().epochs))
        late = await register(http, "late")
        await connect(app_db, ring, late.id, "beside it")
    assert await epochs_of(database_url, people) == [old] * 3 + [new] * 2
    assert await epochs_of(database_url, [late]) == [new], "whoever comes gets the newest"
    for each in people:
        assert await token(app_db, site(), each.id) == f"of {each.id}"
    with pytest.raises(Conflict, match="3 people"):
        key_epochs.destroy(database_url, site().epochs, old)
    assert site().epochs.here(old)
    [*_, last] = await rotate(database_url, site())
    assert (last.epoch, last.done, last.left) == (new, 3, 0), "goes on, and begins no third"
    key_epochs.destroy(database_url, site().epochs, old)
    for each in people:
        assert await token(app_db, site(), each.id) == f"of {each.id}"
    with pytest.raises(Conflict, match="rotate first"):
        key_epochs.destroy(database_url, site().epochs, new)
    [*_, again] = await rotate(database_url, site())
    assert (again.epoch > new, again.done) == (True, PEOPLE + 1)


async def test_killed_between_file_and_row(
    app_db: Database, database_url: str, site: Site, alice: Person
) -> None:
    """A file without a row is of no use, and of no harm; a row without its file is ended again."""
    ring = site()
    await connect(app_db, ring, alice.id, "xoxb-1")
    [old] = await epochs_of(database_url, [alice])
    ring.epochs.make(old + 1)  # and there it died
    [*_, last] = await rotate(database_url, site())
    assert last.epoch == old + 2
    ended = "UPDATE key_epochs SET live = false, destroyed_at = now() WHERE epoch = %s"
    await sql(database_url, ended, old)  # and there it died
    found = {each.epoch: each for each in key_epochs.standing(database_url, site().epochs)}
    assert "still here" in (found[old].problem or "")
    key_epochs.destroy(database_url, site().epochs, old)
    assert not site().epochs.here(old)
    assert site().epochs.destroyed(old)
    found = {each.epoch: each for each in key_epochs.standing(database_url, site().epochs)}
    assert found[old].problem is None
    assert await token(app_db, site(), alice.id) == "xoxb-1"


async def test_no_key_is_wrapped_by_a_destroyed_epoch(
    app_db: Database, database_url: str, site: Site, alice: Person, bob: Person
) -> None:
    """Also by whoever read which one is current a moment before."""
    ring = site()
    await sealing(app_db, ring, alice.id)
    [old] = await epochs_of(database_url, [alice])
    wrapped = ring.epochs.wrap(old, bob.id, os.urandom(32))
    await rotate(database_url, ring)
    key_epochs.destroy(database_url, site().epochs, old)
    insert = "INSERT INTO subject_keys (user_id, epoch, wrapped) VALUES (%s, %s, %s)"
    with pytest.raises(ForeignKeyViolation):
        await sql(database_url, insert, bob.id, old, wrapped)
    await sealing(app_db, ring, bob.id)  # a process that still has the old one in memory
    assert await epochs_of(database_url, [alice, bob]) == [old + 1] * 2


@asynccontextmanager
async def restored(url: str, dump: bytes) -> AsyncIterator[tuple[str, Database]]:
    name = f"restored_{uuid4().hex}"
    copy = url.replace("/voicetodo?", f"/{name}?")
    await sql(url, f"CREATE DATABASE {name}")
    command = [str(binary("pg_restore")), "--dbname", copy]
    await asyncio.to_thread(subprocess.run, command, input=dump, capture_output=True, check=True)
    database = Database(copy, role="vt_app", size=2)
    await database.open()
    try:
        yield copy, database
    finally:
        await database.close()
        await sql(url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_copy_of_a_destroyed_epoch_opens_nowhere(
    app_db: Database, database_url: str, site: Site, alice: Person
) -> None:
    """With all that is configured today, and whatever the database says of itself."""
    await connect(app_db, site(), alice.id, "xoxb-then")
    [old] = await epochs_of(database_url, [alice])
    dump = [str(binary("pg_dump")), "--format=custom", database_url]
    backup = (await asyncio.to_thread(subprocess.run, dump, capture_output=True, check=True)).stdout
    async with restored(database_url, backup) as (url, db):
        assert await token(db, site(), alice.id) == "xoxb-then", "as long as its epoch lives"
        await rotate(database_url, site())
        key_epochs.destroy(database_url, site().epochs, old)
        assert await token(app_db, site(), alice.id) == "xoxb-then", "now she loses nothing"

        assert await token(db, site(), alice.id) is None
        [problem] = [e.problem for e in key_epochs.standing(url, site().epochs) if e.epoch == old]
        assert problem is not None
        assert f"destroy-epoch {old}" in problem
        with pytest.raises(KeysMissing, match="was destroyed"):
            await sealing(db, site(), alice.id)
        assert key_epochs.destroy(url, site().epochs, old) == 1
        assert await token(db, site(), alice.id) is None
        await connect(db, site(), alice.id, "connected anew")
        assert await token(db, site(), alice.id) == "connected anew"
        assert (await epochs_of(url, [alice]))[0] > old + 1, "no number is used twice"


async def test_a_file_that_is_lost(
    app_db: Database, database_url: str, site: Site, alice: Person
) -> None:
    ring = site()
    await connect(app_db, ring, alice.id, "xoxb-1")
    [epoch] = await epochs_of(database_url, [alice])
    file = ring.epochs.folder / f"{epoch}.key"
    aside = file.rename(file.with_name("aside"))
    with pytest.raises(KeysMissing, match="is missing"):
        await token(app_db, site(), alice.id)
    with pytest.raises(KeysMissing, match="--lost"):
        key_epochs.destroy(database_url, site().epochs, epoch)
    aside.rename(file)
    assert await token(app_db, site(), alice.id) == "xoxb-1", "brought back, nothing is lost"
    with pytest.raises(Conflict, match="is not lost"):
        key_epochs.destroy(database_url, site().epochs, epoch, lost=True)
    file.unlink()
    assert key_epochs.destroy(database_url, site().epochs, epoch, lost=True) == 1
    assert await token(app_db, site(), alice.id) is None
    await connect(app_db, site(), alice.id, "xoxb-2")
    assert await token(app_db, site(), alice.id) == "xoxb-2"


async def test_a_host_without_the_folder_makes_no_epoch_of_its_own(
    app_db: Database, database_url: str, site: Site, alice: Person, bob: Person
) -> None:
    await sealing(app_db, site(), alice.id)
    with pytest.raises(KeysMissing, match="bring it from another host"):
        await sealing(app_db, site(folder="elsewhere"), bob.id)
    assert await epochs_of(database_url, [bob]) == []


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
