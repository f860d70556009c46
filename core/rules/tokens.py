"""Tokens of links, codes in text messages: recomputed when they come back, so never stored."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Final
from uuid import UUID

VERIFICATION_PURPOSE: Final = "email-verification"  # the key is crypto.derive(encryption, this)
VERIFICATION_LIFETIME: Final = timedelta(hours=48)  # after the delivery was created
PHONE_CODE_PURPOSE: Final = "phone-verification"  # likewise
PHONE_CODE_LIFETIME: Final = timedelta(minutes=15)

_ID_BYTES: Final = 16
_MAC_BYTES: Final = 32
_CHARS: Final = (_ID_BYTES + _MAC_BYTES) * 4 // 3


def verification_token(key: bytes, delivery_id: UUID, email: str) -> str:
    """64 characters, URL-safe: the delivery's id and HMAC-SHA256 over id and address."""
    mac = hmac.digest(key, delivery_id.bytes + email.encode(), "sha256")
    return urlsafe_b64encode(delivery_id.bytes + mac).decode()


def parse_verification_token(token: str) -> UUID | None:
    """The delivery it names, to look the address up; None for what is no token. Proves nothing."""
    if len(token) != _CHARS or not token.isascii():
        return None
    try:
        return UUID(bytes=urlsafe_b64decode(token)[:_ID_BYTES])
    except ValueError:
        return None


def verification_token_is_genuine(key: bytes, token: str, delivery_id: UUID, email: str) -> bool:
    """Compare in constant time. Whether it has expired is the caller's to see."""
    expected = verification_token(key, delivery_id, email)
    return hmac.compare_digest(token.encode(errors="replace"), expected.encode())


def phone_code(key: bytes, delivery_id: UUID, phone: str) -> str:
    """Six digits, of the delivery that carries them and the number it goes to."""
    mac = hmac.digest(key, delivery_id.bytes + phone.encode(), "sha256")
    return f"{int.from_bytes(mac[:8]) % 1_000_000:06d}"
