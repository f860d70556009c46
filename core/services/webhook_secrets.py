"""What deliveries of an endpoint are signed with, sealed for its row.

Two kinds, as Standard Webhooks has them: `whsec_`, a secret that receiver and sender share, and
the seed of an Ed25519 key whose public half, `whpk_`, anybody may know.
"""

import os
from base64 import b64encode
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core import crypto
from core.crypto import Keyring

PURPOSE: Final = "webhook_endpoints"  # the ring is `Keys.ring.of(this)`
SECRET_BYTES: Final = 32  # Standard Webhooks: 24 to 64
SEED_BYTES: Final = 32


def new_secret() -> bytes:
    return os.urandom(SECRET_BYTES)


def new_seed() -> bytes:
    return os.urandom(SEED_BYTES)


def told(secret: bytes) -> str:
    """As its owner keeps it."""
    return "whsec_" + b64encode(secret).decode()


def public_key(seed: bytes) -> str:
    """What anybody verifies `v1a` with."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return "whpk_" + b64encode(public.public_bytes_raw()).decode()


def seal(ring: Keyring, column: str, endpoint_id: UUID, workspace_id: UUID, plain: bytes) -> bytes:
    return ring.seal(plain, aad=_place(column, endpoint_id, workspace_id))


def unseal(
    ring: Keyring, column: str, endpoint_id: UUID, workspace_id: UUID, sealed: bytes
) -> bytes:
    return ring.unseal(sealed, aad=_place(column, endpoint_id, workspace_id))


def _place(column: str, endpoint_id: UUID, workspace_id: UUID) -> bytes:
    return crypto.place("webhook_endpoints", column, endpoint_id, workspace_id)
