"""Signatures of Standard Webhooks (https://www.standardwebhooks.com, 1.0.0).

Signed is `{message id}.{timestamp}.{body}`: `v1` with a shared secret, by HMAC-SHA256, and `v1a`
with a private key, by Ed25519. While a secret is being replaced both sign; receivers take a message
for genuine as soon as one of its signatures is.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Signer:
    """`secrets`: those that are live, the newest first; `seed`: of the Ed25519 key."""

    secrets: Sequence[bytes] = field(repr=False)
    seed: bytes = field(repr=False)

    def headers(self, message_id: str, body: bytes, *, now: datetime) -> dict[str, str]:
        """For one attempt: each is signed anew, since receivers refuse what is 5 minutes old."""
        timestamp = str(int(now.timestamp()))
        signed = f"{message_id}.{timestamp}.".encode() + body
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        signatures = [
            *(_signature("v1", hmac.digest(each, signed, "sha256")) for each in self.secrets),
            _signature("v1a", key.sign(signed)),
        ]
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signatures),
        }


def _signature(version: str, signature: bytes) -> str:
    return f"{version},{b64encode(signature).decode()}"
