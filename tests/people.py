"""Alice owns, Bob shares, Charlie is a stranger: fresh accounts, made through the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

API = "/api/v1"
PASSWORD = "four-words-nobody-ever-said"


@dataclass(frozen=True, slots=True)
class Person:
    """An account and a client that speaks for it. Paths leave out `/api/v1`.

    Her personal workspace has her own id.
    """

    http: httpx2.AsyncClient
    id: UUID
    email: str | None
    password: str | None
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("POST", path, **options)

    async def patch(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("PATCH", path, **options)

    async def put(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("DELETE", path, **options)

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx2.Response:
        own = {**self.headers, **(headers or {})}
        return await self.http.request(method, API + path, headers=own, **options)


def address(name: str) -> str:
    """An e-mail address that nobody else in this run has."""
    return f"{name}.{uuid4().hex[:12]}@example.com"


def person(
    http: httpx2.AsyncClient, answer: httpx2.Response, *, password: str | None = PASSWORD
) -> Person:
    """Whoever this answer of register, login, anonymous, upgrade or link signs in."""
    assert answer.status_code in {200, 201}, answer.text
    body = answer.json()
    user = body["user"]
    return Person(
        http,
        UUID(user["id"]),
        user["email"],
        password if user["email"] else None,
        body["access_token"],
        body["refresh_token"],
    )


async def register(
    http: httpx2.AsyncClient, name: str = "alice", *, password: str = PASSWORD, **fields: Any
) -> Person:
    """A new account. `fields` go into the body: name, timezone, locale, email."""
    body = {"email": address(name), "password": password, "name": name.title(), **fields}
    return person(http, await http.post(f"{API}/auth/register", json=body), password=password)


async def anonymous(http: httpx2.AsyncClient) -> Person:
    return person(http, await http.post(f"{API}/auth/anonymous"))


@pytest.fixture
async def alice(http: httpx2.AsyncClient) -> Person:
    return await register(http, "alice")


@pytest.fixture
async def bob(http: httpx2.AsyncClient) -> Person:
    return await register(http, "bob")


@pytest.fixture
async def charlie(http: httpx2.AsyncClient) -> Person:
    return await register(http, "charlie")
