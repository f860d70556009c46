"""The sandbox's Google in a real browser: letting the app in, and moving an event."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from integrations.sandbox.google_accounts import EVENTS_SCOPE, LIST_SCOPE
from tests.integrations import browser
from tests.integrations.browser import Browser, opened
from tests.integrations.calendars import body
from tests.integrations.conftest import Sandbox
from tests.serving import serve

pytestmark = browser.NEEDED


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    async with browser.chromium() as chrome:
        yield chrome


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        query = Request(scope, receive).query_params
        await HTMLResponse(f"connected {query.get('state')}")(scope, receive, send)


async def test_the_app_is_let_in(chrome: Browser, sandbox: Sandbox) -> None:
    with serve(api) as url:
        asked = {
            "client_id": "voicetodo",
            "redirect_uri": f"{url}/callback",
            "response_type": "code",
            "scope": f"{EVENTS_SCOPE} {LIST_SCOPE}",
            "state": "kept",
        }
        tab = await opened(chrome, f"{sandbox.url}/google/o/oauth2/v2/auth?{urlencode(asked)}")
        await tab.see("Choose an account")
        await tab.click("Bob")
        await tab.see("bob@sandbox.test")
        await tab.click("Allow")
        await tab.see("connected kept")
        answer = dict(parse_qsl(urlsplit(await tab.run("location.href")).query))
        assert answer["code"].startswith("4/")


async def test_an_event_is_moved(chrome: Browser, sandbox: Sandbox, account: str) -> None:
    who = {"account": account}
    made = sandbox.http.post("/google/client/events", params=who, json=body("Dentist")).json()
    start = urlencode(who | {"start": "2026-11-20"})
    tab = await opened(chrome, f"{sandbox.url}/google/calendar?{start}")
    await tab.see("Dentist")
    await tab.click("Dentist")
    await tab.run("document.querySelector('details input[name=at]').value = '16:45'")
    await tab.click("Save")
    await tab.see("16:45")
    [moved] = sandbox.http.get("/google/client/events", params=who).json()
    assert (moved["id"], moved["start"]["dateTime"]) == (made["id"], "2026-11-24T16:45:00+01:00")
