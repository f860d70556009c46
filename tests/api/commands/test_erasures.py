"""`voicetodo erase` and `voicetodo verify-receipt`."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.rules import receipts
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
