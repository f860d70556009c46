"""Databases of one's own, beside the one that the tests of a process share."""

from typing import Final

import psycopg
from psycopg import sql

from core import migrate

_MIGRATED: Final = "migrated"


def prepare(database_url: str) -> None:
    """Migrate it, and keep a copy to copy from: nobody is connected to that one."""
    migrate.run(database_url)
    _create(database_url, _MIGRATED, template="voicetodo")


def fresh(database_url: str, name: str) -> str:
    """The URL of one without tables; what had this name before is gone."""
    return _create(database_url, name, template="template1")


def migrated(database_url: str, name: str) -> str:
    """The URL of one with our tables and no rows."""
    return _create(database_url, name, template=_MIGRATED)


def _create(database_url: str, name: str, *, template: str) -> str:
    quoted = sql.Identifier(name)
    base = database_url.replace("/voicetodo?", "/postgres?")
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(quoted, sql.Identifier(template)))
    return database_url.replace("/voicetodo?", f"/{name}?")
