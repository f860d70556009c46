"""What the commands of operators are tried with."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from api.cli import main
from core.settings import settings
from tests.commanding import alice, api, run

__all__ = ["alice", "api", "run"]  # fixtures that every test of a command can ask for

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def administer(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Run]:
    """`voicetodo admin …` with settings of its own; a thread, for it has a loop of its own."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICETODO_DATA_DIR", str(tmp_path))
    settings.cache_clear()

    async def run(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ("admin", *arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    yield run
    settings.cache_clear()
