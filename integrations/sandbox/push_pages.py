"""The browsers of the push service: made and ended here, and a page that is one."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from integrations.sandbox import push_crypto
from integrations.sandbox.pages import page
from integrations.sandbox.web_push import SUBSCRIBE, PushService, Subscription

SHOWN: Final = 20
WORKER: Final = Path(__file__).parent / "templates" / "push-worker.js"


class SubscribeIn(BaseModel):
    """`PushSubscriptionOptionsInit`: with a key, only its owner may send."""

    model_config = ConfigDict(extra="forbid")

    userVisibleOnly: bool = True  # noqa: N815 - the browsers' name
    applicationServerKey: Annotated[str, Field(max_length=200)] | None = None  # noqa: N815 - theirs


def router(push: PushService, *, host: str) -> APIRouter:
    pages = APIRouter(include_in_schema=False)

    @pages.post(SUBSCRIBE, status_code=201)
    async def subscribe(request: Request, body: SubscribeIn | None = None) -> Response:
        """A `PushSubscription` as a browser makes it."""
        key = None
        if body is not None and body.applicationServerKey:
            try:
                key = push_crypto.decode(body.applicationServerKey)
            except ValueError as error:
                raise HTTPException(422, "applicationServerKey is not base64url") from error
        # The address that the egress guard knows, whichever of its names this was asked by.
        made = push.subscribe(f"http://{host}:{request.url.port or 80}", key)
        return Response(orjson.dumps(made), 201, media_type="application/json")

    @pages.delete(f"{SUBSCRIBE}/{{subscription_id}}", status_code=204)
    async def unsubscribe(subscription_id: str) -> Response:
        if not push.end(subscription_id):
            raise HTTPException(404)
        return Response(status_code=204)

    @pages.get(f"{SUBSCRIBE}/{{subscription_id}}/messages")
    async def messages(subscription_id: str) -> Response:
        """What waits for this browser, oldest first, one of each topic."""
        found = push.waiting(subscription_id)
        if found is None:
            raise HTTPException(404)
        body = orjson.dumps([each.to_json() for each in found])
        return Response(body, media_type="application/json")

    @pages.get("/push")
    async def browsers() -> Response:
        newest = islice(reversed(push.subscriptions.values()), SHOWN)
        return page("push.html", devices=[_device(each) for each in newest])

    @pages.get("/push-worker.js")
    async def worker() -> Response:
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return FileResponse(WORKER, media_type="text/javascript", headers=headers)

    return pages


def _device(subscription: Subscription) -> dict[str, object]:
    """What this device shows: one of each tag, the newest first."""
    shown: dict[str, object] = {}
    for message in subscription.messages:
        try:
            content = orjson.loads(message.text)
        except orjson.JSONDecodeError:
            content = None
        if not isinstance(content, dict):
            content = {"title": message.text[:200]}
        tag = str(content.get("tag") or message.id)
        shown.pop(tag, None)
        shown[tag] = {
            "title": str(content.get("title", "")),
            "body": str(content.get("body", "")),
            "actions": [
                str(each.get("title", ""))
                for each in content.get("actions") or ()
                if isinstance(each, dict)
            ],
            "urgency": message.urgency,
            "at": message.at_utc,
        }
    return {
        "id": subscription.id,
        "ended": subscription.ended,
        "shown": list(reversed(shown.values())),
    }
