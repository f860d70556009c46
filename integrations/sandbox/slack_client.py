"""What Slack tells an app of what people do: signed, waited for three seconds, events told again.

https://docs.slack.dev/interactivity/implementing-slash-commands,
https://docs.slack.dev/reference/interaction-payloads,
https://docs.slack.dev/apis/events-api#retries,
https://docs.slack.dev/authentication/verifying-requests-from-slack

Faults of the vendor `slack` meet what is posted here, too; the kinds are `commands`, `interactions`
and `events`: `delay_ms` holds it back, `drop: before` loses it, `drop: after` loses the answer, so
that an event comes again although it was taken.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode

import orjson

from core.errors import VendorError
from integrations.http import Client, vendor_client
from integrations.http_transport import Limits
from integrations.sandbox.faults import Faults
from integrations.sandbox.slack_workspace import BOT

PATIENCE_S: Final = 3.0
RETRIES_S: Final = (0.0, 60.0, 300.0)  # "almost immediately", after a minute, after five
NO_RETRY: Final = "x-slack-no-retry"

Kind = Literal["commands", "interactions", "events"]


@dataclass(frozen=True, slots=True)
class Told:
    """How an app took it. `status` null: no answer came in time; `answer`: the body of a 2xx."""

    status: int | None
    answer: bytes
    took_ms: int
    reason: str | None = None  # why Slack would tell it again

    @property
    def taken(self) -> bool:
        return self.reason is None


class SlackClient:
    """`url` is the app's, where `/commands`, `/interactions` and `/events` are.

    `signing_secret` is asked for when it is first needed: it may be a key that is made then.
    """

    def __init__(
        self,
        url: str,
        signing_secret: Callable[[], str],
        faults: Faults,
        *,
        retries_s: Sequence[float] = RETRIES_S,
    ) -> None:
        self._url = url
        self._secret = signing_secret
        self._faults = faults
        self.retries_s = retries_s
        self._http: Client | None = None
        self._retrying: set[asyncio.Task[None]] = set()

    async def command(self, fields: dict[str, str]) -> Told:
        return await self._tell("commands", urlencode(fields).encode())

    async def interaction(self, payload: dict[str, Any]) -> Told:
        body = urlencode({"payload": orjson.dumps(payload).decode()}).encode()
        return await self._tell("interactions", body)

    async def event(self, event: dict[str, Any], team: str) -> Told:
        """The first attempt; the others are made meanwhile, under the same `event_id`."""
        event_id = f"Ev{secrets.token_hex(5).upper()}"
        body = orjson.dumps(
            {
                "token": "deprecated",
                "team_id": team,
                "api_app_id": BOT["app_id"],
                "event": event,
                "type": "event_callback",
                "event_id": event_id,
                "event_time": int(time.time()),
                "authorizations": [
                    {
                        "enterprise_id": None,
                        "team_id": team,
                        "user_id": BOT["user"],
                        "is_bot": True,
                        "is_enterprise_install": False,
                    }
                ],
                "is_ext_shared_channel": False,
            }
        )
        told = await self._tell("events", body)
        if not told.taken:
            task = asyncio.create_task(self._again(body, told))
            self._retrying.add(task)
            task.add_done_callback(self._retrying.discard)
        return told

    async def aclose(self) -> None:
        for task in self._retrying:
            task.cancel()
        await asyncio.gather(*self._retrying, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    async def _again(self, body: bytes, told: Told) -> None:
        for nth, wait in enumerate(self.retries_s, start=1):
            await asyncio.sleep(wait)
            headers = {
                "x-slack-retry-num": str(nth),
                "x-slack-retry-reason": told.reason or "unknown_error",
            }
            told = await self._tell("events", body, headers)
            if told.taken:
                return

    async def _tell(self, kind: Kind, body: bytes, more: dict[str, str] | None = None) -> Told:
        fault = self._faults.meet("slack", kind) if self._faults.active else None
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.drop == "before":
            return Told(None, b"", 0, "connection_failed")
        began = time.monotonic()
        told = await self._post(kind, body, more or {}, began)
        if fault is not None and fault.drop is not None:
            return Told(None, b"", told.took_ms, "http_timeout")
        return told

    async def _post(self, kind: Kind, body: bytes, more: dict[str, str], began: float) -> Told:
        if self._http is None:
            self._http = vendor_client(Limits(timeout=PATIENCE_S))
        headers = {
            "content-type": "application/json"
            if kind == "events"
            else "application/x-www-form-urlencoded",
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **self._signed(body),
            **more,
        }
        try:
            answer = await self._http.post(f"{self._url}/{kind}", headers=headers, content=body)
        except VendorError as error:
            reason = "http_timeout" if error.ambiguous else "connection_failed"
            return Told(None, b"", _ms(began), reason)
        if answer.is_success:
            return Told(answer.status_code, answer.content, _ms(began))
        gives_up = answer.headers.get(NO_RETRY) == "1"
        return Told(answer.status_code, b"", _ms(began), None if gives_up else "http_error")

    def _signed(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        signed = b"v0:" + timestamp.encode() + b":" + body
        signature = hmac.new(self._secret().encode(), signed, hashlib.sha256).hexdigest()
        return {
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": f"v0={signature}",
        }


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
