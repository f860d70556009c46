"""Signatures, read by the package of those who wrote the specification, and by Ed25519 itself."""

import os
from base64 import b64decode, b64encode
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from core.services import webhook_secrets
from integrations.standard_webhooks import Signer

SEED = b"s" * 32
BODY = '{"type":"todo.created","data":{"title":"Grüße, 世界 \\u0000 🎉"}}'.encode()


def sent(signer: Signer, body: bytes = BODY) -> dict[str, str]:
    return signer.headers("msg_1", body, now=datetime.now(UTC))


@pytest.mark.parametrize("length", [24, 32, 64])
def test_v1_is_what_the_standard_says(length: int) -> None:
    secret = os.urandom(length)
    headers = sent(Signer([secret], SEED))
    told = webhook_secrets.told(secret)
    assert Webhook(told).verify(BODY, headers)["type"] == "todo.created"
    with pytest.raises(WebhookVerificationError):
        Webhook(told).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(told).verify(BODY, {**headers, "webhook-id": "msg_2"})
    other = "whsec_" + b64encode(os.urandom(32)).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(BODY, headers)


def test_both_of_two_live_secrets_verify() -> None:
    new, old = os.urandom(32), os.urandom(32)
    headers = sent(Signer([new, old], SEED))
    for secret in (new, old):
        Webhook(webhook_secrets.told(secret)).verify(BODY, headers)


def test_v1a_is_of_the_public_key_and_of_nothing_else() -> None:
    headers = sent(Signer([os.urandom(32)], SEED))
    told = webhook_secrets.public_key(SEED)
    assert told.startswith("whpk_")
    key = Ed25519PublicKey.from_public_bytes(b64decode(told.removeprefix("whpk_")))
    [signature] = [
        b64decode(each.removeprefix("v1a,"))
        for each in headers["webhook-signature"].split()
        if each.startswith("v1a,")
    ]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
    key.verify(signature, signed + BODY)
    with pytest.raises(InvalidSignature):
        key.verify(signature, signed + BODY + b" ")
