"""Push subscriptions, as browsers make them: what a good one is, what its device is called."""

from base64 import urlsafe_b64decode
from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

AUTH_BYTES: Final = 16  # RFC 8291, 3.2
POINT_BYTES: Final = 65  # an uncompressed point of P-256
ANY_SERVICE: Final = "*"

# In the order in which they are looked for: each later one also claims to be an earlier kind.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a message goes and what it is encrypted with; both keys in base64url."""

    id: UUID
    endpoint: str
    p256dh: str
    auth: str = field(repr=False)


def read_point(text: str) -> bytes:
    """The browser's public key. Raises `ValueError` for what is no point of P-256."""
    raw = _decoded(text)
    if len(raw) != POINT_BYTES:
        raise ValueError("not an uncompressed point of P-256")
    EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
    return raw


def read_auth(text: str) -> bytes:
    """The browser's secret. Raises `ValueError` unless it is 16 bytes: libraries take any."""
    raw = _decoded(text)
    if len(raw) != AUTH_BYTES:
        raise ValueError("not 16 bytes")
    return raw


def audience(endpoint: str) -> str:
    """Whom a VAPID token is for: the origin of the push service (RFC 8292, 2)."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def is_known(endpoint: str, services: Collection[str]) -> bool:
    """Whether the host is one of these push services; `*` in them stands for any text."""
    host = (urlsplit(endpoint).hostname or "").rstrip(".")
    return any(fnmatchcase(host, service.lower()) for service in services)


def device_name(user_agent: str) -> str:
    """`Firefox on Android`, as far as its user agent says; what a person tells devices apart by."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return f"{browser} on {system}" if system else browser


def _decoded(text: str) -> bytes:
    """Base64url with or without padding; nothing else in between."""
    bare = text.rstrip("=")
    if not bare.isascii() or not bare.replace("-", "").replace("_", "").isalnum():
        raise ValueError("not base64url")
    return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
