"""Bring the database to the newest revision: `python -m core.migrate`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from core import embedded, schema
from core.errors import Misconfigured
from core.settings import settings

ADVISORY_LOCK = 0x766F696365  # one migration at a time, whoever starts it


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(schema.SCRIPTS))
    return config


def run(url: str, revision: str = "head") -> None:
    """Migrate the database at this libpq URL; harmless when it is there already.

    `Misconfigured` when it does not answer, refuses, or was migrated by a newer version.
    """
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    config = _config()
    with _connected(engine) as connection:
        _not_newer(connection)
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
        connection.commit()
        config.attributes["connection"] = connection
        step = (
            command.downgrade if revision.startswith("-") or revision == "base" else command.upgrade
        )
        step(config, revision)
    engine.dispose()


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise Misconfigured(
            f"PostgreSQL does not let us in ({_said(error)}): start it, or mend DATABASE_URL"
        ) from error
    with connection:
        try:
            yield connection
        except DBAPIError as error:
            raise Misconfigured(
                f"the migration broke off ({_said(error)}): mend that and run it again; it goes on "
                "behind the last revision that was finished"
            ) from error


def _said(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


def _not_newer(connection: Connection) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    if found is not None and found not in schema.known():
        raise Misconfigured(schema.newer(found))


def sqlalchemy_url(url: str) -> str:
    """The same address in SQLAlchemy's spelling."""
    scheme, _, rest = url.partition("://")
    if scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise Misconfigured("DATABASE_URL must start with postgresql://")
    return f"postgresql+psycopg://{rest}"


if __name__ == "__main__":
    try:
        run(embedded.database_url(settings()))
    except Misconfigured as error:
        sys.exit(error.detail)
