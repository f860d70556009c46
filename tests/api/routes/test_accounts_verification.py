"""The link in the verification e-mail."""

from datetime import timedelta
from uuid import UUID

import httpx2
import psycopg
import pytest
from fastapi import FastAPI

from core import crypto
from core.ids import uuid7
from core.rules.tokens import VERIFICATION_PURPOSE, verification_token
from tests.people import API, Person, anonymous


async def asked(database_url: str, who: Person) -> UUID:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(
            "SELECT verification_id FROM users WHERE id = %s", [who.id]
        )
        row = await cursor.fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def token_of(app: FastAPI, delivery_id: UUID, email: str | None) -> str:
    key = crypto.derive(app.state.keys.encryption, VERIFICATION_PURPOSE)
    return verification_token(key, delivery_id, email or "")


async def verified(who: Person) -> bool:
    answer = (await who.get("/me")).json()
    return bool(answer["email_verified"])


@pytest.fixture
async def token(app: FastAPI, database_url: str, alice: Person) -> str:
    """What the e-mail to Alice holds."""
    return token_of(app, await asked(database_url, alice), alice.email)


async def verify(http: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await http.post(f"{API}/auth/verify-email", json={"token": token})


async def test_verifies_once(http: httpx2.AsyncClient, alice: Person, token: str) -> None:
    assert not await verified(alice)
    assert (await verify(http, token)).status_code == 204
    assert await verified(alice)
    assert (await verify(http, token)).status_code == 422


async def test_refuses_links_that_are_not_ours(
    http: httpx2.AsyncClient,
    app: FastAPI,
    database_url: str,
    alice: Person,
    bob: Person,
    token: str,
) -> None:
    alices = await asked(database_url, alice)
    forged = [
        token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        token_of(app, uuid7(), alice.email),
        token_of(app, alices, bob.email),
        verification_token(b"x" * 32, alices, alice.email or ""),
        "x" * 64,
        "é" * 64,
        "x",
    ]
    for each in forged:
        answer = await verify(http, each)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/token")
    assert not await verified(alice)
    assert not await verified(bob)


async def test_a_link_ends_after_two_days(
    http: httpx2.AsyncClient, database_url: str, alice: Person, token: str
) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(
            "UPDATE users SET verification_asked_at = verification_asked_at - %s WHERE id = %s",
            [timedelta(hours=48, seconds=1), alice.id],
        )
    assert (await verify(http, token)).status_code == 422
    assert not await verified(alice)


async def test_is_sent_again_once_a_minute_and_ends_the_earlier_link(
    http: httpx2.AsyncClient, app: FastAPI, database_url: str, alice: Person, token: str
) -> None:
    first = await alice.post("/auth/verify-email/resend")
    assert first.status_code == 202, first.text
    second = await alice.post("/auth/verify-email/resend")
    assert second.status_code == 429
    assert (await verify(http, token)).status_code == 422
    newer = token_of(app, await asked(database_url, alice), alice.email)
    assert (await verify(http, newer)).status_code == 204
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM deliveries d WHERE d.user_id = %s AND d.status = 'pending'"
            " AND EXISTS (SELECT FROM outbox o WHERE o.workflow_id = 'delivery:' || d.id"
            " AND o.workflow_type = 'SendVerification')",
            [alice.id],
        )
        assert await cursor.fetchone() == (2,)


async def test_nothing_to_verify(
    http: httpx2.AsyncClient, bob: Person, app: FastAPI, database_url: str
) -> None:
    guest = await anonymous(http)
    assert (await guest.post("/auth/verify-email/resend")).status_code == 409
    token = token_of(app, await asked(database_url, bob), bob.email)
    assert (await verify(http, token)).status_code == 204
    assert (await bob.post("/auth/verify-email/resend")).status_code == 409


async def test_opening_the_page_changes_nothing_and_its_button_does(
    http: httpx2.AsyncClient, alice: Person, token: str
) -> None:
    page = await http.get("/verify-email", params={"token": token})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in page.text
    assert "unsafe" not in policy
    assert f'value="{token}"' in page.text
    assert not await verified(alice)
    pressed = await http.post("/verify-email", data={"token": token})
    assert pressed.status_code == 200, pressed.text
    assert await verified(alice)
    again = await http.post("/verify-email", data={"token": token})
    assert again.status_code == 422
    assert again.headers["content-type"].startswith("text/html")


async def test_the_page_repeats_nothing_unescaped(http: httpx2.AsyncClient) -> None:
    page = await http.get("/verify-email", params={"token": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text
