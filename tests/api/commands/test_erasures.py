"""`voicetodo erase` and `voicetodo verify-receipt`."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.rules import receipts
from core.services import erasure_ledger
from integrations.blobs import Directory
from tests.api.commands.conftest import Run as Administer
from tests.commanding import Run
from tests.receipts import document


def test_looks_asks_and_changes_its_mind(alice: Run) -> None:
    alice("add", "milk", "--json")
    preview = alice("erase", "--preview")
    assert preview.code == 0, preview.err
    assert "todos" in preview.out
    assert "what is kept" in preview.out
    asked = alice("erase", "--yes", "--json")
    assert asked.code == 0, asked.err
    assert asked.document["status"] == "waiting"
    assert alice("erase", "--yes").code == 1  # once
    not_yet = alice("verify-receipt", asked.document["receipt_id"])
    assert (not_yet.code, "not done" in not_yet.err) == (1, True)
    assert alice("erase", "--cancel").code == 0
    assert alice("erase", "--cancel").code == 1


def test_a_receipt_is_verified_without_a_server(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICETODO_API_URL", "http://127.0.0.1:9")
    key = Ed25519PrivateKey.generate()
    public = receipts.public_key(key.public_key())
    good = document(key)
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(good))
    verified = run("verify-receipt", str(file), "--key", public)
    assert (verified.code, "genuine" in verified.out) == (0, True)
    good["stores"]["rows"]["todos"] += 1
    file.write_text(json.dumps(good))
    assert run("verify-receipt", str(file), "--key", public).code == 1
    file.write_text("[]")
    assert run("verify-receipt", str(file), "--key", public).code == 2
    assert run("verify-receipt", str(file), "--key", "!").code == 2


async def test_operators_see_who_waits(alice: Run, administer: Administer) -> None:
    asked = alice("erase", "--yes", "--json").document
    code, out, err = await administer("erasures", "list", "--json")
    assert code == 0, err
    [found] = [each for each in json.loads(out) if each["id"] == asked["id"]]
    assert (found["status"], found["due_at"]) == ("waiting", asked["due_at"])
    code, out, _ = await administer("erasures", "list")
    assert (code, "waiting" in out) == (0, True)


async def test_whom_a_backup_brings_back_is_erased_again(
    alice: Run, administer: Administer, tmp_path: Path
) -> None:
    code, out, err = await administer("erasures", "reapply")
    assert (code, out) == (0, "Nobody came back.\n"), err
    user_id = UUID(alice("whoami", "--json").document["id"])

    async def entry() -> AsyncIterator[bytes]:
        yield b""

    await Directory(tmp_path / "blobs").put(erasure_ledger.key(user_id), entry())
    code, out, err = await administer("erasures", "reapply", "--json")
    assert (code, json.loads(out)) == (0, {"accounts": 1}), err
    assert alice("list").code == 1, "it is being erased"
