"""SendGrid's events: only SendGrid's, each once, in any order."""

import base64
import random
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from core import keys
from core.ids import uuid7
from integrations.sendgrid_events import SIGNATURE, TIMESTAMP
from tests.people import Person
from tests.teams import sql

PATH = "/api/v1/webhooks/sendgrid"
HOSTILE = 300  # of the 10,000 that were tried


class Vendor:
    """Signs as SendGrid does."""

    def __init__(self, http: AsyncClient, key: ec.EllipticCurvePrivateKey) -> None:
        self.http = http
        self.key = key

    def signed(self, body: bytes, *, at: float | None = None) -> dict[str, str]:
        timestamp = str(int(at if at is not None else time.time()))
        signature = self.key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: timestamp}

    async def post(self, body: bytes) -> Response:
        return await self.http.post(PATH, content=body, headers=self.signed(body))

    async def tell(self, *events: dict[str, Any]) -> None:
        body = orjson.dumps(events)
        answer = await self.post(body)
        assert answer.status_code == 204, answer.text


@pytest.fixture
def vendor(app: FastAPI, http: AsyncClient) -> Vendor:
    return Vendor(http, keys.sandbox_events(app.state.settings))


def event(what: str, person: Person, delivery: UUID | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "event": what,
        "email": person.email,
        "timestamp": int(time.time()),
        "sg_event_id": uuid4().hex,
        "delivery_id": str(delivery or uuid4()),
        "workspace_id": str(person.id),
        **fields,
    }


async def delivery(
    url: str,
    person: Person,
    status: str = "pending",
    *,
    ambiguous: bool = True,
    attempts: int = 1,
    story: Sequence[str] = ("sending", "failed", "ambiguous"),
) -> UUID:
    made = uuid7()
    log = "[" + ",".join(f'{{"at": "2026-01-01T00:00:00Z", "what": "{w}"}}' for w in story) + "]"
    await sql(
        url,
        "INSERT INTO deliveries (workspace_id, id, kind, subject_id, user_id, channel, status,"
        " due_at, ambiguous, attempts, next_attempt_at, log) VALUES"
        " (%s, %s, 'reminder', %s, %s, 'email', %s, now(), %s, %s, now(), %s)",
        person.id,
        made,
        uuid7(),
        person.id,
        status,
        ambiguous,
        attempts,
        log,
    )
    return made


async def ledger(url: str, key: UUID) -> tuple[Any, ...]:
    [found] = await sql(
        url,
        "SELECT status, ambiguous, error, (SELECT array_agg(l->>'what' ORDER BY n)"
        " FROM jsonb_array_elements(log) WITH ORDINALITY AS a(l, n)) FROM deliveries WHERE id = %s",
        key,
    )
    return tuple(found)


async def address(url: str, person: Person) -> tuple[Any, ...]:
    [found] = await sql(
        url,
        "SELECT email_suppressed, email_verified_at IS NOT NULL,"
        " (SELECT count(*) FROM notifications WHERE user_id = users.id),"
        " (SELECT count(*) FROM audit_log WHERE subject_id = users.id"
        "  AND action = 'email.suppressed') FROM users WHERE id = %s",
        person.id,
    )
    return tuple(found)


@pytest.fixture
async def verified(database_url: str, alice: Person) -> Person:
    await sql(
        database_url,
        "UPDATE users SET email_verified_at = now() - interval '1 day' WHERE id = %s",
        alice.id,
    )
    return alice


@pytest.mark.parametrize("what", ["processed", "delivered", "deferred"])
@pytest.mark.parametrize("status", ["pending", "sending", "failed"])
async def test_what_the_vendor_has_is_not_sent_again(
    database_url: str, alice: Person, vendor: Vendor, what: str, status: str
) -> None:
    key = await delivery(database_url, alice, status)
    await vendor.tell(event(what, alice, key))
    found = await ledger(database_url, key)
    assert found[:3] == ("sent", False, None)
    assert found[3][3:] == ["confirmed", *([] if what == "processed" else [what])]


async def test_what_may_have_gone_out_twice_stays_so(
    database_url: str, alice: Person, vendor: Vendor
) -> None:
    doubted = ("sending", "ambiguous", "sending", "failed", "ambiguous")
    key = await delivery(database_url, alice, attempts=2, story=doubted)
    await vendor.tell(event("delivered", alice, key))
    assert (await ledger(database_url, key))[:2] == ("sent", True)


@pytest.mark.parametrize("status", ["cancelled", "missed", "failed"])
async def test_what_is_over_stays_over(
    database_url: str, alice: Person, vendor: Vendor, status: str
) -> None:
    key = await delivery(database_url, alice, status, ambiguous=False)
    await vendor.tell(event("processed", alice, key))
    assert (await ledger(database_url, key))[0] == status


@pytest.mark.parametrize(
    ("what", "suppressed", "error", "status"),
    [
        ({"event": "bounce", "type": "bounce"}, "bounced", "bounced", "failed"),
        ({"event": "bounce", "type": "blocked"}, None, "turned_away", "failed"),
        ({"event": "dropped"}, "dropped", "dropped", "failed"),
        ({"event": "spamreport"}, "complained", None, "sent"),
        ({"event": "unsubscribe"}, "unsubscribed", None, "sent"),
    ],
)
async def test_ten_times_in_any_order_is_once(
    database_url: str,
    verified: Person,
    vendor: Vendor,
    what: dict[str, Any],
    suppressed: str | None,
    error: str | None,
    status: str,
) -> None:
    chance = random.Random(what["event"])  # noqa: S311 - an order of events, no secret
    key = await delivery(database_url, verified, "sending", ambiguous=False, story=("sending",))
    last = event("", verified, key, **what)
    told = [event("processed", verified, key), event("delivered", verified, key), last] * 10
    chance.shuffle(told)
    for at in range(0, len(told), 4):
        await vendor.tell(*told[at : at + 4])
    found = await ledger(database_url, key)
    assert found[:3] == (status, False, error)
    assert sorted(found[3][1:]).count("delivered") == 1
    told_once = 1 if suppressed else 0
    assert await address(database_url, verified) == (
        suppressed,
        suppressed is None,
        told_once,
        told_once,
    )


async def test_a_suppressed_address_can_be_verified_anew(
    database_url: str, verified: Person, vendor: Vendor
) -> None:
    late = event("bounce", verified, timestamp=int(time.time()) - 3600)
    await vendor.tell(event("bounce", verified))
    assert (await address(database_url, verified))[0] == "bounced"
    assert not (await verified.get("/me")).json()["email_verified"]
    answer = await verified.post("/auth/verify-email/resend")
    assert answer.status_code in {200, 202, 204}, answer.text
    await sql(
        database_url,
        "UPDATE users SET email_verified_at = now(), email_suppressed = NULL WHERE id = %s",
        verified.id,
    )
    await vendor.tell(late)  # of its earlier troubles
    assert (await address(database_url, verified))[:2] == (None, True)


async def test_nobody_settles_what_is_not_in_the_workspace_told(
    database_url: str, alice: Person, bob: Person, vendor: Vendor
) -> None:
    key = await delivery(database_url, alice)
    await vendor.tell(event("delivered", bob, key))
    assert (await ledger(database_url, key))[0] == "pending"


async def test_only_fresh_and_genuine_ones_are_taken(
    database_url: str, alice: Person, vendor: Vendor, http: AsyncClient
) -> None:
    told = event("delivered", alice)
    body = orjson.dumps([told])
    good = vendor.signed(body)
    other = Vendor(http, ec.generate_private_key(ec.SECP256R1()))
    for headers in (
        {},
        {SIGNATURE: good[SIGNATURE]},
        {TIMESTAMP: good[TIMESTAMP]},
        good | {TIMESTAMP: str(int(good[TIMESTAMP]) - 1)},
        good | {SIGNATURE: "AAAA"},
        good | {SIGNATURE: "not base64"},
        good | {SIGNATURE: ""},
        good | {TIMESTAMP: "12e3"},
        good | {TIMESTAMP: "9" * 400},
        good | {TIMESTAMP: "-1"},
        vendor.signed(body, at=time.time() - 301),
        vendor.signed(body, at=time.time() + 600),
        other.signed(body),
    ):
        answer = await http.post(PATH, content=body, headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await http.post(PATH, content=body + b" ", headers=good)).status_code == 401
    assert not await _stored(database_url, told["sg_event_id"])
    assert (await http.post(PATH, content=body, headers=good)).status_code == 204
    assert await _stored(database_url, told["sg_event_id"])


async def _stored(url: str, event_id: str) -> bool:
    return bool(await sql(url, "SELECT 1 FROM inbound_events WHERE event_id = %s", event_id))


async def test_hostile_bodies_store_nothing_and_break_nothing(
    database_url: str, alice: Person, vendor: Vendor, http: AsyncClient
) -> None:
    """Signed by whoever stole the key, or by nobody."""
    [(before,)] = await sql(database_url, "SELECT count(*) FROM inbound_events")
    chance = random.Random(8058)  # noqa: S311 - reproducible noise, no secret
    for body in bodies(chance, event("delivered", alice), HOSTILE):
        if chance.random() < 0.7:
            answer = await vendor.post(body)
        else:
            answer = await http.post(PATH, content=body, headers=_garbled(chance))
        assert answer.status_code in {204, 401, 422}, (body[:200], answer.text)
    large = b"[" + b" " * 1024 * 1024 + b"]"
    assert (await vendor.post(large)).status_code == 413
    [(after,)] = await sql(database_url, "SELECT count(*) FROM inbound_events")
    assert after == before


def bodies(chance: random.Random, good: dict[str, Any], count: int) -> Sequence[bytes]:
    """Noise, and events of which the parts that matter are wrong."""
    dumps = orjson.dumps
    raw = [b"", b"[", b"{}", b"null", b"5", b"\xff\xfe", b"[" * 100_000, b"[1e999]", b"[[]]"]
    wrong: list[Any] = [None, 0, -1, 1.5, True, "", [], {}, "x" * 5000, "\0", 2**63, "\u202e"]
    found = list(raw)
    while len(found) < count:
        match chance.randrange(4):
            case 0:
                found.append(chance.randbytes(chance.randrange(2000)))
            case 1:
                text = bytearray(dumps([good]))
                text[chance.randrange(1, 12)] ^= 1 << chance.randrange(7)
                found.append(bytes(text).replace(b"sg_event_id", b"sg_event"))
            case 2:
                name = chance.choice(["event", "timestamp"])
                found.append(dumps([good | {name: chance.choice([*wrong[:8], *wrong[8:10]])}]))
            case _:
                bad = chance.choice([*wrong[:8], "x" * 5000, "\0", "\u202e", 2**63])
                found.append(dumps([good | {"sg_event_id": bad}, chance.choice(wrong)]))
    return found


def _garbled(chance: random.Random) -> dict[bytes, bytes]:
    now = str(int(time.time())).encode()
    return {
        SIGNATURE.encode(): base64.b64encode(chance.randbytes(chance.randrange(100))),
        TIMESTAMP.encode(): chance.choice([b"", b"x", b"1", now, b"\x85", b"9" * 50]),
    }


async def test_a_broken_delivery_id_harms_nothing(
    database_url: str, alice: Person, vendor: Vendor
) -> None:
    key = await delivery(database_url, alice)
    await vendor.tell(
        event("delivered", alice, delivery_id="x", workspace_id=None),
        event("bounce", alice, email="no\0body@example.com"),
        event("delivered", alice, key),
    )
    assert (await ledger(database_url, key))[0] == "sent"
