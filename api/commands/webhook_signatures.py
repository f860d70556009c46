"""Whether a delivery is genuine (https://www.standardwebhooks.com), as its receiver asks.

Written against the specification and not with the code that signs: what both got wrong in the same
way would look right.
"""

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SYMMETRIC: Final = "whsec_"
PUBLIC: Final = "whpk_"
TOLERANCE_S: Final = 5 * 60


def fault(key: str, headers: Mapping[str, str], body: bytes, *, now: float) -> str | None:
    """Why it is not to be believed, as a sentence; None if it is genuine.

    `key` is the endpoint's secret (`whsec_…`, for `v1`) or its public key (`whpk_…`, for `v1a`).
    The names of `headers` are lower case; `now` is in POSIX seconds. One signature that holds is
    enough: while a secret is being replaced there are two.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not (message_id and timestamp and signatures):
        return "It has no webhook-id, webhook-timestamp and webhook-signature."
    if not (timestamp.isascii() and timestamp.isdigit()):
        return "Its timestamp is no number."
    if abs(now - int(timestamp[:20])) > TOLERANCE_S:
        return "It was not signed within the last five minutes."
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    version, holds = ("v1a", _by_key) if key.startswith(PUBLIC) else ("v1", _by_secret)
    for each in signatures.split():
        name, _, value = each.partition(",")
        if name == version and holds(_bytes(key), signed, _bytes(value)):
            return None
    return f"No {version} signature is of this secret."


def is_key(text: str) -> bool:
    """Whether deliveries can be verified with it."""
    return text.startswith((SYMMETRIC, PUBLIC)) and bool(_bytes(text))


def _by_secret(secret: bytes, signed: bytes, signature: bytes) -> bool:
    # Of a secret that is none, anybody knows the signatures.
    own = hmac.digest(secret, signed, hashlib.sha256)
    return bool(secret) and hmac.compare_digest(own, signature)


def _by_key(public_key: bytes, signed: bytes, signature: bytes) -> bool:
    with suppress(InvalidSignature, ValueError):
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
        return True
    return False


def _bytes(text: str) -> bytes:
    """Of base64, with its padding or without; none if it is nonsense."""
    plain = text.removeprefix(SYMMETRIC).removeprefix(PUBLIC)
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (Base64Error, ValueError):
        return b""
