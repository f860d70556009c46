"""Sealing: AES-256-GCM with a random nonce. Whoever opens must name the same purpose and place.

Three forms, each tied by `aad` to where it stands, so that nothing opens that was moved:

- `seal` and `unseal`: one key, nonce and ciphertext. For what does not outlive the key.
- a `Keyring`: the id of the key stands in front, so that keys can change (`docs/operations.md`).
- a stream: chunks of 64 KiB, each numbered and the last one marked (the STREAM construction of
  Hoang, Reyhanitabar, Rogaway, Vizár 2015), so that it opens piece by piece and neither a chunk
  nor the end of it can be taken away.
"""

import hashlib
import hmac
import os
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import Invalid

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
CHUNK_BYTES: Final = 64 * 1024
_SEALED_CHUNK: Final = CHUNK_BYTES + TAG_BYTES
_ENVELOPE: Final = b"\x01"
_STREAM: Final = b"VT\x01"
_ID_BYTES: Final = 4
_PREFIX_BYTES: Final = 7  # with the chunk's number (4) and the mark of the last (1): a nonce
_HEADER_BYTES: Final = len(_STREAM) + _ID_BYTES + _PREFIX_BYTES


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


def place(table: str, column: str, row_id: UUID, workspace_id: UUID) -> bytes:
    """Where a sealed value stands: the `aad` of all that is kept in rows, and of their blobs."""
    return f"{table}|{column}|{row_id}|{workspace_id}".encode()


def new_key() -> bytes:
    """A key for one thing only, to be kept sealed beside it: without it the thing is gone."""
    return os.urandom(KEY_BYTES)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The first key seals; all of them open. So an older one is of use until nothing needs it."""

    keys: tuple[bytes, ...] = field(repr=False)

    def of(self, purpose: str) -> "Keyring":
        """Its keys for one purpose only."""
        return Keyring(tuple(derive(key, purpose) for key in self.keys))

    @property
    def key_id(self) -> str:
        """Names the sealing key without giving it away."""
        return _key_id(self.keys[0]).hex()

    def seal(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """Version, key id, nonce, ciphertext."""
        key = self.keys[0]
        return _ENVELOPE + _key_id(key) + seal(key, plaintext, aad=aad)

    def unseal(self, sealed: bytes, *, aad: bytes) -> bytes:
        """The plaintext, also of what `seal` made with one of these keys before rings were there.

        Raises `Invalid` when no key opens it there.
        """
        head = len(_ENVELOPE) + _ID_BYTES
        named = [key for key in self.keys if sealed[:head] == _ENVELOPE + _key_id(key)]
        tries = [(key, sealed[head:]) for key in named] + [(key, sealed) for key in self.keys]
        for key, body in tries:
            with suppress(Invalid):
                return unseal(key, body, aad=aad)
        raise Invalid("this was not sealed here")

    @property
    def mark(self) -> bytes:
        """What all begins with that the key of today sealed."""
        return _ENVELOPE + _key_id(self.keys[0])


async def seal_stream(
    key: bytes, plain: AsyncIterable[bytes], *, aad: bytes
) -> AsyncIterator[bytes]:
    """The sealed form, as it comes; nothing more than a chunk and what arrives is held."""
    prefix = os.urandom(_PREFIX_BYTES)
    yield _STREAM + _key_id(key) + prefix
    held = bytearray()
    number = 0
    async for piece in plain:
        held += piece
        while len(held) > CHUNK_BYTES:  # never all of it: the last chunk is known by its mark
            yield _chunk(key, prefix, number, aad).encrypt(bytes(held[:CHUNK_BYTES]))
            del held[:CHUNK_BYTES]
            number += 1
    yield _chunk(key, prefix, number, aad, last=True).encrypt(bytes(held))


async def unseal_stream(
    key: bytes, sealed: AsyncIterable[bytes], *, aad: bytes
) -> AsyncIterator[bytes]:
    """What was sealed, chunk by chunk. Each piece that comes is genuine and in its place.

    Raises `Invalid` for the first chunk that was changed, moved, is missing or is of another
    stream; what came before it came from the beginning of this one.
    """
    held = bytearray()
    prefix: bytes | None = None
    number = 0
    async for piece in sealed:
        held += piece
        if prefix is None:
            if len(held) < _HEADER_BYTES:
                continue
            prefix = _read_header(key, bytes(held[:_HEADER_BYTES]))
            del held[:_HEADER_BYTES]
        while len(held) > _SEALED_CHUNK:
            yield _chunk(key, prefix, number, aad).decrypt(bytes(held[:_SEALED_CHUNK]))
            del held[:_SEALED_CHUNK]
            number += 1
    if prefix is None:
        raise Invalid("this was not sealed here")
    yield _chunk(key, prefix, number, aad, last=True).decrypt(bytes(held))


@dataclass(frozen=True, slots=True)
class _Chunk:
    key: bytes = field(repr=False)
    nonce: bytes
    aad: bytes

    def encrypt(self, plaintext: bytes) -> bytes:
        return _cipher(self.key).encrypt(self.nonce, plaintext, self.aad)

    def decrypt(self, sealed: bytes) -> bytes:
        try:
            return _cipher(self.key).decrypt(self.nonce, sealed, self.aad)
        except (InvalidTag, ValueError) as error:
            raise Invalid("this was not sealed here") from error


def _chunk(key: bytes, prefix: bytes, number: int, aad: bytes, *, last: bool = False) -> _Chunk:
    where = number.to_bytes(4) + (b"\x01" if last else b"\x00")
    return _Chunk(key, prefix + where, aad + b"|" + where)


def _read_header(key: bytes, header: bytes) -> bytes:
    if header[:-_PREFIX_BYTES] != _STREAM + _key_id(key):
        raise Invalid("this was not sealed here, or with another key")
    return header[-_PREFIX_BYTES:]


@lru_cache(maxsize=256)
def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"id of " + key).digest()[:_ID_BYTES]


@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
