"""Bytes in a link, proven to be ours by HMAC-SHA256 over them: made again, never stored."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

MAC_BYTES: Final = 24


def text_of(key: bytes, body: bytes) -> str:
    """URL-safe, four characters for three bytes; without padding."""
    return _text(body + _mac(key, body))


def body_of(key: bytes, text: str, *, longest: int) -> bytes | None:
    """What was signed; None for what was not made with this key, or is longer than `longest`."""
    if len(text) > longest or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    if _text(raw) != text:  # spelt another way it would be another link to whoever counts them
        return None
    return body if hmac.compare_digest(mac, _mac(key, body)) else None


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:MAC_BYTES]
