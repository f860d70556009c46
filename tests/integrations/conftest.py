from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from core.settings import Settings
from integrations.http import Client, vendor_client
from integrations.http_transport import Limits
from integrations.sandbox.app import create_app
from tests import plain
from tests.serving import serve


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox; `since` is the ledger row at which this test began."""

    url: str
    http: httpx2.Client
    since: int

    def ledger(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.http.get(
            "/ledger.json", params={"since": self.since}
        ).json()
        return rows

    def fault(self, **fault: object) -> None:
        answer = self.http.post("/faults", json={"vendor": "sendgrid", "times": 1, **fault})
        assert answer.status_code == 201, answer.text


# Dropping a connection reaches into uvicorn's HTTP implementations. Both are tried by the tests of
# the sandbox and of one vendor's client; the others would hear the same from either.
BOTH = {"test_sandbox", "test_sendgrid"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sandbox_server" in metafunc.fixturenames and metafunc.module.__name__.endswith(tuple(BOTH)):
        metafunc.parametrize("sandbox_server", ["httptools", "h11"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def sandbox_server(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    with (
        serve(
            create_app(Settings(_env_file=None)), http=getattr(request, "param", "httptools")
        ) as url,
        plain.client(url) as http,
    ):
        yield http


@pytest.fixture
def sandbox(sandbox_server: httpx2.Client) -> Sandbox:
    sandbox_server.delete("/faults")
    since = sandbox_server.get("/latest.json").json()["seq"]
    return Sandbox(str(sandbox_server.base_url).rstrip("/"), sandbox_server, since)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with vendor_client(Limits(timeout=1)) as client:
        yield client


@pytest.fixture
def account() -> str:
    """A Google account that no other test has."""
    return f"{uuid4().hex[:12]}@sandbox.test"
