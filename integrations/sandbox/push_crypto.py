"""What a browser and its push service do with a message: RFC 8291, 8188 and 8292, read anew.

Not with the libraries that made the message: two sides that share a mistake agree about it.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SALT_BYTES: Final = 16
HEAD_BYTES: Final = SALT_BYTES + 4 + 1  # salt, record size, length of the key id
POINT_BYTES: Final = 65
TAG_BYTES: Final = 16
RECORD_BYTES: Final = (
    4096  # the size every library states; no signature covers it, so it is asked for
)
LAST_RECORD: Final = 2  # the delimiter in front of the padding (RFC 8188, 2)
LONGEST_TOKEN_S: Final = 24 * 3600
CREDENTIALS: Final = re.compile(r"vapid\s+(.+)", re.IGNORECASE)
PARAMETER: Final = re.compile(r'\s*([tk])\s*=\s*"?([A-Za-z0-9_.\-]+)"?\s*')


class Refused(Exception):
    """Not what its RFC asks for; the message says what."""


@dataclass(frozen=True, slots=True)
class Vapid:
    public_key: bytes  # of who sends: uncompressed point
    claims: dict[str, Any]


def point(key: EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Raises `ValueError`."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def open_message(body: bytes, key: EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """The plaintext of one aes128gcm record (RFC 8291, 4: a push message has just one).

    Raises `Refused` when a single byte is wrong.
    """
    salt, size = body[:SALT_BYTES], int.from_bytes(body[SALT_BYTES : SALT_BYTES + 4])
    if len(body) < HEAD_BYTES + POINT_BYTES + TAG_BYTES + 1 or body[HEAD_BYTES - 1] != POINT_BYTES:
        raise Refused("no aes128gcm message with a P-256 key id")
    theirs, record = body[HEAD_BYTES : HEAD_BYTES + POINT_BYTES], body[HEAD_BYTES + POINT_BYTES :]
    if size != RECORD_BYTES or len(record) > size:
        raise Refused("not one record of 4,096 bytes")
    try:
        sender = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), theirs)
    except ValueError as error:
        raise Refused("the key id is no point of P-256") from error
    shared = key.exchange(ECDH(), sender)
    secret = _hkdf(auth, shared, b"WebPush: info\x00" + point(key) + theirs, 32)
    cipher = AESGCM(_hkdf(salt, secret, b"Content-Encoding: aes128gcm\x00", 16))
    nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\x00", 12)
    try:
        padded = cipher.decrypt(nonce, record, None).rstrip(b"\x00")
    except InvalidTag as error:
        raise Refused("the message does not decrypt with the subscription's keys") from error
    if not padded or padded[-1] != LAST_RECORD:
        raise Refused("the last record has no delimiter")
    return padded[:-1]


def check_vapid(authorization: str, *, audience: str, now: float) -> Vapid:
    """Who sends, for this push service and for no more than a day. Raises `Refused`."""
    vapid = _read_vapid(authorization)
    expires, contact = vapid.claims.get("exp"), vapid.claims.get("sub")
    if vapid.claims.get("aud") != audience:
        raise Refused("aud is not this push service")
    if not isinstance(expires, int) or not now < expires <= now + LONGEST_TOKEN_S:
        raise Refused("exp has passed, or is more than 24 hours ahead")
    if contact is not None and not str(contact).startswith(("mailto:", "https:")):
        raise Refused("sub is neither a mailto: nor an https: address")
    return vapid


@lru_cache(maxsize=256)  # one token speaks for thousands of messages
def _read_vapid(authorization: str) -> Vapid:
    found = CREDENTIALS.fullmatch(authorization.strip())
    parts = [PARAMETER.fullmatch(part) for part in found[1].split(",")] if found else []
    given = {part[1]: part[2] for part in parts if part}
    if set(given) != {"t", "k"} or len(parts) != len(given):
        raise Refused("not `vapid t=…, k=…`")
    try:
        raw = decode(given["k"])
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
        # The times are ours to judge: this result is kept.
        claims = jwt.decode(
            given["t"],
            key,
            algorithms=["ES256"],
            options={"verify_exp": False, "verify_aud": False, "verify_sub": False},
        )
    except (ValueError, jwt.PyJWTError) as error:
        raise Refused("the token is not signed by k") from error
    return Vapid(raw, claims)


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
