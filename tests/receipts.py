"""Receipts as they are given out."""

from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.rules import receipts


def document(key: Ed25519PrivateKey) -> dict[str, Any]:
    signed = {
        "id": "11111111-1111-4111-8111-111111111111",
        "issued_at": "2026-03-01T10:00:00+00:00",
        "stores": {"rows": {"todos": 3}, "account": {"users": 1}},
    }
    signature = b64encode(receipts.sign(key, signed)).decode()
    return {**signed, "status": "done", "progress": [], "signature": signature}
