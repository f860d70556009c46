"""`voicetodo admin retention`: what goes when, how much is over, and what the last run came to."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.cli import main
from core.services.retention_rules import RULES
from core.settings import settings
from tests.teams import sql

EVENT = "SELECT count(*) FROM inbound_events WHERE event_id = %s"


async def test_it_shows_counts_and_forgets(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICETODO_DATA_DIR", str(tmp_path))
    settings.cache_clear()

    async def told(*arguments: str) -> list[dict[str, Any]]:
        code = await asyncio.to_thread(main, ("admin", "retention", *arguments, "--json"))
        assert code == 0
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return found

    key = uuid4().hex
    await sql(
        database_url,
        "INSERT INTO inbound_events (provider, event_id, received_at)"
        " VALUES ('sendgrid', %s, now() - interval '8 days')",
        key,
    )
    assert [each["rule"] for each in await told()] == [rule.name for rule in RULES]
    [over] = await told("--run", "inbound", "--dry-run")
    assert (over["age"], over["action"]) == ("7 d", "delete")
    assert over["over"] >= 1
    assert await sql(database_url, EVENT, key) == [(1,)]
    [done] = await told("--run", "inbound")
    assert done["last"]["rows"] >= 1
    assert done["last"]["error"] is None
    assert await sql(database_url, EVENT, key) == [(0,)]
    assert await asyncio.to_thread(main, ("admin", "retention")) == 0
    shown = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.split()}
    assert shown >= {rule.name for rule in RULES}
    assert await asyncio.to_thread(main, ("admin", "retention", "--run", "nonsense")) != 0
    assert "there is no class 'nonsense'" in capsys.readouterr().err
    settings.cache_clear()
