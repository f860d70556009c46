from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.chaos.stack import Stack, running
from tests.databases import migrated


@pytest.fixture
def stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    """With a database of its own: workers take every row they find."""
    with running(tmp_path, migrated(database_url, "chaos")) as stack:
        yield stack
