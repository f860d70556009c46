"""What every answer carries, refusals and crashes included."""

import tempfile
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from api.main import create_app
from core.settings import Settings
from tests.people import API

SECURITY = {
    "strict-transport-security",
    "x-content-type-options",
    "referrer-policy",
    "content-security-policy",
    "cache-control",
    "api-version",
    "x-request-id",
}


def carries_all(answer: httpx2.Response) -> None:
    assert set(answer.headers) >= SECURITY, answer.request.url
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_every_answer_is_enveloped(http: httpx2.AsyncClient) -> None:
    statuses = set()
    for method, path, content in (
        ("GET", "/health", b""),
        ("GET", "/nothing", b""),
        ("GET", f"{API}/todos", b""),
        ("PUT", f"{API}/todos", b""),
        ("POST", f"{API}/auth/login", b"{"),
        ("POST", f"{API}/auth/login", b"x" * (1024 * 1024 + 1)),
    ):
        answer = await http.request(
            method, path, content=content, headers={"Content-Type": "application/json"}
        )
        carries_all(answer)
        statuses.add(answer.status_code)
    assert statuses == {200, 404, 401, 405, 422, 413}


@pytest.mark.parametrize(("sent", "kept"), [("a.B-1_2", True), ("a b", False), ("x" * 65, False)])
async def test_a_harmless_request_id_is_kept(
    http: httpx2.AsyncClient,
    sent: str,
    kept: bool,  # noqa: FBT001 (a case of the table)
) -> None:
    answer = await http.get("/nothing", headers={"X-Request-ID": sent})
    assert (answer.headers["x-request-id"] == sent) is kept
    assert answer.json()["trace_id"] == answer.headers["x-request-id"]


async def test_a_crash_is_answered_without_its_reason(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = Settings(
            _env_file=None, data_dir=Path(folder), DATABASE_URL=SecretStr(database_url)
        )
        app = create_app(settings)

        @app.get("/crash")
        async def crash() -> None:
            raise RuntimeError("alice's secret title")

        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            answer = await client.get("/crash", headers={"X-Request-ID": "find-me"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["trace_id"] == "find-me"
    assert "secret" not in answer.text
    assert "request.crashed" in caplog.text
    assert "secret title" not in caplog.text
    carries_all(answer)
