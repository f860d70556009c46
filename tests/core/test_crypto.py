"""What is sealed opens with its key and in its place, whole; nothing else does."""

import os
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from core import crypto
from core.crypto import CHUNK_BYTES, Keyring
from core.errors import Invalid

KEY, OTHER = os.urandom(32), os.urandom(32)
HERE = crypto.place("voice_memos", "blob", uuid4(), uuid4())
HEADER = 14
SEALED_CHUNK = CHUNK_BYTES + 16


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def sealed(data: bytes, *, size: int = 7000, aad: bytes = HERE) -> bytes:
    stream = crypto.seal_stream(KEY, pieces(data, size), aad=aad)
    return b"".join([piece async for piece in stream])


async def opened(data: bytes, *, key: bytes = KEY, aad: bytes = HERE, size: int = 5000) -> bytes:
    stream = crypto.unseal_stream(key, pieces(data, size), aad=aad)
    return b"".join([piece async for piece in stream])


@pytest.mark.parametrize(
    "length", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 200_001]
)
@pytest.mark.parametrize("size", [1000, CHUNK_BYTES, 1_000_000])
async def test_a_stream_opens_as_it_was(length: int, size: int) -> None:
    data = os.urandom(length)
    once = await sealed(data, size=size)
    assert await opened(once, size=size) == data
    assert data == b"" or once != await sealed(data, size=size), "never the same twice"
    chunks = max(1, -(-length // CHUNK_BYTES))
    assert len(once) == HEADER + length + 16 * chunks


async def test_a_stream_that_was_tampered_with_does_not_open() -> None:
    data = os.urandom(3 * CHUNK_BYTES + 100)
    whole = await sealed(data)
    head, body = whole[:HEADER], whole[HEADER:]
    first, second, rest = (
        body[:SEALED_CHUNK], body[SEALED_CHUNK : 2 * SEALED_CHUNK], body[2 * SEALED_CHUNK :],
    )  # fmt: skip
    another = await sealed(data)
    for name, wrong in {
        "cut at a chunk's end": head + first + second,
        "cut in the middle": whole[:-50],
        "nothing of it": b"",
        "its header alone": head,
        "a header cut": head[:5],
        "reordered": head + second + first + rest,
        "one left out": head + second + rest,
        "one doubled": head + first + first + second + rest,
        "something added": whole + b"x",
        "another one's chunk": head + another[HEADER : HEADER + SEALED_CHUNK] + second + rest,
        "another one's header": another[:HEADER] + body,
        "a bit": whole[:-1] + bytes([whole[-1] ^ 1]),
        "an early bit": head + bytes([first[0] ^ 1]) + whole[HEADER + 1 :],
        "the key's name": head[:4] + bytes([head[4] ^ 1]) + whole[5:],
    }.items():
        with pytest.raises(Invalid):
            assert await opened(wrong) is None, name
    with pytest.raises(Invalid):
        await opened(whole, key=OTHER)
    with pytest.raises(Invalid):
        await opened(whole, aad=crypto.place("voice_memos", "blob", uuid4(), uuid4()))


async def test_what_came_before_the_damage_is_genuine() -> None:
    data = os.urandom(3 * CHUNK_BYTES)
    whole = bytearray(await sealed(data))
    whole[HEADER + 2 * SEALED_CHUNK] ^= 1
    stream = crypto.unseal_stream(KEY, pieces(bytes(whole), 999), aad=HERE)
    assert await anext(stream) + await anext(stream) == data[: 2 * CHUNK_BYTES]
    with pytest.raises(Invalid):
        await anext(stream)


def test_a_ring_opens_what_its_older_keys_sealed() -> None:
    older, newer = Keyring((OTHER,)), Keyring((KEY, OTHER))
    once = older.seal(b"words", aad=HERE)
    assert newer.unseal(once, aad=HERE) == b"words"
    assert not once.startswith(newer.mark)
    anew = newer.seal(b"words", aad=HERE)
    assert anew.startswith(newer.mark)
    assert newer.key_id == Keyring((KEY,)).key_id != older.key_id
    with pytest.raises(Invalid):
        older.unseal(anew, aad=HERE)
    with pytest.raises(Invalid):
        newer.unseal(once, aad=b"elsewhere")
    with pytest.raises(Invalid):
        newer.of("another purpose").unseal(once, aad=HERE)
    for wrong in (b"", b"\x01", once[:-1], once[:5], os.urandom(60)):
        with pytest.raises(Invalid):
            newer.unseal(wrong, aad=HERE)
    assert KEY.hex() not in repr(newer)
    assert repr(KEY)[2:-1] not in repr(newer)


def test_a_ring_opens_what_was_sealed_before_there_were_rings() -> None:
    before = crypto.seal(OTHER, b"token", aad=HERE)
    assert Keyring((KEY, OTHER)).unseal(before, aad=HERE) == b"token"
    assert not before.startswith(Keyring((KEY, OTHER)).mark)
