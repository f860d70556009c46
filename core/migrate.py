"""Bring the database to the newest revision: `python -m core.migrate`."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from core import embedded
from core.errors import Misconfigured
from core.settings import settings

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
ADVISORY_LOCK = 0x766F696365  # one migration at a time, whoever starts it


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def head() -> str:
    """The revision that this code expects."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise Misconfigured("migrations/versions is empty: the checkout is incomplete")
    return revision


def run(url: str, revision: str = "head") -> None:
    """Migrate the database at this libpq URL; harmless when it is there already."""
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    config = _config()
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
        connection.commit()
        config.attributes["connection"] = connection
        step = (
            command.downgrade if revision.startswith("-") or revision == "base" else command.upgrade
        )
        step(config, revision)
    engine.dispose()


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
