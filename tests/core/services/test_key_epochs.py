"""Epochs of people's keys: wrapped anew, however often that is killed, and destroyed for good."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from psycopg.errors import ForeignKeyViolation

from core.crypto import Keyring
from core.db import Database
from core.embedded_cluster import binary
from core.epochs import Epochs, SubjectRing
from core.errors import Conflict, KeysMissing
from core.services import key_epochs
from tests.core.services.keyrings import Site, connect, epochs_of, sealing, token
from tests.people import Person, register
from tests.teams import sql

PEOPLE = 5


async def crowd(http: httpx2.AsyncClient, db: Database, ring: SubjectRing) -> list[Person]:
    """Each with a token that is sealed with a key of their own."""
    people = [await register(http, f"person{n}") for n in range(PEOPLE)]
    for each in people:
        await connect(db, ring, each.id, f"of {each.id}")
    return people


async def rotate(url: str, ring: SubjectRing, **options: int) -> list[key_epochs.Rotated]:
    return await asyncio.to_thread(
        lambda: list(key_epochs.rotate(url, ring.epochs, **options)),
    )


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
    done = await asyncio.to_thread(subprocess.run, command, input=dump, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
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
