"""What is kept of a connection, who may open it, and how often its owner hears that it ended."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from core import crypto
from core.crypto import Keyring
from core.db import Database
from core.errors import Invalid
from core.models.connections import ConnectionStatus, Provider
from core.services import connections, support
from core.services.connections import Connection, Draft
from tests.reminding import Scene, scene

NOW = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
KEY = b"k" * 32
RING = Keyring((KEY,))


def draft(token: str = "xoxb-a", address: str = "C1") -> Draft:
    return Draft(Provider.SLACK, "T1", address, SecretStr(token))


async def put(db: Database, at: Scene, given: Draft, user_id: UUID | None = None) -> None:
    async with db.transaction() as tx:
        tx.act_in([at.user_id])
        who = user_id or at.user_id
        await connections.put(tx, at.user_id, who, given, ring=RING, now=NOW)


async def find(db: Database, at: Scene, user_id: UUID | None = None) -> Connection | None:
    async with db.transaction(read_only=True) as tx:
        tx.act_in([at.user_id])
        who = user_id or at.user_id
        return await connections.find(tx, at.user_id, who, Provider.SLACK, ring=RING)


async def pause(
    db: Database, at: Scene, found: Connection | None, status: ConnectionStatus
) -> None:
    assert found is not None
    async with db.transaction() as tx:
        tx.act_in([at.user_id])
        await connections.pause(
            tx, at.user_id, found, Provider.SLACK, status, problem="token_revoked", now=NOW
        )


@pytest.fixture
def at(database_url: str) -> Scene:
    return scene(database_url, [])


async def test_what_is_kept_is_sealed_and_opens_at_its_place_only(
    app_db: Database, at: Scene, database_url: str
) -> None:
    await put(app_db, at, draft("xoxb-nobody-may-see"))
    found = await find(app_db, at)
    assert found is not None
    assert (found.account_id, found.address) == ("T1", "C1")
    assert found.secret.get_secret_value() == "xoxb-nobody-may-see"
    assert "xoxb" not in repr(found)
    [stored] = at.rows("SELECT * FROM connections WHERE user_id = %s", at.user_id)
    assert b"xoxb" not in stored["secret"]
    assert stored["secret_key"] != ""
    other = scene(database_url, [])
    await put(app_db, other, draft())
    at.run("UPDATE connections SET secret = %s WHERE user_id = %s", stored["secret"], other.user_id)
    with pytest.raises(Invalid):
        await find(app_db, other)


async def test_a_new_key_still_opens_what_earlier_ones_sealed(app_db: Database, at: Scene) -> None:
    """And what was sealed before there were rings: a nonce and the rest."""
    await put(app_db, at, draft("xoxb-a"))
    newer = Keyring((b"n" * 32, KEY))
    for legacy in (False, True):
        if legacy:
            [stored] = at.rows("SELECT * FROM connections WHERE user_id = %s", at.user_id)
            aad = crypto.place("connections", "secret", stored["id"], at.user_id)
            before = crypto.seal(KEY, b"xoxb-a", aad=aad)
            at.run("UPDATE connections SET secret = %s WHERE user_id = %s", before, at.user_id)
        async with app_db.transaction(read_only=True) as tx:
            tx.act_in([at.user_id])
            found = await connections.find(tx, at.user_id, at.user_id, Provider.SLACK, ring=newer)
        assert found is not None
        assert found.secret.get_secret_value() == "xoxb-a"


async def test_connecting_again_replaces(app_db: Database, at: Scene) -> None:
    await put(app_db, at, draft())
    await pause(app_db, at, await find(app_db, at), ConnectionStatus.NEEDS_REAUTH)
    assert await find(app_db, at) is None
    await put(app_db, at, draft("xoxb-b", "C2"))
    found = await find(app_db, at)
    assert found is not None
    assert (found.address, found.secret.get_secret_value()) == ("C2", "xoxb-b")
    [stored] = at.rows("SELECT * FROM connections WHERE user_id = %s", at.user_id)
    assert (stored["status"], stored["problem"]) == ("active", None)


async def test_a_refused_token_pauses_all_who_share_it_and_tells_each_once(
    app_db: Database, at: Scene, database_url: str
) -> None:
    bob = scene(database_url, [])
    at.run(
        "INSERT INTO memberships (user_id, workspace_id, role, created_at)"
        " VALUES (%s, %s, 'member', now())",
        bob.user_id,
        at.user_id,
    )
    await put(app_db, at, draft())
    await put(app_db, at, draft(address="C2"), bob.user_id)
    found = await find(app_db, at)
    for _ in range(3):
        await pause(app_db, at, found, ConnectionStatus.NEEDS_REAUTH)
    assert await find(app_db, at) is None
    assert await find(app_db, at, bob.user_id) is None
    for each in (at, bob):
        [told] = each.notifications()
        assert told["kind"] == "connection_paused"
        assert told["title"] == "Slack no longer lets Voice Todo in: connect it again"


async def test_a_calendar_that_lets_us_in_no_longer_is_told_once(
    app_db: Database, at: Scene
) -> None:
    given = Draft(
        Provider.GOOGLE_CALENDAR, "a@example.com", "", SecretStr("1//a"), name="a@example.com"
    )
    await put(app_db, at, given)
    await put(app_db, at, draft())
    async with app_db.transaction() as tx:
        tx.act_in([at.user_id])
        provider = Provider.GOOGLE_CALENDAR
        found = await connections.find(tx, at.user_id, at.user_id, provider, ring=RING)
        assert found is not None
        for _ in range(3):
            await connections.pause(
                tx,
                at.user_id,
                found,
                provider,
                ConnectionStatus.NEEDS_REAUTH,
                problem="invalid_grant",
                now=NOW,
            )
    [told] = at.notifications()
    assert told["title"] == "Google Calendar no longer lets Voice Todo in: connect it again"
    assert await find(app_db, at) is not None, "Slack's token is another one"


async def test_a_place_that_is_gone_is_one_persons(
    app_db: Database, at: Scene, database_url: str
) -> None:
    bob = scene(database_url, [])
    await put(app_db, at, draft())
    await put(app_db, at, draft(address="C2"), bob.user_id)
    await pause(app_db, at, await find(app_db, at), ConnectionStatus.NEEDS_ADDRESS)
    assert await find(app_db, at) is None
    assert await find(app_db, at, bob.user_id) is not None
    assert len(at.notifications()) == 1
    assert bob.notifications() == []


@pytest.mark.parametrize("status", [ConnectionStatus.NEEDS_REAUTH, ConnectionStatus.NEEDS_ADDRESS])
async def test_who_connected_anew_meanwhile_is_left_alone(
    app_db: Database, at: Scene, status: ConnectionStatus
) -> None:
    await put(app_db, at, draft())
    old = await find(app_db, at)
    await put(app_db, at, draft("xoxb-new", "C9"))
    await pause(app_db, at, old, status)
    assert await find(app_db, at) is not None
    assert at.notifications() == []


async def test_other_workspaces_do_not_see_it(
    app_db: Database, at: Scene, database_url: str
) -> None:
    await put(app_db, at, draft())
    other = scene(database_url, [])
    async with app_db.transaction(read_only=True) as tx:
        tx.act_in([other.user_id])
        found = await connections.find(tx, at.user_id, at.user_id, Provider.SLACK, ring=RING)
    assert found is None
    with psycopg.connect(database_url) as connection:
        statement = "SELECT count(*) FROM connections WHERE user_id = %s"
        assert connection.execute(statement, (at.user_id,)).fetchone() == (1,)


async def test_who_helps_sees_that_it_is_there_and_not_its_secret(
    app_db: Database, at: Scene, database_url: str
) -> None:
    await put(app_db, at, draft())
    [shown] = support.person(database_url, at.email or "")["connections"]
    assert (shown["account_id"], shown["status"]) == ("T1", "active")
    assert not {"secret", "secret_hash"} & set(shown)
