"""Receipts of erasures: what is signed, and whether a signature is ours.

What is signed is JSON in one spelling (keys in order, no spaces, RFC 8785 for values such as
these) after a line that says what it is: no other signature of the same key can pass for one.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNED: Final = ("id", "issued_at", "stores")  # the rest of a receipt's document is about these
_SAYS: Final = b"voicetodo erasure receipt 1\n"


def sign(key: Ed25519PrivateKey, receipt: dict[str, Any]) -> bytes:
    return key.sign(_spelled(receipt))


def verifies(key: Ed25519PublicKey, document: dict[str, Any]) -> bool:
    """Whether the document, as it was given out, is signed by this key and unchanged."""
    try:
        signature = b64decode(str(document.get("signature")), validate=True)
        key.verify(signature, _spelled(document))
    except (InvalidSignature, Base64Error, ValueError, KeyError):
        return False
    return True


def public_key(key: Ed25519PublicKey) -> str:
    """Its 32 bytes in base64."""
    return b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _spelled(receipt: dict[str, Any]) -> bytes:
    signed = {name: receipt[name] for name in SIGNED}
    return _SAYS + json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
