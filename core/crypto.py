"""Sealing: AES-256-GCM with a random nonce. Whoever opens must name the same purpose."""

import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import Invalid

NONCE_BYTES = 12


@lru_cache(maxsize=256)
def derive(key: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose only (HMAC-SHA256 as a KDF in counter-less form)."""
    return hmac.digest(key, purpose.encode(), "sha256")


def seal(key: bytes, plaintext: bytes, *, aad: bytes = b"") -> bytes:
    """Nonce and ciphertext. `aad` ties it to its place: moved elsewhere, it does not open."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, plaintext, aad)


def unseal(key: bytes, sealed: bytes, *, aad: bytes = b"") -> bytes:
    """The plaintext. Raises `Invalid` when key, place or bytes are not those that were sealed."""
    try:
        return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError) as error:
        raise Invalid("this was not sealed here") from error


def digest(secret: str) -> bytes:
    """What is stored of a token: SHA-256. Enough for 256 random bits, never for a password."""
    return hashlib.sha256(secret.encode()).digest()


@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
