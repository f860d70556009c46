"""What is kept of a provider: sealed, in its place, and told to nobody.

The id in the names is that of the list of what must hold: tokens at rest are 11.
"""

from pathlib import Path
from shutil import copytree
from uuid import UUID

import pytest

from core import crypto
from core.crypto import Keyring
from core.db import Database
from core.epochs import Epochs, SubjectRing
from core.errors import KeysMissing
from core.keys import Keys
from core.models.connections import Provider
from core.services import connections, reseals
from tests.connecting import World
from tests.people import Person
from tests.teams import sql


async def test_11_what_is_kept_is_sealed_and_told_to_nobody(world: World, ann: Person) -> None:
    found = await world.connect(ann, "google-calendar")
    [(sealed, hashed)] = await sql(
        world.database_url,
        "SELECT secret, secret_hash FROM connections WHERE id = %s",
        UUID(found["id"]),
    )
    aad = crypto.place("connections", "secret", UUID(found["id"]), ann.id)
    token = world.ring_of(ann.id).unseal(bytes(sealed), aad=aad)
    assert token.startswith(b"1//")
    assert token not in bytes(sealed)
    assert crypto.digest(token.decode()) == bytes(hashed)
    everything = [
        (await ann.get(path)).text
        for path in ("/integrations", f"/integrations/{found['id']}", "/me", "/events")
    ]
    assert not any(token.decode() in each for each in everything)


async def test_11_a_ciphertext_that_was_moved_does_not_open(
    world: World, app_db: Database, ann: Person, ben: Person
) -> None:
    hers = await world.connect(ann, "google-calendar")
    his = await world.connect(ben, "google-calendar")
    await sql(
        world.database_url,
        "UPDATE connections SET secret = (SELECT secret FROM connections WHERE id = %s)"
        " WHERE id = %s",
        UUID(hers["id"]),
        UUID(his["id"]),
    )
    async with app_db.transaction(read_only=True) as tx:
        tx.act_in([ann.id, ben.id])
        provider = Provider.GOOGLE_CALENDAR
        assert await connections.find(tx, ann.id, ann.id, provider, ring=world.ring)
        assert await connections.find(tx, ben.id, ben.id, provider, ring=world.ring) is None


async def test_11_keys_change_while_it_is_used(
    world: World, app_db: Database, ann: Person, tmp_path: Path
) -> None:
    """The new key seals, the older one still opens; sealed anew, only the new one is needed."""
    found = await world.connect(ann, "google-calendar")
    own_keys: Keys = world.app.state.keys
    older, newer = own_keys.ring.keys, (crypto.new_key(),)
    folder = Path(copytree(own_keys.ring.epochs.folder, tmp_path / "epochs"))

    def ring_with(*keys: bytes) -> SubjectRing:
        return SubjectRing(keys, Epochs(folder, Keyring(keys)))

    async def opened(*keys: bytes) -> str:
        async with app_db.transaction(read_only=True) as tx:
            tx.act_in([ann.id])
            ring = ring_with(*keys).of(connections.PURPOSE)
            one = await connections.by_id(tx, ann.id, UUID(found["id"]), ring=ring)
        assert one is not None
        return one.secret.get_secret_value()

    token = await opened(*older)
    assert await opened(*newer, *older) == token
    with pytest.raises(KeysMissing):
        await opened(*newer)
    both = ring_with(*newer, *older)
    try:
        told = {(each.table, each.column): each for each in reseals.run(world.database_url, both)}
        assert told["key_epochs", "files"].resealed >= 1
        assert await opened(*newer) == token
        with pytest.raises(KeysMissing):
            await opened(*older)
    finally:  # the files of the server that others use are the old ones
        by = own_keys.ring.epochs.sealed_by
        changed = "UPDATE key_epochs SET sealed_by = %s WHERE sealed_by = %s RETURNING epoch"
        assert await sql(world.database_url, changed, by, both.epochs.sealed_by)
