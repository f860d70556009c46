"""Servers that do not answer, or not yet: how often it is asked, and what is said."""

import json
from contextlib import AbstractContextManager
from typing import Any

import pytest

from api.commands.client import has_tls
from tests.commanding import Run
from tests.serving import serve


def test_says_when_nobody_answers(run: Run) -> None:
    ran = run("login", "--email", "a@example.com", "--api", "http://127.0.0.1:9")
    assert ran.code == 3
    assert "is it running?" in ran.err


class Flaky:
    """Answers 503, or what it is told, before it answers; notes the keys it was shown."""

    def __init__(self, failures: int, status: int = 503, wait_s: int = 0) -> None:
        self.failures = failures
        self.status = status
        self.wait_s = wait_s
        self.keys: list[bytes | None] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        self.keys.append(dict(scope["headers"]).get(b"idempotency-key"))
        status = self.status if len(self.keys) <= self.failures else 200
        tokens = {"user": {"email": "a"}, "access_token": "a", "refresh_token": "r"}
        body = tokens if status == 200 else {"title": "Try again shortly", "detail": "Down."}
        headers = [(b"retry-after", b"%d" % self.wait_s)]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


@pytest.mark.parametrize(("failures", "code"), [(0, 0), (2, 0), (3, 3)])
def test_tries_three_times_under_one_key(run: Run, failures: int, code: int) -> None:
    server = Flaky(failures)
    serving: AbstractContextManager[str] = serve(server)
    with serving as url:
        ran = run("login", "--email", "a@example.com", "--api", url)
    assert ran.code == code, ran.err
    assert len(server.keys) == min(failures + 1, 3)
    assert None not in server.keys
    assert len(set(server.keys)) == 1


@pytest.mark.parametrize(("wait_s", "code", "tries"), [(1, 0, 2), (600, 1, 1)])
def test_a_short_wait_is_waited_for_and_a_long_one_told(
    run: Run, wait_s: int, code: int, tries: int
) -> None:
    server = Flaky(1, 429, wait_s)
    serving: AbstractContextManager[str] = serve(server)
    with serving as url:
        ran = run("login", "--email", "a@example.com", "--api", url)
    assert (ran.code, len(server.keys)) == (code, tries), ran.err
    assert ("Try again in 600 s." in ran.err) is (code == 1)


@pytest.mark.parametrize("url", ["https://api.example.com", "HTTPS://api.example.com/hooks"])
def test_what_has_tls_is_verified_however_it_is_written(url: str) -> None:
    assert has_tls(url)
    assert not has_tls("http://127.0.0.1:8000")
