"""Answers to what was done in Slack: where they go, and what becomes of those nobody takes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.errors import Gone, VendorError
from integrations.http import Client
from integrations.slack_responses import Responses
from tests.serving import serve

MESSAGE = {"text": "Added: milk", "response_type": "ephemeral"}
taken: list[Any] = []


async def respond(request: Request) -> Response:
    """Slack's end of it, answering with the status of the path."""
    taken.append(orjson.loads(await request.body()))
    status = request.path_params["status"]
    headers = {"Retry-After": "7"} if status == 429 else {}
    return JSONResponse({"ok": status == 200}, status, headers=headers)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = Starlette(routes=[Route("/slack/response/{status:int}", respond, methods=["POST"])])
    with serve(app) as address:
        yield address


async def test_an_answer_arrives(client: Client, url: str) -> None:
    await Responses(client, sandbox_url=url).post(f"{url}/slack/response/200", MESSAGE)
    assert taken[-1] == MESSAGE


@pytest.mark.parametrize(
    ("status", "kind", "permanent", "wait"),
    [
        (404, Gone, True, None),
        (400, Gone, True, None),
        (302, Gone, True, None),
        (429, VendorError, False, timedelta(seconds=7)),
        (500, VendorError, False, None),
        (503, VendorError, False, None),
    ],
)
async def test_one_that_is_not_taken(
    client: Client,
    url: str,
    status: int,
    kind: type[VendorError],
    wait: timedelta | None,
    *,
    permanent: bool,
) -> None:
    with pytest.raises(VendorError) as raised:
        await Responses(client, sandbox_url=url).post(f"{url}/slack/response/{status}", MESSAGE)
    error = raised.value
    assert (type(error), error.permanent, error.retry_after) == (kind, permanent, wait)


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "x",
        "http://hooks.slack.com/actions/x",
        "https://hooks.slack.com.evil.test/x",
        "https://hooks.slack.com@evil.test/x",
        "https://a:b@hooks.slack.com/x",
        "https://hooks.slack.com:8443/x",
        "https://hooks.slack.com:x/",
        "https://evil.test/hooks.slack.com",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
async def test_nothing_leaves_for_another_place(client: Client, url: str, foreign: str) -> None:
    for sandbox in (None, url):
        with pytest.raises(Gone):
            await Responses(client, sandbox_url=sandbox).post(foreign, MESSAGE)


async def test_the_sandbox_is_slack_in_the_dev_profile_only(client: Client, url: str) -> None:
    before = len(taken)
    with pytest.raises(Gone):
        await Responses(client, sandbox_url=None).post(f"{url}/slack/response/200", MESSAGE)
    assert len(taken) == before
