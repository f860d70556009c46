"""What a person sees: our message, decrypted, shown by a service worker in a real browser.

No push service of a browser maker is in reach of a test; DevTools hands the message to the worker
as the browser would, `push` event and all.
"""

import asyncio
import os
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.ids import uuid7
from core.rules.push import Subscription
from integrations.http import guarded_client
from integrations.pushes import Pushes
from integrations.web_push import WebPush
from tests.integrations import browser
from tests.integrations.browser import Browser
from tests.integrations.conftest import Sandbox
from tests.integrations.test_pushes import SEND
from tests.patience import PATIENCE_S, until
from tests.serving import serve

pytestmark = browser.NEEDED
SHOWN = """(async () => {
  const registration = await navigator.serviceWorker.ready;
  const found = await registration.getNotifications();
  return found.map(({title, body, tag, actions}) => ({title, body, tag, actions}));
})()"""


class Api:
    """Takes what the worker posts when a button is pressed."""

    def __init__(self) -> None:
        self.posted: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            if request.method == "POST":
                self.posted.append(request.url.path)
            await Response("{}")(scope, receive, send)


async def subscribed(chrome: Browser, sandbox: Sandbox) -> tuple[str, Subscription]:
    """A tab on the sandbox's page whose button was pressed, and what it subscribed."""
    await chrome.call("Browser.grantPermissions", origin=sandbox.url, permissions=["notifications"])
    target = await chrome.call("Target.createTarget", url=f"{sandbox.url}/push")
    attached = await chrome.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    session: str = attached["sessionId"]
    await chrome.call("ServiceWorker.enable", session)
    async with asyncio.timeout(PATIENCE_S):
        while not await chrome.evaluate(session, "!!document.querySelector('#subscribe')"):  # noqa: ASYNC110 - it tells us by its document only
            await asyncio.sleep(0.05)
        await chrome.evaluate(session, "document.querySelector('#subscribe').click()")
        shown = ""
        while not shown:
            await asyncio.sleep(0.05)
            shown = await chrome.evaluate(
                session, "document.querySelector('#subscription').textContent"
            )
    given = orjson.loads(shown)
    return session, Subscription(uuid7(), given["endpoint"], **given["keys"])


async def shown(chrome: Browser, session: str, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found: list[dict[str, Any]] = await chrome.evaluate(session, SHOWN)
            if len(found) >= count:
                return found
            await asyncio.sleep(0.1)


async def gone(chrome: Browser, session: str) -> bool:
    return bool(await chrome.evaluate(session, SHOWN) == [])


async def registration_of(chrome: Browser) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for each in chrome.events:
                if each["method"] == "ServiceWorker.workerRegistrationUpdated":
                    for registration in each["params"]["registrations"]:
                        return str(registration["registrationId"])
            await asyncio.sleep(0.05)


async def test_a_reminder_is_shown_and_its_button_acts(sandbox: Sandbox) -> None:
    api = Api()
    with serve(api) as url:
        async with browser.chromium() as chrome, guarded_client(sandbox_url=sandbox.url) as client:
            session, to = await subscribed(chrome, sandbox)
            sender = WebPush(
                client, generate_private_key(SECP256R1()), "mailto:a@b.example", frozenset({"*"})
            )
            send = replace(
                SEND,
                target=to,
                began_at=datetime.now(UTC),
                title="Zahnarzt anrufen 🦷",
                person=replace(SEND.person, locale="de"),
            )
            push = Pushes(url, b"k" * 32).render(send)
            await sender.send(push)
            [row] = sandbox.ledger()
            decrypted: str = row["request"]["decrypted"]

            # 1. As the browser's own push service would hand it over, twice: a lost answer.
            registration_id = await registration_of(chrome)
            for _ in range(2):
                await chrome.call(
                    "ServiceWorker.deliverPushMessage",
                    session,
                    origin=sandbox.url,
                    registrationId=registration_id,
                    data=decrypted,
                )
            [notification] = await shown(chrome, session, 1)
            assert notification["title"] == "Zahnarzt anrufen 🦷"
            assert notification["tag"] == str(UUID(int=2))
            assert notification["actions"][0]["title"] == "Erledigt"

            # 2. The page itself polls the sandbox and hands the same message over: still one.
            await asyncio.sleep(1.5)
            assert len(await shown(chrome, session, 1)) == 1

            # 3. A click on its first button.
            worker = await _worker(chrome, sandbox)
            await chrome.evaluate(
                worker,
                """(async () => {
                  const [notification] = await self.registration.getNotifications();
                  const event = new NotificationEvent("notificationclick",
                    {notification, action: "complete"});
                  self.dispatchEvent(event);
                })()""",
            )
            await until(lambda: api.posted)
            token = orjson.loads(decrypted)["actions"][0]["token"]
            assert api.posted == [f"/api/v1/actions/{token}"]
            await until(partial(gone, chrome, session))
            await _picture(chrome, session)


async def _worker(chrome: Browser, sandbox: Sandbox) -> str:
    targets = (await chrome.call("Target.getTargets"))["targetInfos"]
    [found] = [
        each["targetId"]
        for each in targets
        if each["type"] == "service_worker" and each["url"].startswith(sandbox.url)
    ]
    attached = await chrome.call("Target.attachToTarget", targetId=found, flatten=True)
    session: str = attached["sessionId"]
    return session


async def _picture(chrome: Browser, session: str) -> None:
    """Kept where `VT_PICTURES` says, to be looked at."""
    if folder := os.environ.get("VT_PICTURES"):
        await chrome.call("Page.reload", session)
        await asyncio.sleep(1)
        taken = await chrome.call("Page.captureScreenshot", session)
        _keep(Path(folder, "push.png"), taken["data"])


def _keep(path: Path, encoded: str) -> None:
    path.write_bytes(b64decode(encoded))
