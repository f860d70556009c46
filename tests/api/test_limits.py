"""Requests per person and minute, exact across processes that share a database."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from api.main import create_app
from core.settings import Settings
from tests.people import API, Person
from tests.teams import sql
from tests.todos import make

LIMIT = 100


@pytest.fixture(scope="module")
async def two(database_url: str) -> AsyncIterator[list[httpx2.AsyncClient]]:
    """Two API processes' worth of applications: one database, the same keys."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vt-")))
        settings = Settings(
            _env_file=None,
            data_dir=folder,
            DATABASE_URL=SecretStr(database_url),
            password_memory_mib=1,
            rate_limit_api=LIMIT,
            rate_limit_auth=1_000_000,
            pool_size=4,
        )
        clients = []
        for app in (create_app(settings), create_app(settings)):
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx2.ASGITransport(app=app)
            client = httpx2.AsyncClient(transport=transport, base_url="http://api")
            clients.append(await stack.enter_async_context(client))
        yield clients


async def login(client: httpx2.AsyncClient, person: Person) -> dict[str, str]:
    """A token that these applications signed."""
    body = {"email": person.email, "password": person.password}
    answer = await client.post(f"{API}/auth/login", json=body)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_exactly_as_many_as_allowed(two: list[httpx2.AsyncClient], alice: Person) -> None:
    headers = await login(two[0], alice)
    answers = await asyncio.gather(
        *(two[n % 2].get(f"{API}/todos", headers=headers) for n in range(LIMIT * 3 // 2))
    )
    assert Counter(a.status_code for a in answers) == {200: LIMIT, 429: LIMIT // 2}
    left = sorted(int(a.headers["ratelimit"].split("r=")[1].split(";")[0]) for a in answers)
    assert left == [0] * (LIMIT // 2) + list(range(LIMIT))
    for answer in answers:
        assert answer.headers["ratelimit-policy"] == f'"default";q={LIMIT};w=60'
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert answer.headers["content-type"] == "application/problem+json"


async def test_one_persons_limit_is_not_anothers(
    two: list[httpx2.AsyncClient], alice: Person, bob: Person
) -> None:
    hers, his = await login(two[0], alice), await login(two[1], bob)
    for _ in range(LIMIT):
        assert (await two[0].get(f"{API}/todos", headers=hers)).status_code == 200
    assert (await two[1].get(f"{API}/todos", headers=hers)).status_code == 429
    assert (await two[0].get(f"{API}/todos", headers=his)).status_code == 200


async def left_after(client: httpx2.AsyncClient, headers: dict[str, str]) -> int:
    answer = await client.get(f"{API}/tags", headers=headers)
    return int(answer.headers["ratelimit"].split("r=")[1].split(";")[0])


async def test_what_fails_counts_as_well(two: list[httpx2.AsyncClient], alice: Person) -> None:
    headers = await login(two[0], alice)
    made = await make(alice)
    stranger = "01a1fcc4-8e75-7b5a-9c23-764d3ccdc132"
    todo = f"/todos/{made['id']}"
    steps: list[tuple[int, str, str, dict[str, Any]]] = [
        (404, "GET", f"/todos/{stranger}", {}),
        (404, "DELETE", f"/todos/{stranger}", {}),
        (422, "GET", "/todos?limit=0", {}),
        (422, "GET", "/todos?cursor=x", {}),
        (422, "GET", "/todos/x", {}),
        (422, "POST", "/todos", {"json": {}}),
        (422, "POST", "/todos", {"content": "{", "headers": {"Content-Type": "application/json"}}),
        (422, "POST", "/todos", {"json": {"title": "x", "assignee_id": stranger}}),
        (422, "POST", "/todos", {"json": {"title": "x", "list": "L", "parent_id": stranger}}),
        (422, "PATCH", todo, {"json": {"list": "L", "parent_id": made["id"]}}),
        (412, "PATCH", todo, {"json": {"title": "x"}, "headers": {"If-Match": '"9"'}}),
        (404, "POST", "/undo", {"json": {"change_set": stranger}}),
        (201, "POST", "/lists", {"json": {"name": "Home"}}),
        (409, "POST", "/lists", {"json": {"name": "Home"}}),
    ]
    before = await left_after(two[0], headers)
    for status, method, path, options in steps:
        own = {**headers, **options.pop("headers", {})}
        answer = await two[0].request(method, API + path, headers=own, **options)
        assert answer.status_code == status, (method, path, answer.text)
        after = await left_after(two[1], headers)
        assert before - after == 2, (method, path, options)
        before = after


async def test_time_gives_requests_back(
    two: list[httpx2.AsyncClient], alice: Person, database_url: str
) -> None:
    headers = await login(two[0], alice)
    for _ in range(LIMIT):
        await two[0].get(f"{API}/todos", headers=headers)
    assert (await two[0].get(f"{API}/todos", headers=headers)).status_code == 429
    await sql(
        database_url,
        "UPDATE rate_limits SET resets_at = now() - interval '1 second' WHERE key = %s",
        f"api:{alice.id}",
    )
    assert (await two[0].get(f"{API}/todos", headers=headers)).status_code == 200
