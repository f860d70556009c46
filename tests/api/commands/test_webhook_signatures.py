"""What the command line believes, against what the independent package signs and verifies."""

import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks.webhooks import Webhook

from api.commands.webhook_signatures import fault, is_key

NOW = 1_800_000_000
BODY = '{"type":"todo.created","data":{"title":"Käse"}}'.encode()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's example
OTHER = "whsec_" + b64encode(b"x" * 24).decode()
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = "whpk_" + b64encode(KEY.public_key().public_bytes_raw()).decode()


def v1(secret: str = SECRET, body: bytes = BODY, at: int = NOW) -> str:
    return Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body.decode())


def v1a(body: bytes = BODY, at: int = NOW) -> str:
    return "v1a," + b64encode(KEY.sign(f"msg_1.{at}.".encode() + body)).decode()


def headers(signature: str, at: int = NOW) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature,
    }


def test_14_what_the_independent_package_signs_is_believed() -> None:
    assert fault(SECRET, headers(v1()), BODY, now=NOW) is None
    assert fault(PUBLIC, headers(v1a()), BODY, now=NOW) is None


def test_14_one_of_several_signatures_is_enough() -> None:
    both = f"{v1(OTHER)} {v1()} {v1a()}"
    for key in (SECRET, OTHER, PUBLIC):
        assert fault(key, headers(both), BODY, now=NOW) is None


@pytest.mark.parametrize("away", [-301, 301, -86_400])
def test_14_what_is_old_or_from_the_future_is_not(away: int) -> None:
    at = NOW + away
    told = fault(SECRET, headers(v1(at=at), at), BODY, now=NOW)
    assert told == "It was not signed within the last five minutes."


@pytest.mark.parametrize(
    "signature",
    [
        v1(OTHER),
        v1(body=BODY + b" "),
        v1(at=NOW + 1),
        v1().replace("v1,", "v1a,"),
        v1().replace("v1,", "v2,"),
        v1()[:-4],
        "v1,",
        "v1,%%%",
        "v1,\u00e4",
        ",",
        v1a(),
    ],
)
def test_14_another_signature_is_not(signature: str) -> None:
    assert fault(SECRET, headers(signature), BODY, now=NOW) is not None


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%", ""])
def test_14_by_no_secret_nothing_is_believed(secret: str) -> None:
    signature = hmac.digest(b"", f"msg_1.{NOW}.".encode() + BODY, hashlib.sha256)
    given = headers("v1," + b64encode(signature).decode())
    assert fault(secret, given, BODY, now=NOW) is not None


@pytest.mark.parametrize("signature", [v1(), v1a(BODY + b" "), "v1a,", "v1a,AAAA", "v1a,%"])
def test_14_nor_by_the_public_key(signature: str) -> None:
    assert fault(PUBLIC, headers(signature), BODY, now=NOW) is not None


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_14_every_header_is_needed(missing: str) -> None:
    given = headers(v1())
    assert fault(SECRET, given | {missing: ""}, BODY, now=NOW) is not None
    del given[missing]
    assert fault(SECRET, given, BODY, now=NOW) is not None


@pytest.mark.parametrize("timestamp", ["x", "-1", "1e9", "\u0661", "9" * 5000, "1800000000.0"])
def test_14_a_timestamp_is_a_number(timestamp: str) -> None:
    given = headers(v1()) | {"webhook-timestamp": timestamp}
    assert fault(SECRET, given, BODY, now=NOW) is not None


def test_what_is_a_key() -> None:
    assert is_key(SECRET)
    assert is_key(PUBLIC)
    assert not any(is_key(text) for text in ("", "x", "whsec_", "whpk_%", SECRET[6:]))
