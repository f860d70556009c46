"""The sandbox's Google in a real browser: letting the app in, and moving an event."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from integrations.sandbox.google_accounts import EVENTS_SCOPE, LIST_SCOPE
from tests.integrations import browser
from tests.integrations.browser import Browser
from tests.integrations.calendars import body
from tests.integrations.conftest import Sandbox
from tests.serving import serve

pytestmark = pytest.mark.skipif(
    browser.path() is None, reason="no Chromium here: `apt install chromium` lets this test run"
)


@dataclass(slots=True)
class Tab:
    chrome: Browser
    session: str

    async def see(self, text: str) -> None:
        """Once the page says so."""
        async with asyncio.timeout(20):
            while text not in str(await self.run("document.body && document.body.innerText")):  # noqa: ASYNC110 - it tells us by its document only
                await asyncio.sleep(0.05)

    async def run(self, script: str) -> Any:
        return await self.chrome.evaluate(self.session, script)

    async def click(self, text: str) -> None:
        """The first link, button or summary that says so."""
        script = (
            "[...document.querySelectorAll('a, button, summary')]"
            f".find(each => each.innerText.includes({text!r})).click()"
        )
        await self.run(script)


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    async with browser.chromium() as chrome:
        yield chrome


async def opened(chrome: Browser, url: str) -> Tab:
    target = await chrome.call("Target.createTarget", url=url)
    attached = await chrome.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    return Tab(chrome, attached["sessionId"])


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
