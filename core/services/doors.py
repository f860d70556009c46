"""What letting somebody in takes: made once per process, given to the verbs of accounts."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from core import crypto
from core.db import Database
from core.services.passwords import Passwords
from core.services.throttles import Throttle
from core.tokens import Tokens

TRIES: Final = 10
TRIES_WINDOW_S: Final = 600
DEVICE_LIFETIME: Final = timedelta(days=180)
_NONCE_BYTES: Final = 16
_STAMP_BYTES: Final = 8
_MAC_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from. `device` is the mark of an earlier sign-in, unchecked."""

    address: str
    user_agent: str
    device: str | None


@dataclass(frozen=True, slots=True)
class Door:
    database: Database
    passwords: Passwords
    tokens: Tokens
    key: bytes = field(repr=False)
    tries_per_minute: int
    password_min_chars: int

    def by_address(self, visitor: Visitor) -> Throttle:
        """All that one network address may try, whichever account it names."""
        return Throttle(
            f"auth:{self._hidden('address', visitor.address)}", self.tries_per_minute, 60
        )

    def by_account(self, email: str, visitor: Visitor, *, now: datetime) -> Throttle:
        """Wrong passwords for one address. A known device has tries of its own.

        So nobody locks a person out of their own telephone, and no botnet gets more than ten tries
        (OWASP: device cookies). It is the same for addresses that have no account.
        """
        device = visitor.device if visitor.device and self.knows(visitor.device, email, now) else ""
        key = f"login:{self._hidden('account', f'{email} {device}')}"
        return Throttle(key, TRIES, TRIES_WINDOW_S)

    def proof_of(self, visitor: Visitor) -> bytes:
        """Of where somebody agreed to something: an address that is claimed can be compared."""
        key = crypto.derive(self.key, "consent address")
        return hmac.digest(key, visitor.address.encode(), "sha256")

    def mark(self, email: str, *, now: datetime) -> str:
        """For the device that just signed in, to show at its next sign-in with this address."""
        stamp = int(now.timestamp()).to_bytes(_STAMP_BYTES)
        body = secrets.token_bytes(_NONCE_BYTES) + stamp
        return urlsafe_b64encode(body + self._device_mac(body, email)).decode()

    def knows(self, device: str, email: str, now: datetime) -> bool:
        try:
            raw = urlsafe_b64decode(device.encode())
        except (Base64Error, ValueError):
            return False
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(body) != _NONCE_BYTES + _STAMP_BYTES:
            return False
        if not hmac.compare_digest(mac, self._device_mac(body, email)):
            return False
        return (
            now.timestamp() - int.from_bytes(body[_NONCE_BYTES:]) < DEVICE_LIFETIME.total_seconds()
        )

    def successor(self, refresh_token: str) -> str:
        """The token that follows this one: always the same, and only to be told from our key."""
        mac = hmac.digest(
            crypto.derive(self.key, "refresh successor"), refresh_token.encode(), "sha256"
        )
        return urlsafe_b64encode(mac).decode().rstrip("=")

    def _device_mac(self, body: bytes, email: str) -> bytes:
        return hmac.digest(crypto.derive(self.key, "device"), body + email.encode(), "sha256")

    def _hidden(self, what: str, value: str) -> str:
        key = crypto.derive(self.key, f"throttle {what}")
        return hmac.digest(key, value.encode(), "sha256").hex()[:40]
