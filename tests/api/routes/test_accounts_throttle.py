"""How often passwords may be tried (security 7), on an API with the limits of a real one."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from api.main import create_app
from tests.people import API, PASSWORD, address, register
from tests.settings import unlimited

Client = Callable[[str], httpx2.AsyncClient]


@pytest.fixture(scope="module")
async def client_at(database_url: str) -> AsyncIterator[Client]:
    """Makes clients of their own at a network address."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = unlimited(database_url, Path(folder), rate_limit_auth=20)
        app = create_app(settings)

        def at(host: str) -> httpx2.AsyncClient:
            transport = httpx2.ASGITransport(app=app, client=(host, 1))
            return httpx2.AsyncClient(transport=transport, base_url="http://api")

        async with app.router.lifespan_context(app):
            yield at


async def login(client: httpx2.AsyncClient, email: str | None, password: str) -> int:
    body = {"email": email, "password": password}
    return (await client.post(f"{API}/auth/login", json=body)).status_code


async def test_security_7_ten_wrong_passwords_from_anywhere_and_a_known_device_gets_in(
    client_at: Client,
) -> None:
    own = client_at("10.0.0.1")
    alice = await register(own, "alice")
    statuses = await asyncio.gather(
        *(login(client_at(f"10.1.0.{n}"), alice.email, "wrong-password-again") for n in range(100))
    )
    assert sorted(statuses) == [401] * 10 + [429] * 90
    assert await login(client_at("10.2.0.1"), alice.email, PASSWORD) == 429
    assert await login(own, alice.email, PASSWORD) == 200
    stolen_for_another = client_at("10.2.0.2")
    bob = await register(client_at("10.2.0.3"), "bob")
    stolen_for_another.cookies.update(own.cookies)
    for _ in range(10):
        assert await login(stolen_for_another, bob.email, "wrong-password-again") == 401
    assert await login(client_at("10.2.0.4"), bob.email, PASSWORD) == 429


async def test_it_is_the_same_for_an_address_without_account(client_at: Client) -> None:
    email = address("nobody")
    statuses = [
        await login(client_at(f"10.3.0.{n}"), email, "wrong-password-again") for n in range(11)
    ]
    assert statuses == [401] * 10 + [429]


async def test_signing_in_rightly_is_no_failure(client_at: Client) -> None:
    alice = await register(client_at("10.4.0.1"), "alice")
    statuses = [await login(client_at(f"10.4.1.{n}"), alice.email, PASSWORD) for n in range(12)]
    assert statuses == [200] * 12


async def test_security_7_one_address_is_throttled_over_all_accounts(client_at: Client) -> None:
    client = client_at("10.5.0.1")
    headers = {"X-Forwarded-For": "1.2.3.4"}
    answers = [
        await client.post(
            f"{API}/auth/login",
            json={"email": address("nobody"), "password": "wrong-password-again"},
            headers={**headers, "X-Forwarded-For": f"1.2.3.{n}"},
        )
        for n in range(22)
    ]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429] * 2
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    register_too = {"email": address("x"), "password": PASSWORD}
    refused = await client.post(f"{API}/auth/register", json=register_too)
    assert refused.status_code == 429


async def test_linking_is_throttled_like_signing_in(client_at: Client) -> None:
    alice = await register(client_at("10.6.0.1"), "alice")
    guest_at = client_at("10.6.0.2")
    guest = (await guest_at.post(f"{API}/auth/anonymous")).json()
    headers = {"Authorization": f"Bearer {guest['access_token']}"}
    body = {"email": alice.email, "password": "wrong-password-again"}
    statuses = [
        (await guest_at.post(f"{API}/auth/link", json=body, headers=headers)).status_code
        for _ in range(11)
    ]
    assert statuses == [401] * 10 + [429]


async def test_security_7_time_tells_nothing(client_at: Client) -> None:
    alice = await register(client_at("10.7.0.1"), "alice")

    async def took(email: str | None, n: int) -> float:
        client = client_at(f"10.7.1.{n}")
        began = time.process_time()  # of all threads, and of nothing else on this machine
        assert await login(client, email, "wrong-password-again") == 401
        return time.process_time() - began

    await took(address("warm"), 0)
    known, unknown = [], []
    for n in range(10):
        known.append(await took(alice.email, 10 + n))
        unknown.append(await took(address("nobody"), 30 + n))
    # Without the dummy hash nearly nothing would be left of it.
    assert statistics.median(unknown) > 0.7 * statistics.median(known)
