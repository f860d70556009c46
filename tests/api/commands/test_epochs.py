"""`voicetodo admin keys`, as an operator uses it beside running processes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from core import keys
from core.db import Database
from core.services import memo_secrets, subject_keys
from core.settings import settings
from tests.api.commands.conftest import Run
from tests.people import Person, alice

__all__ = ["alice"]  # the fixture: here she is a person, elsewhere a command line


@pytest.fixture
def run(administer: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`voicetodo admin keys …`, with epochs of its own."""
    monkeypatch.setenv("VOICETODO_EPOCH_DIR", str(tmp_path / "shared"))

    async def run(*arguments: str) -> tuple[int, str, str]:
        return await administer("keys", *arguments)

    return run


async def test_an_epoch_from_its_beginning_to_its_end(
    run: Run, app_db: Database, alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody is there to say yes

    async def told(*arguments: str) -> Any:
        code, out, err = await run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    ring = keys.load(settings()).ring.of(memo_secrets.PURPOSE)
    async with app_db.transaction() as tx:
        before = await subject_keys.sealing(tx, ring, alice.id)
    # Another server shares this database: what is not of this folder has a problem here.
    [old] = [each for each in json.loads((await run("list", "--json"))[1]) if each["current"]]
    assert (old["people"], old["problem"]) == (1, None)
    assert (tmp_path / "shared" / f"{old['epoch']}.key").exists()
    number = str(old["epoch"])
    code, _, err = await run("destroy-epoch", number, "--yes")
    assert code != 0
    assert "rotate first" in err
    moved = await told("rotate-epoch")
    assert (moved["total"], moved["done"], moved["left"]) == (1, 1, 0)
    code, _, err = await run("destroy-epoch", number)
    assert code != 0
    assert "Every older copy of the database opens nothing" in " ".join(err.split())
    assert (tmp_path / "shared" / f"{number}.key").exists()
    assert await told("destroy-epoch", number, "--yes") == {"epoch": old["epoch"], "given_up": 0}
    assert not (tmp_path / "shared" / f"{number}.key").exists()
    assert await told("destroy-epoch", number, "--yes") == {"epoch": old["epoch"], "given_up": 0}
    code, out, _ = await run("list")
    assert f"destroyed {old['created_at'][:10]}" in out
    process = keys.load(settings()).ring.of(memo_secrets.PURPOSE)
    async with app_db.transaction() as tx:
        assert (await subject_keys.opening(tx, process, alice.id)).key_id == before.key_id


async def test_what_is_wrong_shows_in_the_list(
    run: Run, app_db: Database, alice: Person, tmp_path: Path
) -> None:
    ring = keys.load(settings()).ring.of(memo_secrets.PURPOSE)
    async with app_db.transaction() as tx:
        await subject_keys.sealing(tx, ring, alice.id)
    [file] = (tmp_path / "shared").glob("*.key")
    file.unlink()
    code, out, _ = await run("list", "--json")
    assert code == 1
    [said] = [each["problem"] for each in json.loads(out) if each["epoch"] == int(file.stem)]
    assert f"{file} is missing: bring it from another host" in said
    code, _, err = await run("destroy-epoch", file.stem, "--yes")
    assert code != 0
    assert "--lost" in err
    code, out, err = await run("destroy-epoch", file.stem, "--lost", "--yes")
    assert code == 0, err
    assert "1 person gets new keys" in out
    code, _, err = await run("destroy-epoch", "999999", "--yes")
    assert code != 0
    assert "there is no epoch 999999" in err
