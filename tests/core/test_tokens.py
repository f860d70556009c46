"""Access tokens: what is taken and what is not (security 3)."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.errors import Unauthenticated
from core.ids import uuid7
from core.tokens import LIFETIME, REQUIRED, Tokens

KEY = Ed25519PrivateKey.generate()
NOW = datetime.now(UTC).replace(microsecond=0)
USER, SESSION = uuid7(), uuid7()
RAW_PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
PEM_PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def good() -> str:
    return Tokens(KEY).issue(USER, SESSION, uuid7(), now=NOW)


KEY_ID = jwt.get_unverified_header(good())["kid"]
CLAIMS: dict[str, Any] = jwt.decode(good(), options={"verify_signature": False})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Signed rightly; with None a claim or header is left out."""
    body = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    headers = {"typ": "at+jwt", "kid": KEY_ID, "alg": "EdDSA", **(header or {})}
    headers = {name: value for name, value in headers.items() if value is not None}
    signed = f"{b64(json.dumps(headers).encode())}.{b64(json.dumps(body).encode())}"
    return f"{signed}.{b64(KEY.sign(signed.encode()))}"


def unsigned(algorithm: str) -> str:
    header = {"typ": "at+jwt", "kid": KEY_ID, "alg": algorithm}
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(CLAIMS).encode())}."


def signed_with_public_key(secret: bytes) -> str:
    head = unsigned("HS256").rstrip(".")
    return f"{head}.{b64(hmac.digest(secret, head.encode(), hashlib.sha256))}"


def altered() -> str:
    head, body, signature = token().split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[0] ^= 1
    return f"{head}.{body}.{b64(bytes(raw))}"


def with_other_claims() -> str:
    head, _, signature = token().split(".")
    body = b64(json.dumps({**CLAIMS, "sub": str(uuid7())}).encode())
    return f"{head}.{body}.{signature}"


def of_another_key() -> str:
    return Tokens(Ed25519PrivateKey.generate()).issue(USER, SESSION, uuid7(), now=NOW)


EPOCH = int(NOW.timestamp())
JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(RAW_PUBLIC)}
BAD = {
    "nothing": "",
    "no token": "a.b.c",
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "HS256 with the public key": signed_with_public_key(PEM_PUBLIC),
    "HS256 with the raw public key": signed_with_public_key(RAW_PUBLIC),
    "unknown kid": token({"kid": "0123456789abcdef"}),
    "no kid": token({"kid": None}),
    "a kid that is no text": token({"kid": ["x"]}),
    "another key": of_another_key(),
    "jwk": token({"jwk": JWK}),
    "jku": token({"jku": "https://example.com/keys"}),
    "x5u": token({"x5u": "https://example.com/cert"}),
    "x5c": token({"x5c": ["MII"]}),
    "crit": token({"crit": ["exp"]}),
    "altered signature": altered(),
    "no signature": token().rpartition(".")[0] + ".",
    "other claims": with_other_claims(),
    "expired": token(exp=EPOCH - 1),
    "not yet": token(nbf=EPOCH + 600),
    "issued in the future": token(iat=EPOCH + 600),
    "another audience": token(aud="another-api"),
    "another issuer": token(iss="another"),
    "an ID token": token({"typ": "JWT"}),
    "no type": token({"typ": None}),
    "a user that is no id": token(sub="alice"),
    "a session that is no id": token(sid="x"),
    "an expiry that is no number": token(exp="tomorrow"),
    "too long": token(more="x" * 3000),
    **{f"no {claim}": token(**{claim: None}) for claim in REQUIRED},
}


def test_takes_its_own() -> None:
    tokens = Tokens(KEY)
    access = tokens.verify(good(), now=NOW)
    assert (access.user_id, access.session_id) == (USER, SESSION)
    assert tokens.verify(token(), now=NOW) == tokens.verify(token(), now=NOW)
    assert access.expires_at == (NOW + LIFETIME).timestamp()


@pytest.mark.parametrize("case", BAD)
def test_security_3_refuses(case: str) -> None:
    tokens = Tokens(KEY)
    for _ in range(2):  # nothing refused is remembered as good
        with pytest.raises(Unauthenticated):
            tokens.verify(BAD[case], now=NOW)


def test_a_remembered_token_expires_all_the_same() -> None:
    tokens, mine = Tokens(KEY), good()
    tokens.verify(mine, now=NOW)
    tokens.verify(mine, now=NOW + LIFETIME - timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        tokens.verify(mine, now=NOW + LIFETIME)
