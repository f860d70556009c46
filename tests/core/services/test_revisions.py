"""A database that is older or newer than the code says so, and what to do."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from core import migrate, schema
from core.db import Database
from core.errors import Misconfigured
from core.services import revisions
from tests.databases import fresh

FROM_TOMORROW = "9999"


@pytest.fixture(scope="module")
def elsewhere(database_url: str) -> str:
    """A database without tables, beside the one of the other tests."""
    return fresh(database_url, "revisions")


@pytest.fixture
async def db(elsewhere: str) -> AsyncIterator[Database]:
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS alembic_version")
    database = Database(elsewhere, role="vt_app", size=1)
    await database.open()
    yield database
    await database.close()


def stand_at(url: str, revision: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("GRANT SELECT ON alembic_version TO vt_app")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", [revision])


async def test_the_newest_leaves_no_gap(db: Database, elsewhere: str) -> None:
    stand_at(elsewhere, schema.head())
    assert await revisions.gap(db) is None


@pytest.mark.parametrize("revision", [None, "0001"])
async def test_an_old_one_is_to_be_migrated(
    db: Database, elsewhere: str, revision: str | None
) -> None:
    if revision is not None:
        stand_at(elsewhere, revision)
    gap = await revisions.gap(db)
    assert gap is not None
    assert gap.behind
    assert gap.remedy.endswith("run `voicetodo admin migrate`")


async def test_one_from_tomorrow_wants_newer_code(db: Database, elsewhere: str) -> None:
    stand_at(elsewhere, FROM_TOMORROW)
    gap = await revisions.gap(db)
    assert gap is not None
    assert not gap.behind
    with pytest.raises(Misconfigured) as refused:
        migrate.run(elsewhere)
    assert refused.value.detail == gap.remedy
    assert gap.remedy.startswith(f"the database is at revision {FROM_TOMORROW}, which this version")


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(Misconfigured) as refused:
        migrate.run("postgresql://ada:s3cret@127.0.0.1:1/x")
    assert refused.value.detail.startswith("PostgreSQL does not let us in (connection failed: ")
    assert refused.value.detail.endswith("start it, or mend DATABASE_URL")
    assert "s3cret" not in refused.value.detail


def test_what_breaks_off_says_why(elsewhere: str) -> None:
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS alembic_version")
        connection.execute("CREATE TABLE IF NOT EXISTS users (id int)")
    with pytest.raises(Misconfigured) as refused:
        migrate.run(elsewhere)
    said = refused.value.detail
    assert said.startswith('the migration broke off (relation "users" already exists): ')
