"""Databases of one's own, beside the one that the tests of a process share."""

import psycopg
from psycopg import sql

from core import migrate


def fresh(database_url: str, name: str) -> str:
    """The URL of one without tables; what had this name before is gone."""
    quoted = sql.Identifier(name)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
    return database_url.replace("/voicetodo?", f"/{name}?")


def migrated(database_url: str, name: str) -> str:
    """The URL of one with our tables and no rows."""
    url = fresh(database_url, name)
    migrate.run(url)
    return url
