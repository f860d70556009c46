from base64 import urlsafe_b64encode
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from fastapi import FastAPI
from httpx2 import AsyncClient

from core.services.push_subscriptions import MAX_PER_PERSON, Services
from integrations.sandbox.push_crypto import encode, point
from tests.people import API, Person, anonymous, person, register
from tests.teams import sql

SANDBOX = "http://127.0.0.1:8025"
POINT = point(generate_private_key(SECP256R1()))


def subscription(endpoint: str | None = None, **changes: Any) -> dict[str, Any]:
    """As `PushSubscription.toJSON()` writes it."""
    return {
        "endpoint": endpoint or f"{SANDBOX}/push/{uuid4().hex}",
        "expirationTime": None,
        "keys": {"p256dh": encode(POINT), "auth": encode(b"a" * 16)},
        **changes,
    }


async def listed(somebody: Person) -> list[dict[str, Any]]:
    answer = await somebody.get("/push/subscriptions")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_the_public_key_is_the_one_messages_are_signed_with(
    app: FastAPI, http: AsyncClient
) -> None:
    answer = await http.get(f"{API}/push/public-key")
    assert answer.json() == {"public_key": encode(point(app.state.keys.vapid))}


async def test_a_browser_subscribes(alice: Person) -> None:
    body = subscription()
    agent = {"User-Agent": "Mozilla/5.0 (Android 14; rv:133.0) Gecko/133.0 Firefox/133.0"}
    answer = await alice.post("/push/subscriptions", json=body, headers=agent)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"{API}/push/subscriptions/{made['id']}"
    assert (made["name"], made["endpoint"]) == ("Firefox on Android", body["endpoint"])
    assert (made["last_used_at"], made["failures"]) == (None, 0)
    assert body["keys"]["auth"] not in answer.text
    assert await listed(alice) == [made]


async def test_the_same_endpoint_again_renews(alice: Person) -> None:
    body = subscription(name="My phone")
    first = (await alice.post("/push/subscriptions", json=body)).json()
    fresh = subscription(body["endpoint"])
    answer = await alice.post("/push/subscriptions", json=fresh)
    assert answer.status_code == 200
    assert answer.json() == first  # unnamed: the name stays
    named = await alice.post("/push/subscriptions", json=fresh | {"name": "Old phone"})
    assert named.json() == first | {"name": "Old phone"}
    assert len(await listed(alice)) == 1


async def test_two_people_may_share_a_browser(alice: Person, bob: Person) -> None:
    body = subscription()
    for somebody in (alice, bob):
        assert (await somebody.post("/push/subscriptions", json=body)).status_code == 201
    [hers] = await listed(alice)
    assert (await bob.delete(f"/push/subscriptions/{hers['id']}")).status_code == 404
    assert (await bob.post(f"/push/subscriptions/{hers['id']}/test")).status_code == 404
    assert (await alice.delete(f"/push/subscriptions/{hers['id']}")).status_code == 204
    assert (await alice.delete(f"/push/subscriptions/{hers['id']}")).status_code == 404
    assert len(await listed(bob)) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"endpoint": "https://fcm.googleapis.com/fcm/send/x"}, "/endpoint"),
        ({"endpoint": f"{SANDBOX}/faults"}, "/endpoint"),
        ({"endpoint": "x" * 2049}, "/endpoint"),
        ({"keys": {"p256dh": encode(POINT[:-1]), "auth": encode(b"a" * 16)}}, "/keys/p256dh"),
        ({"keys": {"p256dh": encode(b"\x04" * 65), "auth": encode(b"a" * 16)}}, "/keys/p256dh"),
        ({"keys": {"p256dh": encode(POINT), "auth": encode(b"a" * 15)}}, "/keys/auth"),
        ({"keys": {"p256dh": encode(POINT), "auth": "no base64!"}}, "/keys/auth"),
        ({"keys": {"p256dh": encode(POINT)}}, "/keys/auth"),
        ({"name": "a\nb"}, "/name"),
        ({"user_id": str(uuid4())}, "/user_id"),
    ],
)
async def test_what_is_no_subscription_is_refused(
    alice: Person, change: dict[str, Any], pointer: str
) -> None:
    answer = await alice.post("/push/subscriptions", json=subscription() | change)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert await listed(alice) == []


@pytest.mark.parametrize(
    ("endpoint", "refused"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", False),
        ("http://fcm.googleapis.com/fcm/send/x", True),
        ("https://127.0.0.1/x", True),
        ("https://[::ffff:127.0.0.1]/x", True),
        ("https://[64:ff9b::7f00:1]/x", True),
        ("https://169.254.169.254/x", True),
        ("https://me:pw@fcm.googleapis.com/x", True),
        ("https://push.example.com/x", True),  # public, but nobody we know
    ],
)
def test_what_production_accepts(endpoint: str, refused: bool) -> None:  # noqa: FBT001 - a column
    services = Services(["fcm.googleapis.com"], None)
    assert (services.refusal(endpoint) is not None) is refused
    anybody = Services(["*"], None)
    assert anybody.refusal("https://push.example.com/x") is None
    assert anybody.refusal("https://10.0.0.1/x") is not None


async def test_there_are_at_most_twenty(alice: Person) -> None:
    for _ in range(MAX_PER_PERSON):
        answer = await alice.post("/push/subscriptions", json=subscription())
        assert answer.status_code == 201
    full = await alice.post("/push/subscriptions", json=subscription())
    assert full.status_code == 409
    known = (await listed(alice))[0]["endpoint"]
    again = await alice.post("/push/subscriptions", json=subscription(known))
    assert again.status_code == 200


async def test_who_signs_a_device_out_ends_its_messages(http: AsyncClient, alice: Person) -> None:
    credentials = {"email": alice.email, "password": alice.password}
    phone = person(http, await http.post(f"{API}/auth/login", json=credentials))
    assert (await phone.post("/push/subscriptions", json=subscription())).status_code == 201
    assert len(await listed(alice)) == 1
    sessions = (await alice.get("/sessions")).json()["data"]
    [lost] = [each["id"] for each in sessions if not each["current"]]
    assert (await alice.delete(f"/sessions/{lost}")).status_code == 204
    assert await listed(alice) == []


async def test_a_linked_account_brings_its_browsers(http: AsyncClient) -> None:
    body = subscription()
    nobody, ada = await anonymous(http), await register(http, "ada")
    await nobody.post("/push/subscriptions", json=body)
    await nobody.post("/push/subscriptions", json=subscription())
    await ada.post("/push/subscriptions", json=body)
    credentials = {"email": ada.email, "password": ada.password}
    linked = await nobody.post("/auth/link", json=credentials)
    assert linked.status_code == 200, linked.text
    assert len(await listed(ada)) == 2


async def test_a_test_is_queued_ten_times_a_minute(alice: Person, database_url: str) -> None:
    made = (await alice.post("/push/subscriptions", json=subscription())).json()
    path = f"/push/subscriptions/{made['id']}/test"
    answer = await alice.post(path)
    assert answer.status_code == 202
    [row] = await sql(
        database_url,
        "SELECT d.kind, d.channel, d.status, d.target_id::text, o.workflow_type FROM deliveries d"
        " JOIN outbox o ON o.workflow_id = 'delivery:' || d.id WHERE d.id = %s",
        answer.json()["delivery_id"],
    )
    assert row == ("test", "push", "pending", made["id"], "RetryDelivery")
    assert {(await alice.post(path)).status_code for _ in range(9)} == {202}
    limited = await alice.post(path)
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) <= 60


def test_padding_is_no_matter() -> None:
    assert urlsafe_b64encode(POINT).decode().rstrip("=") == encode(POINT)
