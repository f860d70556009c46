from copy import deepcopy

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.rules import receipts
from tests.receipts import document

KEY = Ed25519PrivateKey.generate()
GOOD = document(KEY)


def test_what_was_signed_verifies_whatever_stands_around_it() -> None:
    assert receipts.verifies(KEY.public_key(), GOOD)
    turned = dict(reversed(list(GOOD.items())))
    assert receipts.verifies(KEY.public_key(), {**turned, "public_key": "x", "more": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"id": "22222222-2222-4222-8222-222222222222"},
        {"issued_at": "2026-03-01T10:00:01+00:00"},
        {"stores": {**GOOD["stores"], "blobs": {"blobs": 1}}},
        {"stores": {}},
        {"signature": None},
        {"signature": "no base64!"},
        {"signature": "AAAA"},
    ],
)
def test_what_was_changed_does_not(change: dict[str, object]) -> None:
    assert not receipts.verifies(KEY.public_key(), {**deepcopy(GOOD), **change})


def test_another_key_and_a_bare_signature_do_not() -> None:
    assert not receipts.verifies(Ed25519PrivateKey.generate().public_key(), GOOD)
    assert not receipts.verifies(KEY.public_key(), {"signature": GOOD["signature"]})
