"""Whether what came is what was sent: `sha256` in hex, and the digest fields of RFC 9530."""

import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import Final

from core.errors import Invalid

FIELDS: Final = ("content-digest", "repr-digest")  # the same where nothing is content-coded
WRITTEN: Final = "write it `sha-256=:<base64>:`"
_MEMBER: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


def of_hex(text: str | None, *, pointer: str) -> bytes | None:
    if text is None:
        return None
    if _HEX.fullmatch(text) is None:
        raise Invalid("send 64 hexadecimal digits", pointer=pointer, code="sha256")
    return bytes.fromhex(text)


def of_headers(headers: Mapping[str, str]) -> list[bytes]:
    """The SHA-256 digests that these header fields tell. Other algorithms are passed over."""
    found = []
    for name in FIELDS:
        for member in headers.get(name, "").split(","):
            if member.strip().lower().startswith("sha-256"):
                told = _MEMBER.fullmatch(member.strip())
                if told is None:
                    raise Invalid(WRITTEN, pointer=f"/header/{name}", code="digest")
                found.append(_decoded(told[1], name))
    return found


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Invalid(WRITTEN, pointer=f"/header/{name}", code="digest") from error


def check(announced: Iterable[bytes | None], found: bytes, *, pointer: str) -> None:
    """Raises `Invalid` when one of them is another."""
    if any(each is not None and each != found for each in announced):
        detail = "what arrived is not what was announced: send it again"
        raise Invalid(detail, pointer=pointer, code="digest_mismatch")


async def verified(
    headers: Mapping[str, str], pieces: AsyncIterable[bytes]
) -> AsyncIterator[bytes]:
    """The same pieces; at their end `Invalid` where the header fields announced others."""
    announced = of_headers(headers)
    hashed = hashlib.sha256() if announced else None
    async for piece in pieces:
        if hashed is not None:
            hashed.update(piece)
        yield piece
    if hashed is not None:
        check(announced, hashed.digest(), pointer="/header/content-digest")
