"""Access tokens: Ed25519-signed `at+jwt` (RFC 9068), verified once, remembered until they end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.types import Options

from core.errors import Unauthenticated

LIFETIME = timedelta(minutes=15)
ISSUER = "voicetodo"
AUDIENCE = "voicetodo-api"
REQUIRED = ["exp", "iat", "nbf", "iss", "aud", "sub", "sid", "jti"]
REMEMBERED = 10_000
MAX_CHARS = 2048
APART_S = 5  # one process signs, another looks: their clocks are that close
# Times are ours to compare: PyJWT would ask this machine's clock, which is not what we go by.
_OPTIONS: Options = {
    "require": REQUIRED,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who a token speaks for. Whether the session still stands is the database's to say."""

    user_id: UUID
    session_id: UUID
    expires_at: float  # seconds since 1970


class Tokens:
    """Issues and verifies. One key signs; the public halves of earlier ones still verify."""

    def __init__(self, signing: Ed25519PrivateKey) -> None:
        self._signing = signing
        public = signing.public_key()
        self._key_id = sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]
        self._verifying = {self._key_id: public}
        self._remembered: dict[str, Access] = {}

    def issue(self, user_id: UUID, session_id: UUID, token_id: UUID, *, now: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(token_id),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
        }
        headers = {"typ": "at+jwt", "kid": self._key_id}
        return jwt.encode(claims, self._signing, algorithm="EdDSA", headers=headers)

    def verify(self, token: str, *, now: datetime) -> Access:
        """Raises `Unauthenticated` for anything but a living access token of ours."""
        known = self._remembered.get(token)
        if known is None:
            known = self._verify(token, now=now)
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[token] = known
        if known.expires_at <= now.timestamp():
            self._remembered.pop(token, None)
            raise Unauthenticated("this access token has expired: refresh it")
        return known

    def _verify(self, token: str, *, now: datetime) -> Access:
        try:
            if len(token) > MAX_CHARS:
                raise Unauthenticated("this is not an access token")
            header = jwt.get_unverified_header(token)
            if header.get("typ") != "at+jwt" or set(header) != {"typ", "kid", "alg"}:
                raise Unauthenticated("this is not an access token")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._verifying[header["kid"]],
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options=_OPTIONS,
            )
            if max(float(claims["nbf"]), float(claims["iat"])) > now.timestamp() + APART_S:
                raise Unauthenticated("this access token is not valid yet")
            return Access(UUID(claims["sub"]), UUID(claims["sid"]), float(claims["exp"]))
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise Unauthenticated("this is not a valid access token") from error
