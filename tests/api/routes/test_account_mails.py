"""Whoever has a verified address is told of what happens to the account."""

from datetime import timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from core import crypto
from core.services.refresh_tokens import GRACE
from tests.people import API, Person
from tests.teams import sql


@pytest.fixture
async def verified(database_url: str, alice: Person) -> Person:
    await sql(database_url, "UPDATE users SET email_verified_at = now() WHERE id = %s", alice.id)
    return alice


async def mails(url: str, person: Person) -> list[tuple[Any, ...]]:
    """Kinds that were queued after the registration's own, with their workflow."""
    return [
        tuple(each)
        for each in await sql(
            url,
            "SELECT d.kind, o.workflow_type FROM deliveries d"
            " LEFT JOIN outbox o ON o.workflow_id = 'delivery:' || d.id"
            " WHERE d.user_id = %s AND d.kind <> 'verification' ORDER BY d.created_at",
            person.id,
        )
    ]


async def login(http: AsyncClient, person: Person, agent: str, mark: str = "") -> Response:
    """From a device that shows only this mark."""
    http.cookies.clear()
    answer = await http.post(
        f"{API}/auth/login",
        json={"email": person.email, "password": person.password},
        headers={"User-Agent": agent, **({"Cookie": f"vt-device={mark}"} if mark else {})},
    )
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_sign_in_from_an_unknown_device_is_told_once(
    database_url: str, verified: Person, http: AsyncClient
) -> None:
    first = await login(http, verified, "curl/8")
    await login(http, verified, "curl/8")
    assert await mails(database_url, verified) == [("new_sign_in", "SendMail")]
    await login(http, verified, "Firefox/1", mark=first.cookies["vt-device"])
    assert len(await mails(database_url, verified)) == 1
    await login(http, verified, "Firefox/2", mark="somebody else's")
    assert len(await mails(database_url, verified)) == 2


async def test_an_unverified_address_is_told_nothing(
    database_url: str, alice: Person, http: AsyncClient
) -> None:
    await login(http, alice, "curl/8")
    assert await mails(database_url, alice) == []


async def test_a_key_that_is_used_twice_is_told(
    database_url: str, verified: Person, http: AsyncClient
) -> None:
    body = {"refresh_token": verified.refresh_token}
    assert (await http.post(f"{API}/auth/refresh", json=body)).status_code == 200
    await sql(
        database_url,
        "UPDATE refresh_tokens SET rotated_at = rotated_at - %s WHERE token_hash = %s",
        GRACE + timedelta(seconds=5),
        crypto.digest(verified.refresh_token),
    )
    for _ in range(2):
        assert (await http.post(f"{API}/auth/refresh", json=body)).status_code == 401
    assert await mails(database_url, verified) == [("token_reused", "SendMail")]
