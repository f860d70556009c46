from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bench.chaos.stack import Stack, running


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    """With a database of its own: workers take every row they find."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS chaos WITH (FORCE)")
        connection.execute("CREATE DATABASE chaos")
    with running(tmp_path, database_url.replace("/voicetodo?", "/chaos?")) as stack:
        yield stack
